use store::{ApiKeyRecord, Store, StoreError};

use crate::each_store;
use crate::sample::time;

fn key(prefix: &str, created_at: &str) -> ApiKeyRecord {
    ApiKeyRecord {
        prefix: prefix.to_owned(),
        hash: [7; 32],
        name: "laptop".to_owned(),
        scopes: vec!["write".to_owned(), "admin".to_owned()],
        created_at: time(created_at),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn read(store: &dyn Store, prefix: &str) -> ApiKeyRecord {
    store.key(prefix).await.unwrap().unwrap()
}

#[tokio::test]
async fn keys_are_found_by_prefix_and_listed_oldest_first() {
    each_store(async |store| {
        let new = key("se_b", "2024-01-02T00:00:00Z");
        let old = key("se_a", "2024-01-01T00:00:00Z");
        store.put_key(&new).await.unwrap();
        store.put_key(&old).await.unwrap();
        assert_eq!(read(store, "se_b").await, new);
        assert_eq!(store.key("se_c").await.unwrap(), None);
        assert_eq!(store.keys().await.unwrap(), [old, new]);
    })
    .await;
}

#[tokio::test]
async fn of_several_who_make_the_first_key_at_once_one_does() {
    each_store(async |store| {
        let keys = ["se_a", "se_b", "se_c", "se_d"].map(|it| key(it, "2024-01-01T00:00:00Z"));
        let made = keys.each_ref().map(|it| store.put_first_key(it));
        let made = futures_util::future::join_all(made).await;
        let made = made.into_iter().filter(|it| *it.as_ref().unwrap());
        assert_eq!(made.count(), 1);
        assert_eq!(store.keys().await.unwrap().len(), 1);
        assert!(!store.put_first_key(&keys[0]).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_prefix_names_one_key_only() {
    each_store(async |store| {
        let first = key("se_a", "2024-01-01T00:00:00Z");
        store.put_key(&first).await.unwrap();
        let error = store
            .put_key(&key("se_a", "2024-01-02T00:00:00Z"))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Database(_)));
        assert_eq!(store.keys().await.unwrap(), [first]);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_revoked_once_and_stays_listed() {
    each_store(async |store| {
        store
            .put_key(&key("se_a", "2024-01-01T00:00:00Z"))
            .await
            .unwrap();
        let at = time("2024-03-01T00:00:00Z");
        assert!(store.revoke_key("se_a", at).await.unwrap());
        assert!(
            !store
                .revoke_key("se_a", time("2024-04-01T00:00:00Z"))
                .await
                .unwrap()
        );
        assert!(!store.revoke_key("se_b", at).await.unwrap());
        assert_eq!(read(store, "se_a").await.revoked_at, Some(at));
    })
    .await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_kept_to_the_minute_and_never_goes_back() {
    each_store(async |store| {
        store
            .put_key(&key("se_a", "2024-01-01T00:00:00Z"))
            .await
            .unwrap();
        let uses = [
            ("2024-03-01T10:00:59.999Z", "2024-03-01T10:00:00Z"),
            ("2024-03-01T10:00:30Z", "2024-03-01T10:00:00Z"),
            ("2024-03-01T10:01:00Z", "2024-03-01T10:01:00Z"),
            ("2024-03-01T09:00:00Z", "2024-03-01T10:01:00Z"),
        ];
        for (at, kept) in uses {
            store.touch_key("se_a", time(at)).await.unwrap();
            let key = read(store.writing(), "se_a").await;
            assert_eq!(key.last_used_at, Some(time(kept)));
        }
        store
            .touch_key("se_b", time("2024-03-01T09:00:00Z"))
            .await
            .unwrap();
        assert_eq!(store.keys().await.unwrap().len(), 1);
    })
    .await;
}
