//! Everything that is asked of a store, once each.

use std::pin::Pin;
use std::time::Duration;

use domain::{
    CompetitionKey, FixtureId, FixtureStatus, PlayEvent, PlayKind, SeasonKey, Sport, TeamId,
};
use store::{
    ApiKeyRecord, FixtureEvent, FixtureQuery, GameQuery, IdempotencyRecord, ImportRecord,
    ModelRecord, SortOrder, Store, TeamName, TeamQuery,
};

use crate::sample::{fixture, key, league, quote, recording, result, source, team, time};

/// What to do, and which large tables it is meant to read whole.
pub(super) struct Step<'a> {
    pub(super) name: &'static str,
    pub(super) meant: &'static [&'static str],
    pub(super) call: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

fn step<'a, T>(
    name: &'static str,
    meant: &'static [&'static str],
    call: impl Future<Output = Result<T, store::StoreError>> + 'a,
) -> Step<'a> {
    let call = Box::pin(async move {
        call.await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    });
    Step { name, meant, call }
}

/// The fixtures that are asked for.
const ID: FixtureId = FixtureId(7_777);
const MANY: [FixtureId; 3] = [ID, FixtureId(8_888), FixtureId(9_999)];
const MANY_AFTER: [(FixtureId, i64); 2] = [(ID, 0), (FixtureId(8_888), 1)];

/// The end of a game.
pub(super) fn event(fixture: FixtureId) -> FixtureEvent {
    let at = time("2023-09-01T14:00:00Z");
    FixtureEvent {
        fixture,
        event: PlayEvent {
            sequence: 1,
            revision: 0,
            at,
            clock: None,
            kind: PlayKind::Finished,
        },
        known_at: at,
    }
}

fn list(query: FixtureQuery) -> FixtureQuery {
    FixtureQuery { limit: 50, ..query }
}

/// Every way to ask for fixtures.
fn fixture_queries() -> Vec<(&'static str, FixtureQuery)> {
    let all = FixtureQuery::default;
    let (from, until) = (time("2010-01-01T00:00:00Z"), time("2010-02-01T00:00:00Z"));
    let of_time = FixtureQuery {
        from: Some(from),
        until: Some(until),
        ..all()
    };
    let of_team = FixtureQuery {
        team: Some(TeamId(117)),
        until: Some(until),
        order: SortOrder::Descending,
        ..all()
    };
    vec![
        ("fixtures: all", all()),
        (
            "fixtures: newest first",
            FixtureQuery {
                order: SortOrder::Descending,
                ..all()
            },
        ),
        (
            "fixtures: by id",
            FixtureQuery {
                ids: vec![ID, FixtureId(8_888)],
                ..all()
            },
        ),
        (
            "fixtures: of competitions",
            FixtureQuery {
                competitions: vec![key("E0"), key("nba")],
                from: Some(from),
                ..all()
            },
        ),
        (
            "fixtures: of a season",
            FixtureQuery {
                competitions: vec![key("E0")],
                season: SeasonKey::new("2023/24").ok(),
                status: Some(FixtureStatus::Finished),
                ..all()
            },
        ),
        ("fixtures: of a team", of_team.clone()),
        (
            "fixtures: meetings",
            FixtureQuery {
                opponent: Some(TeamId(118)),
                ..of_team
            },
        ),
        ("fixtures: of a time", of_time.clone()),
        (
            "fixtures: of a time, with prices",
            FixtureQuery {
                priced: true,
                ..of_time
            },
        ),
        (
            "fixtures: next page",
            FixtureQuery {
                after: Some((from, ID)),
                ..all()
            },
        ),
    ]
}

/// Every way to ask for games and teams.
fn other_reads(store: &dyn Store) -> Vec<Step<'_>> {
    let games = |name, query: GameQuery| step(name, &[], async move { store.games(&query).await });
    let teams =
        |name, meant, query: TeamQuery| step(name, meant, async move { store.teams(&query).await });
    let all = GameQuery::default;
    vec![
        games(
            "games: by id",
            GameQuery {
                ids: vec![ID],
                ..all()
            },
        ),
        games(
            "games: changed",
            GameQuery {
                changed_after: Some(19_990),
                ..all()
            },
        ),
        games(
            "games: of a competition and a time",
            GameQuery {
                competitions: vec![key("E0")],
                from: Some(time("2010-01-01T00:00:00Z")),
                until: Some(time("2010-01-08T00:00:00Z")),
                ..all()
            },
        ),
        games("games: all", all()),
        teams("teams: all", &["teams"], TeamQuery::default()),
        teams(
            "teams: searched",
            &["teams"],
            TeamQuery {
                search: Some("alp".to_owned()),
                ..TeamQuery::default()
            },
        ),
        teams(
            "teams: by id",
            &[],
            TeamQuery {
                ids: vec![TeamId(117)],
                ..TeamQuery::default()
            },
        ),
        teams(
            "teams: page",
            &[],
            TeamQuery {
                sport: Some(Sport::Football),
                after: Some(TeamId(117)),
                limit: 20,
                ..TeamQuery::default()
            },
        ),
        teams(
            "teams: of a competition",
            // Every team may be in it, and each is looked up among those that are.
            &["teams"],
            TeamQuery {
                competition: CompetitionKey::new("E0").ok(),
                ..TeamQuery::default()
            },
        ),
        step(
            "team names",
            // All of a sport's are asked for, and most are of one sport.
            &["teams", "team_aliases"],
            store.team_names(Sport::Football),
        ),
    ]
}

/// Reads of one thing, and of what the platform keeps of itself.
fn single_reads(store: &dyn Store) -> Vec<Step<'_>> {
    vec![
        step("fixture", &[], store.fixture(ID)),
        step("quotes", &[], store.quotes(ID)),
        step("quotes of many", &[], store.quotes_of(&MANY)),
        step("summaries", &[], store.markets(ID)),
        step("summaries behind", &[], store.markets(FixtureId(8_010))),
        step("revisions", &[], store.revisions(ID)),
        step("events", &[], store.events_after(FixtureId(8_888), 0)),
        step("later events", &[], store.events_after(ID, 1)),
        step("events of many", &[], store.events_of(&MANY_AFTER)),
        step("views behind", &[], store.views_behind()),
        step("competitions", &[], store.competitions()),
        step("counts", &[], store.counts()),
        step("table of a season", &[], async move {
            let (competition, season) = (key("league-7"), SeasonKey::new("season-7").unwrap());
            store.standings(&competition, Some(&season)).await
        }),
        step("table of the season under way", &[], async move {
            let competition = key("league-7");
            store.standings(&competition, None).await
        }),
        step(
            "record of a pair",
            &[],
            store.pair_record([TeamId(117), TeamId(3)]),
        ),
        step("identity", &[], store.identity()),
        step("revision", &[], store.data_revision()),
        step("position", &[], store.position()),
        step("imports", &[], store.imports(10)),
        step(
            "fetch state",
            &[],
            store.fetch_state("https://example.com/77"),
        ),
        step("models of all names", &["models"], store.models(None)),
        step("models", &[], store.models(Some("model-7"))),
        step("newest model", &[], store.latest_model("model-7")),
        step("key", &[], store.key("key-77")),
        step("keys", &["api_keys"], store.keys()),
        step("changes", &[], store.changes(99_000, 100)),
        step(
            "waiting",
            &[],
            store.wait_for_changes(1, Duration::from_millis(1)),
        ),
        step("ping", &[], store.ping()),
    ]
}

/// Writes, those of fixtures with all they read before.
fn writes(store: &dyn Store) -> Vec<Step<'_>> {
    let at = time("2024-01-01T00:00:00Z");
    vec![
        step("record", &[], async move { record(store).await }),
        step("event", &[], async move {
            store.append_events(&recording(), &[event(ID)]).await
        }),
        step("competition", &[], async move {
            store.put_competitions(&[league()]).await
        }),
        step("teams", &[], async move {
            let names = ["Team 77", "Newcomers"];
            store
                .put_teams(&names.map(|it| team(Sport::Football, it)))
                .await
        }),
        step("alias", &[], async move {
            let alias = TeamName {
                team: TeamId(117),
                sport: Sport::Football,
                name: "Seventeen".to_owned(),
                source: Some(source("test")),
            };
            store.put_aliases(&[alias]).await
        }),
        step("import", &[], async move {
            let import = ImportRecord {
                source: source("test"),
                location: "a".to_owned(),
                digest: String::new(),
                started_at: at,
                finished_at: None,
                rows_read: 0,
                rows_rejected: 0,
                rejected: "[]".to_owned(),
            };
            let id = store.begin_import(&import).await?;
            store.finish_import(id, &import).await
        }),
    ]
}

/// Writes of models, keys and requests.
fn other_writes(store: &dyn Store, pass: u8) -> Vec<Step<'_>> {
    let at = time("2024-01-01T00:00:00Z");
    vec![
        step("model", &[], async move {
            let model = ModelRecord {
                name: "model-7".to_owned(),
                version: "new".to_owned(),
                created_at: at,
                data_digest: String::new(),
                body: Vec::new(),
                report: Vec::new(),
            };
            store.put_model(&model).await
        }),
        step("new key", &[], async move {
            let key = ApiKeyRecord {
                prefix: format!("new-{pass}"),
                hash: [1; 32],
                name: String::new(),
                scopes: Vec::new(),
                created_at: at,
                last_used_at: None,
                revoked_at: None,
            };
            store.put_key(&key).await
        }),
        step("key used", &[], store.touch_key("new-0", at)),
        step("key revoked", &[], store.revoke_key("new-0", at)),
        step("request", &[], async move {
            let record = IdempotencyRecord {
                principal: "p".to_owned(),
                route: "r".to_owned(),
                key: "k".to_owned(),
                fingerprint: [0; 32],
                at,
            };
            store.claim_idempotency(&record).await?;
            let answer = Some((200, Vec::new()));
            store.finish_idempotency(&record, answer).await?;
            store.finish_idempotency(&record, None).await
        }),
        step("trim", &[], store.trim_changes(Duration::from_secs(3600))),
    ]
}

/// A new fixture, a result by id, a new price and a corrected one.
async fn record(store: &dyn Store) -> Result<(), store::StoreError> {
    let teams = [TeamId(1), TeamId(2)];
    let mut new = fixture(teams[1], teams[0], "2031-01-01T12:00:00Z");
    new.season = SeasonKey::new("2031").unwrap();
    new.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    let recorded = store
        .record(&recording(), std::slice::from_ref(&new))
        .await?;
    new.id = Some(recorded.fixtures[0]);
    new.result = result(1, 0);
    new.quotes = vec![
        quote("bet365", "2023-09-01T12:00:00Z", [2.5, 3.5, 4.0]),
        quote("bet365", "2023-09-01T13:00:00Z", [2.0, 3.5, 4.0]),
    ];
    store.record(&recording(), &[new]).await?;
    Ok(())
}

/// Everything that is asked of a store, for the first time or the second.
pub(super) fn steps(store: &dyn Store, pass: u8) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = fixture_queries()
        .into_iter()
        .map(|(name, query)| step(name, &[], async move { store.fixtures(&list(query)).await }))
        .collect();
    steps.extend(other_reads(store));
    steps.extend(single_reads(store));
    // What was read anew is ready after it; it makes views of all fixtures.
    let whole = &["fixtures", "standings"];
    steps.push(step("refresh of views", whole, store.refresh_views()));
    steps.extend(single_reads(store));
    steps.extend(writes(store));
    steps.extend(other_writes(store, pass));
    steps
}
