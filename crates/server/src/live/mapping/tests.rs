use super::*;
use crate::live::Line;

mod quotes;
mod rows;
mod walks;

const NUMBERED: &str = r#"
items = "/events"
fixture = "/match"
fixtures = { m1 = 8 }
[kinds]
GOAL = "scored"
START = { kind = "period_start", period = 1 }
[sides]
H = "home"
[[event]]
sequence = "/id"
at = "/time"
kind = "/type"
side = "/team"
clock_period = "/clock/half"
clock_seconds = "/clock/s"
"#;

impl Reading {
    /// What is new in an answer, where no server is asked.
    pub(super) fn lines(&mut self, answer: &Value, now: Timestamp) -> Result<Vec<Read>, String> {
        let mut said = self.read(answer, now)?;
        let mut lines = said.games();
        lines.extend(self.fresh(said));
        lines.sort_by_key(|it| it.0);
        Ok(lines)
    }
}

fn reading(text: &str) -> Reading {
    Reading::new(Mapping::parse(text).unwrap())
}

fn now(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn events(read: Result<Vec<Read>, String>) -> Vec<Value> {
    let line = |(_, line): Read| match line.unwrap() {
        Line::Event(members) | Line::Quote(members) | Line::Fixture(_, members) => members.into(),
    };
    read.unwrap().into_iter().map(line).collect()
}

#[test]
fn numbered_events_are_told_once_and_anew_when_they_change() {
    let mut reading = reading(NUMBERED);
    let mut answer = json!({"events": [
        {"match": "m1", "id": 1, "time": 1_716_750_000, "type": "START"},
        {"match": "m1", "id": "2", "time": "2024-05-26T19:10:00Z", "type": "GOAL", "team": "H",
            "clock": {"half": 1, "s": 600}},
        {"match": "m1", "id": 3, "time": 1, "type": "THROW_IN"},
        {"match": "other", "id": 1, "time": 1, "type": "GOAL"},
    ]});
    let told = events(reading.lines(&answer, now(0)));
    assert_eq!(
        told,
        [
            json!({"fixture_id": 8, "sequence": 1, "revision": 0, "at": "2024-05-26T19:00:00Z",
            "kind": "period_start", "period": 1}),
            json!({"fixture_id": 8, "sequence": 2, "revision": 0, "at": "2024-05-26T19:10:00Z",
            "kind": "scored", "side": "home", "clock": {"period": 1, "seconds": 600}}),
        ]
    );
    assert_eq!(events(reading.lines(&answer, now(9))), [] as [Value; 0]);
    answer["events"][1]["team"] = "away".into();
    let anew = events(reading.lines(&answer, now(9)));
    assert_eq!(
        (&anew[0]["side"], &anew[0]["revision"]),
        (&"away".into(), &1.into())
    );
}

#[test]
fn what_the_server_has_in_other_words_is_corrected_and_the_rest_not_told_again() {
    let mut reading = reading(NUMBERED);
    let event = |id: i64, kind: &str, team: &str| json!({"match": "m1", "id": id, "time": 1_716_750_000 + id, "type": kind, "team": team});
    let answer =
        json!({"events": [event(2, "GOAL", "H"), event(3, "GOAL", "H"), event(4, "GOAL", "H")]});
    let listed = |sequence: i64, revision: i64, side: &str, standing: &str| {
        let at = Timestamp::from_second(1_716_750_000 + sequence).unwrap();
        json!({"sequence": sequence, "revision": revision, "at": at, "known_at": at, "recorded_at": at,
            "source": "scores", "clock": null, "kind": "scored", "side": side, "points": 1,
            "standing": standing})
    };
    let mut said = reading.read(&answer, now(0)).unwrap();
    assert!(said.games().is_empty());
    let game: GameName = ("fixture_id", 8.into());
    assert_eq!(reading.unmet(&said), std::slice::from_ref(&game));
    let known = [
        listed(2, 0, "home", "superseded"),
        listed(2, 1, "away", "counts"),
        listed(3, 0, "away", "superseded"),
        listed(3, 4, "home", "cancelled"),
    ];
    reading.meet(&game, &known);
    let told = events(Ok(reading.fresh(said)));
    let brief: Vec<Value> = told
        .iter()
        .map(|it| json!([it["sequence"], it["revision"], it["side"]]))
        .collect();
    assert_eq!(brief, [json!([2, 2, "home"]), json!([4, 0, "home"])]);
    let said = reading.read(&answer, now(9)).unwrap();
    assert!(reading.unmet(&said).is_empty(), "it is asked for once");
    assert!(reading.fresh(said).is_empty());
}

#[test]
fn an_event_listed_twice_is_told_as_it_is_listed_last_and_never_by_turns() {
    let mut reading = reading(NUMBERED);
    let goal = |second: i64, team: &str| json!({"match": "m1", "id": 2, "time": 1_716_750_000 + second, "type": "GOAL", "team": team});
    let answer = json!({"events": [goal(0, "H"), goal(9, "H"), goal(9, "H")]});
    let told = events(reading.lines(&answer, now(0)));
    assert_eq!(
        told,
        [
            json!({"fixture_id": 8, "sequence": 2, "revision": 0, "at": "2024-05-26T19:00:09Z",
            "kind": "scored", "side": "home"})
        ]
    );
    assert_eq!(reading.listed_twice(), [("8".to_owned(), Some(2))]);
    assert!(reading.lines(&answer, now(2)).unwrap().is_empty());
    assert!(reading.listed_twice().is_empty(), "it is told of once");
    let corrected = json!({"events": [goal(0, "H"), goal(9, "away")]});
    let told = events(reading.lines(&corrected, now(4)));
    assert_eq!((told.len(), &told[0]["revision"]), (1, &1.into()));
}

#[test]
fn what_is_listed_of_several_moments_is_told_once_and_anew_when_it_changes() {
    let mut reading = reading("fixture = '/f'\n[[event]]\nkind = '/k'\nat = '/t'\nside = '/s'");
    let goals = |side: &str| json!([{"f": 1, "t": 100, "k": "scored", "s": "home"}, {"f": 1, "t": 200, "k": "scored", "s": side}]);
    assert_eq!(reading.lines(&goals("away"), now(300)).unwrap().len(), 2);
    assert!(reading.lines(&goals("away"), now(302)).unwrap().is_empty());
    let told = events(reading.lines(&goals("home"), now(304)));
    assert_eq!(
        told,
        [
            json!({"fixture_id": 1, "sequence": 1_600_000, "revision": 1, "at": "1970-01-01T00:03:20Z",
            "kind": "scored", "side": "home"})
        ]
    );
}

#[test]
fn a_state_without_numbers_is_told_whenever_it_changes_and_names_its_game() {
    let mut reading = reading(
        r#"
        fixture = "/id"
        [game]
        competition = { constant = "E0" }
        season = { constant = "2026/27" }
        kickoff = "/start"
        home = "/home"
        away = "/away"
        [[event]]
        kind = { constant = "score" }
        home = "/goals/0"
        away = "/goals/1"
        [[event]]
        kind = { constant = "finished" }
        "#,
    );
    let mut answer = json!([{"id": 7, "start": 1_716_750_000_000_i64, "home": "A", "away": "B", "goals": [0, 0]}]);
    let told = events(reading.lines(&answer, now(100)));
    assert_eq!(told[0]["kickoff"], "2024-05-26T19:00:00Z");
    let state = json!({"fixture": "7", "sequence": 800_000, "at": "1970-01-01T00:01:40Z",
        "kind": "score", "home": 0, "away": 0});
    assert_eq!(
        (told.len(), &told[1], &told[2]["sequence"]),
        (3, &state, &800_001.into())
    );
    assert!(reading.lines(&answer, now(110)).unwrap().is_empty());
    answer[0]["goals"][1] = 1.into();
    let told = events(reading.lines(&answer, now(120)));
    assert_eq!((told.len(), &told[0]["sequence"]), (1, &960_000.into()));
}

#[test]
fn an_event_without_a_moment_happened_when_it_was_first_read() {
    let mut reading = reading("fixture = '/f'\n[[event]]\nkind = '/k'\nsequence = '/n'");
    let answer = json!([{"f": 1, "k": "finished", "n": 4}]);
    let told = events(reading.lines(&answer, now(100)));
    assert_eq!(told[0]["at"], "1970-01-01T00:01:40Z");
    assert!(reading.lines(&answer, now(200)).unwrap().is_empty());
}

#[test]
fn what_cannot_be_read_is_named() {
    for (text, wanted) in [
        ("fixture = '/a'\nevent = []", "1 to 8 [[event]]"),
        ("fixture = '/a'\nquote = []", "1 to 8 [[quote]]"),
        ("fixture = 'a'\n[[event]]\nkind = '/k'", "no JSON pointer"),
        (
            "fixture = '/a'\n[[event]]\nhome = '/k'",
            "must say its kind",
        ),
        (
            "fixture = '/a'\n[[event]]\nkind = '/k'\nx = '/y'",
            "x is not one of",
        ),
        (
            "fixture = '/a'\n[game]\nhome = '/h'\n[[event]]\nkind = '/k'",
            "[game] must say competition",
        ),
        ("fixture = 1\n[[event]]\nkind = '/k'", "JSON pointer"),
    ] {
        let fault = Mapping::parse(text).unwrap_err();
        assert!(fault.contains(wanted), "{text}: {fault}");
    }
    let mut reading =
        reading("fixture = '/f'\n[[event]]\nkind = '/k'\nat = '/at'\nsequence = '/n'");
    assert!(
        reading
            .lines(&json!("busy"), now(0))
            .unwrap_err()
            .contains("neither a list")
    );
    let answer = json!([{"k": "clock"}, {"f": "x"}, {"f": 1, "k": "clock", "at": []},
        {"f": 1, "k": "clock", "n": -1}, {"f": 1}]);
    let read = reading.lines(&answer, now(0)).unwrap();
    let unread: Vec<_> = read.into_iter().map(|it| it.1.unwrap_err()).collect();
    assert_eq!(unread[2].item, answer[2], "so that it can be put right");
    let faults: Vec<_> = unread.into_iter().map(|it| it.reason).collect();
    for (fault, wanted) in faults.iter().zip([
        "nothing names its game, there is none at \"/f\"",
        "\"x\" is no fixture's number",
        "[] is no moment",
        "-1 is no number of an event",
    ]) {
        assert_eq!(fault, wanted);
    }
    assert_eq!(faults.len(), 4);
    let again = reading.lines(&answer, now(1)).unwrap();
    assert!(again.is_empty(), "each is told of once: {again:?}");
}
