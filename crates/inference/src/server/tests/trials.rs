//! Versions that are tried out: they answer their share, or nobody, and never the rest.

use super::*;

fn canary(version: u64) -> Option<Canary> {
    Some(Canary {
        version,
        share: 0.25,
        failures_max: None,
    })
}

fn shadow(version: u64) -> Option<Shadow> {
    Some(Shadow {
        version,
        share: 1.0,
        rows_min: 10,
        difference_max: None,
        promote: false,
    })
}

#[tokio::test]
async fn the_highest_version_does_not_serve_while_it_is_canary_or_shadow_nor_after() {
    for tried in ["canary", "shadow"] {
        let it = Bench::new().await;
        it.server.push(it.push("elo", &model(2.0))).await.unwrap();
        assert_eq!(
            it.serving(),
            2,
            "the highest serves where nothing else is said"
        );
        let share = if tried == "canary" {
            it.server.canary("elo", canary(2)).await.unwrap();
            0.25
        } else {
            it.server.shadow("elo", shadow(2)).await.unwrap();
            0.0
        };
        assert_eq!((it.serving(), it.shares()), (1, vec![1.0 - share, share]));
        it.server.canary("elo", None).await.unwrap();
        it.server.shadow("elo", None).await.unwrap();
        assert_eq!(it.serving(), 1, "{tried}: ending it promotes nothing");
        let again = ModelServer::open(options(&it.folder)).await.unwrap();
        assert_eq!(again.model("elo").unwrap().serving, Some(1));
        it.server.push(it.push("elo", &model(3.0))).await.unwrap();
        assert_eq!(it.serving(), 3, "a newer one was not passed over");
        it.server.promote("elo", 2, false).await.unwrap();
        it.server.label("elo", "stable", Some(3)).await.unwrap();
        it.server.remove("elo", 2).await.unwrap();
        assert_eq!(it.serving(), 3);
    }
}

#[tokio::test]
async fn a_version_passed_over_and_deleted_leaves_its_number_free() {
    let it = Bench::new().await;
    it.server.push(it.push("elo", &model(2.0))).await.unwrap();
    it.server.canary("elo", canary(2)).await.unwrap();
    it.server.canary("elo", None).await.unwrap();
    it.server.remove("elo", 2).await.unwrap();
    it.server.push(it.push("elo", &model(3.0))).await.unwrap();
    assert_eq!(it.serving(), 2);
}

#[tokio::test]
async fn a_canary_that_was_stopped_gets_traffic_again_wherever_it_is_set_again() {
    let it = Bench::new().await;
    it.server.push(it.push("elo", &model(2.0))).await.unwrap();
    let set = canary(2).map(|it| Canary { share: 1.0, ..it });
    it.server.canary("elo", set.clone()).await.unwrap();
    let other = ModelServer::open(options(&it.folder)).await.unwrap();
    let asked = async |server: &ModelServer| server.infer(ask("elo")).await.unwrap().version;
    assert_eq!(asked(&other).await, 2);
    // As the other does when it finds it wanting.
    let state = other.pipeline.states.known("elo").unwrap();
    let canary = set.clone().unwrap();
    assert!(state.stop(&canary) && !state.stop(&canary));
    assert_eq!(asked(&other).await, 1);
    state.kept(&canary);
    it.server.canary("elo", set).await.unwrap();
    other.refresh().await.unwrap();
    assert_eq!((asked(&it.server).await, asked(&other).await), (2, 2));
    other.close().await;
}

#[tokio::test]
async fn what_was_counted_of_versions_that_are_gone_is_forgotten() {
    let it = Bench::new().await;
    it.server.push(it.push("elo", &model(2.0))).await.unwrap();
    for version in [1, 2] {
        let mut request = ask("elo");
        request.version = VersionRef::Number(version);
        it.server.infer(request).await.unwrap();
    }
    let told = |version| {
        let line = format!("nv_inference_count{{model=\"elo\",version=\"{version}\"}}");
        it.server.metrics().contains(&line)
    };
    assert!(told(1) && told(2));
    it.server.remove("elo", 1).await.unwrap();
    assert!(!told(1) && told(2));
    it.server.remove_model("elo").await.unwrap();
    assert!(!told(2));
    assert!(it.server.pipeline.states.known("elo").is_none());
}

#[tokio::test]
async fn the_only_version_cannot_be_tried_out() {
    let it = Bench::new().await;
    for refused in [
        it.server.canary("elo", canary(1)).await,
        it.server.shadow("elo", shadow(1)).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, InferenceError::Refused(_)), "{error}");
        assert_eq!(
            error.to_string(),
            "version 1 is the only one of elo that can serve"
        );
    }
    // What a file says of it is left out and told.
    for tried in ["canary", "shadow"] {
        let text = format!("{tried} = {{ version = 1, share = 0.5 }}");
        it.write("elo/config.toml", &text);
        it.server.refresh().await.unwrap();
        let told = it.server.model("elo").unwrap();
        assert_eq!(told.serving, Some(1));
        let problem = format!("config.toml: {tried}.version is 1, the only version that can serve");
        assert_eq!(told.problem, Some(problem));
        it.server.infer(ask("elo")).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_policy_leaves_out_can_be_promoted() {
    let it = Bench::new().await;
    for answer in [2.0, 3.0] {
        it.server
            .push(it.push("elo", &model(answer)))
            .await
            .unwrap();
        it.server
            .promote("elo", answer as u64, false)
            .await
            .unwrap();
    }
    for answer in [4.0, 5.0] {
        it.server
            .push(it.push("elo", &model(answer)))
            .await
            .unwrap();
    }
    assert_eq!(it.server.roll_back("elo").await.unwrap(), 2);
    it.server.promote("elo", 3, false).await.unwrap();
    let reply = it.server.infer(ask("elo")).await.unwrap();
    assert_eq!((it.serving(), reply.version), (3, 3));
    assert_eq!(it.server.roll_back("elo").await.unwrap(), 2);
    let error = it.server.promote("elo", 9, false).await.unwrap_err();
    assert!(matches!(error, InferenceError::UnknownVersion { .. }));
    let broken = it.folder.path().join("elo/1/model.trees");
    fs::write(&broken, "nothing").unwrap();
    it.server.refresh().await.unwrap();
    let error = it.server.promote("elo", 1, false).await.unwrap_err();
    assert!(matches!(
        error,
        InferenceError::NotLoaded { version: 1, .. }
    ));
    assert_eq!(it.serving(), 2);
}

#[tokio::test]
async fn a_reply_names_the_file_that_answered_and_files_are_told_as_they_lie_there() {
    let it = Bench::new().await;
    let ask = || it.server.infer(ask("elo"));
    let first = ContentHash::of(&model(1.0));
    assert_eq!(ask().await.unwrap().content, first);
    assert_eq!(it.server.contents("elo").await.unwrap(), [(1, first)]);
    // Swapped in place: at once on disk, in replies once the folder was looked through.
    let swapped = model(2.0);
    put(it.folder.path(), "elo", 1, &swapped);
    let second = ContentHash::of(&swapped);
    assert_eq!(it.server.contents("elo").await.unwrap(), [(1, second)]);
    it.server.refresh().await.unwrap();
    let told = || async { ask().await.unwrap().content };
    let mut answered = told().await;
    for _ in 0..100 {
        if answered == second {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        answered = told().await;
    }
    assert_eq!(answered, second);
    assert_eq!(answered.to_string().len(), 64);
    let error = it.server.contents("other").await.unwrap_err();
    assert_eq!(error.to_string(), "model other is not known");
}

#[tokio::test]
async fn a_candidate_that_takes_other_rows_is_refused_as_canary_and_shadow_and_promoted_by_force() {
    let it = Bench::new().await;
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../trees/tests/golden/lightgbm/binary.txt"
    );
    let push = it.push("elo", &fs::read(golden).unwrap());
    it.server.push(push).await.unwrap();
    it.server.promote("elo", 1, true).await.unwrap();
    let views = it.server.versions(Some("elo")).unwrap();
    let differs: Vec<_> = views.iter().map(|it| it.differs.as_deref()).collect();
    let wanted = "it takes input [-1, 6] and not input [-1, 2]";
    assert_eq!(differs, [None, Some(wanted)]);
    for refused in [
        it.server.canary("elo", canary(2)).await,
        it.server.shadow("elo", shadow(2)).await,
        it.server.promote("elo", 2, false).await,
        it.server.label("elo", "stable", Some(2)).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, InferenceError::Refused(_)), "{error}");
        assert!(error.to_string().contains("[-1, 6]"), "{error}");
    }
    assert_eq!(it.shares(), [1.0, 0.0]);
    // Nor where neither was loaded, nor where it may not be asked for.
    fs::create_dir(it.folder.path().join("elo/3")).unwrap();
    fs::copy(golden, it.folder.path().join("elo/3/model.txt")).unwrap();
    it.write("elo/config.toml", "versions = { listed = [1] }");
    let again = ModelServer::open(options(&it.folder)).await.unwrap();
    assert_eq!(again.model("elo").unwrap().problem, None);
    let error = again.promote("elo", 3, false).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("force it, if that is what is wanted"),
        "{error}"
    );
    for refused in [
        again.canary("elo", canary(3)).await,
        again.shadow("elo", shadow(3)).await,
    ] {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("[-1, 6]"), "{error}");
    }
    again.promote("elo", 3, true).await.unwrap();
    assert_eq!(again.model("elo").unwrap().serving, Some(3));
}
