use engine::serving::VersionView;

use super::*;
use crate::pages::{
    models,
    tests::{served, serving_world},
};

async fn html(told: &Told, report: Option<u64>) -> String {
    let world = serving_world(&[]).await;
    let pages = world.pages();
    let shell = pages.shell(
        "model",
        "goals".to_owned(),
        "/models/goals".to_owned(),
        Preferences::default(),
    );
    let page = page(shell, told, report).render().unwrap();
    let (_, live) = page.split_once(r#"<div id="live""#).unwrap();
    live.split_once("</main>").unwrap().0.to_owned()
}

#[tokio::test]
async fn a_model_is_told_version_by_version_stage_by_stage() {
    let page = html(&served::told(), None).await;
    insta::assert_snapshot!(page.replace("><", ">\n<"));
}

#[tokio::test]
async fn what_a_button_does_is_said_before_it_is_pressed() {
    let says = |told: &Told, version: u64, act: &str| -> Option<String> {
        let card = Card::new(told, told.version(version)?);
        card.acts
            .into_iter()
            .find(|it| it.act == act)
            .map(|it| it.says)
    };
    let mut told = served::told();
    let promotion = says(&told, 5, "promote").unwrap();
    assert_eq!(
        promotion,
        "Version 5 takes all traffic from version 3, but for the 12.5% of canary version 4. \
         It is loaded first if it has to be, and can be rolled back."
    );
    // The policy leaves version 1 out, which does not keep it from being promoted; what serves is
    // not promoted.
    assert!(says(&told, 1, "promote").is_some() && says(&told, 1, "load").is_none());
    assert!(says(&told, 3, "promote").is_none() && says(&told, 3, "canary").is_none());
    assert!(says(&told, 2, "load").is_some() && says(&told, 4, "end-canary").is_some());
    let differs = "it gives output [-1, 3] and not output [-1, 1]";
    let fifth = told.versions.iter_mut().find(|it| it.version == 5);
    fifth.unwrap().differs = Some(differs.to_owned());
    let promotion = says(&told, 5, "promote").unwrap();
    assert!(
        promotion.ends_with(&format!(" Who asks may notice: {differs}.")),
        "{promotion}"
    );
    told.model.serving = None;
    told.model.canary = None;
    assert!(
        says(&told, 5, "promote")
            .unwrap()
            .starts_with("Version 5 takes all traffic. ")
    );
    assert!(acts::of_model(&told).iter().all(|it| it.act != "rollback"));
}

#[test]
fn only_what_is_not_needed_may_be_deleted() {
    let deletable = |told: &Told| -> Vec<u64> {
        let may = |it: &&VersionView| {
            let acts = acts::of_version(told, it);
            acts.iter().any(|it| it.act == "delete")
        };
        let free = told.versions.iter().filter(may);
        free.map(|it| it.version).collect()
    };
    let mut told = served::told();
    // 3 serves, 4 is the canary, 5 the shadow.
    assert_eq!(deletable(&told), [1, 2]);
    told.versions[0].labels = vec!["old".to_owned()];
    assert_eq!(deletable(&told), [2]);
    let acts = acts::of_version(&told, told.version(2).unwrap());
    let deletion = acts.iter().find(|it| it.act == "delete").unwrap();
    assert!(deletion.says.ends_with("can then not be taken back."));
    told.model.previous = None;
    told.model.shadow = None;
    told.versions[4].shadow = false;
    assert_eq!(deletable(&told), [2, 5]);
}

#[test]
fn the_form_of_a_shadow_begins_with_what_is_set() {
    let mut told = served::told();
    let act = |told: &Told, version: u64| {
        let acts = acts::of_version(told, told.version(version).unwrap());
        acts.into_iter().find(|it| it.act == "shadow").unwrap()
    };
    let set = act(&told, 5);
    assert_eq!(set.words, "Change its shadow");
    let data: Vec<_> = set
        .data
        .iter()
        .map(|(it, value)| (*it, value.as_str()))
        .collect();
    assert_eq!(
        data,
        [
            ("share", "50"),
            ("rows", "1000"),
            ("difference", "0.01"),
            ("auto", "yes")
        ]
    );
    let other = act(&told, 2);
    assert_eq!(other.words, "Run in the shadow");
    assert!(other.says.ends_with(" The shadow of version 5 ends."));
    told.model.shadow = None;
    assert_eq!(act(&told, 5).data, [("share", "100".to_owned())]);
}

#[tokio::test]
async fn labels_can_be_taken_away_but_for_stable() {
    let mut told = served::told();
    told.versions[1].labels = vec!["next".to_owned(), "stable".to_owned()];
    let page = html(&told, None).await;
    assert!(
        page.contains(
            r#"id="unlabel-2-next" data-act="unlabel" data-version="2" data-label="next""#
        )
    );
    assert!(!page.contains("unlabel-2-stable"));
    assert!(page.contains(r#"data-act="upload" data-bytes-max="268435456""#));
}

#[tokio::test]
async fn golden_rows_are_told_for_every_state() {
    use engine::serving::LoadState;
    let told = served::told();
    let golden = |state: LoadState, golden: bool, reason: Option<&str>, hash: &str| {
        let mut view = served::version(1);
        (view.state, view.golden) = (state, golden);
        (view.reason, view.sha256) = (reason.map(str::to_owned), hash.to_owned());
        let facts = Card::new(&told, &view).facts;
        facts
            .into_iter()
            .find(|it| it.name == "Golden rows")
            .unwrap()
            .value
    };
    assert_eq!(golden(LoadState::Ready, true, None, "a"), "agree");
    assert_eq!(golden(LoadState::Ready, false, None, "a"), "none");
    assert_eq!(
        golden(LoadState::Failed, true, Some("golden row 1: …"), ""),
        "differ"
    );
    assert_eq!(
        golden(LoadState::Failed, true, Some("model.txt: …"), ""),
        "not reached"
    );
    assert_eq!(
        golden(LoadState::Available, true, None, "a"),
        "agreed when loaded"
    );
    assert_eq!(
        golden(LoadState::Available, true, None, ""),
        "checked when loaded"
    );
}

#[tokio::test]
async fn the_report_of_another_version_is_shown_on_request() {
    let mut told = served::told();
    told.versions[4].report = Some("not JSON".to_owned());
    let serving = html(&told, None).await;
    assert!(serving.contains("Report of version 3") && serving.contains("<li>elo</li>"));
    assert!(serving.contains(r#"href="/models/goals?report=5#report""#));
    let other = html(&told, Some(5)).await;
    assert!(other.contains("Report of version 5") && other.contains("not JSON</pre>"));
    told.versions[2].report = None;
    assert!(html(&told, Some(99)).await.contains("Report of version 5"));
}

#[tokio::test]
async fn a_model_in_the_folder_has_a_page_and_another_has_none() {
    let world = serving_world(&["goals", "corners"]).await;
    let page = world.get("/models/goals").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for words in [
        "version 1 serves",
        "No request was answered",
        "checked",
        "Load</button>",
        "<noscript>",
    ] {
        let plain = page
            .body
            .replace(r#"<span class="vh"> version 1</span>"#, "");
        assert!(plain.contains(words), "{words}");
    }
    let policy = page.header("content-security-policy");
    assert_eq!(policy.matches("'sha256-").count(), 3, "{policy}");
    let list = world.get("/models?name=corn").await.body;
    assert!(list.contains(r#"id="m-corners""#) && !list.contains(r#"id="m-goals""#));
    assert_eq!(
        world.get("/models/none").await.status,
        StatusCode::NOT_FOUND
    );
    let empty = world.get("/models/%3Cscript%3E").await;
    assert_eq!(empty.status, StatusCode::NOT_FOUND);
    assert!(!empty.body.contains("<script>"));
}

#[tokio::test]
async fn a_model_never_asked_and_without_versions_is_drawn() {
    let mut told = served::told();
    told.versions.clear();
    told.statistics.clear();
    told.model.serving = None;
    told.model.canary = None;
    told.model.shadow = None;
    let page = html(&told, None).await;
    assert!(page.contains("No version yet") && page.contains("nothing serves"));
    assert_eq!(models::platform(""), told.platform());
    let mut told = served::told();
    told.versions = (1..=20).map(served::version).collect();
    assert!(
        html(&told, None)
            .await
            .contains("4 older ones are on disk.")
    );
}
