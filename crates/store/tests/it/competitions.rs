use domain::{Competition, FixtureStatus};
use store::StoreError;

use crate::each_store;
use crate::sample::{fixture, key, league, nba, put, quote, result, world};

#[tokio::test]
async fn competitions_come_back_in_order_of_key_and_are_brought_up_to_date() {
    each_store(async |store| {
        store.put_competitions(&[nba(), league()]).await.unwrap();
        assert_eq!(store.competitions().await.unwrap(), [league(), nba()]);
        let renamed = Competition {
            name: "The League".to_owned(),
            single_round: false,
            ..league()
        };
        store
            .put_competitions(std::slice::from_ref(&renamed))
            .await
            .unwrap();
        assert_eq!(store.competitions().await.unwrap(), [renamed, nba()]);
    })
    .await;
}

#[tokio::test]
async fn a_competition_in_a_time_zone_nobody_knows_is_refused() {
    each_store(async |store| {
        let lost = Competition {
            time_zone: "Atlantis/Capital".to_owned(),
            ..league()
        };
        let error = store.put_competitions(&[nba(), lost]).await.unwrap_err();
        assert!(matches!(
            error,
            StoreError::Unknown {
                what: "time zone",
                ..
            }
        ));
        assert_eq!(error.to_string(), "time zone Atlantis/Capital is not known");
        assert_eq!(store.competitions().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_revision_grows_only_when_a_competition_really_changes() {
    each_store(async |store| {
        assert_eq!(store.data_revision().await.unwrap(), 0);
        store.put_competitions(&[league()]).await.unwrap();
        assert_eq!(store.data_revision().await.unwrap(), 1);
        store.put_competitions(&[league()]).await.unwrap();
        assert_eq!(store.data_revision().await.unwrap(), 1);
        let moved = Competition {
            pool: "elsewhere".to_owned(),
            ..league()
        };
        store.put_competitions(&[moved]).await.unwrap();
        assert_eq!(store.data_revision().await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn counts_are_of_fixtures_finished_ones_and_standing_prices() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        let mut played = fixture(a, b, "2023-09-02T14:00:00Z");
        played.result = result(2, 0);
        played.quotes = vec![
            quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0]),
            quote("pinnacle", "2023-09-01T12:00:00Z", [2.0, 3.5, 0.0]),
        ];
        let mut off = fixture(a, c, "2023-09-09T14:00:00Z");
        off.status = Some(FixtureStatus::Postponed);
        put(store, &[played.clone(), off]).await;
        let expected = [(key("E0"), [2, 1, 5]), (key("nba"), [0, 0, 0])];
        assert_eq!(store.counts().await.unwrap(), expected);
        // A corrected price still counts once; one that was missing counts from now on.
        played.quotes[0] = quote("bet365", "2023-09-01T12:00:00Z", [2.1, 3.5, 4.0]);
        played.quotes[1] = quote("pinnacle", "2023-09-01T12:00:00Z", [0.0, 0.0, 4.1]);
        put(store, &[played]).await;
        assert_eq!(store.counts().await.unwrap()[0], (key("E0"), [2, 1, 6]));
    })
    .await;
}

#[tokio::test]
async fn a_store_answers_a_ping() {
    each_store(async |store| store.ping().await.unwrap()).await;
}
