//! The cache through its public face, with a real server where it takes one.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what helps it"
)]

mod front;
mod inside;
mod life;
mod loads;
mod model;
mod order;
mod reference;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache::{Cache, CacheError, CacheOptions, Hit, Key, Kind, KindOptions, Loading, Rules, Scope};

/// What loaders of these tests fail with.
#[derive(Debug, thiserror::Error)]
#[error("the origin is ill")]
struct Ill;

type Numbers = Kind<u64, Ill>;
type Answer = Result<Hit<u64>, CacheError<Ill>>;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A cache whose clock the test moves.
fn cache() -> Cache {
    Cache::new(&CacheOptions {
        runtime_clock: true,
        ..CacheOptions::default()
    })
}

fn rules() -> Rules {
    Rules {
        soft_timeout: ms(100),
        hard_timeout: ms(1_000),
        ..Rules::new(ms(10_000), ms(60_000))
    }
}

fn numbers(cache: &Cache, rules: Rules) -> Numbers {
    cache.kind(KindOptions::new("number", rules)).unwrap()
}

fn key(numbers: &Numbers, number: u64) -> Key {
    numbers.key(Scope::Public).part(number).build()
}

/// Loads `value` at once.
async fn fill(numbers: &Numbers, key: &Key, value: u64) -> Answer {
    numbers
        .get_or_load(key, move |_| async move { Ok(value) })
        .await
}

/// A loader that takes `time`, counts its runs and gives `result`.
fn slow(
    runs: &Arc<AtomicUsize>,
    time: Duration,
    result: Result<u64, Ill>,
) -> impl FnOnce(Loading) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, Ill>> + Send>>
+ Send
+ 'static {
    let runs = runs.clone();
    move |_| {
        Box::pin(async move {
            runs.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(time).await;
            result
        })
    }
}
