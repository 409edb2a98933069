//! The calling thread's own entries: what is there is judged like everything else.

use cache::{Tag, Target, Tier};

use super::*;

/// Asks until the thread's own entries answer.
async fn warm(numbers: &Numbers, key: &Key, value: u64) {
    let load = move |loading: Loading| async move {
        loading.tag(&Tag::new("t", 1_u64));
        Ok(value)
    };
    numbers.get_or_load(key, load).await.unwrap();
    numbers.get(key).unwrap();
    assert_eq!(numbers.get(key).unwrap().tier(), Tier::Front);
}

#[tokio::test(start_paused = true)]
async fn what_a_thread_has_at_hand_is_outdated_by_the_same_things_as_memory() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let (asked, other) = (key(&numbers, 1), key(&numbers, 2));
    for target in [
        Target::from(&asked),
        Tag::new("t", 1_u64).into(),
        Target::Kind("number".into()),
        Target::Everything,
    ] {
        warm(&numbers, &asked, 1).await;
        cache.remove(&[Target::from(&other)]).await;
        assert_eq!(numbers.get(&asked).unwrap().tier(), Tier::Front);
        cache.remove(&[target]).await;
        assert!(numbers.get(&asked).is_none());
        assert_eq!(numbers.read(&asked, |it| **it), None);
        assert_eq!(*fill(&numbers, &asked, 2).await.unwrap(), 2);
        cache.remove(&[Target::from(&asked)]).await;
    }
    warm(&numbers, &asked, 3).await;
    cache.expire(&[Target::from(&asked)]).await;
    let hit = numbers.get_or_load(&asked, |_| async { Err(Ill) }).await;
    let hit = hit.unwrap();
    assert_eq!((*hit, hit.is_stale()), (3, true));
}

#[tokio::test(start_paused = true)]
async fn what_a_thread_has_at_hand_grows_old() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    warm(&numbers, &key, 1).await;
    tokio::time::advance(ms(9_999)).await;
    let seen = numbers.read(&key, |it| (**it, it.tier(), it.age()));
    assert_eq!(seen, Some((1, Tier::Front, ms(9_999))));
    tokio::time::advance(ms(1)).await;
    assert_eq!(numbers.read(&key, |it| **it), None);
    assert!(numbers.get(&key).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_newer_value_takes_the_place_of_the_one_at_hand() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    warm(&numbers, &key, 1).await;
    numbers.put(&key, 2, |_| {}).await.unwrap();
    assert_eq!(*numbers.get(&key).unwrap(), 2);
    assert_eq!(numbers.read(&key, |it| **it), Some(2));
}

#[test]
fn every_hit_counts_on_whichever_thread_while_it_runs_and_after() {
    let cache = Cache::new(&CacheOptions::default());
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    runtime.block_on(fill(&numbers, &key, 1)).unwrap();
    let hits = |it: &cache::KindStatistics| it.front_hits + it.memory_hits;
    let (said, heard) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (there, at) = (numbers.clone(), key.clone());
    let thread = std::thread::spawn(move || {
        (0..1_000).for_each(|_| drop(there.get(&at).unwrap()));
        said.send(()).unwrap();
        wait.recv().unwrap();
    });
    heard.recv().unwrap();
    assert_eq!(hits(&cache.statistics()[0]), 1_000);
    go.send(()).unwrap();
    // A thread that is joined has let go of what was its own.
    thread.join().unwrap();
    let it = &cache.statistics()[0];
    assert_eq!((hits(it), it.memory_hits, it.misses), (1_000, 1, 1));
    // The thread told the entry of the last of them when it ended, its memory with it.
    assert_eq!(cache.look_at(&key).unwrap().hits, 1_000);
    let _ = runtime.block_on(cache.remove(&[Target::Everything]));
    assert_eq!(cache.statistics()[0].entries, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_gives_its_memory_back_and_what_left_memory_is_not_served() {
    let cache = Cache::new(&CacheOptions {
        memory_bytes_max: 1 << 20,
        runtime_clock: true,
        ..CacheOptions::default()
    });
    let options = KindOptions::new("number", rules()).weigh(|_| 60 << 10);
    let numbers: Numbers = cache.kind(options).unwrap();
    let keys: Vec<Key> = (0..200).map(|at| key(&numbers, at)).collect();
    let mut served = 0;
    for round in 0..3 {
        for key in &keys {
            fill(&numbers, key, round).await.unwrap();
            (0..3).for_each(|_| served += u64::from(numbers.get(key).is_some()));
        }
    }
    let it = &cache.statistics()[0];
    assert!(
        served > 0 && it.front_hits > 0 && it.evictions > 0,
        "{it:?}"
    );
    // 17 fit memory. Some more are in the hands of this thread, within its bound.
    assert!(it.bytes <= (1 << 20) + (4 << 20), "{it:?}");
    for key in &keys {
        let in_memory = cache.look_at(key).is_some();
        assert_eq!(numbers.get(key).is_some(), in_memory);
    }
    cache.remove(&[Target::Everything]).await;
    assert!(numbers.get(&keys[0]).is_none());
    assert_eq!(cache.statistics()[0].entries, 0);
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_while_a_value_is_lent_is_answered_by_memory() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    warm(&numbers, &key, 7).await;
    let both = numbers.read(&key, |it| {
        (**it, numbers.read(&key, |again| (**again, again.tier())))
    });
    assert_eq!(both, Some((7, Some((7, Tier::Memory)))));
}

#[tokio::test(start_paused = true)]
async fn thousands_of_keys_are_each_answered_by_their_own_value() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    for number in 0..5_000 {
        fill(&numbers, &key(&numbers, number), number)
            .await
            .unwrap();
    }
    for _ in 0..8 {
        for number in 0..5_000 {
            let got = numbers.read(&key(&numbers, number), |it| **it);
            assert_eq!(got, Some(number));
        }
    }
    let it = &cache.statistics()[0];
    assert!(it.front_hits > it.memory_hits, "{it:?}");
    assert_eq!(it.front_hits + it.memory_hits, 40_000);
}
