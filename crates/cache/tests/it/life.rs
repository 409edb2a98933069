//! How long a value lives and when it may stand in.

use cache::{Tag, Target, Tier};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_value_is_fresh_until_its_soft_age() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    assert_eq!(fill(&numbers, &key, 1).await.unwrap().tier(), Tier::Loader);
    tokio::time::advance(ms(9_999)).await;
    let hit = fill(&numbers, &key, 2).await.unwrap();
    assert_eq!((*hit, hit.tier(), hit.age()), (1, Tier::Memory, ms(9_999)));
    assert_eq!((hit.fresh_for(), hit.stale_for()), (ms(1), ms(50_000)));
    tokio::time::advance(ms(1)).await;
    assert_eq!(*fill(&numbers, &key, 2).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_served_while_it_is_made_again() {
    let rules = Rules {
        revalidate: ms(5_000),
        ..rules()
    };
    let numbers = numbers(&cache(), rules);
    let key = key(&numbers, 1);
    fill(&numbers, &key, 1).await.unwrap();
    tokio::time::advance(ms(11_000)).await;
    let hit = fill(&numbers, &key, 2).await.unwrap();
    assert_eq!((*hit, hit.is_stale(), hit.fresh_for()), (1, true, ms(0)));
    tokio::time::sleep(ms(1)).await;
    assert_eq!(*numbers.get(&key).unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_value_near_its_end_is_made_again_behind() {
    let numbers = numbers(
        &cache(),
        Rules {
            eager: 0.5,
            ..rules()
        },
    );
    let key = key(&numbers, 1);
    fill(&numbers, &key, 1).await.unwrap();
    tokio::time::advance(ms(5_000)).await;
    let hit = fill(&numbers, &key, 2).await.unwrap();
    assert_eq!((*hit, hit.is_stale()), (1, false));
    tokio::time::sleep(ms(1)).await;
    assert_eq!(*numbers.get(&key).unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_value_stands_in_until_its_hard_age() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    fill(&numbers, &key, 1).await.unwrap();
    tokio::time::advance(ms(59_999)).await;
    let fail = || numbers.get_or_load(&key, |_| async { Err(Ill) });
    let hit = fail().await.unwrap();
    assert_eq!((*hit, hit.is_stale()), (1, true));
    tokio::time::advance(ms(200)).await;
    assert!(matches!(fail().await, Err(CacheError::Load(_))));
}

#[tokio::test(start_paused = true)]
async fn a_slow_load_ends_behind_a_stale_answer() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    fill(&numbers, &key, 1).await.unwrap();
    tokio::time::advance(ms(11_000)).await;
    let runs = Arc::default();
    let hit = numbers
        .get_or_load(&key, slow(&runs, ms(500), Ok(2)))
        .await
        .unwrap();
    assert_eq!((*hit, hit.is_stale()), (1, true));
    tokio::time::sleep(ms(500)).await;
    assert_eq!(*numbers.get(&key).unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_expired_stands_in_and_what_was_removed_never_does() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    let fail = || numbers.get_or_load(&key, |_| async { Err(Ill) });
    fill(&numbers, &key, 1).await.unwrap();
    cache.expire(&[Target::from(&key)]).await;
    let hit = fail().await.unwrap();
    assert_eq!((*hit, hit.is_stale()), (1, true));
    cache.remove(&[Target::from(&key)]).await;
    assert!(fail().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_during_a_slow_load_does_not_stand_in() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    fill(&numbers, &key, 1).await.unwrap();
    tokio::time::advance(ms(11_000)).await;
    let runs = Arc::default();
    let load = slow(&runs, ms(500), Ok(2));
    let (hit, ()) = tokio::join!(numbers.get_or_load(&key, load), async {
        tokio::time::sleep(ms(50)).await;
        cache.remove(&[Target::from(&key)]).await;
    });
    assert_eq!((*hit.unwrap(), runs.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_its_own_time_and_a_loader_sets_rules() {
    let numbers = numbers(&cache(), rules());
    let (nothing, short) = (key(&numbers, 1), key(&numbers, 2));
    let load = |loading: Loading| async move {
        loading.negative();
        Ok(0)
    };
    assert!(
        numbers
            .get_or_load(&nothing, load)
            .await
            .unwrap()
            .is_negative()
    );
    let load = |loading: Loading| async move {
        loading.rules(Rules {
            soft: ms(50),
            ..loading.current_rules()
        });
        Ok(2)
    };
    numbers.get_or_load(&short, load).await.unwrap();
    tokio::time::advance(ms(51)).await;
    assert!(numbers.get(&nothing).is_some());
    assert!(numbers.get(&short).is_none());
    tokio::time::advance(ms(1_000)).await;
    assert!(numbers.get(&nothing).is_none());
}

#[tokio::test(start_paused = true)]
async fn values_made_together_do_not_end_together() {
    let numbers = numbers(
        &cache(),
        Rules {
            jitter: 0.5,
            ..rules()
        },
    );
    let mut ends = std::collections::BTreeSet::new();
    for number in 0..100 {
        let hit = fill(&numbers, &key(&numbers, number), 1).await.unwrap();
        let fresh = hit.fresh_for();
        assert!(fresh > ms(4_999) && fresh <= ms(10_000), "{fresh:?}");
        ends.insert(fresh);
    }
    assert!(ends.len() > 90, "{}", ends.len());
}

#[tokio::test(start_paused = true)]
async fn a_value_made_from_another_goes_with_it() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let (low, high) = (key(&numbers, 1), key(&numbers, 2));
    let tag = Tag::new("fixture", 42_u64);
    let build = || async {
        let tag = tag.clone();
        let load = move |loading: Loading| async move {
            loading.tag(&tag);
            Ok(1)
        };
        let hit = numbers.get_or_load(&low, load).await.unwrap();
        let load = move |loading: Loading| async move {
            loading.depends_on(&hit);
            Ok(*hit + 1)
        };
        numbers.get_or_load(&high, load).await.unwrap();
    };
    for target in [
        tag.clone().into(),
        Target::from(&low),
        Target::Kind("number".into()),
    ] {
        build().await;
        assert!(numbers.get(&high).is_some());
        cache.remove(&[target]).await;
        assert!(numbers.get(&high).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn memory_stays_within_its_bytes() {
    let cache = Cache::new(&CacheOptions {
        memory_bytes_max: 1 << 20,
        runtime_clock: true,
        ..CacheOptions::default()
    });
    let options = KindOptions::new("text", rules()).weigh(Vec::len);
    let texts: Kind<Vec<u8>, Ill> = cache.kind(options).unwrap();
    for number in 0..5_000_u64 {
        let key = texts.key(Scope::Public).part(number).build();
        texts.put(&key, vec![0; 1_000], |_| {}).await.unwrap();
        assert!(cache.load().0 <= 1 << 20);
    }
    let all = &cache.statistics()[0];
    assert!(all.evictions > 3_000 && all.bytes <= 1 << 20, "{all:?}");
    assert_eq!(all.entries + all.evictions, 5_000);
}

/// A value whose time is over when it is made pushes nobody out, and what stood there goes.
#[tokio::test(start_paused = true)]
async fn a_value_without_time_takes_no_room() {
    let cache = Cache::new(&CacheOptions {
        runtime_clock: true,
        memory_bytes_max: 20_000,
        ..CacheOptions::default()
    });
    let options = KindOptions::new("text", rules()).weigh(|it: &String| it.len());
    let texts = cache.kind::<String, Ill>(options).unwrap();
    let key = |number: u64| texts.key(Scope::Public).part(number).build();
    for number in 0..20 {
        let load = |_| async { Ok("a".repeat(100)) };
        texts.get_or_load(&key(number), load).await.unwrap();
    }
    let held = cache.statistics()[0].entries;
    assert_eq!(held, 20);
    for number in [19, 20] {
        let load = |loading: Loading| async move {
            loading.rules(Rules::new(ms(0), ms(0)));
            Ok("b".repeat(18_000))
        };
        cache.remove(&[Target::from(&key(number))]).await;
        assert_eq!(
            texts.get_or_load(&key(number), load).await.unwrap().len(),
            18_000
        );
        assert!(cache.look_at(&key(number)).is_none());
    }
    let it = &cache.statistics()[0];
    assert_eq!((it.entries, it.evictions), (19, 0), "{it:?}");
}
