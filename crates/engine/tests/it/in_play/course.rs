//! How a game went, and what would be if it stood otherwise.

use domain::{PlayKind, Score, Side};
use engine::{Phase, Supposition, TimelinePoint, TimelineView};

use super::{Match, goal, period};

#[tokio::test]
async fn the_timeline_says_of_every_minute_what_was_said_then() {
    let game = Match::begun().await;
    let engine = &game.world.engine;
    let begun = engine.timeline(game.id(), None).await.unwrap();
    assert_eq!((begun.points.len(), begun.swings.len()), (1, 0));
    for (minute, sequence, kind) in [
        (12, 20, goal(Side::Home)),
        (20, 30, PlayKind::Cancelled { of: 20 }),
        (40, 40, PlayKind::RedCard { side: Side::Home }),
        (47, 50, PlayKind::PeriodEnd { period: period(1) }),
        (62, 60, PlayKind::PeriodStart { period: period(2) }),
        (90, 70, goal(Side::Away)),
        (110, 80, PlayKind::PeriodEnd { period: period(2) }),
        (111, 90, PlayKind::Finished),
    ] {
        for quiet in 1..4 {
            // The source shows that it is well.
            let before = minute - 4 + quiet;
            game.at_minute(before.max(1));
            if sequence != 60 && sequence != 90 {
                let clock = PlayKind::Clock { running: true };
                game.tell(sequence - 4 + u64::try_from(quiet).unwrap(), clock)
                    .await;
            }
        }
        game.at_minute(minute);
        game.tell(sequence, kind).await;
    }
    game.at_minute(200);
    let timeline = engine.timeline(game.id(), None).await.unwrap();
    let last = timeline.points.last().unwrap();
    assert_eq!(last.probabilities, [0.0, 0.0, 1.0]);
    assert_eq!((last.phase, last.at), (Phase::Finished, game.minute(111)));
    assert!(timeline.points.windows(2).all(|it| it[0].at < it[1].at));
    let clock = |it: &TimelinePoint| (it.period, it.seconds);
    let runs_on = |it: &[TimelinePoint]| clock(&it[0]) <= clock(&it[1]);
    assert!(timeline.points.windows(2).all(runs_on));
    for point in timeline.points.iter().step_by(7) {
        assert_eq!(
            game.h2h(Some(point.at)).await,
            point.probabilities,
            "{}",
            point.at
        );
    }
    let total: f64 = timeline.swings.iter().map(|it| it.moved).sum();
    assert!(timeline.moved >= total, "every step counts: {total}");
    check_momentum(&game, &timeline);
    // The goal that counted moved it most, then the one that did not.
    let kinds: Vec<_> = timeline
        .swings
        .iter()
        .filter_map(|it| Some(it.event?.kind))
        .collect();
    assert_eq!(kinds[0], goal(Side::Away));
    assert!(kinds.contains(&goal(Side::Home)) && kinds.contains(&PlayKind::Cancelled { of: 20 }));
    assert!(timeline.moments.iter().any(|it| it.cancelled));
    let halves: Vec<_> = timeline
        .periods
        .iter()
        .map(|it| (it.start_seconds, it.length_seconds))
        .collect();
    assert_eq!(halves, [(0, 47 * 60), (47 * 60, 48 * 60)]);
    let then = engine
        .timeline(game.id(), Some(game.minute(22)))
        .await
        .unwrap();
    assert_eq!(then.points[..], timeline.points[..then.points.len()]);
    let earlier = game.minute(-60);
    let before = engine.timeline(game.id(), Some(earlier)).await.unwrap();
    assert!(before.points.is_empty() && before.periods.len() == 2);
}

/// Momentum looks ten minutes of play back.
fn check_momentum(game: &Match, timeline: &TimelineView) {
    let lead = |it: &[f64]| it[0] - it[2];
    let at = |minute| {
        let known = |it: &&TimelinePoint| it.at <= game.minute(minute);
        timeline.points.iter().rfind(known).unwrap()
    };
    let (young, later) = (at(8), at(35));
    assert_eq!(
        young.momentum,
        lead(&young.probabilities) - lead(&timeline.before)
    );
    let is_past = |it: &&TimelinePoint| it.period == 1 && it.seconds <= later.seconds - 600.0;
    let past = timeline.points.iter().rfind(is_past).unwrap();
    let past = lead(&past.probabilities);
    assert_eq!(later.momentum, lead(&later.probabilities) - past);
    assert!(at(13).momentum > 0.1, "a goal of home's speaks for home");
}

#[tokio::test]
async fn what_if_moves_the_same_forecast_and_refuses_what_cannot_be() {
    let game = Match::begun().await;
    let engine = &game.world.engine;
    let ask = |minute, home, away, red_cards| {
        let score = Score { home, away };
        let supposed = Supposition {
            minute,
            score,
            red_cards,
        };
        engine.what_if(game.id(), supposed)
    };
    let start = ask(0, 0, 0, [0, 0]).await.unwrap();
    for (a, b) in start.probabilities.iter().zip(&start.before) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    game.at_minute(30);
    game.tell(2, goal(Side::Home)).await;
    let now = game.h2h(None).await;
    let same = ask(30, 1, 0, [0, 0]).await.unwrap();
    for (a, b) in now.iter().zip(&same.probabilities) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
    let short = ask(30, 1, 0, [1, 0]).await.unwrap();
    assert!(short.probabilities[0] < same.probabilities[0]);
    let next = same.next_goal.unwrap();
    assert!(next.after[0][0] > same.probabilities[0]);
    let refused = ask(91, 0, 0, [0, 0]).await.unwrap_err();
    assert_eq!(refused.to_string(), "minute must be at most 90, not 91");
    // A game to come, from the forecast of the minute under way.
    let coming = game.world.to_come().await.remove(1);
    let supposed = Supposition {
        minute: 80,
        score: Score { home: 0, away: 2 },
        red_cards: [0, 0],
    };
    let lost = engine.what_if(coming.fixture.id, supposed).await.unwrap();
    assert!(lost.probabilities[2] > 0.9 && lost.as_of <= engine.now());
}
