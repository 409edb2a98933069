use super::*;

/// Bookmakers within a game, markets within a bookmaker, outcomes within a market.
pub(super) const NESTED: &str = r#"
fixture = "/id"
[game]
competition = { constant = "E0" }
season = { constant = "2026/27" }
kickoff = "/start"
home = "/home"
away = "/away"
[outcomes]
Tie = "draw"
Over = "over"
Under = "under"
[markets]
h2h = "h2h"
totals = "totals"
handicap = "spreads"
ou25 = { market = "totals", line = 2.5 }
[[quote]]
bookmaker = "/books/*/key"
taken_at = "/books/*/at"
market = "/books/*/markets/*/key"
outcome = "/books/*/markets/*/outcomes/*/name"
price = "/books/*/markets/*/outcomes/*/price"
line = "/books/*/markets/*/outcomes/*/point"
"#;

pub(super) fn game(books: &Value) -> Value {
    json!([{"id": "g", "start": 1_716_750_000, "home": "A", "away": "B", "books": books}])
}

pub(super) fn book(at: &str, markets: &Value) -> Value {
    json!([{"key": "sharp", "at": at, "markets": markets}])
}

pub(super) const THREE: &str = "2024-05-26T18:00:03Z";

/// What is told, but the games.
pub(super) fn quotes(read: Result<Vec<Read>, String>) -> Vec<Value> {
    let mut told = events(read);
    told.retain(|it| it.get("bookmaker").is_some());
    told
}

#[test]
fn lists_within_lists_become_a_quote_of_each_market_and_line() {
    let mut reading = reading(NESTED);
    let markets = json!([
        {"key": "h2h", "outcomes": [{"name": "A", "price": 2.0}, {"name": "Tie", "price": "3.5"},
            {"name": "B", "price": 4}]},
        {"key": "totals", "outcomes": [{"name": "Over", "price": 1.9, "point": 3.5},
            {"name": "Under", "price": 2.0, "point": 3.5}, {"name": "Over", "price": 1.2, "point": 1.5}]},
        {"key": "handicap", "outcomes": [{"name": "A", "price": 1.95, "point": -0.5},
            {"name": "B", "price": 1.97, "point": 0.5}]},
        {"key": "ou25", "outcomes": [{"name": "Over", "price": 1.6}]},
        {"key": "first_scorer", "outcomes": [{"name": "Somebody", "price": 9}]},
    ]);
    let answer = game(&book(THREE, &markets));
    let told = events(reading.lines(&answer, now(0)));
    assert_eq!((told.len(), &told[0]["home"]), (6, &"A".into()));
    let quote = |market: &str, line: Option<f64>, outcomes: &[(&str, f64)]| {
        let outcome = |(outcome, price): &(&str, f64)| json!({"outcome": outcome, "price": price});
        let mut quote = json!({"fixture": "g", "bookmaker": "sharp", "market": market,
            "taken_at": THREE, "outcomes": outcomes.iter().map(outcome).collect::<Vec<_>>()});
        if let Some(line) = line {
            quote["line"] = line.into();
        }
        quote
    };
    assert_eq!(
        told[1..],
        [
            quote("h2h", None, &[("home", 2.0), ("draw", 3.5), ("away", 4.0)]),
            quote("spreads", Some(-0.5), &[("home", 1.95), ("away", 1.97)]),
            quote("totals", Some(1.5), &[("over", 1.2)]),
            quote("totals", Some(2.5), &[("over", 1.6)]),
            quote("totals", Some(3.5), &[("over", 1.9), ("under", 2.0)]),
        ]
    );
    assert!(reading.lines(&answer, now(9)).unwrap().is_empty());
    let moved = json!([{"key": "h2h", "outcomes": [{"name": "A", "price": 1.8}]}]);
    let told = quotes(reading.lines(&game(&book(THREE, &moved)), now(1_716_750_000)));
    let mut withdrawn = quote("h2h", None, &[("home", 1.8)]);
    withdrawn["taken_at"] = "2024-05-26T19:00:00Z".into();
    assert_eq!(told, [withdrawn], "the others are withdrawn from now");
    let later = book("2024-05-26T19:00:04Z", &moved);
    let told = quotes(reading.lines(&game(&later), now(9)));
    assert_eq!(told.len(), 1, "it is still on offer: {told:?}");
}

#[test]
fn rows_of_one_market_in_several_items_are_one_quote() {
    let mut reading = reading(
        "fixture = '/f'\nsuspended_words = ['CLOSED']\n[[quote]]\nbookmaker = { constant = 'b' }\n\
         market = '/m'\noutcome = '/o'\nprice = '/p'\nsuspended = '/s'",
    );
    let row = |outcome: &str, price: f64, state: &str| json!({"f": 8, "m": "h2h", "o": outcome, "p": price, "s": state});
    let open = json!([row("home", 2.0, "OPEN"), row("draw", 0.0, "OPEN"), row("away", 3.0, "OPEN"),
        {"f": 8, "m": "winner", "o": "home", "p": 2.0}]);
    let told = quotes(reading.lines(&open, now(100)));
    let quote = json!({"fixture_id": 8, "bookmaker": "b", "market": "h2h",
        "taken_at": "1970-01-01T00:01:40Z",
        "outcomes": [{"outcome": "home", "price": 2.0}, {"outcome": "away", "price": 3.0}]});
    assert_eq!(told, [quote]);
    assert!(reading.lines(&open, now(101)).unwrap().is_empty());
    assert!(reading.lines(&open, now(3699)).unwrap().is_empty());
    let told = quotes(reading.lines(&open, now(3700)));
    assert_eq!(told.len(), 1, "it is still on offer: {told:?}");
    assert_eq!(told[0]["taken_at"], "1970-01-01T01:01:40Z");
    let closed = json!([row("home", 2.0, "CLOSED"), row("away", 3.0, "CLOSED")]);
    let suspended = json!({"fixture_id": 8, "bookmaker": "b", "market": "h2h",
        "taken_at": "1970-01-01T01:01:42Z", "stage": "suspended"});
    assert_eq!(quotes(reading.lines(&closed, now(3702))), [suspended]);
    let unpriced = json!([row("home", 1.0, "OPEN")]);
    let told = reading.lines(&unpriced, now(9999)).unwrap();
    assert!(told.is_empty(), "it is suspended already: {told:?}");
}

#[test]
fn prices_may_stand_by_the_names_of_their_outcomes() {
    let mut reading = reading(
        "fixture = '/f'\n[[quote]]\nbookmaker = '/b'\nmarket = { constant = 'totals' }\n\
         line = '/odds/*/line'\nover = '/odds/*/o'\nunder = '/odds/*/u'\nstage = { constant = 'opening' }",
    );
    let answer = json!([{"f": "8", "b": "b", "odds": [{"line": "2.5", "o": 1.9, "u": 2.0}, {"line": 3, "u": 1.5}]}]);
    let told = quotes(reading.lines(&answer, now(0)));
    assert_eq!(
        (told.len(), &told[0]["line"], &told[1]["line"]),
        (2, &2.5.into(), &3.0.into())
    );
    assert_eq!(
        told[0]["outcomes"][1],
        json!({"outcome": "under", "price": 2.0})
    );
    assert_eq!(
        (
            &told[1]["stage"],
            told[1]["outcomes"].as_array().map(Vec::len)
        ),
        (&"opening".into(), Some(1))
    );
}

#[test]
fn a_market_that_is_gone_is_suspended_where_the_mapping_says_so_and_comes_back() {
    let one = json!([{"key": "h2h", "outcomes": [{"name": "A", "price": 2.0}]}]);
    let there = game(&book(THREE, &one));
    let gone = game(&book(THREE, &json!([])));
    let mut kept = reading(NESTED);
    assert_eq!(quotes(kept.lines(&there, now(0))).len(), 1);
    assert!(kept.lines(&gone, now(1)).unwrap().is_empty());
    let mut reading = reading(&format!("absent_is_suspended = true\n{NESTED}"));
    assert_eq!(quotes(reading.lines(&there, now(0)))[0]["taken_at"], THREE);
    assert!(
        reading.lines(&json!([]), now(1)).unwrap().is_empty(),
        "the game is not told of"
    );
    let told = quotes(reading.lines(&gone, now(1_716_750_001)));
    assert_eq!(told.len(), 1);
    let said = |it: &str| {
        (told[0]["stage"].clone(), told[0]["taken_at"].clone()) == ("suspended".into(), it.into())
    };
    assert!(said("2024-05-26T19:00:01Z"), "{told:?}");
    assert!(reading.lines(&gone, now(1_716_750_002)).unwrap().is_empty());
    let told = quotes(reading.lines(&there, now(1_716_750_003)));
    assert_eq!(
        told[0]["taken_at"], "2024-05-26T19:00:03Z",
        "later than the suspension"
    );
    assert!(
        reading
            .lines(&there, now(1_716_750_004))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_market_without_prices_is_suspended_and_a_line_of_one_that_has_none_is_left_out() {
    let mut reading = reading(NESTED);
    let h2h = json!({"key": "h2h", "outcomes": [{"name": "A", "price": 2.0, "point": 0.0}]});
    let answer = game(&book(THREE, &json!([h2h])));
    let told = quotes(reading.lines(&answer, now(0)));
    assert_eq!((told.len(), told[0].get("line")), (1, None));
    let empty = json!([{"key": "h2h", "outcomes": []}, {"key": "totals", "outcomes": []}, {"key": "ou25", "outcomes": null},
        {"key": "ou25"}]);
    let told = quotes(reading.lines(&game(&book(THREE, &empty)), now(1_716_750_000)));
    let said: Vec<_> = told
        .iter()
        .map(|it| (&it["market"], &it["stage"], &it["line"]))
        .collect();
    let suspended = json!([["h2h", "suspended", null], ["totals", "suspended", 2.5]]);
    assert_eq!(
        json!(said),
        suspended,
        "which of the other totals is not said"
    );
    let none = json!([{"key": "sharp", "markets": []}, {"key": "soft"}]);
    assert!(
        reading
            .lines(&game(&none), now(1_716_750_001))
            .unwrap()
            .is_empty()
    );
    assert!(
        reading
            .lines(&game(&json!(null)), now(1_716_750_001))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn prices_that_cannot_be_read_are_named_and_hold_up_no_others() {
    let mut reading = reading(NESTED);
    let outcomes = json!([{"name": "A", "price": 2.0}, {"name": "Nobody", "price": 3.0},
        {"name": "B", "price": "x"}, {"price": 2.0}]);
    let answer = game(&book(
        THREE,
        &json!([{"key": "h2h", "outcomes": outcomes}, {"outcomes": [{}]},
            {"key": "totals", "outcomes": [{"name": "Over", "price": 1.5, "point": []}]}]),
    ));
    let (read, unread): (Vec<Read>, Vec<Read>) = reading
        .lines(&answer, now(0))
        .unwrap()
        .into_iter()
        .partition(|it| it.1.is_ok());
    assert_eq!(
        quotes(Ok(read))[0]["outcomes"],
        json!([{"outcome": "home", "price": 2.0}])
    );
    let unread: Vec<Unread> = unread.into_iter().map(|it| it.1.unwrap_err()).collect();
    assert_eq!(unread[0].item, outcomes[1], "so that it can be put right");
    let reasons: Vec<&str> = unread.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "g, sharp: \"Nobody\" is none of home, draw, away, over, under, yes, no: say under [outcomes] which it is",
            "g, sharp: \"x\" is no decimal price",
            "g, sharp: a price has no outcome",
            "g, sharp: a price has no market",
            "g, sharp: [] is no line",
        ]
    );
}

#[test]
fn a_mapping_of_prices_that_makes_no_sense_is_refused() {
    let head = "fixture = '/f'\n";
    for (text, wanted) in [
        (
            "[[quote]]\nmarket = '/m'\nhome = '/h'",
            "must say its bookmaker",
        ),
        (
            "[[quote]]\nbookmaker = '/b'\nmarket = '/m'",
            "either `outcome` with `price`",
        ),
        (
            "[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nprice = '/p'",
            "either `outcome` with `price`",
        ),
        (
            "[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'\nodds = '/o'",
            "odds is not one of",
        ),
        (
            "[[quote]]\nbookmaker = '/a/*/b'\nmarket = '/c/*/m'\nhome = '/h'",
            "goes through other lists",
        ),
        (
            "[[quote]]\nbookmaker = 'b'\nmarket = '/m'\nhome = '/h'",
            "no JSON pointer",
        ),
        (
            "[markets]\nx = 'winner'\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'",
            "is to be one of h2h",
        ),
        (
            "[outcomes]\nx = '1-0'\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'",
            "\"1-0\" is none of home",
        ),
        (
            "[markets]\nx = { market = 'totals', line = 'a' }\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'",
            "`line`, a number",
        ),
        (
            "[markets]\nx = { market = 'h2h', line = 1 }\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'",
            "market h2h has no line",
        ),
        (
            "[markets]\nx = { market = 'totals', line = 2.3 }\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nover = '/o'",
            "`line`, a number",
        ),
        (
            "[[quote]]\nbookmaker = '/b'\nmarket = { constant = '1x2' }\nhome = '/h'",
            "\"1x2\" is no market",
        ),
        (
            "confirm_seconds = 0\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\nhome = '/h'",
            "1 or more",
        ),
    ] {
        let fault = Mapping::parse(&format!("{head}{text}")).unwrap_err();
        assert!(fault.contains(wanted), "{text}: {fault}");
    }
}
