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
    let identity = store.identity().await.unwrap();
    let found = replica(&other.url()).find(&identity).await;
    assert!(matches!(found, Err(Unfit::Another)), "{found:?}");
    let found = replica(&ours.url()).find(&identity).await;
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
    let identity = store.unwrap().identity().await.unwrap();
    let standby = primary.replica(ServerOptions::default());
    let replica = replica(&standby.url("postgres"));
    assert_eq!(replica.find(&identity).await.unwrap(), 0);
    assert!(replica.store.followed_head().await.unwrap().is_some());
    standby.sql("postgres", "SELECT pg_promote()");
    let found = replica.find(&identity).await;
    assert!(matches!(found, Err(Unfit::Leads)), "{found:?}");
    assert_eq!(replica.store.followed_head().await.unwrap(), None);
}
