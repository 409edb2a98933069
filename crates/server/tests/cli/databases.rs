use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use testkit::{PostgresDatabase, PostgresServer, ServerOptions};

use crate::{home::Home, serve::Server};

const URL: &str = "SPORTS_EDGE_DATABASE__URL";

#[test]
fn a_database_is_looked_at_backed_up_and_restored() {
    let home = Home::new();
    let nothing = home.run(&["db", "status"]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(
        nothing.err.contains("there is no database at"),
        "{nothing:?}"
    );
    let made = home.run(&["db", "migrate"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("is new, with schema"), "{made:?}");
    home.import();
    let again = home.run(&["db", "migrate"]);
    assert!(again.out.contains("already"), "{again:?}");
    let status = home.run(&["db", "status"]);
    assert_eq!(status.code, 0, "{status:?}");
    for word in [
        "sports-edge.db",
        "as this program's",
        "kickoffs  2023-09-05",
        "fixtures",
        "rows",
    ] {
        assert!(status.out.contains(word), "{word}: {}", status.out);
    }

    let saved = home.run(&["db", "backup", "saved"]);
    assert_eq!(saved.code, 0, "{saved:?}");
    assert!(saved.out.contains("tables with"), "{saved:?}");
    let twice = home.run(&["db", "backup", "saved"]);
    assert_eq!(twice.code, 1);
    assert!(twice.err.contains("saved is there already"), "{twice:?}");
    let over = home.run(&["db", "restore", "saved"]);
    assert_eq!(over.code, 1);
    assert!(over.err.contains("is there already"), "{over:?}");
    let elsewhere = home.run(&["db", "restore", "saved", "--data-dir", "new/place"]);
    assert_eq!(elsewhere.code, 0, "{elsewhere:?}");
    assert!(elsewhere.out.contains("verified"), "{elsewhere:?}");
    let restored = home.run(&["db", "status", "--data-dir", "new/place"]);
    assert_eq!(rows(&restored.out), rows(&status.out));
}

#[test]
fn a_database_moves_to_postgresql_and_back() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let home = Home::new();
    home.import();
    let url = database.url();
    let empty = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert!(empty.out.contains("the database is empty"), "{empty:?}");
    let copied = home.run(&["db", "copy", "--to", &url]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert!(copied.out.contains("verified"), "{copied:?}");
    assert!(copied.err.contains("verify"), "progress: {}", copied.err);
    let file = home.run(&["db", "status"]);
    let server = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert_eq!(rows(&server.out), rows(&file.out));
    let again = home.run(&["db", "copy", "--to", &url]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is not empty"), "{again:?}");
    let back = home.run(&["db", "copy", "--from", &url, "--to", "back/copy.db"]);
    assert_eq!(back.code, 0, "{back:?}");
    let back = home.run_with(&["db", "status"], &[(URL, "back/copy.db")]);
    assert_eq!(rows(&back.out), rows(&file.out));
    let old = "UPDATE sports_edge SET schema = 0";
    database.sql(old);
    let old = home.run_with(&["db", "status"], &[(URL, &url)]);
    assert_eq!(old.code, 3, "{old:?}");
}

/// Names and rows of the tables that both kinds of database have.
fn rows(status: &str) -> Vec<(String, String)> {
    let (_, tables) = status.split_once("\ntable").unwrap();
    let lines = tables.lines().skip(1);
    let words = lines.map(|it| it.split_whitespace().map(str::to_owned));
    let rows = words.map(|mut it| (it.next().unwrap(), it.next().unwrap()));
    // Counters, and what each kind keeps ready of results in its own way.
    let own = [
        "meta",
        "pair_records",
        "sports_edge",
        "standings",
        "view_refreshes",
    ];
    rows.filter(|(name, _)| !own.contains(&name.as_str()))
        .collect()
}

#[test]
fn a_server_reads_from_replicas_what_its_clients_wrote() {
    let Some(primary) = PostgresServer::start(ServerOptions::default()) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let mut replica = primary.replica(ServerOptions::default());
    let home = Home::new();
    home.import();
    let (url, replica_url) = (primary.url("postgres"), replica.url("postgres"));
    let copied = home.run(&["db", "copy", "--to", &url]);
    assert_eq!(copied.code, 0, "{copied:?}");
    copy_modestly(&home, &primary);
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = port.local_addr().unwrap().to_string();
    drop(port);
    let environment = [
        (URL, url.as_str()),
        ("SPORTS_EDGE_DATABASE__REPLICAS", &replica_url),
        ("SPORTS_EDGE_METRICS_LISTEN", &metrics),
    ];
    let mut server = Server::start(&home, &environment);
    let key = server.first_key();
    server.until_ready();
    for round in 0..10 {
        let body = format!(
            r#"{{"data": [{{"fixture_id": 1, "bookmaker": "mine-{round}", "market": "h2h",
                "outcomes": [{{"outcome": "home", "price": 2.5}}]}}]}}"#
        );
        let host = &server.address;
        let length = body.len();
        let written = server.ask(&format!(
            "POST /v1/quotes HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        ));
        let position = written.split("sports-edge-position: ").nth(1);
        let position = position.unwrap_or_else(|| panic!("{written}"));
        let position = position.lines().next().unwrap();
        let read = server.ask(&format!(
            "GET /v1/fixtures/1/quotes HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             sports-edge-position: {position}\r\n\r\n"
        ));
        assert!(read.contains(&format!("mine-{round}")), "{read}");
        server.get(&format!("/v1/fixtures/{}", 2 + round));
        std::thread::sleep(Duration::from_millis(30));
    }
    let figures = get(&metrics, "/metrics");
    let reads = "sports_edge_database_reads_total{server=\"replica-1\"} ";
    let pool = "sports_edge_database_connections_max 16\n";
    assert!(figures.contains(pool), "{figures}");
    let count = figures.split(reads).nth(1).unwrap().lines().next().unwrap();
    assert!(count.parse::<u64>().unwrap() > 0, "{figures}");
    drop(server);

    let status = home.run_with(&["db", "status"], &environment);
    assert_eq!(status.code, 0, "{status:?}");
    let line = status.out.lines().find(|it| it.starts_with("replica"));
    assert!(line.unwrap().contains("behind"), "{status:?}");
    look_at_replicas(&home, &primary, &replica_url);
    replica.kill();
    let status = home.run_with(&["db", "status"], &environment);
    assert_eq!(status.code, 3, "{status:?}");
    let dead = home.run_with(&["doctor"], &environment).out;
    assert!(dead.contains("FIX  replica postgres://"), "{dead}");
    let file = home.run_with(&["serve"], &environment[1..2]);
    assert_eq!(file.code, 2);
    assert!(
        file.err.contains("replicas are of a PostgreSQL database"),
        "{file:?}"
    );
}

/// Copies to a database of somebody who may not look at the system's tables, and hears nothing of them.
fn copy_modestly(home: &Home, primary: &PostgresServer) {
    primary.sql("postgres", "CREATE ROLE modest LOGIN");
    primary.sql("postgres", "CREATE DATABASE modest OWNER modest");
    let modest = primary.url("modest").replace("postgres@", "modest@");
    let copied = home.run(&["db", "copy", "--to", &modest]);
    assert!(
        copied.code == 0 && !copied.err.contains("WARN"),
        "{copied:?}"
    );
}

/// What `doctor` says of one that is right, of the primary itself, and of another database.
fn look_at_replicas(home: &Home, primary: &PostgresServer, replica: &str) {
    let url = primary.url("postgres");
    primary.sql("postgres", "CREATE DATABASE other");
    let other = primary.url("other");
    assert_eq!(home.run_with(&["db", "migrate"], &[(URL, &other)]).code, 0);
    for (place, words) in [
        (replica, "is at change"),
        (&url, "follows nobody"),
        (&other, "has another database than database.url"),
    ] {
        let environment = [
            (URL, url.as_str()),
            ("SPORTS_EDGE_DATABASE__REPLICAS", place),
        ];
        let found = home.run_with(&["doctor"], &environment).out;
        let line = found
            .lines()
            .find(|it| it.contains("replica postgres://"))
            .unwrap_or_else(|| panic!("{found}"));
        assert!(line.contains(words), "{found}");
        assert_eq!(line.starts_with("ok"), place == replica, "{found}");
    }
}

/// What an address answers, head and body.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}
