//! Folders that cannot be read for a while: what was known stays, and nothing is written over.

use std::os::unix::fs::symlink;

use super::*;

/// Puts something in place of a path that cannot be read, whoever asks; what it was lies beside.
fn spoil(it: &Bench, path: &str) {
    let path = it.folder.path().join(path);
    fs::rename(&path, it.folder.path().join(".kept")).unwrap();
    symlink(&path, &path).unwrap();
}

fn restore(it: &Bench, path: &str) {
    let path = it.folder.path().join(path);
    fs::remove_file(&path).unwrap();
    fs::rename(it.folder.path().join(".kept"), path).unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_for_a_while_stays_as_it_was_known_and_in_memory() {
    let it = Bench::new().await;
    it.write("elo/config.toml", "pin = true");
    it.server.label("elo", "stable", Some(1)).await.unwrap();
    it.server.load("elo", &VersionRef::Serving).await.unwrap();
    for path in ["elo", "elo/1", "elo/1/model.trees"] {
        spoil(&it, path);
        it.server.refresh().await.unwrap();
        assert_eq!((it.serving(), it.shares()), (1, vec![1.0]), "{path}");
        let memory = it.server.models.cache.try_lease("elo", 1);
        assert!(memory.is_some(), "{path}: it was unloaded");
        assert!(it.server.config("elo").unwrap().pin, "{path}");
        let problem = it.server.model("elo").unwrap().problem.unwrap();
        assert!(problem.contains("cannot be read"), "{path}: {problem}");
        restore(&it, path);
        it.server.refresh().await.unwrap();
        assert_eq!(it.server.model("elo").unwrap().problem, None, "{path}");
    }
    fs::remove_dir_all(it.folder.path().join("elo/1")).unwrap();
    it.server.refresh().await.unwrap();
    assert_eq!(it.server.model("elo").unwrap().versions, [0; 0]);
    fs::remove_dir_all(it.folder.path().join("elo")).unwrap();
    it.server.refresh().await.unwrap();
    assert!(it.server.index().is_empty());
}

#[tokio::test]
async fn a_link_that_leads_nowhere_hides_no_model() {
    let it = Bench::new().await;
    let strange = it.folder.path().join("old+1");
    symlink(&strange, &strange).unwrap();
    it.server.refresh().await.unwrap();
    assert_eq!(it.serving(), 1);
    let again = ModelServer::open(options(&it.folder)).await.unwrap();
    assert_eq!(again.index().len(), 1);
}

#[tokio::test]
async fn no_change_is_written_over_a_state_that_cannot_be_read() {
    let it = Bench::new().await;
    it.server.label("elo", "old", Some(1)).await.unwrap();
    for path in ["elo", "elo/state.json"] {
        spoil(&it, path);
        // It never read what was set before.
        let again = ModelServer::open(options(&it.folder)).await.unwrap();
        for server in [&again, &it.server] {
            server.refresh().await.unwrap();
            let error = server.label("elo", "new", Some(1)).await.unwrap_err();
            let wanted = it.folder.path().join("elo/state.json");
            let wanted = format!("{} cannot be read", wanted.display());
            assert_eq!(error.to_string(), wanted, "{path}");
        }
        restore(&it, path);
    }
    it.write("elo/state.json", "{");
    let error = it.server.label("elo", "new", Some(1)).await.unwrap_err();
    assert!(matches!(error, InferenceError::Folder { .. }), "{error}");
    assert_eq!(
        fs::read(it.folder.path().join("elo/state.json")).unwrap(),
        b"{"
    );
    fs::remove_file(it.folder.path().join("elo/state.json")).unwrap();
    it.server.label("elo", "new", Some(1)).await.unwrap();
    let again = ModelServer::open(options(&it.folder)).await.unwrap();
    let labels = again.versions(Some("elo")).unwrap().remove(0).labels;
    assert_eq!(labels, ["new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_servers_of_one_folder_change_at_once_is_kept_all_of_it() {
    let it = Bench::new().await;
    let other = ModelServer::open(options(&it.folder)).await.unwrap();
    let mut changes = tokio::task::JoinSet::new();
    for number in 0..20 {
        for (who, server) in [("here", &it.server), ("there", &other)] {
            let server = Arc::clone(server);
            let label = format!("{who}-{number}");
            changes.spawn(async move { server.label("elo", &label, Some(1)).await });
        }
    }
    for change in changes.join_all().await {
        change.unwrap();
    }
    let again = ModelServer::open(options(&it.folder)).await.unwrap();
    let labels = again.versions(Some("elo")).unwrap().remove(0).labels;
    assert_eq!(labels.len(), 40, "{labels:?}");
}

#[tokio::test]
async fn a_change_goes_by_what_another_server_has_changed_before_it() {
    let it = Bench::new().await;
    put(it.folder.path(), "elo", 2, &model(2.0));
    it.server.refresh().await.unwrap();
    it.server.promote("elo", 1, true).await.unwrap();
    let other = ModelServer::open(options(&it.folder)).await.unwrap();
    other.promote("elo", 2, true).await.unwrap();
    // It has not looked since.
    let error = it.server.remove("elo", 2).await.unwrap_err();
    assert!(error.to_string().contains("serves"), "{error}");
    it.server.label("elo", "last", Some(1)).await.unwrap();
    assert_eq!(it.serving(), 2);
}

#[tokio::test]
async fn what_was_promoted_and_is_gone_is_told_and_what_was_before_it_serves() {
    let it = Bench::new().await;
    for version in [2, 3] {
        put(it.folder.path(), "elo", version, &model(2.0));
    }
    it.server.refresh().await.unwrap();
    it.server.promote("elo", 1, false).await.unwrap();
    it.server.promote("elo", 2, false).await.unwrap();
    fs::remove_dir_all(it.folder.path().join("elo/2")).unwrap();
    it.server.refresh().await.unwrap();
    let told = it.server.model("elo").unwrap();
    assert_eq!(told.serving, Some(1), "and not 3, which nobody promoted");
    let wanted = "the label stable was set to 2, of which there is no model any more";
    assert_eq!(told.problem.as_deref(), Some(wanted));
}

#[tokio::test]
async fn a_model_goes_with_all_it_has_unless_another_falls_back_to_it() {
    let it = Bench::new().await;
    put(it.folder.path(), "elo", 2, &model(2.0));
    put(it.folder.path(), "rest", 1, &model(3.0));
    it.write("rest/config.toml", "fallback = \"elo\"");
    it.server.refresh().await.unwrap();
    it.server.label("elo", "old", Some(1)).await.unwrap();
    it.server.infer(ask("elo")).await.unwrap();
    let error = it.server.remove_model("elo").await.unwrap_err();
    assert!(
        error.to_string().starts_with("rest falls back to elo"),
        "{error}"
    );
    it.write("rest/config.toml", "");
    assert_eq!(it.server.remove_model("elo").await.unwrap(), [1, 2]);
    assert!(!it.folder.path().join("elo").exists());
    for error in [
        it.server.infer(ask("elo")).await.unwrap_err(),
        it.server.remove_model("elo").await.unwrap_err(),
    ] {
        assert!(matches!(error, InferenceError::UnknownModel(_)), "{error}");
    }
    // One of its name begins anew.
    let view = it.server.push(it.push("elo", &model(4.0))).await.unwrap();
    assert_eq!((view.version, view.labels.as_slice()), (1, &[][..]));
    it.server.infer(ask("rest")).await.unwrap();
}

#[tokio::test]
async fn who_asks_a_model_without_a_version_to_serve_hears_why_there_is_none() {
    let it = Bench::new().await;
    it.write("elo/1/model.txt", "tree");
    it.server.refresh().await.unwrap();
    let error = it.server.infer(ask("elo")).await.unwrap_err();
    let InferenceError::UnknownVersion { model, version } = error else {
        panic!("{error}");
    };
    assert_eq!(model, "elo");
    assert!(version.starts_with("to serve: version 1: "), "{version}");
    let error = it.server.infer(ask("none")).await.unwrap_err();
    assert!(matches!(error, InferenceError::UnknownModel(_)), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_served_and_takes_no_changes() {
    let it = Bench::new().await;
    let uploads = it.folder.path().join(".uploads");
    fs::remove_dir(&uploads).unwrap();
    fs::write(&uploads, "in the way, whoever writes").unwrap();
    let server = ModelServer::open(options(&it.folder)).await.unwrap();
    server.infer(ask("elo")).await.unwrap();
    let error = server.upload().unwrap_err();
    assert!(matches!(error, InferenceError::Folder { .. }), "{error}");
    fs::remove_file(&uploads).unwrap();
    drop(server.upload().unwrap());
    assert!(uploads.is_dir(), "it is made once it can be");

    let mut nowhere = options(&it.folder);
    nowhere.folder = "/proc/no-models".into();
    let server = ModelServer::open(nowhere).await.unwrap();
    assert!(server.index().is_empty());
    server.refresh().await.unwrap();
    let error = server.upload().unwrap_err();
    assert!(matches!(error, InferenceError::Folder { .. }), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_are_told_by_name_and_what_serves_goes_on() {
    let it = Bench::new().await;
    put(it.folder.path(), "other", 1, &model(2.0));
    let cases = [
        (
            "limits.requests_max = 0",
            "limits.requests_max is 0, which lets nothing through",
        ),
        (
            "limits.rows_max = 0",
            "limits.rows_max is 0, which lets nothing through",
        ),
        (
            "batching.rows_max = 0",
            "batching.rows_max is 0, which lets nothing through",
        ),
        (
            "batching.delay_us = 60000001",
            "batching.delay_us is 60000001, more than 60000000: so long nobody waits for others",
        ),
        (
            "labels = { stable = 9 }",
            "labels.stable is 9, of which there is no model",
        ),
        (
            "canary = { version = 9, share = 0.5 }",
            "canary.version is 9, of which there is no model",
        ),
        (
            "shadow = { version = 9, share = 0.5 }",
            "shadow.version is 9, of which there is no model",
        ),
        (
            "fallback = \"nope\"",
            "fallback is nope, a model that is not there",
        ),
        ("fallback = \"elo\"", "fallback is elo, the model itself"),
    ];
    for (text, reason) in cases {
        it.write("elo/config.toml", text);
        it.server.refresh().await.unwrap();
        let told = it.server.model("elo").unwrap();
        let problem = format!("config.toml: {reason}");
        assert_eq!((told.problem, told.serving), (Some(problem), Some(1)));
        it.server.infer(ask("elo")).await.unwrap();
    }
    it.write("elo/config.toml", "fallback = \"other\"");
    it.server.refresh().await.unwrap();
    assert_eq!(it.server.model("elo").unwrap().problem, None);
}

#[tokio::test]
async fn what_lies_where_no_version_is_looked_for_is_told() {
    let it = Bench::new().await;
    for path in ["flat", "zero/01", "named/v1", "bad name/1", ".hidden"] {
        fs::create_dir_all(it.folder.path().join(path)).unwrap();
    }
    it.write("flat/model.txt", "");
    it.write("README", "");
    it.server.refresh().await.unwrap();
    let told = it.server.index();
    let reasons: Vec<_> = told.iter().map(|it| (&*it.name, &*it.reason)).collect();
    let number = "is no number of a version: they have digits alone and do not begin with 0";
    let file = "model.txt lies beside the folders of versions: it belongs into one, such as 1";
    assert_eq!(
        reasons,
        [
            ("elo", ""),
            ("flat", file),
            ("named", &*format!("v1 {number}")),
            ("zero", &*format!("01 {number}")),
        ]
    );
    assert_eq!(it.server.strays(), ["bad name"]);
    it.write("elo/1/model.txt", "");
    it.server.refresh().await.unwrap();
    let reason = &it.server.index()[0].reason;
    assert_eq!(reason, "there are two models, model.trees and model.txt");
}
