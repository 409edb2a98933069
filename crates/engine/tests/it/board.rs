use std::sync::{Arc, atomic::AtomicI64};

use domain::{BookmakerKey, FixtureStatus};
use engine::{
    BoardFilter, EdgeFilter, Engine, EngineError, EngineOptions, FixtureCommand, Flagged,
    PageRequest, TeamRef,
};
use jiff::SignedDuration;
use store::{PostgresOptions, ReplicaOptions, ReplicatedStore, Store};
use testkit::{LeagueOptions, PostgresDatabase, league};

use crate::world::{Hand, long_trained, restated, trained, untrained};

#[tokio::test]
async fn an_end_without_a_beginning_leaves_the_beginning_as_it_is() {
    let world = untrained().await;
    let now = world.engine.now();
    let board = async |until| {
        let filter = BoardFilter {
            until: Some(until),
            ..BoardFilter::default()
        };
        let rows = world.engine.board(&filter).await.unwrap();
        let kickoffs = rows.iter().map(|it| it.fixture.fixture.kickoff);
        kickoffs.collect::<Vec<_>>()
    };
    let coming: Vec<_> = world
        .to_come()
        .await
        .iter()
        .map(|it| it.fixture.kickoff)
        .collect();
    let middle = coming[coming.len() / 2];
    let wanted: Vec<_> = coming.iter().copied().filter(|it| *it < middle).collect();
    assert!(!wanted.is_empty());
    assert_eq!(board(middle).await, wanted);
    let last = world.played().await.remove(0).fixture.kickoff;
    let after = last.checked_add(SignedDuration::from_secs(1)).unwrap();
    assert!(after < now);
    let before = board(after).await;
    let since = after.checked_sub(SignedDuration::from_hours(72)).unwrap();
    assert!(before.contains(&last) && before.iter().all(|it| (since..after).contains(it)));
}

#[tokio::test]
async fn the_board_shows_what_comes_next_with_prediction_and_market() {
    let world = trained().await;
    let first = world.to_come().await.remove(0).fixture.kickoff;
    world
        .clock
        .set(first.checked_sub(SignedDuration::from_hours(20)).unwrap());
    let board = world.engine.board(&BoardFilter::default()).await.unwrap();
    let coming: Vec<_> = world
        .to_come()
        .await
        .iter()
        .map(|it| it.fixture.id)
        .collect();
    let shown: Vec<_> = board.iter().map(|it| it.fixture.fixture.id).collect();
    assert_eq!(shown, coming);
    let mut priced = 0;
    for row in &board {
        let prediction = row.prediction.as_ref().unwrap();
        assert!((prediction.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        if let Some(market) = &row.market {
            priced += 1;
            assert_eq!(market.prices.len(), 3);
            assert!(market.taken_at <= world.engine.now());
            assert!((market.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        let alone = world
            .engine
            .predict(row.fixture.fixture.id, None)
            .await
            .unwrap();
        assert_eq!(
            alone.markets[0].outcomes[0].probability,
            prediction.probabilities[0]
        );
    }
    assert!(priced > 0, "some fixtures to come have prices");
}

#[tokio::test]
async fn a_game_under_way_stays_on_the_board_and_has_no_edges() {
    let world = trained().await;
    let first = world.to_come().await.remove(0).fixture;
    let after = |minutes| {
        let span = SignedDuration::from_mins(minutes);
        first.kickoff.checked_add(span).unwrap()
    };
    let shown = async |at| {
        world.clock.set(at);
        let board = world.engine.board(&BoardFilter::default()).await.unwrap();
        board.iter().any(|it| it.fixture.fixture.id == first.id)
    };
    assert!(shown(after(90)).await);
    let every = EdgeFilter {
        min_edge: Some(-1.0),
        flagged: Flagged::Shown,
        ..EdgeFilter::default()
    };
    let edges = world.engine.edges(&every, &PageRequest::default()).await;
    let of_first = |it: &engine::EdgeView| it.fixture.fixture.id == first.id;
    assert!(!edges.unwrap().data.iter().any(of_first));
    assert!(!shown(after(241)).await);
}

#[tokio::test]
async fn with_nothing_to_come_the_board_shows_the_last_round() {
    let world = untrained().await;
    world.clock.forward(SignedDuration::from_hours(24 * 365));
    let board = world.engine.board(&BoardFilter::default()).await.unwrap();
    let last = world.played().await.remove(0);
    assert!(
        board
            .iter()
            .any(|it| it.fixture.fixture.id == last.fixture.id)
    );
    assert!(board.len() < world.fixtures.len() / 4);
}

#[tokio::test]
async fn a_board_is_bounded_by_window_competition_and_limit() {
    let world = untrained().await;
    let limit = BoardFilter {
        limit: 3,
        ..BoardFilter::default()
    };
    assert_eq!(world.engine.board(&limit).await.unwrap().len(), 3);
    let elsewhere = BoardFilter {
        competitions: vec![domain::CompetitionKey::new("L2").unwrap()],
        ..BoardFilter::default()
    };
    assert!(world.engine.board(&elsewhere).await.unwrap().is_empty());
    let day = world.played().await.remove(0).fixture.kickoff;
    let window = BoardFilter {
        from: Some(day),
        until: Some(world.engine.now()),
        ..BoardFilter::default()
    };
    let board = world.engine.board(&window).await.unwrap();
    assert!(!board.is_empty() && board.iter().all(|it| it.fixture.fixture.kickoff >= day));
}

/// Stakes are those of the backtest: bounded, for sound edges, once for each outcome.
fn check_stakes(whole: &[engine::EdgeView]) {
    for edge in whole {
        assert!((edge.fair_price * edge.probability - 1.0).abs() < 1e-9);
        assert!(edge.flags.is_empty() || edge.stake == 0.0);
        assert!((0.0..=0.02).contains(&edge.stake));
        if edge.stake > 0.0 {
            assert!(edge.expected_value >= 0.005 && edge.price.decimal() <= 10.0);
            let same = |it: &&engine::EdgeView| {
                it.fixture.fixture.id == edge.fixture.fixture.id && it.outcome == edge.outcome
            };
            let of_outcome = whole.iter().filter(same);
            assert!(of_outcome.clone().all(|it| it.price <= edge.price));
            assert_eq!(of_outcome.filter(|it| it.stake > 0.0).count(), 1);
        }
    }
}

#[tokio::test]
async fn edges_come_largest_first_in_pages_that_fit_together() {
    let world = long_trained().await;
    let all = EdgeFilter {
        min_edge: Some(-1.0),
        flagged: Flagged::Shown,
        from: Some(
            world
                .league
                .recorded_at
                .checked_sub(SignedDuration::from_hours(24 * 30))
                .unwrap(),
        ),
        ..EdgeFilter::default()
    };
    let whole = PageRequest {
        cursor: None,
        limit: 200,
    };
    let whole = world.engine.edges(&all, &whole).await.unwrap().data;
    assert!(whole.len() > 20, "{}", whole.len());
    assert!(whole.is_sorted_by(|a, b| a.expected_value >= b.expected_value));
    check_stakes(&whole);
    assert!(whole.iter().any(|it| it.stake > 0.0));

    let mut paged = Vec::new();
    let mut page = PageRequest {
        cursor: None,
        limit: 7,
    };
    loop {
        let next = world.engine.edges(&all, &page).await.unwrap();
        assert!(next.data.len() <= 7);
        paged.extend(next.data);
        page.cursor = next.next_cursor;
        if page.cursor.is_none() || paged.len() >= whole.len() {
            break;
        }
    }
    assert_eq!(
        paged[..whole.len().min(paged.len())],
        whole[..whole.len().min(paged.len())]
    );

    let one = EdgeFilter {
        bookmaker: Some(whole[0].bookmaker.clone()),
        ..all.clone()
    };
    let of_one = world
        .engine
        .edges(&one, &PageRequest::default())
        .await
        .unwrap()
        .data;
    assert!(!of_one.is_empty());
    assert!(of_one.iter().all(|it| it.bookmaker == whole[0].bookmaker));
    let nobody = EdgeFilter {
        bookmaker: Some(BookmakerKey::new("nobody").unwrap()),
        ..all.clone()
    };
    assert!(
        world
            .engine
            .edges(&nobody, &PageRequest::default())
            .await
            .unwrap()
            .data
            .is_empty()
    );
}

#[tokio::test]
async fn a_game_that_is_off_has_no_edges() {
    let world = long_trained().await;
    let fixture = world.to_come().await.remove(0).fixture;
    let priced_at = fixture.kickoff - SignedDuration::from_hours(20);
    world.clock.set(priced_at);
    let every = EdgeFilter {
        min_edge: Some(-1.0),
        flagged: Flagged::Shown,
        ..EdgeFilter::default()
    };
    let edges = async || {
        let page = PageRequest::default();
        let edges = world.engine.edges(&every, &page).await.unwrap().data;
        let own = |it: &&engine::EdgeView| it.fixture.fixture.id == fixture.id;
        let insight = world.engine.insight(fixture.id, None).await.unwrap();
        (edges.iter().filter(own).count(), insight.edges.len())
    };
    let (listed, shown) = edges().await;
    assert!(listed > 0 && listed == shown);
    for status in [FixtureStatus::Postponed, FixtureStatus::Cancelled] {
        let off = restated(&fixture, status);
        let written = world.engine.put_fixtures(vec![off]).await.unwrap();
        assert_eq!(written.fixtures, [fixture.id]);
        assert_eq!(edges().await, (0, 0), "{status:?}");
        let board = world.engine.board(&BoardFilter::default()).await.unwrap();
        let own = |it: &&engine::BoardRow| it.fixture.fixture.id == fixture.id;
        assert!(board.iter().filter(own).all(|it| it.edge.is_none()));
    }
}

#[tokio::test]
async fn fixtures_without_prices_keep_no_edge_from_being_found() {
    let world = trained().await;
    let first = world.to_come().await.remove(0).fixture;
    let priced_at = first.kickoff - SignedDuration::from_hours(20);
    world.clock.set(priced_at);
    let unpriced = |number: u32| FixtureCommand {
        fixture: None,
        season_type: None,
        competition: first.competition.clone(),
        season: first.season.clone(),
        kickoff: world.engine.now() + SignedDuration::from_mins(5),
        home: TeamRef::Name(format!("Home of {number}")),
        away: TeamRef::Name(format!("Guest of {number}")),
        neutral: false,
        status: None,
    };
    let every = EdgeFilter {
        min_edge: Some(-1.0),
        flagged: Flagged::Shown,
        ..EdgeFilter::default()
    };
    let page = PageRequest {
        cursor: None,
        limit: 200,
    };
    let before = world.engine.edges(&every, &page).await.unwrap().data.len();
    let many = (0..205).map(unpriced).collect();
    let written = world.engine.put_fixtures(many).await.unwrap();
    assert_eq!(written.fixtures_added, 205);
    assert!(world.engine.now() < first.kickoff);
    let after = world.engine.edges(&every, &page).await.unwrap().data.len();
    assert!(before > 0 && after == before, "{before} {after}");
}

#[tokio::test]
async fn without_a_model_there_are_no_edges() {
    let world = untrained().await;
    let edges = world
        .engine
        .edges(&EdgeFilter::default(), &PageRequest::default())
        .await;
    assert_eq!(edges.unwrap().data, []);
    let bad = PageRequest {
        cursor: Some("made up".to_owned()),
        limit: 0,
    };
    let answer = world.engine.edges(&EdgeFilter::default(), &bad).await;
    assert!(matches!(answer, Err(EngineError::BadCursor(_))));
}

/// Where every read is a way to another machine. The store that would read from replicas counts them.
#[tokio::test]
async fn a_long_board_takes_as_many_reads_as_a_short_one() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let nobody = ["postgres://127.0.0.1:1/nobody".to_owned()];
    let options = (&PostgresOptions::default(), &ReplicaOptions::default());
    let store = ReplicatedStore::open(&database.url(), &nobody, options).await;
    let store = Arc::new(store.unwrap());
    let league = league(&LeagueOptions::default());
    testkit::fill(&*store, &league).await;
    let now = AtomicI64::new(league.recorded_at.as_microsecond());
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let clock = Arc::new(Hand::new(now));
    let engine = Engine::new(shared, clock, EngineOptions::default());
    let reads = || {
        let text = store.metrics();
        let name = "sports_edge_database_reads_total{server=\"primary\"} ";
        let count = text.lines().find_map(|it| it.strip_prefix(name));
        count.unwrap().parse::<u64>().unwrap()
    };
    let board = async |limit| {
        let filter = BoardFilter {
            // Games that were played: of each its log is looked for, too.
            from: Some(jiff::Timestamp::MIN),
            until: Some(engine.now()),
            limit,
            ..BoardFilter::default()
        };
        let before = reads();
        let rows = engine.board(&filter).await.unwrap().len();
        assert_eq!(rows, usize::try_from(limit).unwrap());
        reads() - before
    };
    board(1).await; // Reads all history.
    let (short, long) = (board(1).await, board(40).await);
    assert_eq!(short, long);
    assert!(short <= 10, "{short}");
    store.close().await;
}
