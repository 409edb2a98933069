//! Looks that do not come to their end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use engine::Clock;

use super::*;

/// Goes on with some work so many times, and lets go of it then; whether it was done.
async fn went_on<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let (mut work, mut left) = (pin!(work), times);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn what_is_due_once_a_day_stays_due_until_a_look_has_ended() {
    let world = trained().await;
    let all = world.to_come().await.len() as u64;
    let condition = home_crosses(0.99, Direction::Up);
    made(&world.engine, condition, AlertScope::All).await;
    let begun = world.clock.now();
    let seen = || world.engine.alert_figures().looked;
    for times in 0.. {
        world.clock.set(begun);
        let mut watcher = world.engine.alert_watcher();
        looked(&mut watcher).await;
        world.clock.forward(SignedDuration::from_hours(24));
        let before = seen();
        if went_on(watcher.look(), times).await {
            assert!(times > 3, "a look asks the store several times");
            break;
        }
        looked(&mut watcher).await;
        let seen = seen() - before;
        assert!(seen >= all, "{seen} of {all}, let go of after {times}");
    }
}
