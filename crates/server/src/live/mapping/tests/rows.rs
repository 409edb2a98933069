use super::{
    quotes::{NESTED, THREE, book, game, quotes},
    *,
};

/// A source of one row for each outcome.
const FLAT: &str = "fixture = '/f'\nhome = '/h'\naway = '/a'\n[[quote]]\nbookmaker = '/b'\nmarket = '/m'\n\
    outcome = '/o'\nprice = '/p'\nline = '/l'\ntaken_at = '/t'\nsuspended = '/s'\nstage = '/st'";

fn row(outcome: &str, price: f64, rest: &Value) -> Value {
    let mut row =
        json!({"f": 8, "b": "b", "h": "A", "a": "B", "m": "h2h", "o": outcome, "p": price});
    for (name, value) in rest.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// Of each quote its stage, line, prices and the second it was taken at.
fn brief(told: &[Value]) -> Value {
    let brief = |it: &Value| {
        let prices = it["outcomes"].as_array().into_iter().flatten();
        let prices: Vec<_> = prices
            .map(|it| json!([it["outcome"], it["price"]]))
            .collect();
        let at: Timestamp = it["taken_at"].as_str().unwrap().parse().unwrap();
        json!([it["stage"], it["line"], prices, at.as_second()])
    };
    told.iter().map(brief).collect()
}

#[test]
fn outcomes_with_moments_of_their_own_are_one_quote_of_the_newest() {
    let mut reading = reading(FLAT);
    let answer = json!([
        row("A", 1.9, &json!({"t": 100})),
        row("B", 4.4, &json!({"t": "90"})),
        row("draw", 3.4, &json!({"t": 101})),
        row("A", 1.8, &json!({"t": 99}))
    ]);
    let told = quotes(reading.lines(&answer, now(200)));
    assert_eq!(
        brief(&told),
        json!([[
            null,
            null,
            [["home", 1.9], ["draw", 3.4], ["away", 4.4]],
            101
        ]])
    );
    let turned = json!([answer[2], answer[1], answer[0]]);
    assert!(
        reading.lines(&turned, now(201)).unwrap().is_empty(),
        "an order is no news"
    );
}

#[test]
fn a_line_beside_an_outcome_is_its_own_or_homes() {
    let spreads = |line: f64, of_home: bool| {
        let away = if of_home { line } else { -line };
        let of = |line: f64| json!({"m": "spreads", "l": line, "t": 100});
        json!([row("A", 1.9, &of(line)), row("B", 1.95, &of(away))])
    };
    let wanted = json!([[null, -1.5, [["home", 1.9], ["away", 1.95]], 100]]);
    let told = quotes(reading(FLAT).lines(&spreads(-1.5, false), now(200)));
    assert_eq!(brief(&told), wanted);
    let mut of_home = reading(&format!("lines_are_home = true\n{FLAT}"));
    assert_eq!(
        brief(&quotes(of_home.lines(&spreads(-1.5, true), now(200)))),
        wanted
    );
    let level = quotes(reading(FLAT).lines(&spreads(-0.0, false), now(200)));
    assert_eq!(level.len(), 1, "{level:?}");
    let odd = reading(FLAT)
        .lines(&json!([spreads(0.3, false)[0]]), now(200))
        .unwrap();
    let reason = &odd[0].1.as_ref().unwrap_err().reason;
    assert!(reason.starts_with("8, b: 0.3 is not a line"), "{reason}");
}

#[test]
fn what_is_withdrawn_or_opened_without_a_newer_moment_is_so_from_now() {
    let mut reading = reading(&format!("suspended_words = ['false']\n{FLAT}"));
    let open =
        |outcome: &str, price: f64, at: i64| row(outcome, price, &json!({"t": at, "s": true}));
    let closed = |outcome: &str| row(outcome, 2.0, &json!({"t": 100, "s": false}));
    let both = json!([open("A", 2.0, 100), open("B", 3.0, 100)]);
    let mut told = |answer: &Value, second: i64| brief(&quotes(reading.lines(answer, now(second))));
    let prices = json!([["home", 2.0], ["away", 3.0]]);
    assert_eq!(told(&both, 200), json!([[null, null, prices, 100]]));
    let one = json!([open("A", 2.0, 100), closed("B")]);
    assert_eq!(
        told(&one, 201),
        json!([[null, null, [["home", 2.0]], 201]]),
        "one outcome alone"
    );
    let none = json!([closed("A"), closed("B")]);
    assert_eq!(told(&none, 202), json!([["suspended", null, [], 202]]));
    assert_eq!(told(&both, 203), json!([[null, null, prices, 203]]));
    let moved = json!([open("A", 2.1, 150), open("B", 3.0, 150)]);
    let prices = json!([["home", 2.1], ["away", 3.0]]);
    assert_eq!(
        told(&moved, 204),
        json!([[null, null, prices, 204]]),
        "later than what was told last"
    );
    let later = json!([open("A", 2.2, 300), open("B", 3.0, 300)]);
    assert_eq!(told(&later, 301)[0][3], 300);
}

#[test]
fn stages_stand_apart_and_one_may_suspend() {
    let mut reading = reading(FLAT);
    let answer = json!([
        row("A", 1.9, &json!({"t": 100, "st": "opening"})),
        row("B", 3.9, &json!({"t": 100, "st": "opening"})),
        row("A", 1.5, &json!({"t": 110, "st": "closing"}))
    ]);
    let told = quotes(reading.lines(&answer, now(200)));
    assert_eq!(
        brief(&told),
        json!([
            ["closing", null, [["home", 1.5]], 110],
            ["opening", null, [["home", 1.9], ["away", 3.9]], 100]
        ])
    );
    let suspended = json!([row("A", 1.5, &json!({"t": 120, "st": "suspended"}))]);
    let told = quotes(reading.lines(&suspended, now(200)));
    assert_eq!(brief(&told), json!([["suspended", null, [], 120]]));
}

#[test]
fn two_tables_of_one_market_are_one_quote() {
    let mut reading = reading(
        "fixture = '/f'\n[bookmakers]\n'Bet 1!' = 'bet1'\n[[quote]]\nbookmaker = '/b'\nmarket = { constant = 'totals' }\n\
         line = '/l'\nover = '/o'\n[[quote]]\nbookmaker = '/b'\nmarket = { constant = 'totals' }\nline = '/l'\nunder = '/u'",
    );
    let told = quotes(reading.lines(
        &json!([{"f": 8, "b": "Bet 1!", "l": 2.5, "o": 1.9, "u": 0}]),
        now(9),
    ));
    assert_eq!(brief(&told), json!([[null, 2.5, [["over", 1.9]], 9]]));
    assert_eq!(told[0]["bookmaker"], "bet1");
}

#[test]
fn what_cannot_be_read_suspends_nothing() {
    let mut reading = reading(&format!("absent_is_suspended = true\n{NESTED}"));
    let of = |price: Value| {
        game(&book(
            THREE,
            &json!([{"key": "h2h", "outcomes": [{"name": "A", "price": price}]}]),
        ))
    };
    assert_eq!(quotes(reading.lines(&of(json!(2.0)), now(0))).len(), 1);
    for price in ["N/A", "+150", "-120", "inf"] {
        let read = reading.lines(&of(price.into()), now(1)).unwrap();
        assert_eq!(read.len(), 1);
        let unread = read[0].1.as_ref().unwrap_err();
        assert_eq!(
            unread.reason,
            format!("g, sharp: {price:?} is no decimal price")
        );
    }
    assert!(reading.lines(&of(json!(2.0)), now(2)).unwrap().is_empty());
}

#[test]
fn after_a_start_what_is_open_is_so_from_now_where_absence_suspends() {
    let mut reading = reading(&format!("absent_is_suspended = true\n{NESTED}"));
    let open = game(&book(
        THREE,
        &json!([{"key": "h2h", "outcomes": [{"name": "A", "price": 2.0}]}]),
    ));
    let told = quotes(reading.lines(&open, now(1_716_750_000)));
    assert_eq!(
        told[0]["taken_at"], "2024-05-26T19:00:00Z",
        "an earlier process may have suspended it"
    );
    reading.tell_again();
    assert_eq!(
        events(reading.lines(&open, now(1_716_750_001))).len(),
        2,
        "the game and its price"
    );
}

#[test]
fn an_answer_without_prices_is_wondered_at_once() {
    let mut mapped = reading(NESTED);
    let scorers = game(&book(
        THREE,
        &json!([{"key": "first_scorer", "outcomes": [{"name": "X", "price": 9}]}]),
    ));
    mapped.lines(&scorers, now(0)).unwrap();
    assert_eq!(
        mapped.hint().unwrap(),
        "markets are passed over, as they are not under [markets]: \"first_scorer\""
    );
    mapped.lines(&scorers, now(1)).unwrap();
    assert_eq!(mapped.hint(), None);
    let mut reading = reading(NESTED);
    reading.lines(&json!([]), now(0)).unwrap();
    assert_eq!(reading.hint(), None, "there may be no game today");
    reading
        .lines(
            &json!([{"id": "g", "start": 1, "home": "A", "away": "B", "boooks": []}]),
            now(0),
        )
        .unwrap();
    assert!(
        reading
            .hint()
            .unwrap()
            .starts_with("nothing is where [[quote]] says")
    );
    let mut priced = super::reading(NESTED);
    let outcome = json!([{"name": "A", "price": 2.0}]);
    let markets = json!([{"key": "h2h", "outcomes": outcome}]);
    priced.lines(&game(&book(THREE, &markets)), now(0)).unwrap();
    priced.lines(&game(&json!([])), now(1)).unwrap();
    assert_eq!(priced.hint(), None, "they were there and are gone");
}
