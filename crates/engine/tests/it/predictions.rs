use std::sync::Arc;

use domain::{FixtureId, FixtureStatus, Market, MarketKind, Outcome, Score};
use engine::{
    BacktestOptions, Engine, EngineError, EngineOptions, FixtureCommand, ResultCommand, TeamRef,
};
use jiff::SignedDuration;

use crate::world::{World, api, basketball, trained, untrained};

fn result(fixture: FixtureId, home: u16, away: u16) -> ResultCommand {
    ResultCommand {
        fixture,
        score: Score { home, away },
        stats: domain::MatchStats::default(),
    }
}

#[tokio::test]
async fn without_a_model_everything_but_the_prediction_is_there() {
    let world = untrained().await;
    let readiness = world.engine.load().await.unwrap();
    assert_eq!(readiness.model, None);
    assert!(world.engine.is_ready());
    world.engine.ping().await.unwrap();

    let fixture = world.fixtures[0];
    assert!(matches!(
        world.engine.predict(fixture, None).await,
        Err(EngineError::NoModel)
    ));
    assert!(matches!(
        world.engine.report().await,
        Err(EngineError::NoModel)
    ));
    assert_eq!(world.engine.models().await.unwrap(), []);

    let insight = world.engine.insight(fixture, None).await.unwrap();
    assert_eq!(insight.prediction, None);
    assert!(insight.market.is_some());
    let board = world
        .engine
        .board(&engine::BoardFilter::default())
        .await
        .unwrap();
    assert!(
        board
            .iter()
            .all(|it| it.prediction.is_none() && it.as_of.is_none())
    );
    assert!(!board.is_empty());
}

#[tokio::test]
async fn a_prediction_says_what_it_is_and_adds_up() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0);
    let prediction = world
        .engine
        .predict(fixture.fixture.id, None)
        .await
        .unwrap();

    assert_eq!(prediction.fixture, fixture.fixture.id);
    assert_eq!(prediction.as_of, world.engine.now());
    assert!(
        prediction
            .opinions
            .iter()
            .any(|it| it.model == prediction.model)
    );
    for market in &prediction.markets {
        let sum: f64 = market.outcomes.iter().map(|it| it.probability).sum();
        if market.market.kind() == MarketKind::CorrectScore {
            assert!(sum <= 1.0 + 1e-9, "{market:?}");
        } else {
            assert!((sum - 1.0).abs() < 1e-9, "{market:?}");
        }
    }
    let kinds: Vec<Market> = prediction.markets.iter().map(|it| it.market).collect();
    for wanted in [
        Market::H2H,
        Market::BOTH_TEAMS_TO_SCORE,
        Market::CORRECT_SCORE,
    ] {
        assert!(kinds.contains(&wanted), "{wanted:?}");
    }
}

#[tokio::test]
async fn a_past_fixture_is_predicted_as_of_an_hour_before_kickoff() {
    let world = trained().await;
    let fixture = world.played().await.remove(0).fixture;
    let hour_before = fixture
        .kickoff
        .checked_sub(SignedDuration::from_hours(1))
        .unwrap();
    let unasked = world.engine.predict(fixture.id, None).await.unwrap();
    assert_eq!(unasked.as_of, hour_before);
    assert_eq!(
        unasked,
        world
            .engine
            .predict(fixture.id, Some(hour_before))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_moment_in_the_future_or_after_kickoff_is_refused() {
    let world = trained().await;
    let past = world.played().await.remove(0).fixture;
    let coming = world.to_come().await.remove(0).fixture;
    let second = SignedDuration::from_secs(1);
    for (id, at) in [
        (past.id, past.kickoff.checked_add(second).unwrap()),
        (coming.id, world.engine.now().checked_add(second).unwrap()),
    ] {
        let answer = world.engine.predict(id, Some(at)).await;
        assert!(
            matches!(answer, Err(EngineError::NotPredictable { .. })),
            "{answer:?}"
        );
    }
    let unknown = FixtureId(1_000_000);
    let answer = world.engine.predict(unknown, None).await;
    assert!(matches!(answer, Err(EngineError::UnknownFixture(it)) if it == unknown));
}

#[tokio::test]
async fn what_happens_later_changes_no_earlier_prediction() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0).fixture;
    let as_of = Some(world.engine.now());
    let before = world.engine.predict(fixture.id, as_of).await.unwrap();

    let later: Vec<_> = world
        .to_come()
        .await
        .iter()
        .map(|it| result(it.fixture.id, 9, 0))
        .collect();
    world.clock.forward(SignedDuration::from_hours(24 * 60));
    world.engine.put_results(later).await.unwrap();
    let after = world.engine.predict(fixture.id, as_of).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_result_moves_predictions_from_the_next_match_day_on() {
    let world = trained().await;
    let coming = world.to_come().await;
    let (first, last) = (&coming[0].fixture, &coming[coming.len() - 1]);
    world.clock.set(
        first
            .kickoff
            .checked_add(SignedDuration::from_hours(4))
            .unwrap(),
    );
    let before = world.engine.predict(last.fixture.id, None).await.unwrap();
    let surprise = coming
        .iter()
        .filter(|it| it.fixture.kickoff < world.engine.now())
        .map(|it| {
            let home = if it.home.id == last.home.id { 9 } else { 0 };
            result(it.fixture.id, home, 9 - home)
        });
    world.engine.put_results(surprise.collect()).await.unwrap();
    let same_day = world.engine.predict(last.fixture.id, None).await.unwrap();
    assert_eq!(before.opinions, same_day.opinions);

    world.clock.forward(SignedDuration::from_hours(24));
    let next_day = world.engine.predict(last.fixture.id, None).await.unwrap();
    assert_ne!(before.opinions, next_day.opinions);
}

#[tokio::test]
async fn a_corrected_past_result_is_taken_in_at_once() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0);
    let before = world
        .engine
        .predict(fixture.fixture.id, None)
        .await
        .unwrap();
    let old = world.played().await;
    let old = &old[old.len() - 1];
    world
        .engine
        .put_results(vec![result(old.fixture.id, 12, 0)])
        .await
        .unwrap();
    let after = world
        .engine
        .predict(fixture.fixture.id, None)
        .await
        .unwrap();
    assert_ne!(before.opinions, after.opinions);
}

#[tokio::test]
async fn a_newly_trained_version_serves_without_a_restart() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0).fixture;
    let before = world.engine.predict(fixture.id, None).await.unwrap();
    world.clock.forward(SignedDuration::from_mins(1));
    let outcome = world.engine.train(Arc::new(|_| {})).await.unwrap();
    let after = world.engine.predict(fixture.id, None).await.unwrap();
    assert_ne!(before.version, after.version);
    assert_eq!(after.version, outcome.version);
    assert_eq!(before.opinions, after.opinions, "the data are the same");
    let models = world.engine.models().await.unwrap();
    assert!(
        models
            .iter()
            .all(|it| it.version == outcome.version && it.serving)
    );
}

#[tokio::test]
async fn the_report_card_knows_the_models_it_judges() {
    let world = trained().await;
    let models = world.engine.models().await.unwrap();
    let report = world.engine.model_report(&models[0].name).await.unwrap();
    assert_eq!(*report, *world.engine.report().await.unwrap());
    let answer = world.engine.model_report("oracle").await;
    assert!(matches!(answer, Err(EngineError::UnknownModel(name)) if name == "oracle"));
}

#[tokio::test]
async fn a_backtest_tells_how_far_it_is_and_judges_what_was_asked() {
    let world = untrained().await;
    let steps = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let sink: engine::ProgressSink = Arc::new(move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let from = world.played().await.last().unwrap().fixture.kickoff;
    let options = BacktestOptions {
        from: Some(from),
        ..BacktestOptions::default()
    };
    let report = world.engine.backtest(options, sink).await.unwrap();
    assert!(steps.load(std::sync::atomic::Ordering::Relaxed) > 0);
    assert!(report.fixtures > 0);
    let unknown = BacktestOptions {
        competitions: vec![domain::CompetitionKey::new("XX").unwrap()],
        ..BacktestOptions::default()
    };
    let answer = world.engine.backtest(unknown, Arc::new(|_| {})).await;
    assert!(matches!(answer, Err(EngineError::Forecast(_))));
}

#[tokio::test]
async fn an_insight_holds_everything_its_page_shows() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0);
    let insight = world
        .engine
        .insight(fixture.fixture.id, None)
        .await
        .unwrap();
    let matrix = insight.score_matrix.unwrap();
    let sum: f64 = matrix.iter().flatten().sum();
    assert!((sum - 1.0).abs() < 1e-9);
    assert_eq!(insight.ratings.len(), 2);
    assert!(insight.ratings.iter().all(|it| it.points.len() > 10));
    assert!(!insight.prediction.as_ref().unwrap().reasons.is_empty());
    assert!(
        insight
            .expected_score
            .unwrap()
            .iter()
            .all(|it| (0.1..6.0).contains(it))
    );
    assert!(insight.head_to_head.len() <= 10 && insight.head_to_head.len() >= 4);
    for meeting in &insight.head_to_head {
        let sides = [meeting.home.id, meeting.away.id];
        assert!(sides.contains(&fixture.home.id) && sides.contains(&fixture.away.id));
        assert!(meeting.fixture.kickoff < fixture.fixture.kickoff);
    }
}

#[tokio::test]
async fn an_insight_of_a_moment_lists_no_meeting_that_was_not_over() {
    let world = trained().await;
    let id = world.to_come().await.remove(0).fixture.id;
    let meetings = async |as_of| {
        let insight = world.engine.insight(id, as_of).await.unwrap();
        let meetings = insight.head_to_head.into_iter();
        meetings.map(|it| it.fixture).collect::<Vec<_>>()
    };
    let all = meetings(None).await;
    let during = all[1].kickoff + SignedDuration::from_mins(30);
    assert_eq!(meetings(Some(during)).await, all[2..]);
}

#[tokio::test]
async fn the_market_says_when_its_own_prices_were_taken() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0).fixture;
    let now = fixture.kickoff - SignedDuration::from_hours(20);
    world.clock.set(now);
    let quote = |bookmaker: &str, at: jiff::Timestamp| engine::QuoteCommand {
        fixture: fixture.id,
        bookmaker: domain::BookmakerKey::new(bookmaker).unwrap(),
        market: Market::H2H,
        stage: domain::QuoteStage::Intermediate,
        taken_at: Some(at),
        prices: [Outcome::Home, Outcome::Draw, Outcome::Away]
            .into_iter()
            .zip([2.6, 3.4, 2.8])
            .collect(),
    };
    let earlier = now - SignedDuration::from_hours(3);
    let quotes = vec![quote("pinnacle", earlier), quote("acme", now)];
    world.engine.put_quotes(&api(), quotes).await.unwrap();
    let market = async || {
        let insight = world.engine.insight(fixture.id, None).await.unwrap();
        let market = insight.market.unwrap();
        (market.bookmaker.to_string(), market.taken_at)
    };
    assert_eq!(market().await, ("pinnacle".to_owned(), earlier));
    let later = now + SignedDuration::from_hours(8);
    world.clock.set(later);
    let quotes = vec![quote("acme", later), quote("other", later)];
    world.engine.put_quotes(&api(), quotes).await.unwrap();
    assert_eq!(market().await, ("market_mean".to_owned(), later));
}

#[tokio::test]
async fn many_askers_take_turns_and_all_are_answered() {
    let world = trained().await;
    let fixture = world.to_come().await.remove(0).fixture.id;
    let alone = world.engine.predict(fixture, None).await.unwrap();
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let engine = Arc::clone(&world.engine);
        askers.spawn(async move { engine.predict(fixture, None).await.unwrap() });
    }
    while let Some(answer) = askers.join_next().await {
        assert_eq!(answer.unwrap(), alone);
    }
}

/// What is said of rest before a fixture, and the same by an engine that has just begun.
async fn rest_before(world: &World, fixture: FixtureId) -> Option<String> {
    let told = world.engine.predict(fixture, None).await.unwrap();
    let fresh = Engine::new(
        Arc::clone(&world.store),
        Arc::clone(&world.clock) as _,
        EngineOptions::default(),
    );
    fresh.load().await.unwrap();
    assert_eq!(fresh.predict(fixture, None).await.unwrap(), told);
    let rest = told.reasons.into_iter().find(|it| it.label == "rest");
    rest.map(|it| it.detail)
}

#[tokio::test]
async fn a_game_put_in_before_another_takes_its_rest_at_once() {
    let world = basketball().await;
    let next = world.to_come().await.remove(0).fixture;
    assert_eq!(rest_before(&world, next.id).await, None);

    let day = SignedDuration::from_hours(24);
    let mut eve = FixtureCommand {
        fixture: None,
        season_type: None,
        competition: next.competition.clone(),
        season: next.season.clone(),
        kickoff: next.kickoff.checked_sub(day).unwrap(),
        home: TeamRef::Id(next.home),
        away: TeamRef::Name("Newcomers".to_owned()),
        neutral: false,
        status: None,
    };
    world.engine.put_fixtures(vec![eve.clone()]).await.unwrap();
    let rest = rest_before(&world, next.id).await.unwrap();
    assert!(rest.ends_with("for 2 days less rest"), "{rest}");

    eve.status = Some(FixtureStatus::Cancelled);
    world.engine.put_fixtures(vec![eve]).await.unwrap();
    assert_eq!(rest_before(&world, next.id).await, None);
}
