//! Rules that watch games: what fires, how often, and what survives.

use std::sync::Arc;

use domain::{
    AlertCondition, AlertId, AlertOutcome, AlertScope, Crossing, Direction, FixtureId, Market,
    MarketKind, Outcome, Period, PlayEvent, PlayKind, RawRule, Side,
};
use engine::{
    AlertCaller, AlertChange, AlertCommand, AlertStanding, AlertWatcher, Engine, EngineError,
    EngineOptions, EventCommand, FiringView,
};
use jiff::SignedDuration;
use store::Store;
use testkit::PostgresDatabase;

use crate::world::{Hand, World, api, league_of, trained, untrained};

mod ended;
mod forgotten;
mod told;

fn caller(principal: &str) -> AlertCaller {
    AlertCaller {
        principal: principal.to_owned(),
        operates: false,
    }
}

fn home_crosses(level: f64, direction: Direction) -> AlertCondition {
    AlertCondition::Probability {
        market: Market::H2H,
        outcome: AlertOutcome::Of(Outcome::Home),
        level,
        direction,
    }
}

fn command(condition: AlertCondition, scope: AlertScope) -> AlertCommand {
    AlertCommand {
        name: "watch".to_owned(),
        rule: RawRule {
            condition,
            scope,
            hysteresis: None,
            quiet_minutes: None,
        },
        paused: false,
        webhook: None,
        request: None,
    }
}

async fn made(engine: &Engine, condition: AlertCondition, scope: AlertScope) -> AlertId {
    let command = command(condition, scope);
    let made = engine.put_alert(&caller("se_a"), command).await.unwrap();
    made.record.id
}

/// A game that has just begun, and who tells of it.
struct Match {
    world: World,
    id: FixtureId,
}

impl Match {
    async fn new() -> Self {
        let world = trained().await;
        let fixture = world.to_come().await.remove(0).fixture;
        world.clock.set(fixture.kickoff);
        Self {
            world,
            id: fixture.id,
        }
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.world.engine
    }

    async fn tell(&self, sequence: u64, kind: PlayKind) {
        tell(self.engine(), self.id, sequence, kind).await;
    }

    async fn begin(&self) {
        let period = Period::new(1).unwrap();
        self.tell(1, PlayKind::PeriodStart { period }).await;
    }

    async fn home(&self) -> f64 {
        home(self.engine(), self.id).await
    }

    /// A rule that a goal of the home side has fire.
    async fn rises(&self) -> AlertId {
        let condition = home_crosses(self.home().await + 0.05, Direction::Up);
        made(self.engine(), condition, AlertScope::All).await
    }
}

async fn tell(engine: &Engine, fixture: FixtureId, sequence: u64, kind: PlayKind) {
    let event = EventCommand {
        fixture,
        event: PlayEvent {
            sequence,
            revision: 0,
            at: engine.now(),
            clock: None,
            kind,
        },
        told_at: None,
    };
    engine.put_events(&api(), vec![event]).await.unwrap();
}

fn goal(side: Side) -> PlayKind {
    PlayKind::Scored {
        side,
        points: std::num::NonZeroU8::MIN,
    }
}

async fn home(engine: &Engine, id: FixtureId) -> f64 {
    let prediction = engine.predict(id, None).await.unwrap();
    prediction.markets[0].outcomes[0].probability
}

async fn fired(engine: &Engine, id: AlertId) -> Vec<FiringView> {
    engine.firings(Some(id), (None, 100)).await.unwrap()
}

async fn looked(watcher: &mut AlertWatcher) -> usize {
    watcher.look().await.unwrap()
}

#[tokio::test]
async fn a_goal_takes_a_probability_across_its_level_and_the_numbers_are_told() {
    let game = Match::new().await;
    game.begin().await;
    let before = game.home().await;
    let level = before + 0.05;
    let scope = AlertScope::Fixture(game.id);
    let up = made(
        game.engine(),
        home_crosses(level, Direction::Up),
        scope.clone(),
    )
    .await;
    let down = made(game.engine(), home_crosses(level, Direction::Down), scope).await;
    let mut watcher = game.engine().alert_watcher();
    assert_eq!(
        looked(&mut watcher).await,
        0,
        "what is so already is no news"
    );
    assert_eq!(looked(&mut watcher).await, 0);
    let seen = game.engine().alert_figures().looked;
    looked(&mut watcher).await;
    assert_eq!(
        game.engine().alert_figures().looked,
        seen,
        "nothing changed"
    );
    game.tell(2, goal(Side::Home)).await;
    assert_eq!(looked(&mut watcher).await, 1);
    let firing = fired(game.engine(), up).await.remove(0);
    let data = &firing.notice.data;
    assert_eq!(data.direction, Some(Crossing::Up));
    assert!((data.before.unwrap() - before).abs() < 1e-9);
    assert_eq!(data.after, Some(game.home().await));
    let fixture = data.fixture.as_ref().unwrap();
    assert_eq!((fixture.id, fixture.score.unwrap().home), (game.id, 1));
    assert_eq!(firing.record.fixture, Some(game.id));
    assert!(fired(game.engine(), down).await.is_empty());
    game.tell(3, PlayKind::Cancelled { of: 2 }).await;
    assert_eq!(looked(&mut watcher).await, 1);
    let firing = fired(game.engine(), down).await.remove(0);
    assert_eq!(firing.notice.data.direction, Some(Crossing::Down));
    game.tell(4, goal(Side::Home)).await;
    assert_eq!(looked(&mut watcher).await, 0, "once for a fixture");
    let figures = game.engine().alert_figures();
    assert_eq!((figures.active, figures.fired, figures.lost), (2, 2, 0));
}

#[tokio::test]
async fn a_clock_that_runs_is_looked_at_without_any_event() {
    let game = Match::new().await;
    game.begin().await;
    let prediction = game.engine().predict(game.id, None).await.unwrap();
    let draw = prediction.markets[0].outcomes[1].probability;
    let likelier = AlertCondition::Probability {
        market: Market::H2H,
        outcome: AlertOutcome::Of(Outcome::Draw),
        level: draw + 0.001,
        direction: Direction::Up,
    };
    let rule = made(game.engine(), likelier, AlertScope::All).await;
    let mut watcher = game.engine().alert_watcher();
    let mut all = looked(&mut watcher).await;
    for _ in 0..4 {
        game.world.clock.forward(SignedDuration::from_mins(1));
        all += looked(&mut watcher).await;
    }
    assert_eq!(all, 1, "a draw gets likelier while none is scored");
    let data = fired(game.engine(), rule).await.remove(0).notice.data;
    assert_eq!(data.outcome, Some(Outcome::Draw));
    assert!(data.after.unwrap() >= draw + 0.001);
}

#[tokio::test]
async fn a_swing_fires_each_time_the_game_turns() {
    let game = Match::new().await;
    game.begin().await;
    let swing = AlertCondition::Swing {
        market: Market::H2H,
        outcome: AlertOutcome::Team,
        by: 0.08,
        within_minutes: 10,
    };
    let fixture = game.engine().fixture(game.id).await.unwrap().fixture;
    let mut command = command(swing, AlertScope::Team(fixture.away));
    command.rule.quiet_minutes = Some(1);
    let me = caller("se_a");
    let rule = game
        .engine()
        .put_alert(&me, command)
        .await
        .unwrap()
        .record
        .id;
    let mut watcher = game.engine().alert_watcher();
    looked(&mut watcher).await;
    for (sequence, side) in [(2, Side::Home), (3, Side::Away)] {
        game.world.clock.forward(SignedDuration::from_mins(2));
        game.tell(sequence, goal(side)).await;
        assert_eq!(looked(&mut watcher).await, 1);
        assert_eq!(looked(&mut watcher).await, 0);
    }
    let fired = fired(game.engine(), rule).await;
    let ways: Vec<_> = fired.iter().map(|it| it.notice.data.direction).collect();
    assert_eq!(ways, [Some(Crossing::Up), Some(Crossing::Down)]);
    assert_eq!(fired[0].notice.data.outcome, Some(Outcome::Away));
}

#[tokio::test]
async fn what_was_seen_survives_a_restart_and_what_happened_meanwhile_fires() {
    let game = Match::new().await;
    game.begin().await;
    let rule = game.rises().await;
    let mut watcher = game.engine().alert_watcher();
    assert_eq!(looked(&mut watcher).await, 0);
    drop(watcher);
    game.tell(2, goal(Side::Home)).await;
    let mut after = game.engine().alert_watcher();
    assert_eq!(looked(&mut after).await, 1);
    let mut again = game.engine().alert_watcher();
    assert_eq!(looked(&mut again).await, 0);
    assert_eq!(fired(game.engine(), rule).await.len(), 1);
}

#[tokio::test]
async fn a_pause_passes_over_what_happens_in_it_and_another_level_begins_anew() {
    let game = Match::new().await;
    game.begin().await;
    let level = game.home().await + 0.05;
    let scope = AlertScope::Competition(game.world.league.competition.key.clone());
    let rule = made(game.engine(), home_crosses(level, Direction::Up), scope).await;
    let mut watcher = game.engine().alert_watcher();
    looked(&mut watcher).await;
    let change = async |change: AlertChange| {
        let engine = game.engine();
        engine
            .change_alert(&caller("se_a"), rule, &change)
            .await
            .unwrap()
    };
    let paused = |it| AlertChange {
        paused: Some(it),
        ..AlertChange::default()
    };
    assert_eq!(change(paused(true)).await.standing, AlertStanding::Paused);
    game.tell(2, goal(Side::Home)).await;
    assert_eq!(looked(&mut watcher).await, 0);
    assert_eq!(change(paused(false)).await.standing, AlertStanding::Active);
    assert_eq!(looked(&mut watcher).await, 0, "it came to be meanwhile");
    game.tell(3, PlayKind::Cancelled { of: 2 }).await;
    looked(&mut watcher).await;
    game.tell(4, goal(Side::Home)).await;
    assert_eq!(looked(&mut watcher).await, 1);
    let condition = home_crosses(level, Direction::Down);
    let other = AlertChange {
        name: Some("other".to_owned()),
        condition: Some(condition),
        quiet_minutes: Some(Some(1)),
        ..AlertChange::default()
    };
    let changed = change(other).await;
    assert_eq!(
        (&*changed.record.name, changed.record.primed),
        ("other", false)
    );
    assert_eq!(looked(&mut watcher).await, 0);
    game.tell(5, PlayKind::Cancelled { of: 4 }).await;
    assert_eq!(
        looked(&mut watcher).await,
        1,
        "it had fired for another level"
    );
}

#[tokio::test]
async fn an_edge_that_is_doubtful_fires_nothing() {
    let world = crate::world::long_trained().await;
    let id = world.to_come().await.remove(0).fixture.id;
    let any = AlertCondition::Edge {
        market: None,
        level: 1e-6,
    };
    let rule = made(&world.engine, any, AlertScope::Fixture(id)).await;
    let mut watcher = world.engine.alert_watcher();
    assert_eq!(looked(&mut watcher).await, 0);
    world.clock.forward(SignedDuration::from_mins(1));
    let says = |bookmaker: &str, [home, draw, away]: [f64; 3]| engine::QuoteCommand {
        fixture: id,
        bookmaker: domain::BookmakerKey::new(bookmaker).unwrap(),
        market: Market::H2H,
        stage: domain::QuoteStage::Intermediate,
        taken_at: None,
        prices: vec![
            (Outcome::Home, home),
            (Outcome::Draw, draw),
            (Outcome::Away, away),
        ],
    };
    let calm = says("calm", [2.5, 3.3, 2.9]);
    let wild = says("wild", [50.0, 50.0, 1.01]);
    let quotes = vec![calm, wild];
    world.engine.put_quotes(&api(), quotes).await.unwrap();
    let seen = world.engine.alert_figures().looked;
    assert_eq!(looked(&mut watcher).await, 0);
    assert_eq!(
        world.engine.alert_figures().looked,
        seen + 1,
        "prices are looked at"
    );
    let edges = world.engine.insight(id, None).await.unwrap().edges;
    let wild = edges.iter().filter(|it| it.bookmaker.as_str() == "wild");
    assert!(wild.clone().count() > 0 && wild.clone().all(|it| !it.flags.is_empty()));
    assert!(fired(&world.engine, rule).await.is_empty());
}

#[tokio::test]
async fn rules_are_changed_by_who_made_them_and_bad_ones_refused() {
    let world = untrained().await;
    let engine = &world.engine;
    let condition = home_crosses(0.5, Direction::Up);
    let rule = made(engine, condition, AlertScope::Team(world.teams[0])).await;
    let view = engine.alert(rule).await.unwrap();
    assert_eq!(view.about, world.league.teams[0].name);
    let stranger = caller("se_b");
    let foreign = engine.delete_alert(&stranger, rule).await.unwrap_err();
    assert!(matches!(foreign, EngineError::ForeignAlert(id) if id == rule));
    let operator = AlertCaller {
        operates: true,
        ..stranger
    };
    let test = engine.test_alert(&operator, rule).await.unwrap();
    assert_eq!(test.notice.kind, engine::NoticeKind::Test);
    assert_eq!(engine.alert(rule).await.unwrap().record.fired_at, None);
    engine.delete_alert(&operator, rule).await.unwrap();
    let gone = engine.alert(rule).await.unwrap_err();
    assert!(matches!(gone, EngineError::UnknownAlert(id) if id == rule));
    let me = caller("se_a");
    let put = async |command| engine.put_alert(&me, command).await.unwrap_err();
    let nowhere = command(condition, AlertScope::Fixture(FixtureId(9_999)));
    assert!(matches!(put(nowhere).await, EngineError::UnknownFixture(_)));
    let nobody = command(condition, AlertScope::Team(domain::TeamId(9_999)));
    assert!(matches!(put(nobody).await, EngineError::UnknownTeam(_)));
    let none = domain::CompetitionKey::new("none").unwrap();
    let none = command(condition, AlertScope::Competition(none));
    assert!(matches!(
        put(none).await,
        EngineError::UnknownCompetition(_)
    ));
    let never = command(home_crosses(1.5, Direction::Up), AlertScope::All);
    assert!(matches!(put(never).await, EngineError::BadAlert(it) if it.field == "level"));
    let edge = |market, level| AlertCondition::Edge { market, level };
    for kind in [MarketKind::Totals, MarketKind::Spreads] {
        let never = command(edge(Some(kind), 0.02), AlertScope::All);
        assert!(matches!(put(never).await, EngineError::BadAlert(it) if it.field == "market"));
    }
    let slipped = command(edge(None, 7.0), AlertScope::All);
    assert!(matches!(put(slipped).await, EngineError::BadAlert(it) if it.field == "level"));
    let who_wins = made(engine, edge(Some(MarketKind::H2h), 0.02), AlertScope::All).await;
    let change = AlertChange {
        condition: Some(edge(Some(MarketKind::Totals), 0.02)),
        ..AlertChange::default()
    };
    let changed = engine.change_alert(&me, who_wins, &change).await;
    assert!(matches!(changed, Err(EngineError::BadAlert(it)) if it.field == "market"));
    engine.delete_alert(&me, who_wins).await.unwrap();
    let unnamed = AlertCommand {
        name: " ".to_owned(),
        ..command(condition, AlertScope::All)
    };
    assert!(matches!(put(unnamed).await, EngineError::BadAlert(it) if it.field == "name"));
    for _ in 0..engine::ALERTS_PER_KEY_MAX {
        made(engine, condition, AlertScope::All).await;
    }
    let more = put(command(condition, AlertScope::All)).await;
    assert!(matches!(
        more,
        EngineError::TooManyAlerts(engine::ALERTS_PER_KEY_MAX)
    ));
    assert_eq!(engine.alerts().await.unwrap().len(), 100);
}

/// An engine on a database that others share.
async fn shared(database: &PostgresDatabase, clock: &Arc<Hand>) -> Arc<Engine> {
    let store: Arc<dyn Store> = Arc::new(database.store().await);
    let options = EngineOptions::default();
    let engine = Arc::new(Engine::new(store, Arc::clone(clock) as _, options));
    engine.load().await.unwrap();
    engine
}

#[tokio::test]
async fn two_engines_on_one_database_fire_once() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let league = league_of(8, 3, 2);
    testkit::fill(&database.store().await, &league).await;
    let now = league.recorded_at.as_microsecond();
    let clock = Arc::new(Hand::new(now.into()));
    let one = shared(&database, &clock).await;
    one.train(Arc::new(|_| {})).await.unwrap();
    let two = shared(&database, &clock).await;
    let filter = engine::FixtureFilter {
        from: Some(one.now()),
        ..engine::FixtureFilter::default()
    };
    let page = engine::PageRequest::default();
    let mut fixtures = one.fixtures(&filter, &page).await.unwrap().data;
    let fixture = fixtures.remove(0).fixture;
    clock.set(fixture.kickoff);
    let period = Period::new(1).unwrap();
    tell(&one, fixture.id, 1, PlayKind::PeriodStart { period }).await;
    let level = home(&one, fixture.id).await + 0.05;
    let rule = made(
        &one,
        home_crosses(level, Direction::Either),
        AlertScope::All,
    )
    .await;
    let (mut first, mut second) = (one.alert_watcher(), two.alert_watcher());
    let (a, b) = tokio::join!(first.look(), second.look());
    assert_eq!((a.unwrap(), b.unwrap()), (0, 0));
    tell(&two, fixture.id, 2, goal(Side::Home)).await;
    let (a, b) = tokio::join!(first.look(), second.look());
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    assert_eq!(fired(&two, rule).await.len(), 1);
    // Who looks later has nothing to say of what was before.
    assert_eq!(looked(&mut second).await + looked(&mut first).await, 0);
    assert_eq!(fired(&one, rule).await.len(), 1);
}
