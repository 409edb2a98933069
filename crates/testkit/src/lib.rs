//! Builders for tests: throw-away stores and servers, and small leagues made up from a seed.
//!
//! Development only. Leagues are a pure function of their seed.

mod league;
mod postgres;
mod random;
mod redis;
mod services;
mod tls;

use domain::{FixtureId, TeamId};
use jiff::Timestamp;
use store::{Recording, SqliteOptions, SqliteStore, Store};
use tempfile::TempDir;

pub use league::{League, LeagueOptions, league};
pub use postgres::{PostgresDatabase, PostgresPooler, PostgresServer, ServerOptions};
pub use random::SplitMix;
pub use redis::{Chaos, Proxy, Redis, Reply, TlsRedis, cluster};
pub use services::skip;
pub use tls::TlsDoor;

/// Reads a time such as `2024-08-17T14:00:00Z`.
///
/// # Panics
/// Where the text is no time.
pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a test writes its times correctly")
}

/// An empty store in a file of its own, which goes with the folder returned.
///
/// # Panics
/// Where the machine has no temporary folder to write to.
pub async fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a test can make a temporary folder");
    let store = SqliteStore::open(folder.path().join("test.db"), &SqliteOptions::default())
        .await
        .expect("a new file can be opened");
    (store, folder)
}

/// A recording by `testkit` at `at`.
pub fn recording(at: Timestamp) -> Recording {
    Recording {
        source: domain::SourceKey::new("testkit").expect("the text is a key"),
        import: None,
        at,
    }
}

/// Puts a league in a store; returns the ids of its teams and fixtures, in the league's order.
///
/// # Panics
/// Where the store refuses it.
pub async fn fill(store: &dyn Store, league: &League) -> (Vec<TeamId>, Vec<FixtureId>) {
    store
        .put_competitions(std::slice::from_ref(&league.competition))
        .await
        .expect("the competition is sound");
    let teams = store
        .put_teams(&league.teams)
        .await
        .expect("the teams are sound");
    let records = league.records(&teams);
    let recorded = store
        .record(&recording(league.recorded_at), &records)
        .await
        .expect("the records are sound");
    (teams, recorded.fixtures)
}
