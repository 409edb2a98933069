use testkit::{PostgresDatabase, PostgresServer, ServerOptions};

use super::*;
use crate::Store;

fn replica(url: &str) -> Replica {
    Replica::new(url, &PostgresOptions::default()).unwrap()
}

#[tokio::test]
async fn a_server_that_holds_another_database_or_follows_nobody_is_no_replica() {
    let (Some(ours), Some(other)) = (
        PostgresDatabase::migrated().await,
        PostgresDatabase::migrated().await,
    ) else {
        return;
    };
    // Both may be copies of one.
    other.sql("UPDATE sports_edge SET identity = DEFAULT");
    let store = PostgresStore::connect(&ours.url(), &PostgresOptions::default()).unwrap();
    let origin = Origin::of(&store).await.unwrap();
    let found = replica(&other.url()).find(&origin).await;
    assert!(matches!(found, Err(Unfit::Another)), "{found:?}");
    let found = replica(&ours.url()).find(&origin).await;
    assert!(matches!(found, Err(Unfit::Leads)), "{found:?}");
    assert_eq!(store.followed_head().await.unwrap(), None);
    let nobody = replica("postgres://u@127.0.0.1:1/db").looker;
    assert!(nobody.ping().await.unwrap_err().is_away());
    store.close().await;
}

#[tokio::test]
async fn a_replica_that_is_promoted_is_one_no_longer() {
    let Some(primary) = PostgresServer::start(ServerOptions::default()) else {
        return testkit::skip("PostgreSQL");
    };
    let options = PostgresOptions::default();
    let store = PostgresStore::open(&primary.url("postgres"), &options).await;
    let origin = Origin::of(&store.unwrap()).await.unwrap();
    let standby = primary.replica(ServerOptions::default());
    let replica = replica(&standby.url("postgres"));
    assert_eq!(replica.find(&origin).await.unwrap(), 0);
    assert!(replica.store.followed_head().await.unwrap().is_some());
    standby.sql("postgres", "SELECT pg_promote()");
    let found = replica.find(&origin).await;
    assert!(matches!(found, Err(Unfit::Leads)), "{found:?}");
    assert_eq!(replica.store.followed_head().await.unwrap(), None);
}

#[tokio::test]
async fn a_standby_that_knew_more_than_the_one_that_was_promoted_is_not_read_from() {
    let Some(mut old) = PostgresServer::start(ServerOptions::default()) else {
        return testkit::skip("PostgreSQL");
    };
    let options = PostgresOptions::default();
    let store = PostgresStore::open(&old.url("postgres"), &options).await;
    let before = Origin::of(&store.unwrap()).await.unwrap();
    let [promoted, strayed] = [(); 2].map(|()| old.replica(ServerOptions::default()));
    let told = |it: &PostgresServer| {
        let replica = replica(&it.url("postgres"));
        let origin = before.clone();
        async move { replica.find(&origin).await.unwrap() }
    };
    assert_eq!((told(&promoted).await, told(&strayed).await), (0, 0));
    promoted.sql("postgres", "SELECT pg_wal_replay_pause()");
    old.sql("postgres", "UPDATE sports_edge SET outbox = 9");
    while told(&strayed).await < 9 {
        tokio::task::yield_now().await;
    }
    old.kill();
    // What it received and was not to apply is lost to it, as if it had never been sent.
    promoted.sql("postgres", "SELECT pg_promote()");
    let leads = PostgresStore::connect(&promoted.url("postgres"), &options).unwrap();
    let after = Origin::of(&leads).await.unwrap();
    assert_ne!(before.history, after.history);
    let found = replica(&strayed.url("postgres")).find(&after).await;
    assert!(matches!(found, Err(Unfit::Strayed)), "{found:?}");
    // Whoever followed the one before finds that something was missed, whatever numbers come.
    let followed = leads.changes(9, 10).await.unwrap();
    assert!(followed.missed, "{followed:?}");
    leads.ping().await.unwrap();
    let again = Origin::of(&leads).await.unwrap();
    assert_eq!(again.history, after.history, "once for each that leads");
    let on = leads.changes(followed.last, 10).await.unwrap();
    assert!(!on.missed && on.last == followed.last, "{on:?}");
    // One that follows who leads now has what it was given.
    let follower = promoted.replica(ServerOptions::default());
    assert!(
        replica(&follower.url("postgres"))
            .find(&after)
            .await
            .is_ok()
    );
    leads.close().await;
}
