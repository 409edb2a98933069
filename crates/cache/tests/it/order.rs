//! Invalidations against loads under way.

use cache::{KindStatistics, Tag, Target};
use tokio::sync::oneshot;

use super::*;

/// What to remove while a load that carries the tag `t` is under way.
fn targets(key: &Key) -> [Target; 4] {
    [
        Target::from(key),
        Tag::new("t", 1_u64).into(),
        Target::Kind("number".into()),
        Target::Everything,
    ]
}

/// Begins a load that ends when told to, and carries a tag.
fn begin(numbers: &Numbers, key: &Key) -> (tokio::task::JoinHandle<Answer>, oneshot::Sender<()>) {
    let (go, wait) = oneshot::channel();
    let (numbers, key) = (numbers.clone(), key.clone());
    let load = move |loading: Loading| async move {
        wait.await.unwrap();
        loading.tag(&Tag::new("t", 1_u64));
        Ok(1)
    };
    (
        tokio::spawn(async move { numbers.get_or_load(&key, load).await }),
        go,
    )
}

#[tokio::test(start_paused = true)]
async fn a_load_that_began_before_keeps_nothing() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    for target in targets(&key) {
        let (first, go) = begin(&numbers, &key);
        tokio::time::sleep(ms(1)).await;
        cache.remove(&[target]).await;
        go.send(()).unwrap();
        assert_eq!(*first.await.unwrap().unwrap(), 1);
        assert!(numbers.get(&key).is_none());
    }
    assert_eq!(cache.statistics()[0].outdated, 4);
}

#[tokio::test(start_paused = true)]
async fn who_asks_after_it_never_gets_what_a_load_before_it_made() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    for target in targets(&key) {
        let (first, go) = begin(&numbers, &key);
        tokio::time::sleep(ms(1)).await;
        cache.remove(&[target]).await;
        let (there, at) = (numbers.clone(), key.clone());
        let second = tokio::spawn(async move { fill(&there, &at, 2).await });
        tokio::time::sleep(ms(1)).await;
        go.send(()).unwrap();
        assert_eq!(*first.await.unwrap().unwrap(), 1);
        assert_eq!(*second.await.unwrap().unwrap(), 2);
        assert_eq!(*numbers.get(&key).unwrap(), 2);
        cache.remove(&[Target::Everything]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_does_not_replace_what_was_put_meanwhile() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    let (first, go) = begin(&numbers, &key);
    tokio::time::sleep(ms(1)).await;
    numbers.put(&key, 5, |_| {}).await.unwrap();
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(*numbers.get(&key).unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_failure_from_before_is_not_answered_after_it() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    numbers
        .get_or_load(&key, |_| async { Err(Ill) })
        .await
        .unwrap_err();
    cache.remove(&[Target::from(&key)]).await;
    assert_eq!(*fill(&numbers, &key, 3).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_else_asks_has_another_value() {
    let numbers = numbers(&cache(), rules());
    for (at, scope) in [
        Scope::Public,
        Scope::Tenant("a"),
        Scope::User("a"),
        Scope::User("b"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = numbers.key(scope).part(1_u64).build();
        assert_eq!(*fill(&numbers, &key, at as u64).await.unwrap(), at as u64);
    }
}

/// Two threads write and remove while two others read: nobody may read less than what was
/// acknowledged before they asked.
#[test]
fn threads_never_read_what_was_acknowledged_as_gone() {
    let cache = Cache::new(&CacheOptions {
        slots: 64,
        ..CacheOptions::default()
    });
    let it = four_threads::<4>(&cache);
    assert!(
        it.front_hits > 0 && it.memory_hits > 0 && it.loads > 0,
        "{it:?}"
    );
}

/// The same where hardly any of them find room.
#[test]
fn nor_where_entries_have_to_go_for_others_all_the_time() {
    let cache = Cache::new(&CacheOptions {
        memory_bytes_max: 6_000,
        slots: 64,
        ..CacheOptions::default()
    });
    let it = four_threads::<200>(&cache);
    assert!(it.evictions > 0 && it.memory_hits > 0, "{it:?}");
    assert!(it.entries > 0 && it.bytes <= 6_000, "{it:?}");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.build().unwrap();
    runtime.block_on(cache.remove(&[Target::Everything]));
    let it = &cache.statistics()[0];
    assert_eq!((it.entries, it.bytes), (0, 0), "{it:?}");
}

fn four_threads<const KEYS: usize>(cache: &Cache) -> KindStatistics {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let numbers = numbers(cache, rules());
    let zeros = || Arc::new(std::array::from_fn(|_| AtomicUsize::new(0)));
    let (truth, acknowledged): (Arc<[AtomicUsize; KEYS]>, Arc<[AtomicUsize; KEYS]>) =
        (zeros(), zeros());
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..4_usize {
            let (cache, numbers) = (cache.clone(), numbers.clone());
            let (truth, acknowledged) = (truth.clone(), acknowledged.clone());
            tasks.spawn(async move {
                for step in 0..8_000_usize {
                    let at = (step * 7 + worker) % KEYS;
                    let key = key(&numbers, at as u64);
                    if worker < 2 && step % 3 == 0 {
                        let now = truth[at].fetch_add(1, Ordering::SeqCst) + 1;
                        let tag = Tag::new("row", at as u64);
                        cache
                            .remove(&[if step % 2 == 0 {
                                tag.into()
                            } else {
                                Target::from(&key)
                            }])
                            .await;
                        acknowledged[at].fetch_max(now, Ordering::SeqCst);
                        continue;
                    }
                    let least = acknowledged[at].load(Ordering::SeqCst);
                    let truth = truth.clone();
                    let load = move |loading: Loading| async move {
                        loading.tag(&Tag::new("row", at as u64));
                        let value = truth[at].load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        Ok(value as u64)
                    };
                    if let Some(value) = numbers.read(&key, |it| **it) {
                        assert!(value >= least as u64, "{value} < {least}");
                    }
                    let hit = numbers.get_or_load(&key, load).await.unwrap();
                    assert!(*hit >= least as u64, "{} < {least}", *hit);
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    });
    drop(runtime); // With its threads, and what those held of entries that went.
    cache.statistics().remove(0)
}
