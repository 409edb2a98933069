//! Databases that go while a server is at work.

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use testkit::{PostgresDatabase, PostgresServer, ServerOptions};

use crate::{databases, home::Home, serve::Server, shared::until};

const URL: &str = "SPORTS_EDGE_DATABASE__URL";
const REPLICAS: &str = "SPORTS_EDGE_DATABASE__REPLICAS";

/// A server that is ready, and what it has written to its log.
fn start(home: &Home, environment: &[(&str, &str)]) -> (Server, impl Fn() -> String + use<>) {
    let path = home.path("log");
    let server = Server::start_to(home, environment, File::create(&path).unwrap().into());
    server.until_ready();
    (server, move || fs::read_to_string(&path).unwrap())
}

fn unready_because(server: &Server, reason: &str) -> bool {
    let answer = server.get("/health/ready");
    answer.starts_with("HTTP/1.1 503") && answer.contains(reason)
}

#[test]
fn a_server_says_when_postgresql_goes_why_and_when_it_is_back() {
    let Some(mut database) = PostgresServer::start(ServerOptions::default()) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let home = Home::new();
    let url = database.url("postgres");
    let (server, log) = start(&home, &[(URL, &url)]);
    database.kill();
    until("it is not ready", || {
        unready_because(&server, "the database does not answer")
    });
    until("the log says so", || log().contains("database away"));
    for args in [
        &["db", "status"][..],
        &["db", "backup", "saved"],
        &["db", "copy", "--to", "x.db"],
    ] {
        let ended = home.run_with(args, &[(URL, &url)]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains("refused"), "{ended:?}");
    }
    database.restart();
    server.until_ready();
    until("the log says so", || log().contains("database there"));
    server.signal("TERM");
    assert!(server.end().success());
    let log = log();
    let away: Vec<_> = log
        .lines()
        .filter(|it| it.contains("database away"))
        .collect();
    assert_eq!(away.len(), 1, "{log}");
    assert!(
        away[0].contains("WARN") && !away[0].contains("the store failed\""),
        "{log}"
    );
}

/// What a server answers to a read with a key.
fn read(server: &Server, key: &str) -> String {
    let host = &server.address;
    server.ask(&format!(
        "GET /v1/competitions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         x-api-key: {key}\r\n\r\n"
    ))
}

#[test]
fn reads_go_on_and_a_server_stays_ready_while_only_the_primary_is_away() {
    let Some(mut primary) = PostgresServer::start(ServerOptions::default()) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let home = Home::new();
    let url = primary.url("postgres");
    let made = home.run_with(&["db", "migrate"], &[(URL, &url)]);
    assert_eq!(made.code, 0, "{made:?}");
    let mut replica = primary.replica(ServerOptions::default());
    let replicas = replica.url("postgres");
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = port.local_addr().unwrap().to_string();
    drop(port);
    let environment = [
        (URL, &*url),
        (REPLICAS, &*replicas),
        ("SPORTS_EDGE_METRICS_LISTEN", &*metrics),
    ];
    let (mut server, log) = start(&home, &environment);
    let key = server.first_key();
    let says = |status: &str, word: &str| {
        let answer = server.get("/health/ready");
        answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(word)
    };
    let counts = |values: [u8; 3]| {
        let text = databases::get(&metrics, "/metrics");
        let names = ["ready", "degraded", "database_up"];
        let mut lines = names
            .iter()
            .zip(values)
            .map(|(name, value)| format!("\nsports_edge_{name} {value}\n"));
        lines.all(|it| text.contains(&it))
    };
    until("it is ready", || says("200", r#""status":"ok""#));
    assert!(counts([1, 0, 1]));
    until("the replica is read from", || {
        log().contains("replica is in the rotation")
    });
    primary.kill();
    let degraded = r#""status":"degraded","writes":"away""#;
    until("it says what does not go", || says("200", degraded));
    until("metrics say the same", || counts([1, 1, 0]));
    let answer = read(&server, &key);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    replica.kill();
    until("nobody reads", || {
        says("503", "the database does not answer")
    });
    until("metrics say the same", || counts([0, 0, 0]));
    primary.restart();
    until("it is ready again", || says("200", r#""status":"ok""#));
}

#[test]
fn a_read_with_a_key_is_answered_though_its_use_cannot_be_noted() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let home = Home::new();
    let mut server = Server::start(&home, &[(URL, &database.url())]);
    let key = server.first_key();
    server.until_ready();
    database.sql("ALTER TABLE api_keys ADD CHECK (last_used_at IS NULL)");
    let answer = read(&server, &key);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_database_that_comes_later_than_the_server_is_waited_for() {
    let Some(mut database) = PostgresServer::start(ServerOptions::default()) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let home = Home::new();
    let url = database.url("postgres");
    let environment = [(URL, url.as_str())];
    database.kill();
    let log = |name: &str| fs::read_to_string(home.path(name)).unwrap_or_default();
    let waits = |name: &str| log(name).matches("database away, waited for").count() == 1;

    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.stderr(File::create(home.path("stopped")).unwrap());
    let mut stopped = command.envs(environment).spawn().unwrap();
    until("it waits", || waits("stopped"));
    let id = stopped.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
    assert!(sent.unwrap().success() && stopped.wait().unwrap().success());

    let server = thread::scope(|scope| {
        let file = File::create(home.path("log")).unwrap();
        let starting = scope.spawn(|| Server::start_to(&home, &environment, file.into()));
        until("it waits", || waits("log") || starting.is_finished());
        database.restart();
        starting.join().unwrap()
    });
    server.until_ready();
    assert!(waits("log"), "{}", log("log"));
}

#[test]
fn a_server_says_when_its_file_is_deleted_or_replaced() {
    for another in [false, true] {
        let home = Home::new();
        home.import();
        assert_eq!(home.run(&["db", "backup", "saved"]).code, 0);
        let (server, log) = start(&home, &[]);
        let folder = home.path(".local/share/sports-edge");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.display().to_string().contains("sports-edge.db") {
                fs::remove_file(path).unwrap();
            }
        }
        if another {
            let restored = home.run(&["db", "restore", "saved"]);
            assert_eq!(restored.code, 0, "{restored:?}");
        }
        let reason = "the database was deleted or replaced while it was open";
        until("it is not ready", || unready_because(&server, reason));
        until("the log says so", || log().contains("database replaced"));
        let log = log();
        let line = log.lines().find(|it| it.contains("database replaced"));
        let line = line.unwrap();
        assert!(
            line.contains("ERROR") && line.contains("sports-edge.db was"),
            "{line}"
        );
    }
}
