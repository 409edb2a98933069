//! Reads what a batch of records may touch.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::StoreError;
use crate::changes::{Said, unknown};
use crate::draft::{Draft, StandingRow};
use crate::matching::{Rules, Wanted};
use crate::postgres::session::Session;
use crate::postgres::sql::Args;
use crate::rows::{DraftRow, RulesRow, draft, rules as rules_of};

/// Fixtures named by id, and every fixture of the pairings given in four columns.
pub(in crate::postgres) const DRAFTS: &str =
    "SELECT f.id, f.competition, f.season, f.kickoff, f.precision, f.home, f.away, f.neutral,
            f.status, f.home_score, f.away_score, f.stats, f.recording, r.import,
            f.game, f.price_count, f.season_type
     FROM (SELECT unnest($1::bigint[]) AS id
           UNION
           SELECT p.id FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
               AS j (competition, season, home, away)
           CROSS JOIN LATERAL (
               SELECT id FROM fixtures WHERE competition = j.competition AND season = j.season
                   AND home = j.home AND away = j.away OFFSET 0) AS p) AS found
     CROSS JOIN LATERAL (SELECT * FROM fixtures WHERE id = found.id OFFSET 0) AS f
     CROSS JOIN LATERAL (SELECT import FROM recordings WHERE id = f.recording OFFSET 0) AS r
     ORDER BY f.id";

/// Quotes of fixtures.
pub(in crate::postgres) const STANDING: &str =
    "SELECT q.fixture, q.taken_at, q.bookmaker::bigint, q.kind::bigint, q.line::bigint,
            q.stage::bigint, q.price_1, q.price_2, q.price_3, q.recording
     FROM unnest($1::bigint[]) AS wanted (id)
     CROSS JOIN LATERAL (
         SELECT id, quoted_from, quoted_until FROM fixtures WHERE id = wanted.id OFFSET 0) AS f
     CROSS JOIN LATERAL (
         SELECT * FROM quotes WHERE fixture = f.id
             AND taken_at BETWEEN f.quoted_from AND f.quoted_until OFFSET 0) AS q";

/// How each competition tells its fixtures apart.
pub(super) async fn rules(session: &mut Session) -> Result<HashMap<i64, Rules>, StoreError> {
    let sql = "SELECT id, sport, time_zone, single_round FROM competitions";
    let rows: Vec<RulesRow> = session.rows(sql, Args::default()).await?;
    rows.into_iter().map(rules_of).collect()
}

/// Refuses records of teams that are not there.
pub(super) async fn check_teams(
    session: &mut Session,
    records: &[Said<'_>],
) -> Result<(), StoreError> {
    let told = records.iter().filter_map(Said::told);
    let named: BTreeSet<i64> = told.flat_map(|it| [it.home.0, it.away.0]).collect();
    if named.is_empty() {
        return Ok(());
    }
    let missing: Option<(i64,)> = session
        .optional(
            "SELECT wanted.id FROM unnest($1::bigint[]) AS wanted (id)
             WHERE NOT EXISTS (SELECT 1 FROM teams WHERE id = wanted.id) LIMIT 1",
            Args::default().with(named.into_iter().collect::<Vec<_>>()),
        )
        .await?;
    missing.map_or(Ok(()), |(id,)| Err(unknown("team", id)))
}

/// Waits for other writes of the same competitions: those of the records, and those that the
/// fixtures named by id are in.
pub(super) async fn lock(session: &mut Session, records: &[Said<'_>]) -> Result<(), StoreError> {
    let named: BTreeSet<i64> = records.iter().filter_map(Said::id).collect();
    let told = records.iter().filter_map(Said::told);
    let said: BTreeSet<&str> = told.map(|it| it.competition.as_str()).collect();
    let (said, named) = (Vec::from_iter(said), Vec::from_iter(named));
    // In order, so that two writes cannot wait for each other.
    let sql = "SELECT pg_advisory_xact_lock(6002, c.id::integer) FROM (
                   SELECT id FROM competitions WHERE key = ANY ($1)
                   UNION SELECT competition FROM fixtures WHERE id = ANY ($2)
                   ORDER BY 1) AS c";
    let args = || Args::default().with(&said).with(&named);
    session.run(sql, args()).await?;
    if !named.is_empty() {
        // A fixture may have changed its competition while this waited for the one it was in.
        session.run(sql, args()).await?;
    }
    Ok(())
}

/// Reads the fixtures records name, and every fixture of the pairings of the others.
pub(super) async fn drafts(
    session: &mut Session,
    wanted: &[Wanted],
) -> Result<Vec<Draft>, StoreError> {
    let ids: BTreeSet<i64> = wanted.iter().filter_map(|it| it.about.id()).collect();
    let pairings: BTreeSet<[i64; 4]> = wanted
        .iter()
        .filter_map(|it| it.about.described())
        .map(|it| [it.competition, it.season, it.home, it.away])
        .collect();
    let column = |place: usize| -> Vec<i64> { pairings.iter().map(|it| it[place]).collect() };
    let args = Args::default()
        .with(ids.into_iter().collect::<Vec<_>>())
        .with(column(0))
        .with(column(1))
        .with(column(2))
        .with(column(3));
    let rows: Vec<DraftRow> = session.rows(DRAFTS, args).await?;
    rows.iter().map(draft).collect()
}

/// Reads the standing quotes of the drafts at `places`.
pub(super) async fn quotes(
    session: &mut Session,
    drafts: &mut [Draft],
    places: &HashSet<usize>,
) -> Result<(), StoreError> {
    if places.is_empty() {
        return Ok(());
    }
    let by_id: HashMap<i64, usize> = places.iter().map(|it| (drafts[*it].id, *it)).collect();
    let ids: Vec<i64> = by_id.keys().copied().collect();
    let rows: Vec<StandingRow> = session.rows(STANDING, Args::default().with(ids)).await?;
    for row in &rows {
        drafts[by_id[&row.0]].stood(row);
    }
    Ok(())
}

/// Numbers the drafts that are new.
pub(super) async fn number_new(
    session: &mut Session,
    drafts: &mut [Draft],
) -> Result<(), StoreError> {
    let new: Vec<&mut Draft> = drafts.iter_mut().filter(|it| it.before.is_none()).collect();
    if new.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(new.len()).expect("a batch fits in memory");
    let sql = "SELECT nextval('fixture_ids') FROM generate_series(1, $1)";
    let ids: Vec<(i64,)> = session.rows(sql, Args::default().with(count)).await?;
    for (draft, (id,)) in new.into_iter().zip(ids) {
        draft.id = id;
    }
    Ok(())
}
