//! What writes say of what they changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::SeasonKey;
use store::{ApiKeyRecord, ChangeKind, FixtureRecord, ModelRecord, Store};

use crate::sample::{fixture, game, league, put, quote, recording, result, team, time, world};
use crate::{each_shared_store, each_store};

/// Every change after a number, as words.
async fn after(store: &dyn Store, seq: u64) -> Vec<String> {
    let changes = store.changes(seq, 1_000).await.unwrap();
    assert!(!changes.missed);
    let seqs = changes.items.iter().map(|it| it.seq);
    assert!(seqs.eq(seq + 1..=changes.last), "numbers have no gaps");
    let words = changes.items.iter();
    words
        .map(|it| format!("{} {}", it.kind.as_str(), it.key))
        .collect()
}

async fn last(store: &dyn Store) -> u64 {
    store.changes(0, 10_000).await.unwrap().last
}

#[tokio::test]
async fn writes_say_what_they_changed_and_nothing_else() {
    each_store(async |store| {
        assert_eq!(last(store).await, 0);
        let ([a, b, ..], _) = world(store).await;
        let mut seen = last(store).await;
        assert_eq!(seen, 2 + 8);
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let id = put(store, std::slice::from_ref(&record)).await.fixtures[0];
        let (team_a, team_b) = (format!("team {a}"), format!("team {b}"));
        let new = after(store, seen).await;
        let fixture = format!("fixture {id}");
        assert_eq!(new, ["competition E0", &team_a, &team_b, &fixture]);
        seen = last(store).await;

        put(store, std::slice::from_ref(&record)).await;
        assert_eq!(last(store).await, seen, "an equal record changes nothing");

        record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        put(store, std::slice::from_ref(&record)).await;
        assert_eq!(after(store, seen).await, [format!("quotes {id}")]);
        seen = last(store).await;

        record.result = result(1, 0);
        put(store, std::slice::from_ref(&record)).await;
        assert_eq!(after(store, seen).await.last(), Some(&fixture));
    })
    .await;
}

#[tokio::test]
async fn competitions_teams_models_and_keys_are_told_of_too() {
    each_store(async |store| {
        let mut competition = league();
        let competitions = async |it| store.put_competitions(&[it]).await.unwrap();
        competitions(competition.clone()).await;
        competitions(competition.clone()).await;
        competition.name = "Premiership".to_owned();
        competitions(competition).await;
        let teams = [team(domain::Sport::Football, "Alpha")];
        let id = store.put_teams(&teams).await.unwrap()[0];
        store.put_teams(&teams).await.unwrap();
        let model = ModelRecord {
            name: "sports".to_owned(),
            version: "1".to_owned(),
            created_at: time("2024-01-01T00:00:00Z"),
            data_digest: String::new(),
            body: Vec::new(),
            report: Vec::new(),
        };
        store.put_model(&model).await.unwrap();
        let key = ApiKeyRecord {
            prefix: "abc".to_owned(),
            hash: [1; 32],
            name: String::new(),
            scopes: Vec::new(),
            created_at: time("2024-01-01T00:00:00Z"),
            last_used_at: None,
            revoked_at: None,
        };
        store.put_key(&key).await.unwrap();
        let at = time("2024-01-02T00:00:00Z");
        store.touch_key("abc", at).await.unwrap();
        store.revoke_key("abc", at).await.unwrap();
        store.revoke_key("abc", at).await.unwrap();
        let team = format!("team {id}");
        let all = [
            "competition E0",
            "competition E0",
            &team,
            "model sports",
            "api_key abc",
            "api_key abc",
        ];
        assert_eq!(after(store, 0).await, all);
    })
    .await;
}

#[tokio::test]
async fn a_fixture_that_moves_names_where_it_was_and_where_it_is() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        let record = fixture(a, b, "2023-09-02T14:00:00Z");
        let id = put(store, std::slice::from_ref(&record)).await.fixtures[0];
        let seen = last(store).await;
        let moved = FixtureRecord {
            id: Some(id),
            away: c,
            ..record
        };
        put(store, &[moved]).await;
        let changes = after(store, seen).await;
        for team in [a, b, c] {
            assert!(changes.contains(&format!("team {team}")), "{changes:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn changes_come_in_pages_and_those_trimmed_are_said_to_be_missed() {
    each_store(async |store| {
        world(store).await;
        let page = store.changes(0, 4).await.unwrap();
        assert_eq!([page.items.len() as u64, page.last], [4, 4]);
        assert_eq!(page.items[0].kind, ChangeKind::Competition);
        let rest = store.changes(page.last, 100).await.unwrap();
        assert_eq!([rest.items.len() as u64, rest.last], [6, 10]);
        assert_eq!(store.changes(10, 100).await.unwrap().items, []);

        assert_eq!(
            store.trim_changes(Duration::from_secs(3600)).await.unwrap(),
            0
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(store.trim_changes(Duration::ZERO).await.unwrap(), 10);
        let gone = store.changes(4, 100).await.unwrap();
        assert!(gone.missed && gone.items.is_empty());
        assert_eq!(gone.last, 10);
        assert!(!store.changes(10, 100).await.unwrap().missed);
        // A number of another database, or of this one before it was put back.
        assert!(store.changes(11, 100).await.unwrap().missed);
        store
            .put_teams(&[team(domain::Sport::Football, "New")])
            .await
            .unwrap();
        assert!(store.changes(9, 100).await.unwrap().missed);
        assert_eq!(store.changes(10, 100).await.unwrap().items[0].seq, 11);
    })
    .await;
}

/// Writers at work while a reader follows: what it reads has no gaps and nothing comes late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_while_others_write_misses_nothing() {
    each_shared_store(async |store: Arc<dyn Store>| {
        let ([a, b, ..], [c, d, ..]) = world(&*store).await;
        let start = last(&*store).await;
        let writers: Vec<_> = (0..24)
            .map(|it| {
                let store = Arc::clone(&store);
                // Two competitions, so that writes really run beside each other; some are long.
                let make = if it % 2 == 0 { fixture } else { game };
                let sides = if it % 2 == 0 { [a, b] } else { [c, d] };
                let count = if it % 6 == 0 { 200 } else { 2 };
                let records: Vec<FixtureRecord> = (0..count)
                    .map(|number| FixtureRecord {
                        season: SeasonKey::new(format!("{it}-{number}")).unwrap(),
                        ..make(sides[0], sides[1], "2021-01-10T00:30:00Z")
                    })
                    .collect();
                tokio::spawn(async move { store.record(&recording(), &records).await.unwrap() })
            })
            .collect();
        let mut followed = Vec::new();
        let mut seen = start;
        let began = Instant::now();
        let fixtures = 4 * 200 + 20 * 2;
        while followed.len() < fixtures && began.elapsed() < Duration::from_secs(60) {
            store
                .wait_for_changes(seen, Duration::from_secs(5))
                .await
                .unwrap();
            let changes = store.changes(seen, 1_000).await.unwrap();
            assert!(!changes.missed);
            assert!(
                changes
                    .items
                    .iter()
                    .map(|it| it.seq)
                    .eq(seen + 1..=changes.last)
            );
            seen = changes.last;
            let fixtures = changes
                .items
                .into_iter()
                .filter(|it| it.kind == ChangeKind::Fixture);
            followed.extend(fixtures.map(|it| it.key));
        }
        let mut written = Vec::new();
        for writer in writers {
            written.extend(
                writer
                    .await
                    .unwrap()
                    .fixtures
                    .iter()
                    .map(ToString::to_string),
            );
        }
        followed.sort();
        written.sort();
        assert_eq!(followed, written);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_woken_by_a_write_and_else_waits_to_the_end() {
    each_shared_store(async |store: Arc<dyn Store>| {
        let began = Instant::now();
        store
            .wait_for_changes(0, Duration::from_millis(80))
            .await
            .unwrap();
        assert!(began.elapsed() >= Duration::from_millis(80));
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.wait_for_changes(0, Duration::from_secs(30)).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        store.put_competitions(&[league()]).await.unwrap();
        waiting.await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(10));
        store.close().await;
    })
    .await;
}
