use serde_json::Value;

use crate::{home::Home, operated::Operated, serve::Server};

/// A home with games, a server and a key that may write.
fn start() -> Operated {
    let home = Home::new();
    home.import();
    let server = Server::start(&home, &[]);
    server.until_ready();
    Operated::with_scope("alert", (home, server), "write")
}

#[test]
fn an_alert_is_made_listed_changed_tested_and_deleted() {
    let run = start();
    assert!(run.done(&["list"]).starts_with("no alerts yet"));
    let level = [
        "--on",
        "probability",
        "--outcome",
        "home",
        "--level",
        "0.97",
    ];
    let made = run.json(
        &[
            &["create", "Nearly there", "--competition", "E0"],
            &level[..],
        ]
        .concat(),
    );
    let id = made["id"].as_i64().unwrap().to_string();
    assert_eq!(made["condition"]["level"], 0.97);
    let listed = run.done(&["list"]);
    assert!(listed.contains("h2h home crosses 97%"), "{listed}");
    assert!(
        listed.contains("active") && listed.contains("Nearly there"),
        "{listed}"
    );

    let hook = [
        "--quiet",
        "30",
        "--webhook",
        "http://1.1.1.1:9/in",
        "--pause",
    ];
    let changed = run.done(
        &[
            &["change", &id, "--level", "0.9", "--direction", "up"],
            &hook[..],
        ]
        .concat(),
    );
    for words in [
        "h2h home crosses 90% up",
        "after 30 min",
        "http://1.1.1.1:9",
        "whsec_",
        "paused",
    ] {
        assert!(changed.contains(words), "{words}: {changed}");
    }
    let shown = run.done(&["show", &id]);
    assert!(
        !shown.contains("whsec_") && shown.contains("Nearly there"),
        "{shown}"
    );
    let plain = run.json(&[
        "change",
        &id,
        "--once",
        "--no-webhook",
        "--resume",
        "--everywhere",
    ]);
    assert_eq!(
        (&plain["state"], &plain["webhook"]),
        (&"active".into(), &Value::Null)
    );
    assert_eq!(
        (&plain["quiet_minutes"], &plain["scope"]["competition"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn an_alert_leaves_the_line_with_the_market_it_was_of() {
    let run = start();
    let on = ["create", "Goals", "--on", "probability", "--level", "0.6"];
    let totals = ["--market", "totals", "--line", "2.5", "--outcome", "over"];
    let made = run.json(&[&on[..], &totals[..]].concat());
    assert_eq!(made["condition"]["line"], 2.5);
    let id = made["id"].as_i64().unwrap().to_string();
    let changed = run.json(&["change", &id, "--market", "h2h", "--outcome", "home"]);
    assert_eq!(changed["condition"]["market"], "h2h");
    assert_eq!(changed["condition"]["line"], Value::Null);
}

#[test]
fn a_test_of_an_alert_is_listed_until_the_alert_is_deleted() {
    let run = start();
    assert_eq!(run.done(&["fired"]), "nothing fired yet\n");
    let made = run.json(&["create", "Value", "--on", "edge", "--level", "0.5"]);
    let id = made["id"].as_i64().unwrap().to_string();
    let tested = run.done(&["test", &id]);
    assert!(tested.contains("as a test of Value: pages"), "{tested}");
    let fired = run.done(&["fired"]);
    assert!(fired.contains("Value  a test"), "{fired}");
    let told = run.json(&["fired", &id, "--limit", "1"]);
    assert_eq!(told["data"][0]["status"], "none", "{told}");
    let cursor = told["next_cursor"].as_str().unwrap();
    assert_eq!(
        run.done(&["fired", &id, "--cursor", cursor]),
        "nothing fired yet\n"
    );
    assert_eq!(
        run.done(&["delete", &id]),
        format!("alert {id} is deleted\n")
    );
    assert!(run.done(&["list"]).starts_with("no alerts yet"));
}

#[test]
fn what_there_can_be_no_alert_for_is_said() {
    let run = start();
    let edge = ["create", "x", "--on", "edge", "--level"];
    for (args, words) in [
        (vec!["show", "7"], "alert 7 is not known"),
        (vec!["change", "7", "--pause"], "alert 7 is not known"),
        (vec!["change", "7"], "nothing to change"),
        (vec!["create", "x", "--on", "edge"], "is due for edge"),
        (
            [&edge[..], &["0.1", "--outcome", "home"]].concat(),
            "is nothing that edge takes",
        ),
        (
            [&edge[..], &["0.1", "--fixture", "999999"]].concat(),
            "fixture 999999 is not known",
        ),
        (
            [&edge[..], &["0.1", "--webhook", "http://127.0.0.1/"]].concat(),
            "not public",
        ),
        (
            vec!["list", "--server", "http://127.0.0.1:1"],
            "no server answers at",
        ),
        (
            vec!["delete", "7", "--key", "se_no"],
            "give a key with --key or SPORTS_EDGE_KEY",
        ),
        (
            vec!["delete", "7", "--key", "se_…"],
            "the API key has characters that no key has",
        ),
    ] {
        let ended = run.ended(&args);
        assert_eq!(ended.code, 1, "{args:?}: {ended:?}");
        assert!(ended.err.contains(words), "{args:?}: {ended:?}");
    }
    for args in [
        vec!["create", "x"],
        [&edge[..], &["much"]].concat(),
        vec!["change", "7", "--pause", "--resume"],
        vec!["fired", "--limit", "3"],
    ] {
        assert_eq!(run.ended(&args).code, 2, "{args:?}");
    }
}
