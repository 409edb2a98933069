use store::{FetchState, ImportRecord, ModelRecord, Recording, StoreError};

use crate::each_store;
use crate::sample::{fixture, put_one, quote, recording, source, time, world};

fn import(location: &str, started_at: &str) -> ImportRecord {
    ImportRecord {
        source: source("football-data"),
        location: location.to_owned(),
        digest: "00ff".to_owned(),
        started_at: time(started_at),
        finished_at: None,
        rows_read: 0,
        rows_rejected: 0,
        rejected: "[]".to_owned(),
    }
}

#[tokio::test]
async fn imports_are_noted_at_both_ends_and_listed_newest_first() {
    each_store(async |store| {
        let first = import("E0.csv", "2024-01-01T10:00:00Z");
        let id = store.begin_import(&first).await.unwrap();
        let second = import("E1.csv", "2024-01-01T11:00:00Z");
        store.begin_import(&second).await.unwrap();
        let done = ImportRecord {
            source: source("csv"),
            finished_at: Some(time("2024-01-01T10:00:05Z")),
            rows_read: 380,
            rows_rejected: 1,
            rejected: r#"[{"line":7}]"#.to_owned(),
            ..first
        };
        store.finish_import(id, &done).await.unwrap();
        assert_eq!(store.imports(9).await.unwrap(), [second.clone(), done]);
        assert_eq!(store.imports(1).await.unwrap(), [second]);
    })
    .await;
}

#[tokio::test]
async fn an_import_that_never_began_cannot_end() {
    each_store(async |store| {
        let never = import("E0.csv", "2024-01-01T10:00:00Z");
        let error = store.finish_import(4, &never).await.unwrap_err();
        assert!(matches!(error, StoreError::Unknown { what: "import", .. }));
        assert_eq!(store.imports(9).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_import_writes_under_its_number() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let begun = import("E0.csv", "2024-01-01T10:00:00Z");
        let by = Recording {
            import: Some(store.begin_import(&begun).await.unwrap()),
            source: begun.source,
            ..recording()
        };
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let id = store.record(&by, &[record]).await.unwrap().fixtures[0];
        assert_eq!(store.quotes(id).await.unwrap()[0].source, by.source);
    })
    .await;
}

#[tokio::test]
async fn what_a_url_answered_is_remembered_until_it_answers_again() {
    each_store(async |store| {
        let url = "https://example.org/E0.csv";
        assert_eq!(store.fetch_state(url).await.unwrap(), None);
        let mut state = FetchState {
            url: url.to_owned(),
            etag: Some("\"abc\"".to_owned()),
            last_modified: None,
            fetched_at: time("2024-01-01T10:00:00Z"),
        };
        store.put_fetch_state(&state).await.unwrap();
        assert_eq!(store.fetch_state(url).await.unwrap(), Some(state.clone()));
        state.etag = None;
        state.last_modified = Some("Mon, 01 Jan 2024 10:00:00 GMT".to_owned());
        state.fetched_at = time("2024-01-02T10:00:00Z");
        store.put_fetch_state(&state).await.unwrap();
        assert_eq!(store.fetch_state(url).await.unwrap(), Some(state));
    })
    .await;
}

fn model(name: &str, version: &str, created_at: &str) -> ModelRecord {
    ModelRecord {
        name: name.to_owned(),
        version: version.to_owned(),
        created_at: time(created_at),
        data_digest: "d1".to_owned(),
        body: vec![0, 255, 7],
        report: b"{}".to_vec(),
    }
}

fn listed(model: &ModelRecord) -> ModelRecord {
    ModelRecord {
        body: Vec::new(),
        report: Vec::new(),
        ..model.clone()
    }
}

#[tokio::test]
async fn models_are_listed_newest_first_without_their_bodies() {
    each_store(async |store| {
        let old = model("blend", "1", "2024-01-01T00:00:00Z");
        let other = model("elo", "1", "2024-01-02T00:00:00Z");
        let new = model("blend", "2", "2024-01-03T00:00:00Z");
        let twin = model("blend", "3", "2024-01-03T00:00:00Z");
        for it in [&new, &old, &other, &twin] {
            store.put_model(it).await.unwrap();
        }
        let all = store.models(None).await.unwrap();
        assert_eq!(all, [&twin, &new, &other, &old].map(listed));
        let blends = store.models(Some("blend")).await.unwrap();
        assert_eq!(blends, [&twin, &new, &old].map(listed));
        assert_eq!(store.latest_model("blend").await.unwrap(), Some(twin));
        assert_eq!(store.latest_model("nobody").await.unwrap(), None);
        assert_eq!(store.models(Some("nobody")).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_version_put_again_is_replaced_and_predictions_change_with_it() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        put_one(store, &fixture(a, b, "2023-09-02T14:00:00Z")).await;
        let before = store.data_revision().await.unwrap();
        let mut version = model("blend", "1", "2024-01-01T00:00:00Z");
        store.put_model(&version).await.unwrap();
        version.body = vec![1; 100_000];
        version.created_at = time("2024-02-01T00:00:00Z");
        store.put_model(&version).await.unwrap();
        assert_eq!(store.models(None).await.unwrap().len(), 1);
        assert_eq!(store.latest_model("blend").await.unwrap(), Some(version));
        assert_eq!(store.data_revision().await.unwrap(), before + 2);
    })
    .await;
}
