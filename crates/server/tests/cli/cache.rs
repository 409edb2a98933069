use std::fs;

use crate::{home::Home, operated::Operated, serve::Server};

/// A home with games, a server, a key that may operate it, and the first key, which may not.
fn start() -> (Operated, String) {
    let home = Home::new();
    home.import();
    let mut server = Server::start(&home, &[]);
    let first_key = server.first_key();
    server.until_ready();
    let run = Operated::with_scope("cache", (home, server), "admin");
    (run, first_key)
}

#[test]
fn a_cache_is_warmed_looked_at_previewed_and_purged() {
    let (run, _) = start();
    let list = run.home.path("addresses.txt");
    fs::write(&list, "\nhttp://localhost/v1/competitions\n").unwrap();
    let file = ["--file", list.to_str().unwrap()];
    let warmed = run.json(&[&["warm", "/v1/teams?limit=3"][..], &file].concat());
    assert_eq!((&warmed["made"], &warmed["kept"]), (&2.into(), &0.into()));
    let again = run.done(&["warm", "/v1/teams?limit=3"]);
    assert!(again.starts_with("0 made, 1 there and fresh, 0 failed, 0 left"));

    let look = run.json(&["look", "/v1/teams?limit=3"]);
    assert_eq!(look["entry"]["state"], "fresh", "{look}");
    assert_eq!(look["kind"], "answer.teams");
    assert!(run.done(&["look", "/v1/teams"]).contains("is not kept"));
    let top = run.done(&["top", "--by", "bytes", "--limit", "5"]);
    assert!(top.contains("/v1/teams?limit=3"), "{top}");
    assert_eq!(run.json(&["top"])["data"].as_array().unwrap().len(), 2);

    let all = ["--tag", "names", "--kind", "answer.teams"];
    let preview = run.json(&[&["preview"][..], &all].concat());
    let entries = preview["entries"].as_u64().unwrap();
    assert!((1..=2).contains(&entries), "{preview}");
    assert!(preview["replicas"].is_null());
    let told = run.done(&["preview", "--address", "/v1/teams?limit=3"]);
    assert!(told.starts_with("would drop 1 entries"), "{told}");
    let purged = run.done(&["purge", "--address", "/v1/teams?limit=3"]);
    assert!(purged.contains("dropped 1 entries") && purged.contains("1 answer.teams"));
    let gone = run.json(&["look", "/v1/teams?limit=3"]);
    assert_eq!(gone["entry"]["state"], "gone", "{gone}");
    assert_eq!(run.json(&["purge", "--everything"])["entries"], 1);
    let statistics = run.done(&["stats"]);
    for words in ["in memory", "answer.board", "saved s"] {
        assert!(statistics.contains(words), "{statistics}");
    }
}

#[test]
fn what_cannot_be_done_with_a_cache_is_said_with_the_way_to_do_it() {
    let (run, first_key) = start();
    for (args, words) in [
        (vec!["stats", "--key", &first_key], "--scope admin"),
        (vec!["look", "/v2"], "is no address whose answer is kept"),
        (vec!["purge", "--kind", "x"], "there is no kind \"x\""),
        (vec!["preview", "--tag", "x:1"], "\"x:1\" is no tag"),
        (vec!["purge", "--address", "/"], "is no address"),
        (vec!["warm", "--file", "/dev/null"], "no address to warm"),
        (vec!["warm", "--file", "/nowhere"], "cannot be read"),
    ] {
        let ended = run.ended(&args);
        assert_eq!(ended.code, 1, "{args:?}: {ended:?}");
        assert!(ended.err.contains(words), "{args:?}: {ended:?}");
    }
    let keyless = [("SPORTS_EDGE_LISTEN", run.server.address.as_str())];
    let ended = run.home.run_with(&["cache", "stats"], &keyless);
    for words in ["SPORTS_EDGE_KEY", "--scope admin"] {
        assert!(ended.err.contains(words), "{ended:?}");
    }
    assert_eq!(run.ended(&["purge"]).code, 2);
    assert_eq!(run.ended(&["warm"]).code, 2);
    let failed = run.ended(&["warm", "/v1/fixtures/999999", "/v2"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(failed.out.contains("fixture 999999 is not known"));
    assert!(failed.out.contains("0 made, 0 there and fresh, 2 failed"));
}
