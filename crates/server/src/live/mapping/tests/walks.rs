use super::{quotes::quotes, *};

const DETAILS: &str = r#"
fixture = "/id"
[game]
competition = { constant = "E0" }
season = { constant = "2026/27" }
kickoff = "/start"
home = "/teams/home"
away = "/teams/away"
[kinds]
goal = "scored"
[[event]]
sequence = "/incidents/*/no"
at = "/incidents/*/at"
kind = "/incidents/*/type"
side = "/incidents/*/side"
"#;

fn details() -> Value {
    let incident =
        |no: i64, kind: &str, at: Value| json!({"no": no, "type": kind, "at": at, "side": "home"});
    json!({"id": "m1", "start": 1_716_750_000, "teams": {"home": "A", "away": "B"}, "incidents": [
        incident(1, "goal", 1_716_750_600.into()),
        incident(2, "throw_in", 1_716_750_700.into()),
        incident(3, "goal", "soon".into()),
        incident(4, "goal", 1_716_750_900.into()),
    ]})
}

#[test]
fn one_game_as_an_object_tells_the_events_in_its_list_and_a_bad_one_holds_up_none() {
    let mut reading = reading(DETAILS);
    let read = reading.lines(&details(), now(0)).unwrap();
    let told: Vec<Value> = read
        .iter()
        .map(|(_, line)| match line {
            Ok(Line::Fixture(name, game)) => json!([name, game["kickoff"]]),
            Ok(Line::Event(event)) => json!([event["fixture"], event["sequence"], event["kind"]]),
            Ok(Line::Quote(_)) => json!("a quote"),
            Err(unread) => json!([unread.reason, unread.item["no"]]),
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["m1", "2024-05-26T19:00:00Z"]),
            json!(["\"soon\" is no moment", 3]),
            json!(["m1", 1, "scored"]),
            json!(["m1", 4, "scored"]),
        ]
    );
    assert_eq!(reading.lines(&details(), now(9)).unwrap(), []);
}

#[test]
fn members_of_objects_are_walked_and_have_names() {
    let mut reading = reading(
        r#"
        items = "/events/*"
        fixture = { name = "" }
        [[quote]]
        bookmaker = { name = "/odds/*" }
        market = { constant = "h2h" }
        outcome = { name = "/odds/*/prices/*" }
        price = "/odds/*/prices/*/decimal"
        "#,
    );
    let price = |it: f64| json!({"decimal": it});
    let answer = json!({"events": {
        "8": {"odds": {
            "one": {"prices": {"home": price(1.9), "draw": price(3.4), "away": price(4.4)}},
            "two": {"prices": {"home": price(1.8)}},
        }},
        "9": {"odds": {}},
    }});
    let told = quotes(reading.lines(&answer, now(5)));
    let brief: Vec<Value> = told
        .iter()
        .map(|it| {
            json!([
                it["fixture_id"],
                it["bookmaker"],
                it["outcomes"][0]["outcome"]
            ])
        })
        .collect();
    assert_eq!(
        brief,
        [json!([8, "one", "home"]), json!([8, "two", "home"])]
    );
    assert_eq!(told[0]["outcomes"].as_array().unwrap().len(), 3);
}

#[test]
fn items_lie_within_lists_within_lists() {
    let mut reading = reading(
        r#"
        items = "/leagues/*/games"
        fixture = "/id"
        [[event]]
        kind = { constant = "score" }
        home = "/home"
        away = "/away"
        "#,
    );
    let game = |id: i64| json!({"id": id, "home": 1, "away": 0});
    let answer = json!({"leagues": [
        {"games": [game(1), game(2)]}, {"games": []}, {}, {"games": null}, {"games": game(3)},
    ]});
    let told = events(reading.lines(&answer, now(5)));
    let ids: Vec<&Value> = told.iter().map(|it| &it["fixture_id"]).collect();
    assert_eq!(ids, [1, 2, 3]);
    let none = reading.lines(&json!({"leagues": "none"}), now(5));
    let reason = none.unwrap_err();
    assert_eq!(
        reason,
        "there is neither a list nor an object at \"/leagues/*/games\""
    );
}

#[test]
fn a_mapping_says_what_is_wrong_with_its_ways() {
    let wrong = |text: &str| Mapping::parse(text).unwrap_err();
    let event = "[[event]]\nkind = { constant = 'score' }\n";
    for (text, reason) in [
        (
            format!("fixture = {{ name = '/odds' }}\n{event}"),
            "is to end with a `*`",
        ),
        (
            format!("fixture = '/a/*/id'\n{event}"),
            "\"/a/*/id\" has a `*`",
        ),
        (
            format!("fixture = '/id'\n{event}home = '/a/*/home'"),
            "must say its sequence",
        ),
        (
            format!("items = 'events'\nfixture = '/id'\n{event}"),
            "it begins with /",
        ),
        (
            format!("fixture = '/id'\n{event}sequence = '/a/*/n'\nat = '/b/*/t'"),
            "goes through other lists",
        ),
        (
            format!("fixture = {{ name = '', constant = 8 }}\n{event}"),
            "expected a JSON pointer",
        ),
    ] {
        let told = wrong(&text);
        assert!(told.contains(reason), "{text}: {told}");
    }
}
