use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::Value;

use crate::{home::Home, operated::Operated, serve::Server};

const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../trees/tests/golden/lightgbm/"
);

/// A home with a server and its first key.
fn start() -> Operated {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let key = server.first_key();
    server.until_ready();
    Operated {
        home,
        server,
        key,
        command: "model",
    }
}

fn file(name: &str) -> String {
    format!("{GOLDEN}{name}.txt")
}

#[test]
fn models_are_pushed_listed_promoted_rolled_back_and_measured() {
    let run = start();
    let report = run.home.path("report.json");
    fs::write(&report, r#"{"log_loss": 0.98}"#).unwrap();
    let settings = run.home.path("goals.toml");
    fs::write(&settings, "[limits]\nrows_max = 64\n").unwrap();
    let pushed = run.done(&[
        "push",
        "goals",
        &file("huber"),
        "--report",
        report.to_str().unwrap(),
        "--settings",
        settings.to_str().unwrap(),
    ]);
    assert!(pushed.contains("trees_lightgbm"), "{pushed}");
    let second = run.json(&["push", "goals", &file("square_root"), "--version", "5"]);
    assert_eq!(second["version"], 5);
    let list = run.done(&["list"]);
    assert!(list.contains("goals  repository  5"), "{list}");
    let model = run.json(&["promote", "goals", "1", "--force"]);
    assert_eq!(
        (&model["serving"], &model["previous"]),
        (&1.into(), &5.into())
    );
    let shown = run.done(&["rollback", "goals"]);
    assert!(shown.starts_with("goals: version 5 serves"), "{shown}");
    let model = run.json(&["canary", "goals", "1", "--share", "0.5"]);
    assert_eq!(model["versions"][0]["traffic_share"], 0.5);
    let model = run.json(&["canary", "goals", "--end"]);
    assert_eq!(model["versions"][0]["traffic_share"], 0.0);
    let model = run.json(&["shadow", "goals", "1", "--share", "0.25", "--rows-min", "9"]);
    assert_eq!(model["shadow"]["rows_min"], 9, "{model}");
    let model = run.json(&["shadow", "goals", "--end"]);
    assert!(model["shadow"].is_null(), "{model}");
    let model = run.json(&["label", "goals", "candidate", "1"]);
    let labels = model["versions"][0]["labels"].to_string();
    assert!(labels.contains("candidate"), "{model}");
    let needed = run.ended(&["delete", "goals", "1"]);
    assert!(
        needed.err.contains("take the label away first"),
        "{needed:?}"
    );
    let model = run.json(&["label", "goals", "candidate", "--remove"]);
    let labels = model["versions"][0]["labels"].to_string();
    assert!(!labels.contains("candidate"), "{model}");
    run.json(&["push", "goals", &file("square_root"), "--version", "7"]);
    run.done(&["promote", "goals", "5", "--force"]);
    let model = run.json(&["delete", "goals", "7"]);
    assert_eq!(model["versions"].as_array().unwrap().len(), 2, "{model}");
    run.done(&["unload", "goals"]);
    let model = run.json(&["load", "goals"]);
    assert_eq!(model["versions"][1]["state"], "ready");
    run.done(&["load", "goals", "--version", "1"]);
    assert!(run.done(&["show", "goals"]).contains("stable"));

    let bench = ["bench", "goals", "--rate", "200", "--seconds", "1"];
    let measured = run.json(&[&bench[..], &["--rows", "3"]].concat());
    let answered = measured["answered"].as_u64().unwrap();
    assert_eq!(measured["failed"], 0, "{measured}");
    assert_eq!(answered + measured["unsent"].as_u64().unwrap(), 200);
    assert!(measured["p50_ms"].as_f64() <= measured["max_ms"].as_f64());
    let statistics = run.json(&["stats", "goals"]);
    assert_eq!(statistics["data"][1]["rows"], (answered + 1) * 3);
    assert!(run.done(&["stats", "goals"]).contains("p99 µs"));
    let rows = run.home.path("rows.json");
    fs::write(&rows, r#"{"inputs": [[1, 2, 3, 4, 5, null]]}"#).unwrap();
    let text = run.done(&[&bench[..], &["--golden", rows.to_str().unwrap()]].concat());
    assert!(text.contains("failed    0"), "{text}");
    let long = run.ended(&[&bench[..], &["--rows", "65"]].concat());
    assert_eq!(long.code, 1);
    assert!(long.err.contains("answered 400"), "{long:?}");
}

#[test]
fn a_whole_model_is_deleted_where_all_of_it_is_meant() {
    let run = start();
    run.done(&["push", "goals", &file("square_root")]);
    run.done(&["push", "goals", &file("square_root")]);
    assert_eq!(run.ended(&["delete", "goals"]).code, 2);
    assert_eq!(run.ended(&["delete", "goals", "1", "--all"]).code, 2);
    let gone = run.done(&["delete", "goals", "--all"]);
    assert_eq!(gone, "goals is deleted, 2 version(s) with it\n");
    assert!(!run.done(&["list"]).contains("goals"));
}

#[test]
fn what_the_server_refuses_is_said_in_its_words() {
    let run = start();
    let nonsense = run.home.path("nonsense.txt");
    fs::write(&nonsense, "tree\nnonsense").unwrap();
    for (args, words) in [
        (vec!["show", "goals"], "model goals is not known"),
        (
            vec!["push", "goals", nonsense.to_str().unwrap()],
            "cannot be taken",
        ),
        (vec!["push", "goals", "/nowhere"], "/nowhere cannot be read"),
        (vec!["push", "goals", "/dev/null"], "the file is empty"),
        (vec!["bench", "goals"], "model goals is not known"),
        (vec!["list", "--server", "http://a/b"], "host and port"),
        (vec!["list", "--key", "nonsense"], "mistyped"),
    ] {
        let ended = run.ended(&args);
        assert_eq!(ended.code, 1, "{args:?}: {ended:?}");
        assert!(ended.err.contains(words), "{args:?}: {ended:?}");
    }
    let writer = run
        .home
        .run(&["key", "create", "--name", "w", "--scope", "write"]);
    let writer = writer.out.lines().next().unwrap().to_owned();
    let ended = run.ended(&["unload", "goals", "--key", &writer]);
    assert!(ended.err.contains("--scope models"), "{ended:?}");
    // So large that the server does not wait for the end of it.
    let large = run.home.path("large.txt");
    fs::write(&large, vec![b'x'; 8 << 20]).unwrap();
    for _ in 0..3 {
        let push = ["push", "goals", large.to_str().unwrap(), "--key", &writer];
        let ended = run.ended(&push);
        assert!(ended.err.contains("--scope models"), "{ended:?}");
    }
    let listen = [("SPORTS_EDGE_LISTEN", run.server.address.as_str())];
    let ended = run.home.run_with(&["model", "unload", "goals"], &listen);
    assert!(ended.err.contains("SPORTS_EDGE_KEY"), "{ended:?}");
    assert_eq!(run.ended(&["show", "a/b"]).code, 2);
    assert_eq!(run.ended(&["canary", "goals", "1"]).code, 2);
}

#[test]
fn where_no_server_answers_it_is_said_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let home = Home::new();
    let server = format!("http://{address}");
    let ended = home.run(&["model", "list", "--server", &server]);
    assert_eq!(ended.code, 1);
    for words in [server.as_str(), "sports-edge serve", "--server"] {
        assert!(ended.err.contains(words), "{words}: {ended:?}");
    }
}

#[test]
fn golden_rows_go_with_a_push_and_what_came_true_is_told() {
    let run = start();
    let golden = run.home.path("golden.json");
    fs::write(
        &golden,
        r#"{"inputs": [[0, 0, 0, 0, 0, 0]], "outputs": [[1e9]]}"#,
    )
    .unwrap();
    let path = golden.to_str().unwrap().to_owned();
    let wrong = run.ended(&["push", "goals", &file("huber"), "--golden", &path]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("golden row 0"), "{wrong:?}");

    run.done(&["push", "goals", &file("huber")]);
    let ask = r#"{"parameters": {"routing_key": "game-1"}, "inputs": [{"name": "input",
        "datatype": "FP64", "shape": [1, 6], "data": [0, 0, 0, 0, 0, 0]}]}"#;
    let host = &run.server.address;
    let answer = run.server.ask(&format!(
        "POST /v2/models/goals/infer HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{ask}",
        ask.len()
    ));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let given = serde_json::from_str::<Value>(body).unwrap()["outputs"][0]["data"][0].clone();
    let rows = serde_json::json!({"inputs": [[0, 0, 0, 0, 0, 0]], "outputs": [[given]]});
    fs::write(&golden, rows.to_string()).unwrap();
    let right = run.json(&["push", "goals", &file("huber"), "--golden", &path]);
    assert_eq!(
        (&right["version"], &right["golden"]),
        (&2.into(), &true.into())
    );

    let misfit = run.ended(&["observe", "goals", "game-1", "--class", "9"]);
    assert_eq!(misfit.code, 1);
    assert!(misfit.err.contains("no class 9"), "{misfit:?}");
    let told = run.done(&["observe", "goals", "game-1", "--value", "-1.5"]);
    assert!(told.contains("game-1") && told.contains('1'), "{told}");
    let again = run.json(&["observe", "goals", "game-1", "--value", "-1.5"]);
    assert_eq!(again["data"][0]["versions_scored"], 0);
    let versions = run.json(&["show", "goals"])["versions"].clone();
    assert_eq!(versions[0]["scored"], 1);
    assert_eq!(run.ended(&["observe", "goals", "game-1"]).code, 2);
}

#[test]
fn a_server_that_leads_to_another_is_not_followed_and_no_key_goes_there() {
    let (here, there) = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    there.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/v1/models", there.local_addr().unwrap());
    let server = format!("http://{}", here.local_addr().unwrap());
    let answer = format!("HTTP/1.1 307 x\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    let leading = std::thread::spawn(move || {
        let (mut stream, _) = here.accept().unwrap();
        let mut head = [0; 4_096];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let args = ["model", "list", "--server", &server, "--key", "se_secret"];
    let ended = Home::new().run(&args);
    // Where nobody came this is who does, so that the wait ends, and fails.
    let _ = TcpStream::connect(server.trim_start_matches("http://"));
    leading.join().unwrap();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains(&elsewhere), "{ended:?}");
    assert!(there.accept().is_err(), "nobody came");
}
