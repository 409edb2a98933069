use std::num::NonZeroU8;

use domain::{GameClock, Period, PlayEvent, PlayKind, Score, Side, Sport};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn period(number: u8) -> Period {
    Period::new(number).unwrap()
}

fn event(sequence: u64, kind: PlayKind) -> PlayEvent {
    PlayEvent {
        sequence,
        revision: 0,
        at: at(60 * i64::try_from(sequence).unwrap()),
        clock: None,
        kind,
    }
}

fn scored(side: Side) -> PlayKind {
    PlayKind::Scored {
        side,
        points: NonZeroU8::MIN,
    }
}

fn score(home: u16, away: u16) -> Score {
    Score { home, away }
}

fn kinds(kinds: &[PlayKind]) -> Vec<PlayEvent> {
    (1..)
        .zip(kinds)
        .map(|(sequence, kind)| event(sequence, *kind))
        .collect()
}

fn football(events: &[PlayEvent]) -> GameState {
    GameState::after(Sport::Football, events)
}

#[test]
fn a_game_of_football_goes_from_before_to_finished() {
    let events = kinds(&[
        PlayKind::PeriodStart { period: period(1) },
        scored(Side::Home),
        PlayKind::Stoppage { seconds: 180 },
        PlayKind::PeriodEnd { period: period(1) },
        PlayKind::PeriodStart { period: period(2) },
        PlayKind::RedCard { side: Side::Away },
        scored(Side::Away),
        PlayKind::PeriodEnd { period: period(2) },
        PlayKind::Finished,
    ]);
    assert_eq!(football(&[]), GameState::BEFORE);
    let begun = football(&events[..3]);
    assert_eq!((begun.phase, begun.period), (Phase::Playing, 1));
    assert_eq!((begun.score, begun.stoppage), (score(1, 0), Some(180)));
    assert!((begun.seconds_at(at(60 + 725)) - 725.0).abs() < 1e-9);
    let half = football(&events[..4]);
    assert_eq!((half.phase, half.stoppage), (Phase::Break, None));
    assert_eq!(half.seconds_at(at(9000)), half.seconds_at(at(0)));
    let late = football(&events[..7]);
    assert_eq!((late.red_cards, late.regular), ([0, 1], None));
    let end = football(&events);
    assert_eq!(
        (end.phase, end.regular, end.events),
        (Phase::Finished, Some(score(1, 1)), 9)
    );
    assert_eq!(end.lead(), 0);
}

#[test]
fn what_is_cancelled_never_counted_and_a_goal_is_taken_away_once() {
    let goal = scored(Side::Home);
    let red = PlayKind::RedCard { side: Side::Home };
    let cancelled = |of| PlayKind::Cancelled { of };
    let told = |home, away| PlayKind::Score { home, away };
    let after = |all: &[PlayKind]| football(&kinds(all)).score;
    assert_eq!(after(&[goal, cancelled(1)]), score(0, 0));
    assert_eq!(after(&[goal, cancelled(1), cancelled(1)]), score(0, 0));
    assert_eq!(after(&[goal, cancelled(9)]), score(1, 0));
    // A score that only confirms leaves the goal to be cancelled; one that corrects settles it.
    assert_eq!(after(&[goal, told(1, 0), cancelled(1)]), score(0, 0));
    assert_eq!(after(&[goal, goal, told(1, 0), cancelled(1)]), score(1, 0));
    assert_eq!(after(&[told(2, 1), goal]), score(3, 1));
    let state = football(&kinds(&[red, red, cancelled(1)]));
    assert_eq!(state.red_cards, [1, 0]);
}

#[test]
fn what_others_take_back_is_as_if_it_had_never_been() {
    let goal = scored(Side::Home);
    let [start, end] = [1, 2].map(|number| PlayKind::PeriodStart {
        period: period(number),
    });
    let break_ = PlayKind::PeriodEnd { period: period(1) };
    let cancelled = |of| PlayKind::Cancelled { of };
    let after = |all: &[PlayKind]| football(&kinds(all));
    let phase = |all: &[PlayKind]| after(all).phase;
    for over in [PlayKind::Finished, PlayKind::Abandoned, break_] {
        assert_eq!(phase(&[start, over, cancelled(2)]), Phase::Playing);
        assert_ne!(phase(&[start, over, cancelled(2), over]), Phase::Playing);
        let again = phase(&[start, over, cancelled(2), cancelled(3)]);
        assert_eq!(
            again,
            phase(&[start, over]),
            "the cancellation did not count"
        );
    }
    let revived = after(&[start, PlayKind::Finished, cancelled(2), goal]);
    assert_eq!((revived.score, revived.regular), (score(1, 0), None));
    assert!(revived.running && revived.events == 4);
    assert_eq!(phase(&[start, cancelled(1)]), Phase::Before);
    assert_eq!(after(&[start, break_, end, cancelled(3)]).period, 1);
    // A goal that counted after all, and did not in the end; a score that was told by mistake.
    let disputed = [goal, cancelled(1), cancelled(2), cancelled(3), cancelled(1)];
    let scores: Vec<u16> = (1..=5)
        .map(|it| after(&disputed[..it]).score.home)
        .collect();
    assert_eq!(scores, [1, 0, 1, 0, 0]);
    let told = PlayKind::Score { home: 4, away: 0 };
    assert_eq!(after(&[goal, told, goal, cancelled(2)]).score, score(2, 0));
    assert_eq!(
        after(&[cancelled(2), goal]).score,
        score(1, 0),
        "of a later one"
    );
}

#[test]
fn a_period_before_the_one_under_way_neither_ends_nor_begins() {
    let clock = |number, seconds| Some(GameClock::new(period(number), seconds).unwrap());
    let mut events = kinds(&[
        PlayKind::PeriodStart { period: period(1) },
        PlayKind::Clock { running: true },
        PlayKind::PeriodEnd { period: period(1) },
        PlayKind::PeriodStart { period: period(1) },
    ]);
    events[1].clock = clock(2, 60);
    let told = football(&events[..2]);
    for count in [3, 4] {
        let state = football(&events[..count]);
        let same = GameState {
            events: told.events,
            ..state
        };
        assert_eq!(same, told);
    }
}

#[test]
fn a_clock_that_is_told_of_an_earlier_period_corrects_a_wrong_one() {
    let clock = |sequence, number, seconds| PlayEvent {
        clock: Some(GameClock::new(period(number), seconds).unwrap()),
        ..event(sequence, PlayKind::Clock { running: true })
    };
    let goal = |sequence| event(sequence, scored(Side::Home));
    for sport in [Sport::Football, Sport::Basketball] {
        let (right, wrong) = (sport.regular_periods() - 1, sport.regular_periods() + 1);
        let told = [
            clock(1, right, 60),
            goal(2),
            clock(3, wrong, 90),
            goal(4),
            clock(5, right, 120),
        ];
        let after = |count| GameState::after(sport, &told[..count]);
        assert_eq!(
            (after(3).period, after(3).regular),
            (wrong, Some(score(1, 0)))
        );
        let state = after(5);
        assert_eq!((state.phase, state.running), (Phase::Playing, true));
        assert_eq!((state.period, state.seconds), (right, 120));
        assert_eq!((state.score, state.regular), (score(2, 0), None));
        // What was scored meanwhile is of the period gone back to, where it is taken back later.
        let end = PlayKind::PeriodEnd {
            period: period(sport.regular_periods()),
        };
        let later = [event(6, end), event(7, PlayKind::Cancelled { of: 4 })];
        let all = [&told[..], &later].concat();
        assert_eq!(GameState::after(sport, &all).regular, Some(score(1, 0)));
    }
    let state = football(&[clock(1, 2, 60), clock(2, 5, 90), clock(3, 2, 120)]);
    assert_eq!((state.period, state.shootout), (2, None));
    let state = football(&[clock(1, 2, 60), clock(2, 5, 90), goal(3), clock(4, 4, 120)]);
    assert_eq!(
        (state.score, state.shootout),
        (score(0, 0), Some(score(1, 0)))
    );
}

#[test]
fn nothing_but_its_taking_back_restarts_a_game_that_is_over() {
    let start = |number| PlayKind::PeriodStart {
        period: period(number),
    };
    for over in [PlayKind::Finished, PlayKind::Abandoned] {
        let told = kinds(&[start(2), over]);
        let later = [
            start(3),
            PlayKind::PeriodEnd { period: period(2) },
            PlayKind::Clock { running: true },
        ];
        for kind in later {
            for clock in [None, Some(GameClock::new(period(3), 60).unwrap())] {
                let last = PlayEvent {
                    clock,
                    ..event(3, kind)
                };
                let state = football(&[&told[..], &[last]].concat());
                let same = GameState { events: 2, ..state };
                assert_eq!(same, football(&told), "{last:?}");
            }
        }
    }
}

#[test]
fn a_result_is_the_score_of_regular_play_unless_overtime_was_played() {
    let start = |number| PlayKind::PeriodStart {
        period: period(number),
    };
    let closed = |all: &[PlayKind]| {
        let mut state = football(&kinds(all));
        state.close(Sport::Football, score(2, 2));
        assert_eq!((state.phase, state.running), (Phase::Finished, false));
        assert_eq!(state.score, score(2, 2));
        state.regular
    };
    let goal = scored(Side::Home);
    assert_eq!(closed(&[start(1)]), Some(score(2, 2)));
    assert_eq!(closed(&[goal, PlayKind::Finished]), Some(score(2, 2)));
    assert_eq!(closed(&[start(2), goal, start(3)]), Some(score(1, 0)));
}

#[test]
fn regular_play_keeps_its_score_through_overtime_and_late_corrections() {
    let goal = scored(Side::Home);
    let end = PlayKind::PeriodEnd { period: period(2) };
    let overtime = PlayKind::PeriodStart { period: period(3) };
    let regular = |all: &[PlayKind]| football(&kinds(all)).regular;
    assert_eq!(regular(&[goal, end, overtime, goal]), Some(score(1, 0)));
    assert_eq!(
        regular(&[goal, end, PlayKind::Cancelled { of: 1 }]),
        Some(score(0, 0))
    );
    let corrected = PlayKind::Score { home: 1, away: 1 };
    assert_eq!(regular(&[goal, end, corrected]), Some(score(1, 1)));
    assert_eq!(
        regular(&[goal, end, overtime, corrected]),
        Some(score(1, 0))
    );
    assert_eq!(
        regular(&[overtime, goal, PlayKind::Cancelled { of: 2 }]),
        Some(score(0, 0))
    );
    assert_eq!(regular(&[goal, PlayKind::Abandoned]), None);
    // A goal that is told after the end fell before it.
    for end in [end, PlayKind::Finished] {
        assert_eq!(regular(&[goal, end, goal]), Some(score(2, 0)));
        let taken_back = [goal, end, goal, PlayKind::Cancelled { of: 3 }];
        assert_eq!(regular(&taken_back), Some(score(1, 0)));
    }
}

#[test]
fn the_goals_of_a_shoot_out_are_told_apart_from_the_score() {
    let [home, away] = [Side::Home, Side::Away].map(scored);
    let [extra, kicks] = [3, 5].map(|number| PlayKind::PeriodStart {
        period: period(number),
    });
    let tally = |all: &[PlayKind]| {
        let state = football(&kinds(all));
        (state.score, state.regular, state.shootout)
    };
    let drawn = Some(score(1, 1));
    let game = [home, away, extra, home, away, kicks, home, home, away];
    let after = (score(2, 2), drawn, Some(score(2, 1)));
    assert_eq!(tally(&game), after);
    assert_eq!(tally(&[&game[..], &[PlayKind::Finished]].concat()), after);
    assert_eq!(tally(&game[..5]), (score(2, 2), drawn, None));
    // A kick that did not count, and one that counted whatever was told of the score since.
    let corrected = PlayKind::Score { home: 3, away: 3 };
    let taken_back = [&game[..], &[corrected, PlayKind::Cancelled { of: 7 }]].concat();
    let expected = (score(3, 3), drawn, Some(score(1, 1)));
    assert_eq!(tally(&taken_back), expected);
    // A goal of the game that is taken back meanwhile is one of the game.
    let late = [&game[..], &[PlayKind::Cancelled { of: 1 }]].concat();
    let expected = (score(1, 2), Some(score(0, 1)), Some(score(2, 1)));
    assert_eq!(tally(&late), expected);
    // Who begins by the clock says as much; other sports play a second overtime.
    let clock = Some(GameClock::new(period(5), 0).unwrap());
    let first = PlayEvent {
        clock,
        ..event(1, home)
    };
    let state = |sport| GameState::after(sport, &[first]);
    let football = state(Sport::Football);
    assert_eq!(
        (football.score, football.shootout),
        (score(0, 0), Some(score(1, 0)))
    );
    let basketball = state(Sport::Basketball);
    assert_eq!((basketball.score, basketball.shootout), (score(1, 0), None));
}

#[test]
fn a_clock_tells_a_period_whose_start_was_not_told() {
    let clock = |number, seconds| Some(GameClock::new(period(number), seconds).unwrap());
    let mut goal = event(5, scored(Side::Away));
    goal.clock = clock(2, 600);
    let state = football(&[goal]);
    assert_eq!((state.phase, state.period), (Phase::Playing, 2));
    assert!(state.running && (state.seconds_at(goal.at) - 600.0).abs() < 1e-9);
    let mut stop = event(6, PlayKind::Clock { running: false });
    stop.clock = clock(2, 660);
    let state = football(&[goal, stop]);
    assert_eq!(state.seconds_at(at(99_999)).to_bits(), 660.0_f64.to_bits());
    // A goal of the period before that is told late moves nothing back.
    let mut old = event(7, scored(Side::Home));
    old.clock = clock(1, 100);
    let state = football(&[goal, stop, old]);
    assert_eq!((state.period, state.seconds), (2, 660));
    // A clock that nobody stops does not run for ever.
    let state = football(&[goal, stop, event(8, PlayKind::Clock { running: true })]);
    assert_eq!(
        state.seconds_at(at(999_999)).to_bits(),
        7200.0_f64.to_bits()
    );
}

#[test]
fn a_clock_that_stops_untold_stands_where_it_had_run_to_and_runs_on_from_there() {
    let events = kinds(&[
        PlayKind::PeriodStart { period: period(1) },
        scored(Side::Home),
        PlayKind::Clock { running: false },
        PlayKind::Clock { running: false },
        PlayKind::Clock { running: true },
        PlayKind::Clock { running: true },
        PlayKind::PeriodEnd { period: period(1) },
        PlayKind::PeriodStart { period: period(2) },
        PlayKind::Finished,
    ]);
    let seconds = |count: usize, later: i64| {
        let last = events[count - 1].at;
        football(&events[..count]).seconds_at(last + SignedDuration::from_secs(later))
    };
    // It stands from the third minute to the fifth.
    assert_eq!(seconds(2, 30), 90.0);
    assert_eq!((seconds(3, 0), seconds(4, 600)), (120.0, 120.0));
    assert_eq!((seconds(5, 0), seconds(6, 30)), (120.0, 210.0));
    assert_eq!(seconds(7, 900), 240.0);
    assert_eq!((seconds(8, 30), seconds(9, 900)), (30.0, 60.0));
    let told = PlayEvent {
        clock: Some(GameClock::new(period(1), 2_800).unwrap()),
        ..events[6]
    };
    let half = football(&[&events[..6], &[told]].concat());
    assert_eq!(half.seconds_at(at(90_000)), 2_800.0);
}

#[test]
fn a_higher_revision_replaces_and_a_known_event_changes_nothing() {
    let mut log = PlayLog::new(Sport::Football);
    let goal = event(1, scored(Side::Home));
    let told_anew = PlayEvent {
        revision: 1,
        kind: scored(Side::Away),
        ..goal
    };
    assert!(log.add(goal) && !log.add(goal));
    assert_eq!(log.state().score, score(1, 0));
    assert!(log.add(told_anew) && !log.add(goal));
    assert_eq!((log.state().score, log.events().count()), (score(0, 1), 1));
    for sequence in 2..20_000 {
        log.add(event(sequence, PlayKind::Clock { running: true }));
    }
    assert_eq!(log.events().count(), PlayLog::EVENTS_MAX);
}

fn any_kind() -> impl Strategy<Value = PlayKind> {
    let side = prop_oneof![Just(Side::Home), Just(Side::Away)];
    prop_oneof![
        (1_u8..5).prop_map(|it| PlayKind::PeriodStart { period: period(it) }),
        (1_u8..5).prop_map(|it| PlayKind::PeriodEnd { period: period(it) }),
        any::<bool>().prop_map(|running| PlayKind::Clock { running }),
        (0_u16..600).prop_map(|seconds| PlayKind::Stoppage { seconds }),
        side.clone().prop_map(scored),
        side.prop_map(|side| PlayKind::RedCard { side }),
        (0_u64..30).prop_map(|of| PlayKind::Cancelled { of }),
        (0_u16..4, 0_u16..4).prop_map(|(home, away)| PlayKind::Score { home, away }),
        Just(PlayKind::Finished),
        Just(PlayKind::Abandoned),
    ]
}

fn any_event() -> impl Strategy<Value = PlayEvent> {
    let clock = proptest::option::of((1_u8..4, 0_u16..3000));
    (0_u64..30, 0_u16..3, any_kind(), clock, 0_i64..6000).prop_map(
        |(sequence, revision, kind, clock, seconds)| PlayEvent {
            sequence,
            revision,
            at: at(0) + SignedDuration::from_secs(seconds),
            clock: clock.map(|(number, it)| GameClock::new(period(number), it).unwrap()),
            kind,
        },
    )
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_state(
        (events, shuffled) in proptest::collection::vec(any_event(), 0..40)
            .prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle()))
    ) {
        let state = football(&events);
        prop_assert_eq!(state, football(&shuffled));
        let twice: Vec<PlayEvent> = events.iter().chain(&shuffled).copied().collect();
        prop_assert_eq!(state, football(&twice));
    }

    #[test]
    fn a_log_that_grows_event_by_event_is_at_every_step_what_its_prefix_gives(
        events in proptest::collection::vec(any_event(), 0..30)
    ) {
        let mut log = PlayLog::new(Sport::Basketball);
        for (index, event) in events.iter().enumerate() {
            log.add(*event);
            let prefix = GameState::after(Sport::Basketball, &events[..=index]);
            prop_assert_eq!(log.state(), prefix);
            let last = log.steps().last().map(|it| it.1);
            prop_assert_eq!(last, Some(prefix));
        }
    }
}
