use domain::{Line, Market, Outcome};
use engine::EdgeFlag;

use super::*;
use crate::pages::tests::views;

fn edges() -> Vec<EdgeView> {
    let fixture = |id, kickoff| views::fixture(id, kickoff, None);
    let mut first = views::edge(
        fixture(1, "2024-05-20T15:00:00Z"),
        (Market::H2H, Outcome::Home),
        Vec::new(),
    );
    first.price = views::price(3.5);
    first.expected_value = 0.01;
    let mut second = views::edge(
        fixture(2, "2024-05-19T15:00:00Z"),
        (Market::spreads(Line::from_quarters(-3)), Outcome::Home),
        vec![EdgeFlag::StalePrice],
    );
    second.probability = 0.6;
    second.taken_at = testkit::time("2024-05-18T11:30:00Z");
    vec![first, second]
}

#[test]
fn edges_are_sorted_by_any_figure() {
    let order = |sort: &str| -> Vec<i64> {
        let mut edges = edges();
        Sort::parse(sort).unwrap_or(Sort::Value).apply(&mut edges);
        edges.iter().map(|it| it.fixture.fixture.id.0).collect()
    };
    for (sort, first) in [
        ("value", 2),
        ("kickoff", 2),
        ("price", 1),
        ("probability", 2),
        ("stake", 1),
        ("age", 2),
        ("", 2),
    ] {
        assert_eq!(order(sort)[0], first, "{sort}");
    }
    assert!(
        Sort::ALL
            .iter()
            .all(|it| Sort::parse(it.as_str()) == Some(*it))
    );
}

#[tokio::test]
async fn flagged_edges_say_why_and_links_keep_the_filter() {
    let world = crate::pages::tests::empty_world().await;
    let query = EdgesQuery {
        sort: "price".to_owned(),
        market: "h2h".to_owned(),
        competition: "E0".to_owned(),
        day: "2024-05-20".to_owned(),
        min: "1.5".to_owned(),
        flagged: "1".to_owned(),
    };
    let pages = world.pages();
    let found = Page {
        data: edges(),
        next_cursor: Some("x".to_owned()),
    };
    let html = page(
        &pages,
        &query,
        Listed {
            edges: found,
            known: Vec::new(),
            held: None,
        },
        "/edges".to_owned(),
        Preferences::default(),
    );
    let html = html.render().unwrap();
    assert!(html.contains("The price is old and has probably moved."));
    assert!(html.contains(
        "/edges?sort=stake&#38;competition=E0&#38;day=2024-05-20&#38;min=1.5&#38;flagged=1"
    ));
    assert!(html.contains(r#"aria-sort="descending""#) && html.contains("narrow the filter"));
    assert!(html.contains("+12.6%") && html.contains("Home \u{2212}0.75"));
}

#[test]
fn rows_of_a_fixture_stand_together_and_name_it_and_what_they_share_once() {
    let mut found = edges();
    found[1].flags.push(EdgeFlag::Unproven);
    let mut third = found[1].clone();
    third.flags = vec![EdgeFlag::Unproven];
    found.insert(0, third);
    let now = testkit::time("2024-05-18T12:00:00Z");
    let line = |it: &EdgeView| EdgeLine::new(it, &Preferences::default(), now);
    let lines = EdgeLine::grouped(found.iter().map(line).collect());
    let unproven = text::flag(EdgeFlag::Unproven);
    let stale = text::flag(EdgeFlag::StalePrice);
    let told: Vec<_> = lines
        .iter()
        .map(|it| (it.fixture, it.rows, it.doubts.clone(), it.flags.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (2, 2, vec![unproven], vec![]),
            (2, 0, vec![], vec![stale]),
            (1, 1, vec![], vec![]),
        ]
    );
}

#[test]
fn what_an_edge_bets_on_is_said_from_the_side_it_bets_on() {
    let named = |market, outcome| {
        pick(&views::edge(
            views::fixture(1, "2024-05-20T15:00:00Z", None),
            (market, outcome),
            Vec::new(),
        ))
    };
    let spread = |quarters| Market::spreads(Line::from_quarters(quarters));
    assert_eq!(named(spread(-3), Outcome::Away), "Away +0.75");
    assert_eq!(named(spread(0), Outcome::Away), "Away 0");
    assert_eq!(
        named(Market::totals(Line::from_quarters(10)), Outcome::Under),
        "Under 2.5"
    );
    assert_eq!(
        named(Market::BOTH_TEAMS_TO_SCORE, Outcome::Yes),
        "Both score: yes"
    );
    assert_eq!(
        named(Market::CORRECT_SCORE, Outcome::Exactly(2, 1)),
        "2\u{2013}1"
    );
}

#[test]
fn a_day_is_followed_by_its_own_window_and_what_is_none_is_said() {
    let of = |day: &str| EdgesQuery {
        day: day.to_owned(),
        ..EdgesQuery::default()
    };
    let query = of("2024-05-20");
    let window = query.day().and_then(|it| Preferences::default().day(it));
    assert_eq!(
        query.key(window),
        "edges?from=2024-05-20T00%3A00%3A00Z&limit=200&until=2024-05-21T00%3A00%3A00Z"
    );
    assert!(query.is_narrow() && query.notices(&[]).is_empty());
    let query = of("friday");
    assert_eq!(query.day(), None);
    assert!(!query.is_narrow());
    let said =
        "\u{201c}friday\u{201d} is not a day such as 2026-08-15: what comes next is looked at.";
    assert_eq!(query.notices(&[]), [said]);
}
