//! What whoever manages the cache can see.

use cache::{State, Tag, Target};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_look_inside_shows_what_is_there_and_changes_nothing() {
    let cache = cache();
    let options = KindOptions::new("text", rules()).weigh(String::len);
    let texts: Kind<String, Ill> = cache.kind(options).unwrap();
    let keys: Vec<Key> = (0..5_u64)
        .map(|at| texts.key(Scope::Public).part(at).build())
        .collect();
    for (at, key) in keys.iter().enumerate() {
        let tag = Tag::new("odd", at as u64 % 2);
        texts
            .put(key, "x".repeat(at * 100), |it| it.tag(&tag))
            .await
            .unwrap();
        (0..4 - at).for_each(|_| assert!(texts.get(key).is_some()));
    }
    let order = |list: Vec<cache::Glimpse>| -> Vec<usize> {
        let place = |it: &cache::Glimpse| keys.iter().position(|key| *key.as_bytes() == *it.key);
        list.iter().map(|it| place(it).unwrap()).collect()
    };
    assert_eq!(order(cache.hottest(3)), [0, 1, 2]);
    assert_eq!(order(cache.heaviest(2)), [4, 3]);
    let odd = Target::from(Tag::new("odd", 1_u64));
    let preview = cache.preview(std::slice::from_ref(&odd));
    assert_eq!((preview.entries, preview.by_kind["text"]), (2, 2));
    assert_eq!(cache.preview(&[Target::Everything]).entries, 5);
    tokio::time::advance(ms(10_000)).await;
    let seen = cache.look_at(&keys[1]).unwrap();
    assert_eq!(
        (seen.state, seen.hits, seen.age),
        (State::Stale, 3, ms(10_000))
    );
    assert_eq!((seen.kind.as_str(), seen.slots.len()), ("text", 3));
    cache.remove(&[odd]).await;
    assert_eq!(cache.look_at(&keys[1]).unwrap().state, State::Gone);
    assert_eq!(cache.preview(&[Target::Everything]).entries, 3);
    assert_eq!(cache.heaviest(9).len(), 3);
}
