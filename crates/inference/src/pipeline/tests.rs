use std::{fs, io::Write, path::PathBuf, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    DataType, Eviction, Fallback, InferReply, InferRequest, InferenceError, ModelServer,
    ServerOptions, Signature, Tensor, TensorSpec, Values, VersionRef,
    backend::{Backend, RunError},
    model_cache::{Loaded, Source},
};

mod delays;
mod evidence;
mod leaving;
mod results;
mod stress;
mod trials;

/// Multiplies by what its file says; fails as its input says.
#[derive(Debug)]
struct Times {
    factor: f64,
    signature: Signature,
    folder: PathBuf,
}

const BAD_ROW: f64 = -1.0;
const TRANSIENT: f64 = -2.0;
const SLOW: f64 = -4.0;
const PANIC: f64 = -5.0;
/// Runs for as long as there is a file `held` beside the model.
const HELD: f64 = -6.0;

impl Backend for Times {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &'static str {
        "times"
    }

    fn size_bytes(&self) -> u64 {
        100
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError> {
        let Values::Fp64(values) = &inputs[0].values else {
            return Err(RunError::Rows("not numbers".to_owned()));
        };
        let has = |it: f64| values.contains(&it);
        assert!(!has(PANIC), "asked to");
        assert!(!self.factor.is_infinite(), "whatever it is asked");
        if has(HELD) {
            self.hold("begun");
        }
        if has(SLOW) {
            std::thread::sleep(Duration::from_millis(100));
        }
        if has(BAD_ROW) {
            return Err(RunError::Rows("a bad row".to_owned()));
        }
        if has(TRANSIENT) || self.factor < 0.0 {
            return Err(RunError::Transient("for now".to_owned()));
        }
        let mut output = inputs[0].clone();
        output.name = "y".to_owned();
        output.values = Values::Fp64(values.iter().map(|it| it * self.factor).collect());
        Ok(vec![output])
    }

    fn explain(&self, inputs: &[Tensor]) -> Result<Tensor, RunError> {
        self.hold("explained");
        let mut contributions = inputs[0].clone();
        contributions.name = "contributions".to_owned();
        Ok(contributions)
    }
}

impl Times {
    /// Says so in a file, and waits for as long as it is held.
    fn hold(&self, what: &str) {
        let path = self.folder.join(what);
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        file.unwrap().write_all(b".").unwrap();
        while self.folder.join("held").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn read(source: &Source) -> Result<Loaded, String> {
    let text = fs::read_to_string(&source.path).map_err(|it| it.to_string())?;
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        datatype: DataType::Fp64,
        shape: vec![-1, 1],
    };
    Ok(Loaded {
        backend: Box::new(Times {
            folder: source.path.parent().unwrap().to_owned(),
            factor: text.trim().parse().map_err(|_| "no factor".to_owned())?,
            signature: Signature {
                inputs: vec![spec("x")],
                outputs: vec![spec("y")],
                features: Vec::new(),
            },
        }),
        row_cost: Duration::from_millis(1),
        content: crate::ContentHash::of(text.as_bytes()),
        load_time: Duration::ZERO,
    })
}

/// A server of one model `m` with versions that multiply by these factors.
async fn serve(config: &str, factors: &[&str], requests_max: usize) -> (TempDir, Arc<ModelServer>) {
    let folder = TempDir::new().unwrap();
    for (index, factor) in factors.iter().enumerate() {
        let version = folder.path().join("m").join((index + 1).to_string());
        fs::create_dir_all(&version).unwrap();
        fs::write(version.join("model.txt"), factor).unwrap();
    }
    fs::write(folder.path().join("m/config.toml"), config).unwrap();
    let options = ServerOptions {
        folder: folder.path().to_owned(),
        poll_every: None,
        budget_bytes: 1 << 20,
        eviction: Eviction::Lru,
        loads_max: 2,
        load_wait_max: Duration::from_secs(5),
        load_backoff: Duration::from_millis(10),
        load_backoff_max: Duration::from_secs(1),
        requests_max,
        threads: 1,
        direct_max: Duration::from_micros(50),
        upload_bytes_max: 1 << 20,
        results_bytes_max: 1 << 20,
    };
    let server = ModelServer::open_with(options, read).await.unwrap();
    (folder, server)
}

fn ask(values: &[f64]) -> InferRequest {
    InferRequest {
        model: "m".to_owned(),
        version: VersionRef::Serving,
        inputs: vec![Tensor {
            name: "x".to_owned(),
            datatype: DataType::Fp64,
            shape: vec![values.len() as u64, 1],
            values: Values::Fp64(values.to_vec()),
        }],
        outputs: Vec::new(),
        key: None,
        priority: 0,
        deadline: None,
        explain: false,
    }
}

fn numbers(reply: &InferReply) -> &[f64] {
    match &reply.outputs[0].values {
        Values::Fp64(it) => it,
        other => panic!("{other:?}"),
    }
}

const BATCHED: &str = "[batching]\nmode = \"batched\"\n[retry]\nattempts = 0\n";
const DIRECT: &str = "[batching]\nmode = \"direct\"\n[retry]\nattempts = 0\n";

#[tokio::test]
async fn direct_and_batched_requests_are_answered_and_counted() {
    for config in [DIRECT, BATCHED] {
        let (_folder, server) = serve(config, &["3"], 10).await;
        let reply = server.infer(ask(&[1.0, 2.0])).await.unwrap();
        assert_eq!(numbers(&reply), [3.0, 6.0]);
        let counted = &server.statistics(Some("m")).unwrap()[0];
        assert_eq!((counted.success_count, counted.inference_count), (1, 2));
        assert_eq!(counted.batches, [(2, 1)]);
        let text = server.metrics();
        assert!(
            text.contains("nv_inference_count{model=\"m\",version=\"1\"} 2\n"),
            "{text}"
        );
        server.close().await;
    }
}

#[tokio::test]
async fn one_bad_request_of_a_batch_fails_alone() {
    let (_folder, server) = serve(BATCHED, &["2"], 100).await;
    let asks = [SLOW, 1.0, BAD_ROW, 2.0, PANIC, 3.0].map(|it| server.infer(ask(&[it])));
    let [slow, one, bad, two, panic, three] = asks;
    let (slow, one, bad, two, panic, three) = tokio::join!(slow, one, bad, two, panic, three);
    for (reply, wanted) in [(slow, -8.0), (one, 2.0), (two, 4.0), (three, 6.0)] {
        assert_eq!(numbers(&reply.unwrap()), [wanted]);
    }
    for failed in [bad, panic] {
        let error = failed.unwrap_err();
        assert!(
            matches!(
                error,
                InferenceError::Failed {
                    transient: false,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn bounds_refuse_at_once() {
    let (_folder, server) = serve(DIRECT, &["2"], 0).await;
    let error = server.infer(ask(&[1.0])).await.unwrap_err();
    for error in [error, server.admit("m").unwrap_err()] {
        assert!(
            matches!(error, InferenceError::ServerBusy { bound: 0, .. }),
            "{error}"
        );
    }

    let config = format!("{}requests_max = 1\n", delays::DELAYED);
    let (_folder, server) = serve(&config, &["2"], 10).await;
    let first = tokio::spawn({
        let server = server.clone();
        async move { server.infer(ask(&[1.0])).await }
    });
    let error = loop {
        match server.admit("m") {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    let second = server.infer(ask(&[1.0])).await.unwrap_err();
    for error in [error, second] {
        assert!(
            matches!(error, InferenceError::ModelBusy { bound: 1, .. }),
            "{error}"
        );
    }
    assert_eq!(server.statistics(None).unwrap()[0].refused_count, 2);
    first.abort();
    server.admit("unknown").unwrap();

    let config = "[batching]\nmode = \"batched\"\nqueue_max = 0\n";
    let (_folder, server) = serve(config, &["2"], 10).await;
    let error = server.infer(ask(&[1.0])).await.unwrap_err();
    assert!(matches!(error, InferenceError::ModelBusy { .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_be_in_time_is_refused_early() {
    for (config, left) in [(BATCHED, 5), (DIRECT, 0)] {
        let (_folder, server) = serve(config, &["2"], 10).await;
        let mut request = ask(&[1.0; 100]);
        request.deadline = Some(Instant::now() + Duration::from_millis(left));
        let error = server.infer(request).await.unwrap_err();
        assert!(matches!(error, InferenceError::Deadline), "{error}");
    }
}

#[tokio::test]
async fn what_does_not_fit_the_signature_is_named() {
    let (_folder, server) = serve(DIRECT, &["2"], 10).await;
    let check = async |wanted: &str, spoil: fn(&mut InferRequest)| {
        let mut request = ask(&[1.0, 2.0]);
        spoil(&mut request);
        let error = server.infer(request).await.unwrap_err();
        assert!(matches!(error, InferenceError::BadRequest(_)), "{error}");
        assert!(error.to_string().contains(wanted), "{error}");
    };
    check("input x is missing: 0 given", |it| it.inputs.clear()).await;
    check("no input z", |it| it.inputs[0].name = "z".to_owned()).await;
    check("input x is INT64", |it| {
        it.inputs[0].datatype = DataType::Int64
    })
    .await;
    check("values of another type", |it| {
        it.inputs[0].datatype = DataType::Fp32
    })
    .await;
    check("input x has shape [2]", |it| it.inputs[0].shape = vec![2]).await;
    check("input x has 2 values", |it| it.inputs[0].shape = vec![3, 1]).await;
    check("no output z", |it| it.outputs.push("z".to_owned())).await;
    check("output y is asked for twice", |it| {
        it.outputs = vec!["y".to_owned(); 2]
    })
    .await;
    check("0 rows given", |it| *it = ask(&[])).await;
    let mut request = ask(&[1.0]);
    request.model = "n".to_owned();
    let error = server.infer(request).await.unwrap_err();
    assert!(matches!(error, InferenceError::UnknownModel(_)), "{error}");
}

#[tokio::test]
async fn the_breaker_opens_lets_one_try_and_closes() {
    let config = format!("{DIRECT}[breaker]\nfailures = 2\nopen_ms = 60\n");
    let (_folder, server) = serve(&config, &["2"], 10).await;
    for _ in 0..2 {
        let error = server.infer(ask(&[TRANSIENT])).await.unwrap_err();
        assert!(
            matches!(
                error,
                InferenceError::Failed {
                    transient: true,
                    ..
                }
            ),
            "{error}"
        );
    }
    let error = server.infer(ask(&[1.0])).await.unwrap_err();
    assert!(
        matches!(error, InferenceError::BreakerOpen { version: 1, .. }),
        "{error}"
    );
    assert!(server.versions(None).unwrap()[0].breaker_open);
    tokio::time::sleep(Duration::from_millis(80)).await;
    server.infer(ask(&[1.0])).await.unwrap();
    assert!(!server.versions(None).unwrap()[0].breaker_open);
}

#[tokio::test]
async fn a_failing_canary_falls_back_and_is_stopped() {
    let canary = "[canary]\nversion = 2\nshare = 1.0\nfailures_max = 2\n[labels]\nstable = 1\n";
    let (_folder, server) = serve(&format!("{DIRECT}{canary}"), &["2", "-1"], 10).await;
    for _ in 0..2 {
        let reply = server.infer(ask(&[1.0])).await.unwrap();
        assert_eq!(
            (reply.version, reply.fallback),
            (1, Some(Fallback::PreviousVersion))
        );
    }
    let reply = server.infer(ask(&[1.0])).await.unwrap();
    assert_eq!((reply.version, reply.fallback), (1, None));
}

#[tokio::test]
async fn a_canary_gets_its_share_and_a_key_always_goes_the_same_way() {
    let canary = "[canary]\nversion = 2\nshare = 0.25\n[labels]\nstable = 1\n";
    let (_folder, server) = serve(&format!("{DIRECT}{canary}"), &["2", "3"], 10).await;
    let mut tried = 0;
    for key in 0..1_000 {
        let mut versions = Vec::new();
        for value in [1.0, 2.0] {
            let mut request = ask(&[value]);
            request.key = Some(format!("key {key}"));
            versions.push(server.infer(request).await.unwrap().version);
        }
        assert_eq!(versions[0], versions[1]);
        tried += u32::from(versions[0] == 2);
    }
    assert!(
        (200..300).contains(&tried),
        "{tried} of 1000 went to the canary"
    );
}

#[tokio::test]
async fn urgent_requests_overtake_and_callers_that_left_are_skipped() {
    let config = BATCHED.replace("batched\"\n", "batched\"\nrows_max = 1\n");
    let (_folder, server) = serve(&config, &["2"], 10).await;
    server.infer(ask(&[1.0])).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    // Tasks of their own go on in the order in which they are answered.
    let send = |value: f64, priority: u64| {
        let (server, order) = (Arc::clone(&server), Arc::clone(&order));
        tokio::spawn(async move {
            let mut request = ask(&[value]);
            request.priority = priority;
            server.infer(request).await.unwrap();
            order.lock().unwrap().push(value);
        })
    };
    let first = send(SLOW, 1);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let left = tokio::time::timeout(Duration::from_millis(20), server.infer(ask(&[9.0])));
    let (left, first, last, urgent) = tokio::join!(left, first, send(1.0, 0), send(2.0, 1));
    left.unwrap_err();
    for it in [first, last, urgent] {
        it.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [SLOW, 2.0, 1.0]);
    let counted = &server.statistics(None).unwrap()[0];
    assert_eq!(
        counted.execution_count, 4,
        "the caller that left was run for"
    );
}
