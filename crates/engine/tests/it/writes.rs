use std::sync::{Arc, Mutex};

use domain::{
    BookmakerKey, CompetitionKey, Fixture, FixtureId, FixtureStatus, Market, MatchStats, Outcome,
    QuoteStage, Score, SeasonKey, SourceKey, TeamId,
};
use engine::{
    ApiKeyRecord, BatchProblem, Clock, Engine, EngineError, EngineOptions, FixtureCommand,
    IdempotencyClaim, IdempotencyRecord, QuoteCommand, ResultCommand, TeamRef,
};
use jiff::SignedDuration;
use store::{FixtureRecord, Recording, TeamName};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{World, api, untrained};

fn problems<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> Vec<(usize, String)> {
    match answer {
        Err(EngineError::BadBatch(problems)) => problems
            .into_iter()
            .map(
                |BatchProblem {
                     index,
                     field,
                     detail,
                 }| (index, format!("{field}: {detail}")),
            )
            .collect(),
        other => panic!("the batch was meant to be refused: {other:?}"),
    }
}

fn fixture(world: &World, home: TeamRef, away: TeamRef) -> FixtureCommand {
    FixtureCommand {
        fixture: None,
        competition: world.league.competition.key.clone(),
        season: SeasonKey::new("2030").unwrap(),
        season_type: None,
        kickoff: world.clock_in_hours(48),
        home,
        away,
        neutral: false,
        status: None,
    }
}

impl World {
    fn clock_in_hours(&self, hours: i64) -> jiff::Timestamp {
        self.engine
            .now()
            .checked_add(SignedDuration::from_hours(hours))
            .unwrap()
    }
}

fn named(name: &str) -> TeamRef {
    TeamRef::Name(name.to_owned())
}

fn quote(fixture: FixtureId, prices: &[(Outcome, f64)]) -> QuoteCommand {
    QuoteCommand {
        fixture,
        bookmaker: BookmakerKey::new("acme").unwrap(),
        market: Market::H2H,
        stage: QuoteStage::Intermediate,
        taken_at: None,
        prices: prices.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_found_by_any_of_its_names_and_a_season_however_it_is_written() {
    let world = untrained().await;
    let sport = world.league.competition.sport;
    let calls = |source: &str, team: usize, name: &str| TeamName {
        team: world.teams[team],
        sport,
        name: name.to_owned(),
        source: Some(SourceKey::new(source).unwrap()),
    };
    let called = [
        calls("here", 0, "The First"),
        calls("here", 1, "The Best"),
        calls("there", 2, "The Best"),
    ];
    world.store.put_aliases(&called).await.unwrap();
    let mut meant = Vec::new();
    for (name, season) in [
        ("TEAM 01", "2030/31"),
        ("the first", "30/31"),
        ("Team 01", "2030-2031"),
    ] {
        let mut command = fixture(&world, named(name), named("team 04"));
        command.season = SeasonKey::new(season).unwrap();
        let outcome = world.engine.put_fixtures(vec![command]).await.unwrap();
        assert_eq!(outcome.teams_added, [""; 0], "{name}");
        meant.extend(outcome.fixtures);
    }
    assert_eq!(meant, [meant[0]; 3]);
    // Two sources mean different teams by it.
    let command = fixture(&world, named("The Best"), named("team 04"));
    let outcome = world.engine.put_fixtures(vec![command]).await.unwrap();
    assert_eq!(outcome.teams_added, ["The Best"]);
    let mut apart = fixture(&world, named("Team 01"), named("Team 02"));
    apart.season = SeasonKey::new("30/32").unwrap();
    let wrong = problems(world.engine.put_fixtures(vec![apart]).await);
    assert_eq!(wrong, [(0, "season: \"30/32\" is not a season".to_owned())]);
}

#[tokio::test]
async fn a_fixture_is_added_once_and_new_names_make_teams() {
    let world = untrained().await;
    let command = fixture(&world, named("Team 01"), named(" Newcomers "));
    let first = world
        .engine
        .put_fixtures(vec![command.clone()])
        .await
        .unwrap();
    assert_eq!(first.fixtures_added, 1);
    let again = world
        .engine
        .put_fixtures(vec![command.clone()])
        .await
        .unwrap();
    assert_eq!((again.fixtures_added, again.fixtures_changed), (0, 0));
    assert_eq!(again.fixtures, first.fixtures);
    let view = world.engine.fixture(first.fixtures[0]).await.unwrap();
    assert_eq!(view.home.id, world.teams[0]);
    assert_eq!(view.away.name, "Newcomers");

    let moved = FixtureCommand {
        fixture: Some(first.fixtures[0]),
        kickoff: world.clock_in_hours(72),
        status: Some(FixtureStatus::Postponed),
        home: TeamRef::Id(world.teams[0]),
        ..command.clone()
    };
    let outcome = world
        .engine
        .put_fixtures(vec![moved.clone()])
        .await
        .unwrap();
    assert_eq!((outcome.fixtures_added, outcome.fixtures_changed), (0, 1));
    let view = world.engine.fixture(first.fixtures[0]).await.unwrap();
    assert_eq!(view.fixture.status, FixtureStatus::Postponed);
    assert_eq!(view.fixture.kickoff, moved.kickoff);
    let unknown = FixtureCommand {
        fixture: Some(FixtureId(i64::MAX)),
        ..moved.clone()
    };
    let of_others = FixtureCommand {
        away: named("Team 02"),
        ..moved.clone()
    };
    let of_nobody = FixtureCommand {
        away: named("Nobody Yet"),
        ..moved
    };
    let teams = world.store.counts().await.unwrap();
    for (batch, detail) in [
        (unknown, format!("fixture {} is not known", i64::MAX)),
        (
            of_others,
            format!("fixture {} is a game of other teams", first.fixtures[0]),
        ),
        (
            of_nobody,
            format!("fixture {} is a game of other teams", first.fixtures[0]),
        ),
    ] {
        let found = problems(world.engine.put_fixtures(vec![batch]).await);
        assert_eq!(found, [(0, format!("fixture_id: {detail}"))]);
    }
    let after = world.store.counts().await.unwrap();
    assert_eq!(after, teams, "no team is left of what was refused");
}

#[tokio::test]
async fn a_batch_of_fixtures_with_a_flaw_is_refused_whole() {
    let world = untrained().await;
    let before = world.engine.revision().await.unwrap();
    let good = fixture(&world, named("Team 01"), named("Team 02"));
    let elsewhere = FixtureCommand {
        competition: CompetitionKey::new("XX").unwrap(),
        ..good.clone()
    };
    let batch = vec![
        good.clone(),
        elsewhere,
        fixture(&world, named("Team 01"), named("Team 01")),
        fixture(&world, TeamRef::Id(TeamId(999)), named(" ")),
    ];
    assert_eq!(
        problems(world.engine.put_fixtures(batch).await),
        [
            (1, "competition: competition XX is not known".to_owned()),
            (2, "away: a team cannot play itself".to_owned()),
            (3, "home: team 999 is not known".to_owned()),
            (
                3,
                "away: a team's name has 1 to 128 bytes, and nothing that is not seen".to_owned()
            ),
        ]
    );
    let same = fixture(&world, TeamRef::Id(world.teams[0]), named("Team 01"));
    let found = problems(world.engine.put_fixtures(vec![same]).await);
    assert_eq!(
        found,
        [(0, "away: both names belong to the same team".to_owned())]
    );
    assert_eq!(world.engine.revision().await.unwrap(), before);
}

#[tokio::test]
async fn a_competition_that_comes_with_the_program_is_known_from_its_first_fixture() {
    let world = untrained().await;
    let before = world.store.competitions().await.unwrap();
    let spanish = FixtureCommand {
        competition: CompetitionKey::new("SP1").unwrap(),
        ..fixture(&world, named("Sevilla"), named("Barcelona"))
    };
    let by_name = FixtureCommand {
        competition: CompetitionKey::new("sp1").unwrap(),
        ..spanish.clone()
    };
    let refused = problems(
        world
            .engine
            .put_fixtures(vec![spanish.clone(), by_name])
            .await,
    );
    let wanted = "competition: competition sp1 is not known".to_owned();
    assert_eq!(refused, [(1, wanted)]);
    assert_eq!(world.store.competitions().await.unwrap(), before);
    let written = world.engine.put_fixtures(vec![spanish]).await.unwrap();
    assert_eq!(written.fixtures_added, 1);
    let view = world.engine.fixture(written.fixtures[0]).await.unwrap();
    assert_eq!(view.fixture.competition.as_str(), "SP1");
    let after = world.store.competitions().await.unwrap();
    assert_eq!(after.len(), before.len() + 1);
}

#[tokio::test]
async fn results_are_written_for_known_fixtures_that_have_begun() {
    let world = untrained().await;
    let coming = world.to_come().await.remove(0).fixture;
    let result = |fixture| ResultCommand {
        fixture,
        score: Score { home: 2, away: 1 },
        stats: MatchStats::default(),
    };
    let batch = vec![result(coming.id), result(FixtureId(123_456))];
    assert_eq!(
        problems(world.engine.put_results(batch).await),
        [
            (
                0,
                format!("fixture_id: fixture {} has not kicked off", coming.id)
            ),
            (1, "fixture_id: fixture 123456 is not known".to_owned()),
        ]
    );
    world.clock.set(
        coming
            .kickoff
            .checked_add(SignedDuration::from_hours(2))
            .unwrap(),
    );
    let written = world
        .engine
        .put_results(vec![result(coming.id)])
        .await
        .unwrap();
    assert_eq!((written.fixtures_added, written.fixtures_changed), (0, 1));
    let view = world.engine.fixture(coming.id).await.unwrap();
    assert_eq!(view.fixture.score, Some(Score { home: 2, away: 1 }));
    assert_eq!(view.fixture.status, FixtureStatus::Finished);
    let nothing = world.engine.put_results(Vec::new()).await.unwrap();
    assert_eq!(nothing.fixtures, []);
}

#[tokio::test]
async fn quotes_are_appended_and_seen_at_once() {
    let world = untrained().await;
    let coming = world.to_come().await.remove(0).fixture.id;
    let before = world.engine.quotes(coming).await.unwrap().len();
    let prices = [(Outcome::Away, 3.4), (Outcome::Home, 2.2)];
    let written = world
        .engine
        .put_quotes(&api(), vec![quote(coming, &prices)])
        .await
        .unwrap();
    assert_eq!(written.prices_written, 2);
    let quotes = world.engine.quotes(coming).await.unwrap();
    assert_eq!(quotes.len(), before + 1);
    let new = quotes
        .iter()
        .find(|it| it.bookmaker.as_str() == "acme")
        .unwrap();
    assert_eq!(new.source.as_str(), "api");
    assert_eq!(new.prices[0].0, Outcome::Home);
}

/// A clock at which something happens when it is next asked.
struct Interrupted {
    clock: Arc<dyn Clock>,
    by: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Clock for Interrupted {
    fn now(&self) -> jiff::Timestamp {
        let by = self.by.lock().unwrap().take();
        by.into_iter().for_each(|happens| happens());
        self.clock.now()
    }
}

/// An engine on the world's store; its first look at the clock, which is after a fixture was read
/// and before what is said of it is written, has the fixture moved to this kickoff.
fn moving(world: &World, fixture: &Fixture, kickoff: jiff::Timestamp) -> Engine {
    let moved = FixtureRecord {
        id: Some(fixture.id),
        competition: fixture.competition.clone(),
        season: fixture.season.clone(),
        season_type: None,
        kickoff,
        kickoff_precision: fixture.kickoff_precision,
        home: fixture.home,
        away: fixture.away,
        neutral: fixture.neutral,
        status: None,
        result: None,
        quotes: Vec::new(),
    };
    let recording = Recording {
        source: api(),
        import: None,
        at: world.engine.now(),
    };
    let (store, runtime) = (Arc::clone(&world.store), Handle::current());
    let moves = move || {
        let record = store.record(&recording, std::slice::from_ref(&moved));
        block_in_place(|| runtime.block_on(record)).unwrap();
    };
    let clock = Interrupted {
        clock: Arc::clone(&world.clock) as _,
        by: Mutex::new(Some(Box::new(moves))),
    };
    let options = EngineOptions::default();
    Engine::new(Arc::clone(&world.store), Arc::new(clock), options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_that_is_moved_while_a_quote_or_a_result_is_written_stays_moved() {
    let world = untrained().await;
    let coming = world.to_come().await.remove(0).fixture;
    let later = world.clock_in_hours(500);
    let engine = moving(&world, &coming, later);
    let quotes = vec![quote(coming.id, &[(Outcome::Home, 2.2)])];
    let written = engine.put_quotes(&api(), quotes).await.unwrap();
    assert_eq!((written.fixtures_changed, written.prices_written), (0, 1));
    let stored = world.store.fixture(coming.id).await.unwrap().unwrap();
    assert_eq!(stored.kickoff, later);

    world.clock.set(world.clock_in_hours(600));
    let earlier = coming.kickoff;
    let engine = moving(&world, &stored, earlier);
    let result = ResultCommand {
        fixture: coming.id,
        score: Score { home: 2, away: 1 },
        stats: MatchStats::default(),
    };
    engine.put_results(vec![result]).await.unwrap();
    let stored = world.store.fixture(coming.id).await.unwrap().unwrap();
    assert_eq!(
        (stored.kickoff, stored.status),
        (earlier, FixtureStatus::Finished)
    );
}

#[tokio::test]
async fn a_batch_of_quotes_with_a_flaw_is_refused_whole() {
    let world = untrained().await;
    let coming = world.to_come().await.remove(0).fixture.id;
    let early = QuoteCommand {
        taken_at: Some(world.clock_in_hours(1)),
        ..quote(coming, &[(Outcome::Home, 2.0)])
    };
    let batch = vec![
        quote(coming, &[]),
        quote(coming, &[(Outcome::Over, 2.0)]),
        quote(coming, &[(Outcome::Home, 1.0)]),
        quote(coming, &[(Outcome::Home, 2.0), (Outcome::Home, 2.1)]),
        early,
        quote(FixtureId(123_456), &[(Outcome::Home, 2.0)]),
    ];
    assert_eq!(
        problems(world.engine.put_quotes(&api(), batch).await),
        [
            (
                0,
                "outcomes: no price is given; where no bets are taken the stage is `suspended`"
                    .to_owned(),
            ),
            (
                1,
                "outcomes/0/outcome: over is not an outcome of this market".to_owned()
            ),
            (
                2,
                "outcomes/0/price: 1 is not a price: decimal odds lie above 1 and at most 10000"
                    .to_owned()
            ),
            (3, "outcomes/1/outcome: home is priced twice".to_owned()),
            (4, "taken_at: the price is from the future".to_owned()),
            (5, "fixture_id: fixture 123456 is not known".to_owned()),
        ]
    );
}

#[tokio::test]
async fn keys_and_idempotency_pass_through_to_the_store() {
    let world = untrained().await;
    let key = ApiKeyRecord {
        prefix: "abcdefgh".to_owned(),
        hash: [7; 32],
        name: "feed".to_owned(),
        scopes: vec!["write".to_owned()],
        created_at: world.engine.now(),
        last_used_at: None,
        revoked_at: None,
    };
    world.engine.put_key(&key).await.unwrap();
    world.engine.touch_key("abcdefgh").await.unwrap();
    assert!(
        world
            .engine
            .key("abcdefgh")
            .await
            .unwrap()
            .unwrap()
            .last_used_at
            .is_some()
    );
    assert!(world.engine.revoke_key("abcdefgh").await.unwrap());
    assert!(!world.engine.revoke_key("nobody00").await.unwrap());
    assert!(world.engine.keys().await.unwrap()[0].revoked_at.is_some());
    let held = world.engine.key("abcdefgh").await.unwrap().unwrap();
    assert!(held.revoked_at.is_some(), "what was held of it is let go");

    let record = IdempotencyRecord {
        principal: "abcdefgh".to_owned(),
        route: "POST /v1/quotes".to_owned(),
        key: "once".to_owned(),
        fingerprint: [1; 32],
        at: world.engine.now(),
    };
    let claim = world.engine.claim_idempotency(&record).await.unwrap();
    assert_eq!(claim, IdempotencyClaim::New { since: record.at });
    world
        .engine
        .finish_idempotency(&record, Some((200, b"{}".to_vec())))
        .await
        .unwrap();
    let claim = world.engine.claim_idempotency(&record).await.unwrap();
    assert_eq!(
        claim,
        IdempotencyClaim::Done {
            status: 200,
            body: b"{}".to_vec()
        }
    );
}
