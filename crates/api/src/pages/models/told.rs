//! What the server of models says of itself, gathered off the threads that answer requests.

use std::sync::Arc;

use engine::serving::{
    CacheFigures, InferenceError, LoadState, ModelServer, ModelView, StatisticsView, VersionView,
};

use crate::aside::aside;

/// A model with its versions and what they have done.
#[derive(Debug)]
pub(in crate::pages) struct Told {
    pub(in crate::pages) model: ModelView,
    /// Every version on disk, lowest first.
    pub(in crate::pages) versions: Vec<VersionView>,
    /// What those that may be asked for have done.
    pub(in crate::pages) statistics: Vec<StatisticsView>,
    /// The longest file that may be uploaded.
    pub(in crate::pages) upload_bytes_max: u64,
}

/// A stretch of the models there are; empty where none are served.
#[derive(Debug, Default)]
pub(in crate::pages) struct Overview {
    pub(in crate::pages) told: Vec<Told>,
    /// Models whose name has what was looked for.
    pub(in crate::pages) found: usize,
    /// Models there are.
    pub(in crate::pages) all: usize,
    pub(in crate::pages) cache: CacheFigures,
    /// The folder they lie in; empty where none are served.
    pub(in crate::pages) folder: String,
    /// The longest file that may be uploaded.
    pub(in crate::pages) upload_bytes_max: u64,
}

/// Which models are wanted.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Wanted {
    /// Part of the name; empty is every name.
    pub(in crate::pages) name: String,
    pub(in crate::pages) skip: usize,
    pub(in crate::pages) take: usize,
}

impl Told {
    fn of(server: &ModelServer, model: ModelView) -> Result<Self, InferenceError> {
        Ok(Self {
            versions: server.versions(Some(&model.name))?,
            statistics: server.statistics(Some(&model.name))?,
            upload_bytes_max: server.options().upload_bytes_max,
            model,
        })
    }

    /// A version's view.
    pub(in crate::pages) fn version(&self, number: u64) -> Option<&VersionView> {
        self.versions.iter().find(|it| it.version == number)
    }

    /// What a version has done; nothing where it cannot be asked for.
    pub(in crate::pages) fn done(&self, number: u64) -> Option<&StatisticsView> {
        self.statistics.iter().find(|it| it.version == number)
    }

    /// What runs the model, as far as any version says.
    pub(in crate::pages) fn platform(&self) -> &'static str {
        let serving = self.model.serving.and_then(|it| self.version(it));
        let mut views = serving.into_iter().chain(self.versions.iter().rev());
        let known = views.find(|it| !it.platform.is_empty());
        platform(known.map_or("", |it| &it.platform))
    }

    /// What is wrong, a sentence each.
    pub(in crate::pages) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(problem) = &self.model.problem {
            problems.push(format!(
                "Its settings are not in force: {}.",
                plain(problem)
            ));
        }
        if self.model.serving.is_none() {
            problems.push("No version of it can serve.".to_owned());
        }
        for view in &self.versions {
            problems.extend(problem(view, self.model.serving == Some(view.version)));
        }
        problems
    }
}

/// What is wrong with a version, in a sentence.
fn problem(view: &VersionView, serving: bool) -> Option<String> {
    let number = view.version;
    match view.state {
        LoadState::Failed => {
            let reason = view.reason.as_deref().unwrap_or("the log has the reason");
            Some(format!("Version {number} does not load: {reason}."))
        }
        LoadState::Unloaded if serving => Some(format!(
            "Version {number} was unloaded and answers nothing until it is loaded again."
        )),
        _ if view.canary_stopped.is_some() => Some(format!(
            "Version {number} was stopped as a canary: {}.",
            view.canary_stopped.as_deref().unwrap_or_default()
        )),
        _ if view.breaker_open => Some(format!(
            "Version {number} failed so often that it is left alone for a while."
        )),
        _ => None,
    }
}

/// A reason in one line, without the picture of the place that parsers draw.
fn plain(reason: &str) -> String {
    let drawn = |line: &&str| {
        let rest = line.trim_start_matches(|it: char| it.is_ascii_digit() || it == ' ');
        !rest.starts_with('|')
    };
    let lines: Vec<&str> = reason.lines().filter(drawn).map(str::trim).collect();
    lines.join(": ")
}

/// What runs a model, in words.
pub(in crate::pages) fn platform(key: &str) -> &'static str {
    match key {
        "trees_lightgbm" => "LightGBM trees",
        "trees_xgboost" => "XGBoost trees",
        "trees_onnx" => "ONNX trees",
        "trees_compact" => "trees, compact form",
        "onnx" => "ONNX network",
        "" => "not read yet",
        _ => "another kind",
    }
}

/// Gathers a stretch of the models.
pub(in crate::pages) async fn overview(server: &Arc<ModelServer>, wanted: Wanted) -> Overview {
    let server = Arc::clone(server);
    aside(move || {
        let models = server.models();
        let all = models.len();
        let found: Vec<ModelView> = models
            .into_iter()
            .filter(|it| it.name.contains(&wanted.name))
            .collect();
        let count = found.len();
        let stretch = found.into_iter().skip(wanted.skip).take(wanted.take);
        Overview {
            // A model taken away since is left out.
            told: stretch
                .filter_map(|it| Told::of(&server, it).ok())
                .collect(),
            found: count,
            all,
            cache: server.cache_figures(),
            folder: server.options().folder.display().to_string(),
            upload_bytes_max: server.options().upload_bytes_max,
        }
    })
    .await
}

/// Gathers what there is to say of one model; `None` where there is no such model.
pub(in crate::pages) async fn one(server: &Arc<ModelServer>, name: String) -> Option<Told> {
    let server = Arc::clone(server);
    aside(move || {
        let model = server.models().into_iter().find(|it| it.name == name)?;
        Told::of(&server, model).ok()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_reason_is_one_line() {
        let reason = "config.toml: error at line 1\n  |\n1 | x = 1\n  | ^\nunknown field `x`";
        assert_eq!(
            plain(reason),
            "config.toml: error at line 1: unknown field `x`"
        );
        assert_eq!(plain("no room"), "no room");
    }
}
