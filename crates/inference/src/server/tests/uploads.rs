use super::*;
use crate::ServerOptions;

#[tokio::test]
async fn an_upload_is_bounded_hashed_and_gone_unless_it_is_pushed() {
    let it = Bench::new().await;
    let left = || {
        fs::read_dir(it.folder.path().join(".uploads"))
            .unwrap()
            .count()
    };
    let mut upload = it.server.upload().unwrap();
    let bytes = model(2.0);
    let (first, second) = bytes.split_at(7);
    upload.write(first).unwrap();
    upload.write(second).unwrap();
    let wrong = upload.expect_sha256("00").unwrap_err();
    assert!(wrong.to_string().contains("SHA-256"), "{wrong}");
    let mut push = it.push("elo", &bytes);
    push.file = upload.path().to_owned();
    fs::remove_file(it.folder.path().join(".uploads/sent")).unwrap();
    let view = it.server.push(push).await.unwrap();
    upload.expect_sha256(&view.sha256).unwrap();
    drop(upload);
    assert_eq!((view.version, left()), (2, 0));

    let mut long = it.server.upload().unwrap();
    let error = long.write(&vec![0; (1 << 20) + 1]).unwrap_err();
    assert!(matches!(
        error,
        InferenceError::TooLarge {
            bytes_max: 1_048_576
        }
    ));
    let others: Vec<_> = (0..3).map(|_| it.server.upload().unwrap()).collect();
    let full = it.server.upload().unwrap_err();
    assert!(matches!(full, InferenceError::ServerBusy { bound: 4, .. }));
    assert_eq!(left(), 4);
    drop((long, others));
    assert_eq!(left(), 0);
}

#[tokio::test]
async fn what_a_crash_or_another_process_left_is_in_no_uploads_way() {
    let it = Bench::new().await;
    let uploads = it.folder.path().join(".uploads");
    for number in 0..10 {
        fs::write(uploads.join(format!("upload-{number}")), "half").unwrap();
    }
    let other = ModelServer::open(options(&it.folder)).await.unwrap();
    let mut names = Vec::new();
    for server in [&it.server, &other] {
        let mut upload = server.upload().unwrap();
        upload.write(&model(2.0)).unwrap();
        let push = Push {
            file: upload.path().to_owned(),
            ..it.push("elo", b"")
        };
        names.push(upload.path().to_owned());
        server.push(push).await.unwrap();
    }
    assert_ne!(names[0], names[1]);
    let versions = other.versions(Some("elo")).unwrap();
    assert_eq!(versions.len(), 3);
}

#[tokio::test]
async fn numbers_of_versions_end_somewhere_and_it_is_said() {
    let it = Bench::new().await;
    let last = i64::MAX as u64;
    let mut push = it.push("elo", &model(2.0));
    push.version = Some(last + 1);
    let reason = it.refused(push).await;
    assert_eq!(
        reason,
        "version 9223372036854775808 is too high: they end with 9223372036854775807"
    );
    let mut push = it.push("elo", &model(2.0));
    push.version = Some(last);
    it.server.push(push).await.unwrap();
    let reason = it.refused(it.push("elo", &model(3.0))).await;
    assert!(reason.starts_with("no number is left above"), "{reason}");
    put(it.folder.path(), "elo", last + 1, &model(2.0));
    it.server.refresh().await.unwrap();
    assert_eq!(it.server.model("elo").unwrap().versions, [1, last]);
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_with_an_upload_before_anything_is_stored() {
    let it = Bench::new().await;
    let mut push = it.push("new", &model(2.0));
    push.config = Some(ModelConfig {
        canary: Some(Canary {
            version: 1,
            share: 1.5,
            failures_max: None,
        }),
        ..ModelConfig::default()
    });
    assert_eq!(
        it.refused(push).await,
        "the settings: canary.share is 1.5, which is not between 0 and 1"
    );
    assert!(!it.folder.path().join("new").exists());
}

#[tokio::test]
async fn a_version_is_deleted_unless_it_is_needed() {
    let it = Bench::new().await;
    for answer in [2.0, 3.0, 4.0] {
        it.server
            .push(it.push("elo", &model(answer)))
            .await
            .unwrap();
    }
    it.server.promote("elo", 3, false).await.unwrap();
    it.server.label("elo", "old", Some(1)).await.unwrap();
    let canary = Canary {
        version: 2,
        share: 0.5,
        failures_max: None,
    };
    it.server.canary("elo", Some(canary)).await.unwrap();
    for (version, reason) in [
        (
            3,
            "version 3 of elo serves: promote another first, or delete the model",
        ),
        (
            1,
            "version 1 of elo is labelled old: take the label away first",
        ),
        (2, "version 2 of elo is the canary: end it first"),
    ] {
        let error = it.server.remove("elo", version).await.unwrap_err();
        assert_eq!(error.to_string(), reason);
        assert!(matches!(error, InferenceError::Refused(_)));
    }
    it.server.remove("elo", 4).await.unwrap();
    assert!(!it.folder.path().join("elo/4").exists());
    let unknown = it.server.remove("elo", 4).await.unwrap_err();
    assert!(matches!(unknown, InferenceError::UnknownVersion { .. }));
    assert_eq!(it.server.model("elo").unwrap().versions, [1, 2, 3]);
    it.server.canary("elo", None).await.unwrap();
    it.server.remove("elo", 2).await.unwrap();
    let left = fs::read_dir(it.folder.path().join(".uploads")).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn an_upload_for_which_there_is_no_room_is_refused_and_what_serves_goes_on() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "elo", 1, &model(1.0));
    let mut options = options(&folder);
    options.load_wait_max = Duration::from_millis(5);
    let probe = ModelServer::open(options.clone()).await.unwrap();
    // However long that takes.
    probe.load("elo", &VersionRef::Serving).await.unwrap();
    options.budget_bytes = probe.cache_figures().bytes;
    let server = ModelServer::open(options).await.unwrap();
    let it = Bench { folder, server };
    it.write("elo/config.toml", "pin = true");
    it.server.refresh().await.unwrap();
    it.server.load("elo", &VersionRef::Serving).await.unwrap();
    let error = it
        .server
        .push(it.push("elo", &model(2.0)))
        .await
        .unwrap_err();
    assert!(matches!(error, InferenceError::NoRoom { .. }), "{error}");
    assert!(!it.folder.path().join("elo/2").exists());
    let left = fs::read_dir(it.folder.path().join(".uploads")).unwrap();
    assert_eq!((left.count(), it.serving()), (0, 1));
    assert!(
        it.server
            .infer(ask("elo"))
            .await
            .unwrap()
            .fallback
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_on_one_folder_take_uploads_and_changes_side_by_side() {
    let it = Bench::new().await;
    it.server.promote("elo", 1, false).await.unwrap();
    let mut servers = vec![Arc::clone(&it.server)];
    for _ in 0..3 {
        servers.push(ModelServer::open(options(&it.folder)).await.unwrap());
    }
    let mut work = Vec::new();
    for (number, server) in servers.into_iter().enumerate() {
        let file = it.folder.path().join(format!(".uploads/sent-{number}"));
        let push = Push {
            file: file.clone(),
            ..it.push("elo", b"")
        };
        work.push(tokio::spawn(async move {
            for _ in 0..8 {
                fs::write(&file, model(number as f64)).unwrap();
                server.push(push.clone()).await.unwrap();
                server.promote("elo", 1, false).await.unwrap();
            }
        }));
    }
    for it in work {
        it.await.unwrap();
    }
    it.server.refresh().await.unwrap();
    let versions: Vec<u64> = (1..=33).collect();
    assert_eq!(it.server.model("elo").unwrap().versions, versions);
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_goes_while_the_server_runs() {
    let folder = TempDir::new().unwrap();
    let options = ServerOptions {
        poll_every: Some(Duration::from_secs(60)),
        ..options(&folder)
    };
    let server = ModelServer::open(options).await.unwrap();
    let uploads = folder.path().join(".uploads");
    for name in ["old", "young"] {
        fs::write(uploads.join(name), "half").unwrap();
    }
    let old = fs::File::options().write(true).open(uploads.join("old"));
    let old = old.unwrap();
    let written = old.metadata().unwrap().modified().unwrap();
    old.set_modified(written - Duration::from_secs(7_200))
        .unwrap();
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert!(uploads.join("old").exists(), "an hour has not passed");
    tokio::time::sleep(Duration::from_secs(40 * 60)).await;
    assert!(!uploads.join("old").exists());
    assert!(uploads.join("young").exists());
    server.close().await;
}
