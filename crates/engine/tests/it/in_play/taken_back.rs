//! What is said once more after the end: results, goals told late, ends that did not hold.

use domain::{FixtureStatus, GameClock, PlayKind, Score, Side};
use engine::{BoardFilter, EngineError, EventCommand, EventStanding, Phase, ResultCommand};
use jiff::Timestamp;

use super::{Match, goal, period};
use crate::world::restated;

/// Every way to ask says the same: prediction, its play, the last point of the timeline.
async fn check(game: &Match, phase: Phase, score: [u16; 2], h2h: Option<[f64; 3]>) {
    let prediction = game.prediction(None).await;
    let play = prediction.play.clone().unwrap();
    let [home, away] = score;
    assert_eq!((play.phase, play.score), (phase, Score { home, away }));
    let told = game.h2h(None).await;
    if let Some(wanted) = h2h {
        assert_eq!(told, wanted);
    }
    let engine = &game.world.engine;
    let timeline = engine.timeline(game.id(), None).await.unwrap();
    let last = timeline.points.last().unwrap();
    assert_eq!((last.phase, last.score), (phase, play.score));
    assert_eq!(last.probabilities, told);
    assert_eq!(timeline.moments, play.moments);
}

async fn momentum(game: &Match) -> f64 {
    let timeline = game.world.engine.timeline(game.id(), None).await.unwrap();
    timeline.points.last().unwrap().momentum
}

async fn result(game: &Match, home: u16, away: u16) {
    let result = ResultCommand {
        fixture: game.id(),
        score: Score { home, away },
        stats: domain::MatchStats::default(),
    };
    game.world.engine.put_results(vec![result]).await.unwrap();
}

#[tokio::test]
async fn a_result_decides_a_game_that_was_told_to_its_end_unless_it_went_on() {
    let game = Match::begun().await;
    game.at_minute(95);
    game.tell(2, goal(Side::Home)).await;
    game.tell(3, PlayKind::Finished).await;
    check(&game, Phase::Finished, [1, 0], Some([1.0, 0.0, 0.0])).await;
    let (told_at, won) = (game.world.engine.now(), momentum(&game).await);
    game.at_minute(100);
    result(&game, 2, 2).await;
    assert!((won - momentum(&game).await - 1.0).abs() < 1e-12);
    check(&game, Phase::Finished, [2, 2], Some([0.0, 1.0, 0.0])).await;
    assert_eq!(game.h2h(Some(told_at)).await, [1.0, 0.0, 0.0], "as then");
    // What is told after that changes nothing of the result.
    game.tell(4, goal(Side::Away)).await;
    check(&game, Phase::Finished, [2, 2], Some([0.0, 1.0, 0.0])).await;
}

#[tokio::test]
async fn a_result_after_overtime_leaves_regular_play_as_it_was_told() {
    let game = Match::begun().await;
    game.at_minute(95);
    game.tell(2, PlayKind::PeriodEnd { period: period(2) })
        .await;
    game.tell(3, PlayKind::PeriodStart { period: period(3) })
        .await;
    game.tell(4, goal(Side::Away)).await;
    game.tell(5, PlayKind::Finished).await;
    result(&game, 0, 1).await;
    check(&game, Phase::Finished, [0, 1], Some([0.0, 1.0, 0.0])).await;
}

#[tokio::test]
async fn a_goal_told_after_the_end_fell_before_it() {
    let game = Match::begun().await;
    game.at_minute(95);
    game.tell(2, PlayKind::Finished).await;
    game.tell(3, goal(Side::Away)).await;
    check(&game, Phase::Finished, [0, 1], Some([0.0, 0.0, 1.0])).await;
    game.tell(4, PlayKind::Cancelled { of: 3 }).await;
    check(&game, Phase::Finished, [0, 0], Some([0.0, 1.0, 0.0])).await;
}

#[tokio::test]
async fn an_end_that_is_taken_back_did_not_come_and_what_took_it_back_can_be_too() {
    for over in [PlayKind::Finished, PlayKind::Abandoned] {
        let game = Match::begun().await;
        game.at_minute(30);
        game.tell(2, goal(Side::Home)).await;
        let leading = game.h2h(None).await;
        game.tell(3, over).await;
        game.tell(4, PlayKind::Cancelled { of: 3 }).await;
        check(&game, Phase::Playing, [1, 0], None).await;
        assert_eq!(game.h2h(None).await, leading);
        // The goal: out, in, out.
        for (sequence, of, goals) in [(5, 2, 0), (6, 5, 1), (7, 6, 0)] {
            game.tell(sequence, PlayKind::Cancelled { of }).await;
            check(&game, Phase::Playing, [goals, 0], None).await;
        }
        let events = game.world.engine.events(game.id(), None).await.unwrap();
        let cancelled = |it: &&engine::EventView| it.standing == EventStanding::Cancelled;
        let cancelled = events.iter().filter(cancelled);
        let cancelled: Vec<_> = cancelled.map(|it| it.event.sequence).collect();
        assert_eq!(cancelled, [2, 3, 6]);
        let play = game.prediction(None).await.play.unwrap();
        let moments = play.moments.iter().map(|it| it.cancelled);
        assert_eq!(moments.collect::<Vec<_>>(), [false, true, true]);
        game.tell(8, PlayKind::Cancelled { of: 4 }).await;
        let found = game.world.engine.predict(game.id(), None).await;
        match over {
            PlayKind::Finished => assert_eq!(game.h2h(None).await, [0.0, 1.0, 0.0]),
            _ => assert!(found.unwrap().markets.is_empty()),
        }
    }
}

#[tokio::test]
async fn what_was_taken_back_counts_as_of_every_moment_before() {
    let game = Match::begun().await;
    let mut told: Vec<(Timestamp, Vec<f64>)> = Vec::new();
    for (minute, sequence, kind) in [
        (10, 2, goal(Side::Home)),
        (44, 3, PlayKind::PeriodEnd { period: period(1) }),
        (45, 4, PlayKind::Cancelled { of: 3 }),
        (47, 5, PlayKind::Finished),
        (48, 6, PlayKind::Cancelled { of: 5 }),
        (49, 7, PlayKind::Cancelled { of: 6 }),
        (50, 8, PlayKind::Cancelled { of: 7 }),
        (52, 9, PlayKind::Cancelled { of: 2 }),
    ] {
        game.at_minute(minute);
        game.tell(sequence, kind).await;
        let now = game.world.engine.now();
        told.push((now, game.h2h(None).await));
    }
    let engine = &game.world.engine;
    let timeline = engine.timeline(game.id(), None).await.unwrap();
    for (at, h2h) in told {
        assert_eq!(game.h2h(Some(at)).await, h2h, "{at}");
        let point = timeline.points.iter().find(|it| it.at == at).unwrap();
        assert_eq!(point.probabilities, h2h, "{at}");
    }
}

#[tokio::test]
async fn the_end_of_a_period_that_is_over_already_does_not_end_the_next() {
    let game = Match::begun().await;
    game.at_minute(61);
    let mut event = game.event(2, 0, PlayKind::Clock { running: true });
    event.event.clock = Some(GameClock::new(period(2), 60).unwrap());
    let engine = &game.world.engine;
    engine.put_events(&super::api(), vec![event]).await.unwrap();
    let before = game.h2h(None).await;
    game.tell(3, PlayKind::PeriodEnd { period: period(1) })
        .await;
    check(&game, Phase::Playing, [0, 0], None).await;
    assert_eq!(game.h2h(None).await, before);
}

#[tokio::test]
async fn what_never_happens_in_a_sport_is_refused_by_name() {
    let game = Match::begun().await;
    let mut clock = game.event(4, 0, PlayKind::Clock { running: true });
    clock.event.clock = Some(GameClock::new(period(6), 1).unwrap());
    let three = PlayKind::Scored {
        side: Side::Home,
        points: std::num::NonZeroU8::new(3).unwrap(),
    };
    let batch: Vec<EventCommand> = vec![
        game.event(2, 0, PlayKind::PeriodStart { period: period(6) }),
        game.event(3, 0, PlayKind::PeriodEnd { period: period(9) }),
        clock,
        game.event(5, 0, three),
        game.event(6, 0, PlayKind::PeriodStart { period: period(5) }),
    ];
    let engine = &game.world.engine;
    let error = engine.put_events(&super::api(), batch).await.unwrap_err();
    let EngineError::BadBatch(problems) = error else {
        panic!("{error}");
    };
    let found: Vec<_> = problems
        .iter()
        .map(|it| (it.index, &*it.field, &*it.detail))
        .collect();
    let expected = [
        (0, "period", "6 is not a period of football: use 1 to 5"),
        (1, "period", "9 is not a period of football: use 1 to 5"),
        (
            2,
            "clock/period",
            "6 is not a period of football: use 1 to 5",
        ),
        (3, "points", "nothing counts 3 in football: use 1"),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_game_that_is_postponed_or_cancelled_is_not_under_way() {
    for status in [FixtureStatus::Postponed, FixtureStatus::Cancelled] {
        let game = Match::begun().await;
        game.at_minute(30);
        game.tell(2, goal(Side::Home)).await;
        result(&game, 1, 0).await;
        let fixture = &game.fixture.fixture;
        let set = async |status| {
            let command = restated(fixture, status);
            let written = game.world.engine.put_fixtures(vec![command]).await;
            assert_eq!(written.unwrap().fixtures, [game.id()]);
        };
        set(status).await;
        let prediction = game.prediction(None).await;
        assert_eq!((prediction.play, prediction.before), (None, None));
        let board = game.world.engine.board(&BoardFilter::default()).await;
        let row = board.unwrap().into_iter();
        let mut row = row.filter(|it| it.fixture.fixture.id == game.id());
        assert!(row.all(|it| it.play.is_none()));
        // What was told of it is kept, and counts where it goes on after all.
        set(FixtureStatus::Scheduled).await;
        check(&game, Phase::Playing, [1, 0], None).await;
    }
}
