//! The server of models over real sockets: refusals at its bounds, and networks.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{home::Home, serve::Server};

const TREES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../trees/tests/golden/lightgbm/huber.txt"
);
const NETWORK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../inference/tests/golden/onnx/two_inputs.onnx"
);
/// How long a batch waits to fill.
const WAIT: Duration = Duration::from_secs(1);
/// Whoever asks waits a second for others, so that a test can come while somebody waits.
const SLOW: &str = "[batching]\nmode = \"batched\"\ndelay_us = 1_000_000\n";

struct Run {
    home: Home,
    server: Server,
    key: String,
}

/// An answer's status line and headers, and its body.
struct Told {
    head: String,
    body: Value,
}

impl Run {
    fn start(environment: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let mut server = Server::start(&home, environment);
        let key = server.first_key();
        server.until_ready();
        Self { home, server, key }
    }

    fn push(&self, name: &str, file: &str, settings: &str) {
        let path = self.home.path("settings.toml");
        fs::write(&path, settings).unwrap();
        let environment = [
            ("SPORTS_EDGE_LISTEN", self.server.address.as_str()),
            ("SPORTS_EDGE_KEY", self.key.as_str()),
        ];
        let settings = path.to_str().unwrap();
        let args = ["model", "push", name, file, "--settings", settings];
        let ended = self.home.run_with(&args, &environment);
        assert_eq!(ended.code, 0, "{ended:?}");
    }

    fn infer(&self, model: &str, body: &Value) -> Told {
        let (host, body) = (&self.server.address, body.to_string());
        let answer = self.server.ask(&format!(
            "POST /v2/models/{model}/infer HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Told {
            head: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")),
        }
    }

    /// What is told to who comes while another request waits for a batch of `model`; the one that
    /// waits is answered all the same.
    fn refusal(&self, model: &str, other: &str) -> Told {
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| self.infer(model, &row()));
            std::thread::sleep(WAIT / 4);
            let told = self.infer(other, &row());
            let first = waits.join().unwrap();
            assert!(first.head.starts_with("http/1.1 200"), "{}", first.head);
            told
        })
    }
}

fn row() -> Value {
    let data = [1, 2, 3, 4, 5, 6];
    json!({"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 6], "data": data}]})
}

fn assert_refused(told: &Told, status: &str, words: &str) {
    assert!(
        told.head.starts_with(&format!("http/1.1 {status} ")),
        "{}",
        told.head
    );
    let after = told
        .head
        .lines()
        .find_map(|it| it.strip_prefix("retry-after: "));
    let seconds: u64 = after.expect("it says when to come again").parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
    let text = told.body["error"].as_str().unwrap();
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_model_whose_queue_or_bound_is_full_answers_429_and_says_when_to_come_again() {
    let run = Run::start(&[]);
    run.push("queue", TREES, &format!("{SLOW}queue_max = 1\n"));
    let bound = format!("{SLOW}[limits]\nrequests_max = 1\n");
    run.push("bound", TREES, &bound);
    for model in ["queue", "bound"] {
        let told = run.refusal(model, model);
        assert_refused(
            &told,
            "429",
            &format!("model {model} has 1 requests at work"),
        );
    }
}

#[test]
fn the_bound_of_the_process_answers_503_and_says_when_to_come_again() {
    let run = Run::start(&[("SPORTS_EDGE_MODELS__REQUESTS_MAX", "1")]);
    run.push("slow", TREES, SLOW);
    run.push("other", TREES, "");
    let told = run.refusal("slow", "other");
    assert_refused(&told, "503", "1 requests are at work");
    let other = run.infer("other", &row());
    assert!(other.head.starts_with("http/1.1 200"), "{}", other.head);
}

#[test]
fn a_network_takes_the_signature_of_its_settings_and_says_that_it_explains_nothing() {
    let run = Run::start(&[]);
    let signature = r#"
[signature]
features = ["shape", "pace", "luck"]
[[signature.inputs]]
name = "form"
datatype = "FP32"
shape = [-1, 3]
[[signature.inputs]]
name = "count"
datatype = "INT64"
shape = [-1, 1]
[[signature.outputs]]
name = "winner"
datatype = "INT64"
shape = [-1]
"#;
    run.push("net", NETWORK, signature);
    let mut asked = json!({"inputs": [
        {"name": "form", "datatype": "FP32", "shape": [2, 3], "data": [0.5, -1.0, 2.0, 0, 0, 0]},
        {"name": "count", "datatype": "INT64", "shape": [2, 1], "data": [3, -2]},
    ]});
    let told = run.infer("net", &asked);
    assert!(told.head.starts_with("http/1.1 200"), "{}", told.body);
    let outputs = told.body["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 1, "the settings name one of two outputs");
    assert_eq!(
        (&outputs[0]["name"], &outputs[0]["shape"]),
        (&json!("winner"), &json!([2]))
    );
    asked["parameters"] = json!({"explain": true});
    let told = run.infer("net", &asked);
    assert!(told.head.starts_with("http/1.1 400 "), "{}", told.head);
    let words = "`explain` is for models of trees alone: what onnx runs gives no contributions";
    assert_eq!(told.body["error"], words);
}
