use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::Line;

fn raw(condition: AlertCondition) -> RawRule {
    RawRule {
        condition,
        scope: AlertScope::All,
        hysteresis: None,
        quiet_minutes: None,
    }
}

fn crosses(level: f64, direction: Direction) -> AlertCondition {
    AlertCondition::Probability {
        market: Market::H2H,
        outcome: AlertOutcome::Of(Outcome::Home),
        level,
        direction,
    }
}

fn swings(by: f64, within_minutes: u16) -> AlertCondition {
    AlertCondition::Swing {
        market: Market::H2H,
        outcome: AlertOutcome::Of(Outcome::Home),
        by,
        within_minutes,
    }
}

/// A rule that fires again after a minute.
fn again(condition: AlertCondition) -> AlertRule {
    let quiet_minutes = Some(1);
    AlertRule::new(RawRule {
        quiet_minutes,
        ..raw(condition)
    })
    .unwrap()
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

/// Which numbers, a minute apart, a rule fires at, which way and from where.
fn fired(rule: &AlertRule, values: &[f64]) -> Vec<(usize, Crossing, f64)> {
    let mut watch = rule.begin(Some(values[0]), minute(0));
    let mut all = Vec::new();
    for (at, value) in values.iter().enumerate().skip(1) {
        let (next, fired) = rule.look(&watch, Some(*value), minute(at as i64));
        all.extend(fired.map(|it| (at, it.crossing, it.before.unwrap())));
        watch = next;
    }
    all
}

#[test]
fn a_level_is_crossed_the_way_asked_for() {
    let values = [0.4, 0.55, 0.45, 0.56, 0.40];
    let (up, down) = (Crossing::Up, Crossing::Down);
    let of = |direction| fired(&again(crosses(0.5, direction)), &values);
    assert_eq!(of(Direction::Up), [(1, up, 0.4), (3, up, 0.45)]);
    assert_eq!(of(Direction::Down), [(2, down, 0.55), (4, down, 0.56)]);
    assert_eq!(of(Direction::Either).len(), 4);
}

#[test]
fn a_number_that_trembles_at_a_level_fires_once() {
    let trembling = [0.4, 0.501, 0.499, 0.502, 0.485, 0.5, 0.495, 0.5];
    let either = fired(&again(crosses(0.5, Direction::Either)), &trembling);
    assert_eq!(either, [(1, Crossing::Up, 0.4)]);
    let back = [0.4, 0.501, 0.48, 0.5];
    assert_eq!(fired(&again(crosses(0.5, Direction::Up)), &back).len(), 2);
}

#[test]
fn what_was_so_when_it_began_is_no_news_but_leaving_it_is() {
    let rule = again(crosses(0.5, Direction::Either));
    assert_eq!(fired(&rule, &[0.6, 0.7, 0.8]), []);
    assert_eq!(fired(&rule, &[0.6, 0.5]), [(1, Crossing::Down, 0.6)]);
    assert_eq!(fired(&rule, &[0.5, 0.505, 0.495]), []);
}

#[test]
fn it_fires_once_for_a_fixture_unless_told_otherwise() {
    let values = [0.4, 0.6, 0.4, 0.6];
    let once = AlertRule::new(raw(crosses(0.5, Direction::Up))).unwrap();
    assert_eq!(fired(&once, &values).len(), 1);
    let quiet = |minutes| {
        let rule = RawRule {
            quiet_minutes: Some(minutes),
            ..raw(crosses(0.5, Direction::Up))
        };
        fired(&AlertRule::new(rule).unwrap(), &values).len()
    };
    assert_eq!([quiet(2), quiet(3)], [2, 1]);
}

#[test]
fn an_edge_that_comes_with_its_fixture_is_news_and_so_is_one_that_comes_back() {
    let edge = AlertCondition::Edge {
        market: None,
        level: 0.03,
    };
    let rule = again(edge);
    let (watch, first) = rule.look_first(Some(0.05), minute(0));
    assert_eq!(first.unwrap().before, None);
    assert!(rule.look(&watch, Some(0.029), minute(2)).1.is_none());
    let (gone, fired) = rule.look(&watch, None, minute(2));
    assert!(fired.is_none());
    assert!(rule.look(&gone, Some(0.03), minute(4)).1.is_some());
    let (begun, there) = (rule.begin(Some(0.05), minute(0)), Some(0.06));
    assert!(rule.look(&begun, there, minute(2)).1.is_none());
    let probable = again(crosses(0.5, Direction::Either));
    assert!(probable.look_first(Some(0.9), minute(0)).1.is_none());
}

#[test]
fn a_swing_is_counted_within_its_minutes_and_from_where_the_last_one_ended() {
    let rule = again(swings(0.2, 3));
    let slow = [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6];
    assert_eq!(fired(&rule, &slow), []);
    let fast = [0.5, 0.45, 0.5, 0.66, 0.7, 0.5, 0.49];
    let (up, down) = (Crossing::Up, Crossing::Down);
    assert_eq!(fired(&rule, &fast), [(3, up, 0.45), (5, down, 0.7)]);
}

#[test]
fn what_cannot_be_told_for_a_moment_is_as_it_was() {
    let rule = again(crosses(0.5, Direction::Up));
    let begun = rule.begin(Some(0.4), minute(0));
    let (kept, fired) = rule.look(&begun, None, minute(1));
    assert!(fired.is_none());
    assert_eq!(kept, begun);
    let unknown = rule.begin(None, minute(0));
    assert!(rule.look(&unknown, Some(0.9), minute(1)).1.is_none());
}

#[test]
fn a_rule_begun_again_looks_at_what_is_and_remembers_when_it_fired() {
    let once = AlertRule::new(raw(crosses(0.5, Direction::Up))).unwrap();
    let (fired, _) = once.look(&once.begin(Some(0.4), minute(0)), Some(0.6), minute(1));
    assert_eq!(fired.fired_at(), Some(minute(1)));
    let again = once.begin_again(&fired, Some(0.3), minute(9));
    assert_eq!(
        (again.value(), again.fired_at()),
        (Some(0.3), Some(minute(1)))
    );
    assert!(once.look(&again, Some(0.6), minute(10)).1.is_none());
}

#[test]
fn little_is_worth_writing_down() {
    let rule = again(crosses(0.5, Direction::Either));
    let kept = rule.begin(Some(0.4), minute(0));
    let look = |value| rule.look(&kept, Some(value), minute(1)).0;
    assert!(!look(0.404).is_worth_keeping(&kept));
    assert!(look(0.406).is_worth_keeping(&kept));
    assert!(rule.begin(None, minute(0)).is_worth_keeping(&kept));
    let swing = again(swings(0.3, 10));
    let kept = swing.begin(Some(0.4), minute(0));
    let soon = minute(0) + SignedDuration::from_secs(20);
    let later = |at| swing.look(&kept, Some(0.401), at).0;
    assert!(!later(soon).is_worth_keeping(&kept));
    assert!(later(minute(1)).is_worth_keeping(&kept));
    let text = serde_json::to_string(&later(minute(1))).unwrap();
    let read: AlertWatch = serde_json::from_str(&text).unwrap();
    assert_eq!(read, later(minute(1)));
}

#[test]
fn what_can_never_happen_is_refused_with_the_field_at_fault() {
    let edge = |level, market| AlertCondition::Edge { market, level };
    let team = AlertCondition::Probability {
        market: Market::H2H,
        outcome: AlertOutcome::Team,
        level: 0.5,
        direction: Direction::Up,
    };
    let of = |market, outcome| AlertCondition::Swing {
        market,
        outcome,
        by: 0.2,
        within_minutes: 5,
    };
    let totals = Market::totals(Line::from_quarters(10));
    let score = AlertOutcome::Of(Outcome::Exactly(1, 0));
    for (condition, field) in [
        (crosses(0.0, Direction::Up), "level"),
        (crosses(f64::NAN, Direction::Up), "level"),
        (crosses(1.0, Direction::Up), "level"),
        (swings(0.0, 5), "by"),
        (swings(0.2, 0), "within_minutes"),
        (swings(0.2, 1_441), "within_minutes"),
        (edge(0.0, None), "level"),
        (edge(11.0, None), "level"),
        (edge(0.1, Some(MarketKind::CorrectScore)), "market"),
        (team, "outcome"),
        (of(totals, AlertOutcome::Team), "outcome"),
        (of(totals, AlertOutcome::Of(Outcome::Home)), "outcome"),
        (of(Market::CORRECT_SCORE, score), "market"),
    ] {
        assert_eq!(AlertRule::new(raw(condition)).unwrap_err().field, field);
    }
    for (hysteresis, quiet_minutes, field) in [
        (Some(0.5), None, "hysteresis"),
        (Some(-0.1), None, "hysteresis"),
        (None, Some(0), "quiet_minutes"),
        (None, Some(10_081), "quiet_minutes"),
    ] {
        let rule = RawRule {
            hysteresis,
            quiet_minutes,
            ..raw(crosses(0.5, Direction::Up))
        };
        assert_eq!(AlertRule::new(rule).unwrap_err().field, field);
    }
    let swing = RawRule {
        hysteresis: Some(0.1),
        ..raw(swings(0.2, 5))
    };
    assert_eq!(AlertRule::new(swing).unwrap_err().field, "hysteresis");
}

#[test]
fn a_rule_about_a_team_follows_it_home_and_away() {
    let condition = AlertCondition::Probability {
        market: Market::H2H,
        outcome: AlertOutcome::Team,
        level: 0.99,
        direction: Direction::Up,
    };
    let rule = RawRule {
        scope: AlertScope::Team(TeamId(7)),
        ..raw(condition)
    };
    let rule = AlertRule::new(rule).unwrap();
    assert!((rule.hysteresis() - 0.005).abs() < 1e-9);
    let watched = |sides: [i64; 2]| rule.watched(sides.map(TeamId)).map(|it| it.1);
    assert_eq!(watched([7, 8]), Some(Outcome::Home));
    assert_eq!(watched([8, 7]), Some(Outcome::Away));
    assert_eq!(watched([8, 9]), None);
    let text = serde_json::to_string(&rule).unwrap();
    let read: AlertRule = serde_json::from_str(&text).unwrap();
    assert_eq!(read, rule);
    let bad = text.replace("0.99", "1.99");
    assert!(serde_json::from_str::<AlertRule>(&bad).is_err());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Between two firings the same way the number has been back by the hysteresis, and no
        /// crossing from beyond it goes unnoticed.
        #[test]
        fn every_true_crossing_fires_and_no_trembling(
            values in proptest::collection::vec(0.0..1.0_f64, 2..200),
            level in 0.1..0.9_f64,
            hysteresis in 0.0..0.1_f64,
        ) {
            let rule = AlertRule::new(RawRule {
                hysteresis: Some(hysteresis),
                quiet_minutes: Some(1),
                ..raw(crosses(level, Direction::Either))
            });
            let rule = rule.unwrap();
            let fired = fired(&rule, &values);
            for way in [Crossing::Up, Crossing::Down] {
                let beyond = |it: f64| match way {
                    Crossing::Up => it >= level,
                    Crossing::Down => it <= level,
                };
                let back = |it: f64| match way {
                    Crossing::Up => it <= level - hysteresis && it < level,
                    Crossing::Down => it >= level + hysteresis && it > level,
                };
                let at: Vec<usize> =
                    fired.iter().filter(|it| it.1 == way).map(|it| it.0).collect();
                for pair in at.windows(2) {
                    prop_assert!(values[pair[0]..pair[1]].iter().any(|it| back(*it)));
                }
                for (index, pair) in values.windows(2).enumerate() {
                    if back(pair[0]) && beyond(pair[1]) {
                        prop_assert!(at.contains(&(index + 1)));
                    }
                }
                prop_assert!(at.iter().all(|it| beyond(values[*it])));
            }
        }
    }
}
