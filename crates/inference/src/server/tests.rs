use std::{fs, sync::Arc, time::Duration};

use tempfile::TempDir;
use trees::Precision;

use super::*;
use crate::{
    Canary, ContentHash, DataType, Fallback, InferRequest, InferenceError, Shadow, Tensor, Values,
    VersionRef,
    fixtures::{options, put, row, stump},
};

mod folders;
mod trials;
mod uploads;

/// A folder of models with version 1 of `elo`, and its server.
struct Bench {
    folder: TempDir,
    server: Arc<ModelServer>,
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        put(folder.path(), "elo", 1, &model(1.0));
        let server = ModelServer::open(options(&folder)).await.unwrap();
        Self { folder, server }
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join(path), text).unwrap();
    }

    fn push(&self, name: &str, bytes: &[u8]) -> Push {
        let file = self.folder.path().join(".uploads/sent");
        fs::write(&file, bytes).unwrap();
        Push {
            name: name.to_owned(),
            version: None,
            sha256: None,
            file,
            golden: None,
            report: None,
            config: None,
        }
    }

    async fn refused(&self, push: Push) -> String {
        let error = self.server.push(push).await.unwrap_err();
        assert!(matches!(error, InferenceError::BadModel(_)), "{error}");
        let left = fs::read_dir(self.folder.path().join(".uploads")).unwrap();
        assert_eq!(left.count(), 0);
        error.to_string()
    }

    fn serving(&self) -> u64 {
        self.server.models.repository.route("elo").unwrap().serving
    }

    fn shares(&self) -> Vec<f64> {
        let versions = self.server.versions(Some("elo")).unwrap();
        versions.iter().map(|it| it.traffic_share).collect()
    }
}

/// One row for what serves of a model.
fn ask(model: &str) -> InferRequest {
    InferRequest {
        model: model.to_owned(),
        version: VersionRef::Serving,
        inputs: row(1.0),
        outputs: Vec::new(),
        key: None,
        priority: 0,
        deadline: None,
        explain: false,
    }
}

fn model(answer: f64) -> Vec<u8> {
    stump(answer, answer, Precision::Double)
}

#[tokio::test]
async fn a_version_is_known_ready_described_and_loaded_on_first_use() {
    let it = Bench::new().await;
    let index = it.server.index();
    assert_eq!(
        (index[0].name.as_str(), index[0].state),
        ("elo", LoadState::Available)
    );
    assert!(it.server.is_ready("elo", &VersionRef::Serving).unwrap());
    assert!(it.server.is_warm());
    let metadata = it
        .server
        .metadata("elo", &VersionRef::Serving)
        .await
        .unwrap();
    assert_eq!(metadata.platform, "trees_compact");
    assert_eq!(metadata.signature.features, ["elo", "rest"]);
    assert_eq!(metadata.signature.outputs[0].datatype, DataType::Fp64);
    let view = it.server.versions(None).unwrap().remove(0);
    assert_eq!((view.state, view.sha256.len()), (LoadState::Ready, 64));
    assert!(view.memory_bytes > 0 && view.row_us > Some(0.0));
    it.server.close().await;
}

#[tokio::test]
async fn a_pushed_version_is_there_in_one_step_and_a_second_of_its_number_is_refused() {
    let it = Bench::new().await;
    let view = it.server.push(it.push("elo", &model(2.0))).await.unwrap();
    assert_eq!((view.version, view.state), (2, LoadState::Ready));
    let mut again = it.push("elo", &model(3.0));
    again.version = Some(2);
    let error = it.server.push(again).await.unwrap_err();
    assert!(matches!(
        error,
        InferenceError::VersionTaken { version: 2, .. }
    ));
    assert_eq!(error.to_string(), "model elo has version 2 already");
    let mut new = it.push("rest.model", &model(4.0));
    new.config = Some(ModelConfig {
        pin: true,
        ..ModelConfig::default()
    });
    new.report = Some(b"{}".to_vec());
    let view = it.server.push(new).await.unwrap();
    assert_eq!((view.version, view.report.as_deref()), (1, Some("{}")));
    assert!(it.server.config("rest.model").unwrap().pin);
}

#[tokio::test]
async fn what_is_wrong_with_a_push_is_said_and_leaves_nothing() {
    let it = Bench::new().await;
    for name in ["", "../x", ".x", "a/b"] {
        let mut push = it.push("elo", &model(2.0));
        push.name = name.to_owned();
        let reason = it.refused(push).await;
        assert!(reason.contains("is not a name"), "{reason}");
    }
    let mut push = it.push("elo", &model(2.0));
    push.sha256 = Some("00".to_owned());
    assert!(it.refused(push).await.contains("SHA-256"));
    let mut push = it.push("elo", &model(2.0));
    push.version = Some(0);
    assert_eq!(it.refused(push).await, "versions begin with 1");
    assert!(
        it.refused(it.push("elo", b"nonsense"))
            .await
            .starts_with("not a model")
    );
    let long = vec![0; (1 << 20) + 1];
    assert!(
        it.refused(it.push("elo", &long))
            .await
            .contains("1048577 bytes")
    );
    let mut push = it.push("elo", &model(2.0));
    push.golden = Some(br#"{"inputs": [[1, 0], [null, 0]], "outputs": [[2], [2.5]]}"#.to_vec());
    assert_eq!(
        it.refused(push).await,
        "golden row 1: 2 where 2.5 is wanted; where that is near enough, record the rows with one \
         thread (ONNX Runtime) or by Booster.predict (XGBoost), or give a tolerance"
    );
    assert_eq!(it.server.index().len(), 1);
}

#[tokio::test]
async fn promotion_and_roll_back_outlive_the_server() {
    let it = Bench::new().await;
    it.server.label("elo", "stable", Some(1)).await.unwrap();
    it.server.push(it.push("elo", &model(2.0))).await.unwrap();
    assert_eq!(it.serving(), 1);
    it.server.promote("elo", 2, false).await.unwrap();
    assert_eq!((it.serving(), it.shares()), (2, vec![0.0, 1.0]));
    let again = ModelServer::open(options(&it.folder)).await.unwrap();
    assert_eq!(again.roll_back("elo").await.unwrap(), 1);
    let error = again.roll_back("elo").await.unwrap_err();
    assert!(matches!(error, InferenceError::Refused(_)), "{error}");
    it.server.refresh().await.unwrap();
    assert_eq!(it.serving(), 1);
}

#[tokio::test]
async fn a_canary_takes_its_share_and_a_shadow_gates_promotion() {
    let it = Bench::new().await;
    it.server.label("elo", "stable", Some(1)).await.unwrap();
    put(it.folder.path(), "elo", 2, &model(2.0));
    it.server.refresh().await.unwrap();
    let canary = |version, share| {
        Some(Canary {
            version,
            share,
            failures_max: None,
        })
    };
    it.server.canary("elo", canary(2, 0.25)).await.unwrap();
    assert_eq!(it.shares(), [0.75, 0.25]);
    let error = it.server.canary("elo", canary(2, 1.5)).await.unwrap_err();
    assert!(matches!(error, InferenceError::BadModel(_)), "{error}");
    let error = it.server.canary("elo", canary(9, 0.5)).await.unwrap_err();
    assert_eq!(error.to_string(), "model elo has no version 9");
    it.server.canary("elo", None).await.unwrap();
    let shadow = Shadow {
        version: 2,
        share: 1.0,
        rows_min: 10,
        difference_max: Some(0.1),
        promote: false,
    };
    it.server.shadow("elo", Some(shadow)).await.unwrap();
    let error = it.server.promote("elo", 2, false).await.unwrap_err();
    assert!(matches!(error, InferenceError::Refused(_)), "{error}");
    it.server.promote("elo", 2, true).await.unwrap();
    assert!(it.server.config("elo").unwrap().shadow.is_none());
    assert_eq!(it.serving(), 2);
}

#[tokio::test]
async fn unloaded_is_not_ready_until_loaded_again() {
    let it = Bench::new().await;
    it.server.load("elo", &VersionRef::Number(1)).await.unwrap();
    it.server.unload("elo").await.unwrap();
    assert!(!it.server.is_ready("elo", &VersionRef::Serving).unwrap());
    assert_eq!(it.server.index()[0].state, LoadState::Unloaded);
    it.server.load("elo", &VersionRef::Serving).await.unwrap();
    assert!(it.server.is_ready("elo", &VersionRef::Serving).unwrap());
    let error = it.server.unload("other").await.unwrap_err();
    assert_eq!(error.to_string(), "model other is not known");
}

#[tokio::test]
async fn shares_that_are_none_are_refused_by_name() {
    let it = Bench::new().await;
    for (text, setting) in [
        (
            "canary = { version = 1, share = 1.5 }",
            "canary.share is 1.5",
        ),
        (
            "shadow = { version = 1, share = -1.0 }",
            "shadow.share is -1",
        ),
        (
            "guard = { error_rate_max = nan }",
            "guard.error_rate_max is NaN",
        ),
    ] {
        it.write("elo/config.toml", text);
        it.server.refresh().await.unwrap();
        let reason = &it.server.index()[0].reason;
        assert_eq!(
            *reason,
            format!("config.toml: {setting}, which is not between 0 and 1")
        );
    }
}

#[tokio::test]
async fn bounds_that_are_no_numbers_are_refused_by_name() {
    let it = Bench::new().await;
    for (text, setting) in [
        ("guard = { score_margin = nan }", "guard.score_margin"),
        (
            "shadow = { version = 1, share = 1.0, difference_max = nan }",
            "shadow.difference_max",
        ),
    ] {
        it.write("elo/config.toml", text);
        it.server.refresh().await.unwrap();
        let reason = &it.server.index()[0].reason;
        assert_eq!(*reason, format!("config.toml: {setting} is not a number"));
    }
}

#[tokio::test]
async fn broken_settings_are_a_reason_and_the_last_good_ones_stay() {
    let it = Bench::new().await;
    it.write("elo/config.toml", "pin = true");
    it.server.refresh().await.unwrap();
    it.write("elo/config.toml", "pin = maybe");
    it.write("elo/state.json", "{");
    fs::create_dir_all(it.folder.path().join("elo/7")).unwrap();
    fs::create_dir_all(it.folder.path().join("odd/01")).unwrap();
    it.server.refresh().await.unwrap();
    assert!(it.server.config("elo").unwrap().pin);
    let index = it.server.index();
    assert!(index[0].reason.contains("config.toml"), "{index:?}");
    assert_eq!((index[1].version, index[1].state), (7, LoadState::Failed));
    assert_eq!((index[2].name.as_str(), index[2].version), ("odd", 0));
    assert_eq!((index.len(), it.serving()), (3, 1));
}

#[tokio::test]
async fn policy_and_labels_say_what_may_be_asked_for() {
    let it = Bench::new().await;
    for version in 2..=4 {
        put(it.folder.path(), "elo", version, &model(version as f64));
    }
    it.write(
        "elo/config.toml",
        "[labels]\nold = 1\n[versions]\nlatest = 1",
    );
    it.server.refresh().await.unwrap();
    let entry = it.server.models.repository.route("elo").unwrap();
    assert_eq!((entry.versions.as_slice(), entry.serving), (&[1, 4][..], 4));
    let old = VersionRef::Label("old".to_owned());
    assert!(it.server.is_ready("elo", &old).unwrap());
    it.server.label("elo", "old", None).await.unwrap();
    let error = it.server.is_ready("elo", &old).unwrap_err();
    assert_eq!(error.to_string(), "model elo has no version old");
    let error = it.server.label("elo", "3", Some(4)).await.unwrap_err();
    assert!(matches!(error, InferenceError::BadModel(_)), "{error}");
}

#[tokio::test]
async fn leftovers_of_a_crash_are_cleared_and_a_file_for_a_folder_is_an_error() {
    let folder = TempDir::new().unwrap();
    let uploads = folder.path().join(".uploads");
    for name in ["old.d", "young.d"] {
        fs::create_dir_all(uploads.join(name)).unwrap();
    }
    for name in ["old", "young"] {
        fs::write(uploads.join(name), "half").unwrap();
    }
    for name in ["old.d", "old"] {
        let file = fs::File::open(uploads.join(name)).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - Duration::from_secs(60 * 60))
            .unwrap();
    }
    ModelServer::open(options(&folder)).await.unwrap();
    let left = ["old.d", "old", "young.d", "young"].map(|it| uploads.join(it).exists());
    assert_eq!(left, [false, false, true, true]);
    let mut wrong = options(&folder);
    wrong.folder = folder.path().join("file");
    fs::write(&wrong.folder, "").unwrap();
    let error = ModelServer::open(wrong).await.unwrap_err();
    assert!(matches!(error, InferenceError::Folder { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_folder_is_polled() {
    let folder = TempDir::new().unwrap();
    let mut polled = options(&folder);
    polled.poll_every = Some(Duration::from_secs(5));
    let server = ModelServer::open(polled).await.unwrap();
    put(folder.path(), "elo", 1, &model(1.0));
    assert!(server.index().is_empty());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(server.index().len(), 1);
    server.close().await;
}

#[tokio::test]
async fn a_model_takes_singles_whole_numbers_or_a_column_per_feature() {
    let it = Bench::new().await;
    put(
        it.folder.path(),
        "elo",
        2,
        &stump(-1.0, 1.0, Precision::Single),
    );
    it.server.refresh().await.unwrap();
    let lease = it.server.models.cache.lease("elo", 2).await.unwrap();
    let one = row(1.0).remove(0);
    let with = |values| Tensor {
        values,
        ..one.clone()
    };
    let column = |name: &str, value| Tensor {
        name: name.to_owned(),
        datatype: DataType::Int64,
        shape: vec![1],
        values: Values::Int64(vec![value]),
    };
    for inputs in [
        vec![one.clone()],
        vec![with(Values::Fp32(vec![1.0, 0.0]))],
        vec![with(Values::Int64(vec![1, 0]))],
        vec![column("rest", 0), column("elo", 1)],
    ] {
        let output = lease.backend.run(&inputs).unwrap().remove(0);
        assert_eq!(output.values, Values::Fp32(vec![1.0]), "{inputs:?}");
    }
    for inputs in [
        vec![column("elo", 1)],
        vec![with(Values::Bytes(vec![vec![], vec![]]))],
        vec![with(Values::Fp64(vec![1.0]))],
    ] {
        lease.backend.run(&inputs).unwrap_err();
    }
}

#[tokio::test]
async fn a_model_is_told_with_its_traffic_and_what_a_roll_back_brings_back() {
    let it = Bench::new().await;
    put(it.folder.path(), "elo", 2, &model(2.0));
    it.write(
        "elo/2/golden.json",
        r#"{"inputs": [[0.0, 0.0]], "outputs": [[2.0]]}"#,
    );
    it.server.refresh().await.unwrap();
    it.server.promote("elo", 1, false).await.unwrap();
    it.server.promote("elo", 2, false).await.unwrap();
    let canary = Canary {
        version: 1,
        share: 0.1,
        failures_max: None,
    };
    it.server.canary("elo", Some(canary.clone())).await.unwrap();
    let [model] = it.server.models().try_into().unwrap();
    assert_eq!((model.serving, model.previous), (Some(2), Some(1)));
    assert_eq!((model.canary, model.shadow), (Some(canary), None));
    assert_eq!((model.versions, model.problem), (vec![1, 2], None));
    let golden = it.server.versions(Some("elo")).unwrap();
    let golden: Vec<bool> = golden.iter().map(|it| it.golden).collect();
    assert_eq!(golden, [false, true]);
    let figures = it.server.cache_figures();
    assert_eq!((figures.loads, figures.resident, figures.in_use), (2, 2, 0));
    assert!(figures.bytes > 0 && figures.bytes <= figures.budget_bytes);
}

#[tokio::test]
async fn contributions_come_where_they_are_wanted_and_count_in_the_memory() {
    let it = Bench::new().await;
    it.write("elo/config.toml", "[batching]\nmode = \"direct\"\n");
    put(
        it.folder.path(),
        "elo",
        2,
        &stump(-1.0, 2.0, Precision::Double),
    );
    it.server.refresh().await.unwrap();
    let ask = |explain, outputs: &[&str]| InferRequest {
        version: VersionRef::Number(2),
        outputs: outputs.iter().map(|&it| it.to_owned()).collect(),
        explain,
        ..ask("elo")
    };
    let reply = it.server.infer(ask(false, &[])).await.unwrap();
    assert_eq!(reply.outputs.len(), 1);
    let before = it.server.versions(None).unwrap()[1].memory_bytes;
    for named in [&[][..], &["output"]] {
        let reply = it.server.infer(ask(true, named)).await.unwrap();
        let [output, contributions] = &reply.outputs[..] else {
            panic!("{reply:?}")
        };
        assert_eq!(output.values, Values::Fp64(vec![2.0]));
        assert_eq!(contributions.name, "contributions");
        assert_eq!(contributions.shape, [1, 1, 3]);
        // Half of the training rows went each way.
        let Values::Fp64(given) = &contributions.values else {
            panic!("{contributions:?}")
        };
        for (given, wanted) in given.iter().zip([1.5, 0.0, 0.5]) {
            assert!((given - wanted).abs() < 1e-15, "{given} for {wanted}");
        }
    }
    let after = it.server.versions(None).unwrap()[1].memory_bytes;
    assert!(after > before, "{after} after {before}");
    assert_eq!(it.server.models.cache.figures().bytes, after);
    it.server.unload("elo").await.unwrap();
    assert_eq!(it.server.models.cache.figures().bytes, 0);
}

#[tokio::test]
async fn a_new_version_takes_over_once_it_loads_and_a_broken_one_never_does() {
    let it = Bench::new().await;
    it.server.load("elo", &VersionRef::Serving).await.unwrap();
    put(it.folder.path(), "elo", 2, b"half of a mod");
    for _ in 0..2 {
        it.server.refresh().await.unwrap();
        assert_eq!((it.serving(), it.shares()), (1, vec![1.0, 0.0]));
    }
    let line = it.server.index().remove(1);
    assert_eq!(line.state, LoadState::Failed);
    put(it.folder.path(), "elo", 2, &model(2.0));
    it.server.refresh().await.unwrap();
    assert_eq!((it.serving(), it.shares()), (2, vec![0.0, 1.0]));
    let warm = it.server.models.cache.try_lease("elo", 2);
    assert!(warm.is_some(), "it was not loaded before it served");
}

#[tokio::test]
async fn a_version_that_does_not_load_is_answered_for_by_the_one_below() {
    let it = Bench::new().await;
    put(it.folder.path(), "elo", 2, b"half of a mod");
    it.server.refresh().await.unwrap();
    let reply = it.server.infer(ask("elo")).await.unwrap();
    assert_eq!(
        (reply.version, reply.fallback),
        (1, Some(Fallback::PreviousVersion))
    );
}
