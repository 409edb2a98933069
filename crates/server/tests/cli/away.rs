//! Databases that go while a server is at work.

use std::fs::{self, File};

use testkit::{PostgresServer, ServerOptions};

use crate::{home::Home, serve::Server, shared::until};

const URL: &str = "SPORTS_EDGE_DATABASE__URL";

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
