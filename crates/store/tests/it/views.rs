//! Tables of seasons and records of pairs: always what the fixtures say, refreshed or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use domain::{Fixture, FixtureStatus, SeasonKey, SeasonType, Tally, TeamId, TeamRecord};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use sqlx::sqlite::SqlitePool;
use store::{
    FixtureQuery, FixtureRecord, Made, PairRecord, Refreshed, SqliteOptions, SqliteStore, Store,
};
use testkit::PostgresDatabase;

use crate::sample::{fixture, game, key, put, put_one, quote, result, world};
use crate::{each_case, each_store};

const SEASONS: [&str; 2] = ["2022/23", "2023/24"];

fn season(text: &str) -> SeasonKey {
    SeasonKey::new(text).unwrap()
}

async fn every_fixture(store: &dyn Store) -> Vec<Fixture> {
    let query = FixtureQuery {
        limit: 1_000,
        ..FixtureQuery::default()
    };
    store.fixtures(&query).await.unwrap()
}

/// The table of a season, worked out game by game.
fn expected(fixtures: &[Fixture]) -> Vec<TeamRecord> {
    let mut teams: BTreeMap<TeamId, [Tally; 2]> = BTreeMap::new();
    for it in fixtures {
        if it.status == FixtureStatus::Cancelled || it.season_type == SeasonType::Postseason {
            continue;
        }
        for (side, team) in [it.home, it.away].into_iter().enumerate() {
            let tally = &mut teams.entry(team).or_default()[side];
            let Some(score) = it.score else { continue };
            let goals = [score.home, score.away];
            let (us, them) = (goals[side], goals[1 - side]);
            tally.won += u32::from(us > them);
            tally.drawn += u32::from(us == them);
            tally.lost += u32::from(us < them);
            tally.scored += u32::from(us);
            tally.conceded += u32::from(them);
        }
    }
    let record = |(team, [home, away]): (TeamId, [Tally; 2])| TeamRecord { team, home, away };
    teams.into_iter().map(record).collect()
}

/// What a team did against another, worked out game by game: at home and away.
fn expected_pair(fixtures: &[Fixture], team: TeamId, other: TeamId) -> [Tally; 2] {
    let of = |home: TeamId, away: TeamId| {
        let games = fixtures
            .iter()
            .filter(move |it| [it.home, it.away] == [home, away]);
        games.filter_map(|it| it.score)
    };
    [
        of(team, other).fold(Tally::default(), |sum, it| sum.with(it.home, it.away)),
        of(other, team).fold(Tally::default(), |sum, it| sum.with(it.away, it.home)),
    ]
}

/// Holds every table and every pair against the fixtures.
async fn check(store: &dyn Store, teams: &[TeamId]) -> BTreeSet<bool> {
    let all = every_fixture(store).await;
    let mut made = BTreeSet::new();
    for competition in [key("E0"), key("nba")] {
        let of = |it: &&Fixture| it.competition == competition;
        let seasons: BTreeSet<SeasonKey> =
            all.iter().filter(of).map(|it| it.season.clone()).collect();
        for season in &seasons {
            let games: Vec<Fixture> = all.iter().filter(of).cloned().collect();
            let games: Vec<Fixture> = games
                .into_iter()
                .filter(|it| it.season == *season)
                .collect();
            let table = store.standings(&competition, Some(season)).await.unwrap();
            let table = table.unwrap();
            assert_eq!(table.teams, expected(&games), "{competition} {season}");
            assert_eq!(table.season, *season);
            assert!(table.seasons.contains(season));
            made.insert(table.made == Made::Ready);
        }
    }
    for team in teams {
        for other in teams.iter().filter(|it| *it != team) {
            let pair = store.pair_record([*team, *other]).await.unwrap();
            let expected = expected_pair(&all, *team, *other);
            assert_eq!([pair.home, pair.away], expected, "{team} {other}");
            made.insert(pair.made == Made::Ready);
        }
    }
    made
}

#[tokio::test]
async fn a_table_has_every_team_of_the_season_and_its_games_at_home_and_away() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        assert_eq!(store.standings(&key("E0"), None).await.unwrap(), None);
        let mut played = fixture(a, b, "2023-09-02T14:00:00Z");
        played.result = result(2, 1);
        let coming = fixture(c, a, "2024-03-02T14:00:00Z");
        put(store, &[played, coming]).await;
        let table = store.standings(&key("E0"), None).await.unwrap().unwrap();
        assert_eq!(table.season, season("2023/24"));
        assert_eq!(table.seasons, [season("2023/24")]);
        assert_eq!(table.change, store.position().await.unwrap());
        let shown: Vec<_> = table.teams.iter().map(|it| (it.team, it.total())).collect();
        let won = Tally::default().with(2, 1);
        let lost = Tally::default().with(1, 2);
        assert_eq!(shown, [(a, won), (b, lost), (c, Tally::default())]);
        assert_eq!(table.teams[0].home, won);
        assert_eq!(table.teams[1].away, lost);
        for unknown in [season("1999"), season("2022/23")] {
            let table = store.standings(&key("E0"), Some(&unknown)).await.unwrap();
            assert_eq!(table, None);
        }
        assert_eq!(store.standings(&key("XX"), None).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_season_under_way_is_that_of_the_last_game_or_else_of_the_first_to_come() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let of = |text: &str, kickoff: &str| FixtureRecord {
            season: season(text),
            ..fixture(a, b, kickoff)
        };
        let shown = async || {
            store
                .standings(&key("E0"), None)
                .await
                .unwrap()
                .unwrap()
                .season
        };
        put(store, &[of("2024/25", "2024-09-02T14:00:00Z")]).await;
        put(store, &[of("2023/24", "2023-09-02T14:00:00Z")]).await;
        assert_eq!(shown().await, season("2023/24"));
        let mut last = of("2022/23", "2022-09-02T14:00:00Z");
        last.result = result(0, 0);
        put(store, &[last]).await;
        assert_eq!(shown().await, season("2022/23"));
    })
    .await;
}

#[tokio::test]
async fn corrections_and_results_taken_back_move_tables_and_pairs() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = result(2, 1);
        let id = put_one(store, &record).await.id;
        let pair = async || store.pair_record([b, a]).await.unwrap();
        let first = pair().await;
        assert_eq!(first.away, Tally::default().with(1, 2));
        assert_eq!(first.home, Tally::default());
        record.result = result(0, 3);
        put(store, &[record.clone()]).await;
        let corrected = pair().await;
        assert_eq!(corrected.away, Tally::default().with(3, 0));
        assert!(corrected.change > first.change);
        // It was another team all along.
        record.id = Some(id);
        record.home = c;
        put(store, &[record.clone()]).await;
        assert_eq!(pair().await.away, Tally::default());
        check(store, &[a, b, c]).await;
        // And was not played after all.
        (record.result, record.status) = (None, Some(FixtureStatus::Cancelled));
        put(store, &[record]).await;
        let table = store.standings(&key("E0"), None).await.unwrap().unwrap();
        assert_eq!(table.teams, []);
        check(store, &[a, b, c]).await;
    })
    .await;
}

#[tokio::test]
async fn a_game_of_the_postseason_counts_between_the_two_and_not_in_the_table() {
    each_store(async |store| {
        let (_, [a, b, c, _]) = world(store).await;
        let table = async || store.standings(&key("nba"), None).await.unwrap().unwrap();
        let mut regular = game(a, b, "2020-04-10T20:00:00Z");
        regular.result = result(90, 80);
        let mut last = game(a, c, "2020-04-20T20:00:00Z");
        last.result = result(70, 80);
        put(store, &[regular.clone(), last.clone()]).await;
        store.refresh_views().await.unwrap();
        // The source says only now what kind of game it was.
        last.season_type = Some(SeasonType::Postseason);
        let id = put_one(store, &last).await.id;
        let corrected = table().await;
        let won = Tally::default().with(90, 80);
        let shown: Vec<_> = corrected
            .teams
            .iter()
            .map(|it| (it.team, it.total()))
            .collect();
        assert_eq!(shown, [(a, won), (b, Tally::default().with(80, 90))]);
        let pair = store.pair_record([c, a]).await.unwrap();
        assert_eq!(pair.away, Tally::default().with(80, 70));
        let revisions = store.revisions(id).await.unwrap();
        let told: Vec<_> = revisions
            .iter()
            .map(|it| [&*it.field, &it.old, &it.new])
            .collect();
        assert_eq!(told, [["season_type", r#""regular""#, r#""postseason""#]]);
        // Who does not say leaves it as it is.
        last.season_type = None;
        last.result = result(71, 80);
        let stored = put_one(store, &last).await;
        assert_eq!(stored.season_type, SeasonType::Postseason);
        assert_eq!(table().await.teams, corrected.teams);
        store.refresh_views().await.unwrap();
        check(store, &[a, b, c]).await;
    })
    .await;
}

/// A file as the release before made it.
async fn forget_season_types(path: &Path) {
    let pool = SqlitePool::connect(&format!("sqlite:{}", path.display())).await;
    let pool = pool.unwrap();
    let undo = "DROP TRIGGER fixtures_added; DROP TRIGGER fixtures_removed;
                DROP TRIGGER fixtures_changed; DROP TRIGGER counted_in; DROP VIEW counted;
                ALTER TABLE fixtures DROP COLUMN season_type; PRAGMA user_version = 12";
    sqlx::raw_sql(undo).execute(&pool).await.unwrap();
    let views = include_str!("../../migrations/sqlite/0005_views.sql");
    let from = views.find("CREATE VIEW counted").unwrap();
    let triggers = &views[from..views.rfind("INSERT INTO counted SELECT 1").unwrap()];
    sqlx::raw_sql(triggers).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn games_of_an_older_release_are_regular_until_they_are_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let open = async || {
        let store = SqliteStore::open(&path, &SqliteOptions::default()).await;
        store.unwrap()
    };
    let store = open().await;
    let (_, [a, b, ..]) = world(&store).await;
    let mut last = game(a, b, "2020-04-20T20:00:00Z");
    last.result = result(70, 80);
    let before = put_one(&store, &last).await;
    let table = async |store: &SqliteStore| store.standings(&key("nba"), None).await.unwrap();
    let counted = table(&store).await;
    store.close().await;
    forget_season_types(&path).await;
    let store = open().await;
    assert_eq!(every_fixture(&store).await, [before]);
    assert_eq!(table(&store).await, counted);
    last.season_type = Some(SeasonType::Postseason);
    put(&store, &[last]).await;
    assert_eq!(table(&store).await.unwrap().teams, []);
    check(&store, &[a, b]).await;
}

#[tokio::test]
async fn a_refresh_changes_no_answer_and_is_done_once() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = result(2, 1);
        put(store, &[record]).await;
        let read = async |store: &dyn Store| {
            let table = store.standings(&key("E0"), None).await.unwrap().unwrap();
            (
                table.teams,
                table.change,
                store.pair_record([a, b]).await.unwrap(),
            )
        };
        let before = read(store).await;
        let refreshed = store.refresh_views().await.unwrap();
        assert_ne!(refreshed, Refreshed::Elsewhere);
        // A standby has what is ready a little later, and works it out until then.
        let store = store.writing();
        let after = read(store).await;
        let pair = PairRecord {
            made: Made::Ready,
            ..before.2
        };
        assert_eq!(after, (before.0, before.1, pair));
        let table = store.standings(&key("E0"), None).await.unwrap().unwrap();
        assert_eq!(table.made, Made::Ready);
        let again = store.refresh_views().await.unwrap();
        assert_eq!(again, Refreshed::Already(table.change));
        // Of other teams: what was read is still ready, or worked out anew, and the same.
        assert_eq!(check(store, &[a, b]).await, BTreeSet::from([true]));
    })
    .await;
}

#[tokio::test]
async fn how_far_views_are_behind_is_told_until_they_are_refreshed() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = result(2, 1);
        record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let behind = async || {
            let behind = store.views_behind().await.unwrap();
            let names = ["standings", "pair_records", "markets"];
            assert!(behind.iter().map(|it| it.view).eq(names));
            let hour = Duration::from_hours(1);
            for it in &behind {
                assert_eq!(it.age.is_some(), it.stale > 0, "{it:?}");
                assert!(it.age.is_none_or(|age| age < hour), "{it:?}");
            }
            [0, 1, 2].map(|place: usize| behind[place].stale)
        };
        store.refresh_views().await.unwrap();
        assert_eq!(behind().await, [0; 3]);
        put(store, &[record]).await;
        // Triggers keep tables up in a file.
        let written = match store.is_embedded() {
            true => [0, 0, 1],
            false => [1, 2, 1],
        };
        assert_eq!(behind().await, written);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let age = store.views_behind().await.unwrap()[2].age.unwrap();
        assert!(age >= Duration::from_millis(20), "{age:?}");
        store.refresh_views().await.unwrap();
        assert_eq!(behind().await, [0; 3]);
    })
    .await;
}

#[tokio::test]
async fn one_server_refreshes_at_a_time() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = database.store().await;
    let ([a, b, ..], _) = world(&store).await;
    put(&store, &[fixture(a, b, "2023-09-02T14:00:00Z")]).await;
    let pool = sqlx::PgPool::connect(&database.url()).await.unwrap();
    let mut other = pool.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(6001, 3)";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    assert_eq!(store.refresh_views().await.unwrap(), Refreshed::Elsewhere);
    other.rollback().await.unwrap();
    let refreshed = store.refresh_views().await.unwrap();
    assert!(matches!(refreshed, Refreshed::UpTo(_)), "{refreshed:?}");
    pool.close().await;
}

/// What happens to fixtures: which of sixteen, and what is said of it.
#[derive(Debug, Clone)]
struct Said {
    league: bool,
    season: usize,
    sides: [usize; 2],
    score: Option<[u16; 2]>,
    status: Option<FixtureStatus>,
    season_type: Option<SeasonType>,
    /// Says it of the n-th fixture there is, whatever it was before.
    moved: Option<usize>,
}

fn said() -> impl Strategy<Value = Said> {
    let status = prop_oneof![
        4 => Just(None),
        1 => Just(Some(FixtureStatus::Scheduled)),
        1 => Just(Some(FixtureStatus::Postponed)),
        1 => Just(Some(FixtureStatus::Cancelled)),
    ];
    let score = prop_oneof![
        1 => Just(None),
        2 => [0..4_u16, 0..4_u16].prop_map(Some),
    ];
    let moved = prop_oneof![3 => Just(None), 1 => (0..8_usize).prop_map(Some)];
    let season_type = prop_oneof![
        2 => Just(None),
        1 => Just(Some(SeasonType::Regular)),
        1 => Just(Some(SeasonType::Postseason)),
    ];
    let what = (0..2_usize, 0..4_usize, 1..4_usize);
    let parts = (proptest::bool::ANY, what, score, status, season_type, moved);
    parts.prop_map(
        |(league, (season, home, ahead), score, status, season_type, moved)| Said {
            league,
            season,
            sides: [home, (home + ahead) % 4],
            score,
            status,
            season_type,
            moved,
        },
    )
}

async fn say(store: &dyn Store, said: &[Said], worlds: [[TeamId; 4]; 2]) {
    let there = every_fixture(store).await;
    let record = |it: &Said| {
        let moved = it.moved.and_then(|place| there.get(place));
        // A fixture keeps its sport, for its teams are of it.
        let league = moved.map_or(it.league, |it| it.competition == key("E0"));
        let teams = worlds[usize::from(!league)];
        let make = if league { fixture } else { game };
        let [home, away] = it.sides.map(|side| teams[side]);
        let mut record = make(home, away, "2023-09-02T14:00:00Z");
        record.season = season(SEASONS[it.season]);
        record.id = moved.map(|it| it.id);
        record.status = it.status;
        record.season_type = it.season_type;
        record.result = it.score.and_then(|[home, away]| result(home, away));
        record
    };
    // One at a time: two of a batch may not speak of one fixture by different names.
    for it in said {
        put(store, &[record(it)]).await;
    }
}

#[test]
fn whatever_is_said_tables_and_pairs_are_what_the_fixtures_say() {
    let batches = vec(vec(said(), 1..6), 1..5);
    each_case(40, &batches, async |store, batches| {
        let (football, basketball) = world(store).await;
        let teams = [football, basketball].concat();
        for (place, batch) in batches.iter().enumerate() {
            say(store, batch, [football, basketball]).await;
            check(store, &teams).await;
            if place % 2 == 0 {
                store.refresh_views().await.unwrap();
                assert_eq!(check(store, &teams).await, BTreeSet::from([true]));
            }
        }
    });
}
