//! Servers whose clocks are apart: what one has confirmed is known to the others.

use std::sync::{Arc, atomic::AtomicI64};

use domain::{Score, Side};
use engine::{Engine, EngineOptions, topic};
use jiff::{SignedDuration, Timestamp};

use super::{Match, goal};
use crate::world::{Hand, World};

/// Another server on the same store, whose clock is behind by so many milliseconds.
async fn behind(world: &World, by_ms: i64) -> Engine {
    let at = world.clock_at(SignedDuration::from_millis(-by_ms));
    let clock = Arc::new(Hand::new(AtomicI64::new(at.as_microsecond())));
    let store = Arc::clone(&world.store);
    let engine = Engine::new(store, clock, EngineOptions::default());
    engine.load().await.unwrap();
    engine
}

impl World {
    fn clock_at(&self, later: SignedDuration) -> Timestamp {
        self.engine.now().checked_add(later).unwrap()
    }
}

#[tokio::test]
async fn a_goal_and_a_price_are_known_where_the_clock_is_behind() {
    let game = Match::begun().await;
    game.at_minute(20);
    let other = behind(&game.world, 1_000).await;
    game.tell(2, goal(Side::Home)).await;
    game.quote("Pinnacle", [1.9, 3.4, 3.6]).await;
    let engine = &game.world.engine;
    other.see(engine.position().await.unwrap()).await.unwrap();
    let ours = game.prediction(None).await;
    let theirs = other.predict(game.id(), None).await.unwrap();
    let score = theirs.play.as_ref().unwrap().score;
    assert_eq!(score, Score { home: 1, away: 0 });
    assert_eq!(theirs, ours, "the same answer at both");
    let timeline = other.timeline(game.id(), None).await.unwrap();
    assert_eq!(timeline.points.last().unwrap().score, score);
    // A price alone, a moment later.
    game.world.clock.forward(SignedDuration::from_millis(500));
    game.quote("Pinnacle", [1.7, 3.4, 3.6]).await;
    let against = |it: engine::PredictionView| it.against.map(|it| it.taken_at);
    let taken_at = against(other.predict(game.id(), None).await.unwrap());
    assert_eq!(taken_at, Some(engine.now()));
}

#[tokio::test]
async fn a_price_before_the_game_is_known_where_the_clock_is_behind() {
    let game = Match::begun().await;
    let later = game.world.to_come().await.pop().unwrap().fixture;
    let game = Match {
        fixture: game.world.engine.fixture(later.id).await.unwrap(),
        ..game
    };
    let other = behind(&game.world, 1_000).await;
    game.quote("Pinnacle", [1.4, 3.4, 3.6]).await;
    let insight = other.insight(game.id(), None).await.unwrap();
    let market = insight.market.unwrap();
    assert_eq!(market.taken_at, game.world.engine.now());
}

#[tokio::test]
async fn what_lies_far_ahead_is_left_out_and_looked_at_again_then() {
    let game = Match::begun().await;
    game.at_minute(20);
    let other = behind(&game.world, 61_000).await;
    game.tell(2, goal(Side::Home)).await;
    let (told, reads) = topic::recorded(other.predict(game.id(), None)).await;
    let play = told.unwrap().play.unwrap();
    assert_eq!(play.score, Score { home: 0, away: 0 });
    let due = game.world.engine.now();
    assert!(reads.until().is_some_and(|it| it <= due), "{reads:?}");
    // As of a moment of the past nothing later is known.
    let then = game.minute(19);
    let back = topic::back_at(then, other.predict(game.id(), None)).await;
    let score = back.unwrap().play.unwrap().score;
    assert_eq!(score, Score { home: 0, away: 0 });
}
