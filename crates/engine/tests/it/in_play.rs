//! Games under way: events in, forecasts that follow them, the past as it was.

mod clocks;
mod course;
mod taken_back;

use domain::{FixtureId, GameClock, MarketKind, Outcome, Period, PlayEvent, PlayKind, Score, Side};
use engine::{
    EngineError, EventCommand, EventStanding, FixtureView, Phase, PredictionView, ResultCommand,
};
use jiff::{SignedDuration, Timestamp};

use crate::world::{World, api, trained};

/// A game about to begin, and a source that tells of it.
struct Match {
    world: World,
    fixture: FixtureView,
}

fn period(number: u8) -> Period {
    Period::new(number).unwrap()
}

fn goal(side: Side) -> PlayKind {
    PlayKind::Scored {
        side,
        points: std::num::NonZeroU8::MIN,
    }
}

impl Match {
    async fn begun() -> Self {
        let world = trained().await;
        let fixture = world.to_come().await.remove(0);
        let it = Self { world, fixture };
        it.at_minute(0);
        it.tell(1, PlayKind::PeriodStart { period: period(1) })
            .await;
        it
    }

    fn id(&self) -> FixtureId {
        self.fixture.fixture.id
    }

    fn minute(&self, minute: i64) -> Timestamp {
        let kickoff = self.fixture.fixture.kickoff;
        kickoff
            .checked_add(SignedDuration::from_mins(minute))
            .unwrap()
    }

    fn at_minute(&self, minute: i64) {
        self.world.clock.set(self.minute(minute));
    }

    fn event(&self, sequence: u64, revision: u16, kind: PlayKind) -> EventCommand {
        EventCommand {
            fixture: self.id(),
            event: PlayEvent {
                sequence,
                revision,
                at: self.world.engine.now(),
                clock: None,
                kind,
            },
            told_at: None,
        }
    }

    async fn tell(&self, sequence: u64, kind: PlayKind) {
        let event = self.event(sequence, 0, kind);
        let told = self
            .world
            .engine
            .put_events(&api(), vec![event])
            .await
            .unwrap();
        assert_eq!(told.entries, [(self.id(), true)]);
    }

    async fn quote(&self, bookmaker: &str, prices: [f64; 3]) {
        let outcomes = [Outcome::Home, Outcome::Draw, Outcome::Away];
        let quote = engine::QuoteCommand {
            fixture: self.id(),
            bookmaker: domain::BookmakerKey::new(bookmaker).unwrap(),
            market: domain::Market::H2H,
            stage: domain::QuoteStage::Intermediate,
            taken_at: None,
            prices: outcomes.into_iter().zip(prices).collect(),
        };
        let written = self.world.engine.put_quotes(&api(), vec![quote]).await;
        written.unwrap();
    }

    async fn prediction(&self, as_of: Option<Timestamp>) -> PredictionView {
        self.world.engine.predict(self.id(), as_of).await.unwrap()
    }

    async fn h2h(&self, as_of: Option<Timestamp>) -> Vec<f64> {
        let prediction = self.prediction(as_of).await;
        let h2h = &prediction.markets[0];
        assert_eq!(h2h.market.kind(), MarketKind::H2h);
        h2h.outcomes.iter().map(|it| it.probability).collect()
    }
}

#[tokio::test]
async fn a_score_that_is_told_counts_where_it_is_another_and_is_whose_it_can_only_be() {
    let game = Match::begun().await;
    let told = [[1, 0], [1, 0], [1, 1], [3, 1], [3, 0], [3, 0]];
    for (sequence, [home, away]) in (2..).zip(told) {
        game.tell(sequence, PlayKind::Score { home, away }).await;
    }
    let play = game.prediction(None).await.play.unwrap();
    let moments = play.moments[1..].iter();
    let moments: Vec<_> = moments
        .map(|it| ([it.score.home, it.score.away], it.side))
        .collect();
    assert_eq!(
        moments,
        [
            ([1, 0], Some(Side::Home)),
            ([1, 1], Some(Side::Away)),
            ([3, 1], None),
            ([3, 0], None),
        ]
    );
}

#[tokio::test]
async fn the_forecast_begins_where_it_was_and_moves_with_what_happens() {
    let game = Match::begun().await;
    let before = game.h2h(Some(
        game.minute(0)
            .checked_sub(SignedDuration::from_secs(1))
            .unwrap(),
    ));
    let before = before.await;
    let kicked_off = game.prediction(None).await;
    assert_eq!(
        (&*kicked_off.model, kicked_off.as_of),
        ("in_play", game.minute(0))
    );
    let start = game.h2h(None).await;
    for (before, start) in before.iter().zip(&start) {
        assert!((before - start).abs() < 1e-6, "{before} {start}");
    }
    game.at_minute(30);
    let level = game.h2h(None).await;
    assert!(
        level[1] > start[1],
        "a draw gets likelier while none is scored"
    );
    game.tell(2, goal(Side::Home)).await;
    let ahead = game.h2h(None).await;
    assert!(ahead[0] > level[0] + 0.1);
    let play = game.prediction(None).await.play.unwrap();
    assert_eq!(
        (play.phase, play.score),
        (Phase::Playing, Score { home: 1, away: 0 })
    );
    assert_eq!(play.moments.len(), 2);
    assert_eq!(
        (play.moments[1].period, play.moments[1].seconds),
        (1, 1800.0)
    );
    let next = play.next_goal.unwrap();
    assert!((next.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(next.after[0][0] > ahead[0] && next.after[1][0] < ahead[0]);
    let row = game
        .world
        .engine
        .board(&engine::BoardFilter::default())
        .await
        .unwrap()
        .remove(0);
    if row.fixture.fixture.id == game.id() {
        assert_eq!(row.prediction.unwrap().probabilities, ahead);
        assert_eq!(row.play.unwrap().score, play.score);
    }
}

#[tokio::test]
async fn a_goal_that_did_not_count_and_a_score_put_right_are_followed() {
    let game = Match::begun().await;
    game.at_minute(20);
    game.tell(5, goal(Side::Away)).await;
    let behind = game.h2h(None).await;
    game.at_minute(21);
    game.tell(6, PlayKind::Cancelled { of: 5 }).await;
    let level = game.h2h(None).await;
    assert!(level[2] < behind[2] - 0.1);
    // An event of before, told late: its number says where it belongs.
    game.tell(3, goal(Side::Home)).await;
    assert!(game.h2h(None).await[0] > level[0] + 0.1);
    // It was away's, after all.
    let told = vec![game.event(3, 1, goal(Side::Away))];
    game.world
        .engine
        .put_events(&api(), told.clone())
        .await
        .unwrap();
    assert!(game.h2h(None).await[2] > level[2] + 0.1);
    let again = game.world.engine.put_events(&api(), told).await.unwrap();
    assert_eq!(again.entries, [(game.id(), false)]);
    let events = game.world.engine.events(game.id(), None).await.unwrap();
    let standings: Vec<_> = events
        .iter()
        .map(|it| (it.event.sequence, it.standing))
        .collect();
    let (counts, cancelled) = (EventStanding::Counts, EventStanding::Cancelled);
    let told_anew = EventStanding::Superseded;
    assert_eq!(
        standings,
        [
            (1, counts),
            (3, told_anew),
            (3, counts),
            (5, cancelled),
            (6, counts)
        ]
    );
    let known = game
        .world
        .engine
        .events(game.id(), Some(game.minute(20)))
        .await
        .unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[1].standing, counts, "it was taken back later");
    game.tell(7, PlayKind::Score { home: 2, away: 2 }).await;
    let play = game.prediction(None).await.play.unwrap();
    assert_eq!(play.score, Score { home: 2, away: 2 });
    let sources = game.world.engine.sources();
    let figures = sources[0].figures;
    assert_eq!((figures.new, figures.repeated, figures.late), (6, 1, 1));
    assert_eq!((sources.len(), &sources[0].source), (1, &api()));
}

#[tokio::test]
async fn the_end_is_certain_and_every_moment_before_it_is_told_as_it_was() {
    let game = Match::begun().await;
    let mut told = Vec::new();
    for (minute, sequence, kind) in [
        (12, 2, goal(Side::Home)),
        (40, 3, PlayKind::RedCard { side: Side::Home }),
        (47, 4, PlayKind::PeriodEnd { period: period(1) }),
        (62, 5, PlayKind::PeriodStart { period: period(2) }),
        (90, 6, goal(Side::Away)),
        (108, 7, goal(Side::Away)),
    ] {
        game.at_minute(minute);
        told.push((game.world.engine.now(), game.prediction(None).await));
        game.world.clock.forward(SignedDuration::from_secs(1));
        game.tell(sequence, kind).await;
        told.push((game.world.engine.now(), game.prediction(None).await));
    }
    game.at_minute(112);
    game.tell(8, PlayKind::PeriodEnd { period: period(2) })
        .await;
    game.tell(9, PlayKind::Finished).await;
    assert_eq!(game.h2h(None).await, [0.0, 0.0, 1.0]);
    let play = game.prediction(None).await.play.unwrap();
    assert_eq!((play.phase, play.red_cards), (Phase::Finished, [1, 0]));
    assert_eq!(play.next_goal, None);
    for (at, prediction) in told {
        assert_eq!(game.prediction(Some(at)).await, prediction, "{at}");
    }
    let backtest = game.prediction(Some(
        game.fixture
            .fixture
            .kickoff
            .checked_sub(SignedDuration::from_hours(1))
            .unwrap(),
    ));
    assert_eq!(backtest.await.play, None);
}

#[tokio::test]
async fn a_source_that_falls_silent_makes_the_game_stale_and_its_clock_stands() {
    let game = Match::begun().await;
    game.at_minute(4);
    let fresh = game.prediction(None).await.play.unwrap();
    assert_eq!((fresh.silent, fresh.running), (None, true));
    game.at_minute(6);
    let play = game.prediction(None).await.play.unwrap();
    let silent = play.silent.unwrap();
    assert_eq!(silent.since, game.minute(0));
    assert!(
        silent.reason.contains("5 min while the clock runs"),
        "{}",
        silent.reason
    );
    assert!(!play.running);
    let stopped = game.h2h(None).await;
    game.at_minute(40);
    assert_eq!(
        game.h2h(None).await,
        stopped,
        "nothing is known of the time since"
    );
    let clock = GameClock::new(period(1), 2400).unwrap();
    let mut event = game.event(2, 0, PlayKind::Clock { running: true });
    event.event.clock = Some(clock);
    game.world
        .engine
        .put_events(&api(), vec![event])
        .await
        .unwrap();
    let play = game.prediction(None).await.play.unwrap();
    assert_eq!((play.silent, play.clock.unwrap().0), (None, clock));
    assert_ne!(game.h2h(None).await, stopped);
    // Between the halves more patience is due.
    game.at_minute(46);
    game.tell(3, PlayKind::PeriodEnd { period: period(1) })
        .await;
    game.at_minute(62);
    assert_eq!(game.prediction(None).await.play.unwrap().silent, None);
    game.at_minute(77);
    assert!(game.prediction(None).await.play.unwrap().silent.is_some());
    // A result that comes another way ends it.
    let result = ResultCommand {
        fixture: game.id(),
        score: Score { home: 3, away: 1 },
        stats: domain::MatchStats::default(),
    };
    game.world.engine.put_results(vec![result]).await.unwrap();
    assert_eq!(game.h2h(None).await, [1.0, 0.0, 0.0]);
}

#[tokio::test]
async fn a_game_given_up_has_no_forecast_and_one_recorded_earlier_is_told_as_of_then() {
    let game = Match::begun().await;
    game.at_minute(30);
    game.tell(2, PlayKind::Abandoned).await;
    let prediction = game.prediction(None).await;
    assert!(prediction.markets.is_empty() && prediction.opinions.is_empty());
    let play = prediction.play.unwrap();
    assert_eq!((play.phase, play.moments.len()), (Phase::Abandoned, 2));
    let insight = game.world.engine.insight(game.id(), None).await.unwrap();
    assert_eq!(insight.prediction.unwrap().play.unwrap(), play);
    assert!(!game.h2h(Some(game.minute(20))).await.is_empty());

    let played = game.world.played().await.into_iter();
    let played = played.map(|it| it.fixture).find(|it| it.score.is_some());
    let played = played.unwrap();
    let at = played
        .kickoff
        .checked_add(SignedDuration::from_mins(5))
        .unwrap();
    let error = game
        .world
        .engine
        .predict(played.id, Some(at))
        .await
        .unwrap_err();
    assert!(matches!(error, EngineError::NotPredictable { .. }));
    let told = EventCommand {
        fixture: played.id,
        event: PlayEvent {
            sequence: 1,
            revision: 0,
            at: played.kickoff,
            clock: None,
            kind: PlayKind::PeriodStart { period: period(1) },
        },
        told_at: Some(played.kickoff),
    };
    game.world
        .engine
        .put_events(&api(), vec![told])
        .await
        .unwrap();
    let prediction = game
        .world
        .engine
        .predict(played.id, Some(at))
        .await
        .unwrap();
    assert_eq!((&*prediction.model, prediction.as_of), ("in_play", at));
}

#[tokio::test]
async fn events_that_cannot_be_are_named_and_nothing_is_written() {
    let game = Match::begun().await;
    let fine = game.event(2, 0, PlayKind::Finished);
    let mut unknown = fine.clone();
    unknown.fixture = FixtureId(999_999);
    let mut future = fine.clone();
    future.event.at = game.minute(2);
    let mut early = fine.clone();
    early.event.at = game.minute(-13 * 60);
    let mut told = fine.clone();
    told.told_at = Some(game.minute(1));
    let numbered = game.event(1 << 53, 0, PlayKind::Finished);
    let cancels = game.event(2, 0, PlayKind::Cancelled { of: 2 });
    let batch = vec![fine, unknown, future, early, told, numbered, cancels];
    let error = game
        .world
        .engine
        .put_events(&api(), batch)
        .await
        .unwrap_err();
    let EngineError::BadBatch(problems) = error else {
        panic!("{error}");
    };
    let fields: Vec<_> = problems.iter().map(|it| (it.index, &*it.field)).collect();
    let expected = [
        (1, "fixture_id"),
        (2, "at"),
        (3, "at"),
        (4, "told_at"),
        (5, "sequence"),
        (6, "of"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(
        game.world
            .engine
            .events(game.id(), None)
            .await
            .unwrap()
            .len(),
        1
    );
    let many = (2..)
        .take(engine::TELLINGS_MAX)
        .map(|it| game.event(it, 0, goal(Side::Home)));
    let error = game
        .world
        .engine
        .put_events(&api(), many.collect())
        .await
        .unwrap_err();
    assert!(matches!(&error, EngineError::BadBatch(it) if it[0].detail.contains("10000 events")));
}

#[tokio::test]
async fn the_model_stands_against_prices_taken_since_the_game_last_turned() {
    let game = Match::begun().await;
    assert_eq!(game.prediction(None).await.against, None);
    game.at_minute(10);
    game.quote("one", [2.0, 3.4, 4.0]).await;
    game.quote("two", [2.1, 3.2, 3.9]).await;
    game.at_minute(11);
    let prediction = game.prediction(None).await;
    let against = prediction.against.unwrap();
    assert_eq!(against.taken_at, game.minute(10));
    let home = &against.outcomes[0];
    assert_eq!(home.model, game.h2h(None).await[0]);
    let (bookmaker, price) = home.best.clone().unwrap();
    assert_eq!((bookmaker.as_str(), price.decimal()), ("two", 2.1));
    assert_eq!(home.value, Some(home.model * 2.1 - 1.0));
    let sum: f64 = against.outcomes.iter().map(|it| it.market).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let filter = engine::BoardFilter::default();
    let board = game.world.engine.board(&filter).await;
    let mut rows = board.unwrap().into_iter();
    let row = rows.find(|it| it.fixture.fixture.id == game.id()).unwrap();
    assert_eq!(row.market.unwrap().taken_at, game.minute(10));
    // After a goal what was offered before says nothing any more.
    game.at_minute(12);
    game.tell(2, goal(Side::Away)).await;
    assert_eq!(game.prediction(None).await.against, None);
    let then = game.prediction(Some(game.minute(11))).await;
    assert!(then.against.is_some(), "then it stood against them");
}

#[tokio::test]
async fn a_price_in_play_is_gone_after_some_minutes_though_nothing_happened() {
    let game = Match::begun().await;
    game.at_minute(40);
    game.quote("one", [8.0, 3.4, 1.4]).await;
    game.at_minute(44);
    game.quote("two", [2.1, 3.2, 3.9]).await;
    let end = PlayKind::PeriodEnd { period: period(1) };
    game.tell(2, end).await;
    let best = async |second: i64| {
        let moment = game.minute(44) + SignedDuration::from_secs(second);
        game.world.clock.set(moment);
        let (prediction, reads) = engine::topic::recorded(game.prediction(None)).await;
        let against = prediction.against?;
        let (bookmaker, _) = against.outcomes[0].best.clone().unwrap();
        Some((bookmaker.to_string(), against.taken_at, reads.until()))
    };
    let taken_at = game.minute(44);
    let one = ("one".to_owned(), taken_at, Some(game.minute(45)));
    assert_eq!(best(59).await, Some(one), "until the older one is too old");
    let two = ("two".to_owned(), taken_at, Some(game.minute(49)));
    assert_eq!(best(60).await, Some(two));
    assert_eq!(best(300).await, None);
    let filter = engine::BoardFilter::default();
    let rows = game.world.engine.board(&filter).await.unwrap();
    let mut rows = rows.into_iter();
    let row = rows.find(|it| it.fixture.fixture.id == game.id()).unwrap();
    let before = row.market.unwrap().taken_at;
    assert!(before <= game.minute(0), "the market before the game");
}
