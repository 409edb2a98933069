//! What was seen of games that are over, let go of.

use domain::{MatchStats, Score};
use engine::{Clock, ResultCommand};

use super::*;

fn result(fixture: FixtureId, [home, away]: [u16; 2]) -> ResultCommand {
    ResultCommand {
        fixture,
        score: Score { home, away },
        stats: MatchStats::default(),
    }
}

#[tokio::test]
async fn what_was_seen_of_games_long_over_is_forgotten() {
    let world = trained().await;
    let ids: Vec<_> = world
        .to_come()
        .await
        .iter()
        .map(|it| it.fixture.id)
        .collect();
    let condition = home_crosses(0.99, Direction::Up);
    made(&world.engine, condition, AlertScope::All).await;
    let mut watcher = world.engine.alert_watcher();
    looked(&mut watcher).await;
    let kept = async || world.store.alert_states(&ids).await.unwrap().len();
    assert_eq!(kept().await, ids.len());
    // The league's last game is some weeks ahead.
    world.clock.forward(SignedDuration::from_hours(24 * 20));
    looked(&mut watcher).await;
    assert_eq!(kept().await, ids.len(), "games may still be corrected");
    world.clock.forward(SignedDuration::from_hours(24 * 60));
    let results = ids[1..].iter().map(|it| result(*it, [2, 1])).collect();
    world.engine.put_results(results).await.unwrap();
    looked(&mut watcher).await;
    assert_eq!(kept().await, 1, "the first may still be played");
}

#[tokio::test]
async fn a_new_rule_looks_once_at_what_is_far_off_and_has_prices() {
    let world = crate::world::long_trained().await;
    let coming = world.to_come().await;
    let first = coming[0].fixture.kickoff;
    world.clock.set(first - SignedDuration::from_hours(24 * 40));
    let mut priced = Vec::new();
    for it in &coming {
        if !world.store.quotes(it.fixture.id).await.unwrap().is_empty() {
            priced.push(it.fixture.id);
        }
    }
    assert!(!priced.is_empty());
    let any = domain::AlertCondition::Edge {
        market: None,
        level: 0.01,
    };
    made(&world.engine, any, AlertScope::All).await;
    let mut watcher = world.engine.alert_watcher();
    assert_eq!(looked(&mut watcher).await, 0);
    let known = world.store.alert_states(&priced).await.unwrap().len();
    assert_eq!(known, priced.len());
}

#[tokio::test]
async fn what_another_server_forgot_fires_no_second_time() {
    let game = Match::new().await;
    game.begin().await;
    let rule = game.rises().await;
    let mut watcher = game.engine().alert_watcher();
    looked(&mut watcher).await;
    game.tell(2, goal(Side::Home)).await;
    assert_eq!(looked(&mut watcher).await, 1);
    let ended = async |score| {
        let results = vec![result(game.id, score)];
        game.engine().put_results(results).await.unwrap();
    };
    ended([1, 0]).await;
    looked(&mut watcher).await;
    // As the other does, long after, while this one still remembers.
    let later = game.world.clock.now() + SignedDuration::from_hours(24 * 40);
    let store = &game.world.store;
    assert_eq!(store.trim_alert_states(later, 10).await.unwrap(), 1);
    let lost = game.engine().alert_figures().lost;
    for score in [[0, 1], [1, 0]] {
        ended(score).await;
        assert_eq!(looked(&mut watcher).await, 0, "it fired for this fixture");
    }
    assert_eq!(game.engine().alert_figures().lost, lost + 1);
    assert_eq!(fired(game.engine(), rule).await.len(), 1);
    assert_eq!(store.alert_states(&[game.id]).await.unwrap().len(), 1);
}
