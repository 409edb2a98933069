//! What can be done with a model and its versions: a button each, with what it changes in a
//! sentence. What the server would refuse as things are has no button.

use engine::serving::{LoadState, VersionView};

use crate::pages::{figures, models::Told};

/// Something that can be done, with what it changes in a sentence.
pub(super) struct Act {
    pub(super) act: &'static str,
    pub(super) words: String,
    pub(super) version: Option<u64>,
    pub(super) says: String,
    /// What its form begins with, by the names that the program knows.
    pub(super) data: Vec<(&'static str, String)>,
}

impl Act {
    fn new(act: &'static str, words: &str, says: String) -> Self {
        Self {
            act,
            words: words.to_owned(),
            version: None,
            says,
            data: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.data.push((name, value.to_string()));
        self
    }
}

/// What can be done with the model as a whole.
pub(super) fn of_model(told: &Told) -> Vec<Act> {
    let mut acts = Vec::new();
    if let (Some(serving), Some(previous)) = (told.model.serving, told.model.previous) {
        acts.push(Act::new(
            "rollback",
            &format!("Roll back to version {previous}"),
            format!(
                "The last promotion is taken back: version {previous} takes all traffic of version {serving}."
            ),
        ));
    }
    if told.versions.iter().any(|it| it.memory_bytes > 0) {
        let says = "Every version of the model leaves memory once nobody uses it. Requests are refused until a version is loaded again.";
        acts.push(Act::new("unload", "Unload", says.to_owned()));
    }
    acts.push(upload(told));
    acts
}

fn upload(told: &Told) -> Act {
    let rest = match told.model.serving {
        Some(serving) => format!(
            "Traffic stays with version {serving} unless the version policy says that the newest serves."
        ),
        None => "It serves if no other does.".to_owned(),
    };
    let says = format!(
        "The file is sent with its hash, read, compared with its golden rows and warmed up before anybody sees it. {rest}"
    );
    Act::new("upload", "Upload a version", says).with("bytes-max", told.upload_bytes_max)
}

/// What can be done with a version.
pub(super) fn of_version(told: &Told, view: &VersionView) -> Vec<Act> {
    let version = view.version;
    // What the policy leaves out has no statistics, and may not be asked for.
    let allowed = told.done(version).is_some();
    let serves = told.model.serving == Some(version);
    let file = view.file_bytes > 0;
    let idle = matches!(
        view.state,
        LoadState::Available | LoadState::Failed | LoadState::Unloaded
    );
    let mut acts = Vec::new();
    if !serves && file {
        acts.push(Act::new("promote", "Promote", promotion(told, view)));
    }
    if allowed && idle {
        let says = format!(
            "Version {version} is read into memory, checked and warmed up. No traffic moves."
        );
        acts.push(Act::new("load", "Load", says));
    }
    if !serves && file && view.state != LoadState::Failed {
        acts.extend(canary(told, version));
        acts.extend(shadow(told, version));
    }
    if file {
        let says = format!(
            "Requests that name the label get version {version}; if another version bears it, it moves here."
        );
        acts.push(Act::new("label", "Label", says));
    }
    acts.extend(deletion(told, view));
    for act in &mut acts {
        act.version = Some(version);
    }
    acts
}

fn canary(told: &Told, version: u64) -> Vec<Act> {
    let canary = told.model.canary.as_ref();
    let canary = canary.filter(|it| it.version == version);
    let words = canary.map_or("Try as canary", |_| "Change its share");
    let says = format!(
        "Version {version} answers this share of requests; the rest stays with {}.",
        rest(told)
    );
    let share = canary.map_or(10.0, |it| it.share * 100.0);
    let mut acts = vec![Act::new("canary", words, says).with("share", share)];
    if canary.is_some() {
        let says = "It gets no more requests than those that name it.".to_owned();
        acts.push(Act::new("end-canary", "End the canary", says));
    }
    acts
}

fn shadow(told: &Told, version: u64) -> Vec<Act> {
    let other = told.model.shadow.as_ref();
    let shadow = other.filter(|it| it.version == version);
    let words = shadow.map_or("Run in the shadow", |_| "Change its shadow");
    let mut says = format!(
        "Version {version} gets a copy of this share of requests and answers nobody; its outputs are set against those of {}.",
        rest(told)
    );
    if let Some(other) = other.filter(|it| it.version != version) {
        says.push_str(&format!(" The shadow of version {} ends.", other.version));
    }
    let share = shadow.map_or(100.0, |it| it.share * 100.0);
    let mut act = Act::new("shadow", words, says).with("share", share);
    let Some(shadow) = shadow else {
        return vec![act];
    };
    if shadow.rows_min > 0 {
        act = act.with("rows", shadow.rows_min);
    }
    if let Some(most) = shadow.difference_max {
        act = act.with("difference", most);
    }
    if shadow.promote {
        act = act.with("auto", "yes");
    }
    let says = "It gets no more copies, and what was compared is forgotten.".to_owned();
    vec![act, Act::new("end-shadow", "End the shadow", says)]
}

/// Nothing for a version that is needed: it serves, is canary or shadow, or bears a label.
fn deletion(told: &Told, view: &VersionView) -> Option<Act> {
    let version = view.version;
    let model = &told.model;
    let tried = model
        .canary
        .as_ref()
        .is_some_and(|it| it.version == version);
    let needed = model.serving == Some(version) || tried || view.shadow || !view.labels.is_empty();
    if needed {
        return None;
    }
    let mut says = format!(
        "Version {version} is deleted from disk with everything beside it, for good. Requests at work on it finish."
    );
    if model.previous == Some(version) {
        says.push_str(" The last promotion can then not be taken back.");
    }
    Some(Act::new("delete", "Delete", says))
}

/// What the rest of the traffic goes to.
fn rest(told: &Told) -> String {
    told.model.serving.map_or_else(
        || "the version that serves".to_owned(),
        |it| format!("version {it}"),
    )
}

/// What a promotion changes, in sentences.
fn promotion(told: &Told, view: &VersionView) -> String {
    let version = view.version;
    let other = told.model.canary.as_ref();
    let other = other.filter(|it| it.version != version && it.share > 0.0);
    let mut says = match told.model.serving {
        Some(serving) => format!("Version {version} takes all traffic from version {serving}"),
        None => format!("Version {version} takes all traffic"),
    };
    if let Some(canary) = other {
        let share = figures::share(canary.share);
        says.push_str(&format!(
            ", but for the {share} of canary version {}",
            canary.version
        ));
    }
    says.push_str(". It is loaded first if it has to be, and can be rolled back.");
    if let Some(what) = &view.differs {
        says.push_str(&format!(" Who asks may notice: {what}."));
    }
    says
}
