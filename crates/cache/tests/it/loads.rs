//! Loads: one for all, whatever becomes of it.

use cache::Tag;

use super::*;

async fn crowd(numbers: &Numbers, result: fn() -> Result<u64, Ill>) -> (Vec<Answer>, usize) {
    let runs = Arc::default();
    let key = key(numbers, 1);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let load = slow(&runs, ms(20), result());
        let (numbers, key) = (numbers.clone(), key.clone());
        tasks.spawn(async move { numbers.get_or_load(&key, load).await });
    }
    (tasks.join_all().await, runs.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_make_one_load() {
    let numbers = numbers(&cache(), rules());
    for _ in 0..3 {
        let (answers, runs) = crowd(&numbers, || Ok(7)).await;
        assert_eq!(runs, 1);
        assert!(answers.iter().all(|answer| **answer.as_ref().unwrap() == 7));
        tokio::time::advance(ms(10_001)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_share_one_failure() {
    let numbers = numbers(&cache(), rules());
    let (answers, runs) = crowd(&numbers, || Err(Ill)).await;
    assert_eq!(runs, 1);
    assert!(
        answers
            .iter()
            .all(|it| matches!(it, Err(CacheError::Load(_))))
    );
    // While the failure is held nobody loads; after that one does.
    assert_eq!(crowd(&numbers, || Err(Ill)).await.1, 0);
    tokio::time::advance(ms(101)).await;
    assert_eq!(crowd(&numbers, || Ok(1)).await.1, 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_stops_no_load() {
    let numbers = numbers(&cache(), rules());
    let key = key(&numbers, 1);
    let runs = Arc::default();
    let load = slow(&runs, ms(50), Ok(3));
    let left = tokio::time::timeout(ms(10), numbers.get_or_load(&key, load)).await;
    assert!(left.is_err());
    let hit = numbers
        .get_or_load(&key, slow(&runs, ms(50), Ok(4)))
        .await
        .unwrap();
    assert_eq!((*hit, runs.load(Ordering::SeqCst)), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_panics_is_answered_for() {
    let numbers = numbers(&cache(), rules());
    let at_once = |_: Loading| -> std::future::Ready<Result<u64, Ill>> { panic!("at once") };
    let error = numbers
        .get_or_load(&key(&numbers, 1), at_once)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the loader panicked: at once");
    let later = |_: Loading| async { panic!("number {}", 2) };
    let error = numbers
        .get_or_load(&key(&numbers, 2), later)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the loader panicked: number 2");
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_hangs_is_stopped() {
    struct Ended(Arc<AtomicUsize>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let numbers = numbers(&cache(), rules());
    let ended = Arc::new(AtomicUsize::new(0));
    let guard = Ended(ended.clone());
    let hang = |_: Loading| async move {
        let _guard = guard;
        std::future::pending().await
    };
    let error = numbers
        .get_or_load(&key(&numbers, 1), hang)
        .await
        .unwrap_err();
    assert!(matches!(error, CacheError::TimedOut(_)));
    tokio::time::sleep(ms(1)).await;
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[test]
fn a_load_that_its_runtime_ends_is_answered_for() {
    let cache = Cache::new(&CacheOptions::default());
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    let first = tokio::runtime::Runtime::new().unwrap();
    let second = tokio::runtime::Runtime::new().unwrap();
    let (begun, wait) = std::sync::mpsc::channel();
    let (there, at) = (numbers.clone(), key.clone());
    first.spawn(async move {
        let hang = move |_: Loading| async move {
            begun.send(()).unwrap();
            std::future::pending().await
        };
        there.get_or_load(&at, hang).await
    });
    wait.recv().unwrap();
    let waiter = second.spawn(async move { fill(&numbers, &key, 1).await });
    std::thread::sleep(ms(50));
    first.shutdown_background();
    let answer = second.block_on(waiter).unwrap();
    assert!(matches!(answer, Err(CacheError::Cancelled)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn loads_are_bounded() {
    let cache = Cache::new(&CacheOptions {
        loads_max: 2,
        runtime_clock: true,
        ..CacheOptions::default()
    });
    let numbers = numbers(&cache, rules());
    let runs = Arc::default();
    let keys = [1, 2, 3].map(|number| key(&numbers, number));
    let ask = |at: usize| numbers.get_or_load(&keys[at], slow(&runs, ms(10), Ok(1)));
    let (a, b, c) = tokio::join!(ask(0), ask(1), ask(2));
    assert!(a.is_ok() && b.is_ok());
    assert!(matches!(c, Err(CacheError::Busy(2))));
    assert!(ask(2).await.is_ok());
    tokio::time::sleep(ms(1)).await;
    assert_eq!(cache.load().1, 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_refused() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let long = numbers
        .key(Scope::User("me"))
        .part("x".repeat(2_000))
        .build();
    let error = fill(&numbers, &long, 1).await.unwrap_err();
    assert!(matches!(error, CacheError::KeyTooLong { max: 1_024, .. }));
    let others: Numbers = cache.kind(KindOptions::new("other", rules())).unwrap();
    let error = fill(&others, &key(&numbers, 1), 1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key was made for another kind than other"
    );
    let many = |loading: Loading| async move {
        (0..33_u64).for_each(|id| loading.tag(&Tag::new("t", id)));
        Ok(1)
    };
    let error = numbers
        .get_or_load(&key(&numbers, 2), many)
        .await
        .unwrap_err();
    assert!(matches!(error, CacheError::TooManyTags { .. }));
    assert!(
        cache
            .kind::<u64, Ill>(KindOptions::new("number", rules()))
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_counted() {
    let cache = cache();
    let numbers = numbers(&cache, rules());
    let key = key(&numbers, 1);
    numbers
        .get_or_load(&key, slow(&Arc::default(), ms(40), Ok(1)))
        .await
        .unwrap();
    for _ in 0..3 {
        fill(&numbers, &key, 2).await.unwrap();
    }
    let it = &cache.statistics()[0];
    assert_eq!((it.kind.as_str(), it.misses, it.loads), ("number", 1, 1));
    assert_eq!((it.memory_hits, it.front_hits), (1, 2));
    assert_eq!((it.load_time, it.time_saved), (ms(40), ms(120)));
    assert!((it.hit_ratio() - 0.75).abs() < 1e-9);
    cache.must_see(9);
    cache.remove(&[cache::Target::Everything]).await;
    let load = |loading: Loading| async move { Ok(loading.must_see().unwrap_or(0)) };
    assert_eq!(*numbers.get_or_load(&key, load).await.unwrap(), 9);
}
