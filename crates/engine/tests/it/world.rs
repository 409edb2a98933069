//! A made-up league in a store, an engine on it, and a clock that tests move.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{Fixture, FixtureId, FixtureStatus, Sport, TeamId};
use engine::{
    Clock, Engine, EngineOptions, FixtureCommand, FixtureFilter, FixtureView, PageRequest, TeamRef,
};
use jiff::{SignedDuration, Timestamp};
use store::Store;
use tempfile::TempDir;
use testkit::{League, LeagueOptions, league};

/// A clock that stands until it is moved.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn new(at: AtomicI64) -> Self {
        Self(at)
    }

    pub(crate) fn set(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::SeqCst);
    }

    pub(crate) fn forward(&self, by: SignedDuration) {
        self.set(self.now().checked_add(by).unwrap());
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) league: League,
    pub(crate) teams: Vec<TeamId>,
    pub(crate) fixtures: Vec<FixtureId>,
    _folder: TempDir,
}

/// A league of three seasons with two rounds to come, no model yet.
pub(crate) async fn untrained() -> World {
    world(8, 3).await
}

/// A league long enough that prices have a record of what they were worth.
pub(crate) async fn long_trained() -> World {
    load(world(16, 6).await).await
}

/// A league of so many teams and seasons, with rounds to come.
pub(crate) fn league_of(teams: usize, seasons: usize, rounds_open: usize) -> League {
    league(&LeagueOptions {
        seed: 7,
        key: "L1".to_owned(),
        teams,
        seasons,
        rounds_open,
    })
}

async fn world(teams: usize, seasons: usize) -> World {
    world_of(league_of(teams, seasons, 2)).await
}

/// A trained league of games that end as football does and are basketball.
pub(crate) async fn basketball() -> World {
    let mut league = league_of(8, 3, 2);
    league.competition.sport = Sport::Basketball;
    for team in &mut league.teams {
        team.sport = Sport::Basketball;
    }
    load(world_of(league).await).await
}

async fn world_of(league: League) -> World {
    let (store, folder) = testkit::store().await;
    let store: Arc<dyn Store> = Arc::new(store);
    let (teams, fixtures) = testkit::fill(&*store, &league).await;
    let clock = Arc::new(Hand(AtomicI64::new(league.recorded_at.as_microsecond())));
    let engine = Engine::new(
        Arc::clone(&store),
        Arc::clone(&clock) as _,
        EngineOptions::default(),
    );
    let engine = Arc::new(engine);
    World {
        engine,
        store,
        clock,
        league,
        teams,
        fixtures,
        _folder: folder,
    }
}

/// The same league, trained and loaded.
pub(crate) async fn trained() -> World {
    load(untrained().await).await
}

async fn load(world: World) -> World {
    world.engine.train(Arc::new(|_| {})).await.unwrap();
    let readiness = world.engine.load().await.unwrap();
    assert!(readiness.model.is_some());
    assert_eq!(readiness.games, world.fixtures.len());
    world
}

impl World {
    /// The fixtures to come, earliest first.
    pub(crate) async fn to_come(&self) -> Vec<FixtureView> {
        let filter = FixtureFilter {
            from: Some(self.engine.now()),
            ..FixtureFilter::default()
        };
        self.engine
            .fixtures(&filter, &PageRequest::default())
            .await
            .unwrap()
            .data
    }

    /// The newest finished fixtures, latest first.
    pub(crate) async fn played(&self) -> Vec<FixtureView> {
        let filter = FixtureFilter {
            until: Some(self.engine.now()),
            newest_first: engine::Newest::First,
            ..FixtureFilter::default()
        };
        self.engine
            .fixtures(&filter, &PageRequest::default())
            .await
            .unwrap()
            .data
    }
}

/// What writes a fixture as it is, with a status.
pub(crate) fn restated(fixture: &Fixture, status: FixtureStatus) -> FixtureCommand {
    FixtureCommand {
        fixture: None,
        season_type: None,
        competition: fixture.competition.clone(),
        season: fixture.season.clone(),
        kickoff: fixture.kickoff,
        home: TeamRef::Id(fixture.home),
        away: TeamRef::Id(fixture.away),
        neutral: fixture.neutral,
        status: Some(status),
    }
}

/// The source of what is written over the API and says no other.
pub(crate) fn api() -> domain::SourceKey {
    domain::SourceKey::new("api").unwrap()
}
