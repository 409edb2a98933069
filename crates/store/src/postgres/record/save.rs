//! Writes what changed: columns at a time, and many new quotes by `COPY`.
//!
//! Quotes that are there were read before, with every other write of the competition held off, so
//! that new ones go straight into the table: there is nothing they could meet.

use crate::changes::{Changes, FixtureRow, unknown};
use crate::code::{micros, precision_code, season_type_code, status_code};
use crate::draft::{Offer, PriceRow, QuoteKey};
use crate::outbox::Outgoing;
use crate::pack::{pack_game, pack_stats};
use crate::postgres::copy::{Copy, bigint};
use crate::postgres::outbox::{NUMBER, number};
use crate::postgres::session::Session;
use crate::postgres::sql::Args;
use crate::{Recording, StoreError};

const FIXTURES: &str = "INSERT INTO fixtures AS f (id, competition, season, kickoff, precision,
         home, away, neutral, status, home_score, away_score, recording, touched, price_count,
         quoted_from, quoted_until, stats, game, season_type)
     SELECT n.id, n.competition, n.season, n.kickoff, n.precision, n.home, n.away, n.neutral,
         n.status, n.home_score, n.away_score, n.recording, $13, n.price_count,
         coalesce(n.quoted_from, 0), coalesce(n.quoted_until, -1), n.stats, n.game,
         n.season_type
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
         $12::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bytea[], $18::bytea[],
         $19::bigint[])
         AS n (id, competition, season, kickoff, precision, home, away, neutral, status,
               home_score, away_score, recording, price_count, quoted_from, quoted_until, stats,
               game, season_type)";

/// What becomes of fixtures that are there. Looking for them costs, so new ones go without.
const KNOWN: &str = " ON CONFLICT (id) DO UPDATE SET competition = excluded.competition,
         season = excluded.season, kickoff = excluded.kickoff, precision = excluded.precision,
         home = excluded.home, away = excluded.away, neutral = excluded.neutral,
         status = excluded.status, home_score = excluded.home_score,
         away_score = excluded.away_score, recording = excluded.recording,
         touched = excluded.touched, price_count = excluded.price_count,
         quoted_from = CASE WHEN excluded.quoted_until < excluded.quoted_from
             THEN f.quoted_from ELSE excluded.quoted_from END,
         quoted_until = CASE WHEN excluded.quoted_until < excluded.quoted_from
             THEN f.quoted_until ELSE excluded.quoted_until END,
         stats = excluded.stats, game = excluded.game,
         season_type = excluded.season_type";

/// Keeps quotes as they stand before they are corrected.
pub(in crate::postgres) const SUPERSEDE: &str = "INSERT INTO superseded_quotes (fixture, taken_at,
         bookmaker, kind, line, stage, price_1, price_2, price_3, recording, superseded_by)
     SELECT n.fixture, n.taken_at, n.bookmaker, n.kind, n.line, n.stage, n.price_1, n.price_2,
         n.price_3, n.recording, $11
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[],
         $6::smallint[], $7::float8[], $8::float8[], $9::float8[], $10::bigint[])
         AS n (fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
               recording)";

pub(in crate::postgres) const CORRECT: &str = "UPDATE quotes AS q SET price_1 = n.price_1,
         price_2 = n.price_2, price_3 = n.price_3, recording = $10
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[],
         $6::smallint[], $7::float8[], $8::float8[], $9::float8[])
         AS n (fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3)
     WHERE q.fixture = n.fixture AND q.taken_at = n.taken_at AND q.bookmaker = n.bookmaker
         AND q.kind = n.kind AND q.line = n.line AND q.stage = n.stage";

/// Above so many new quotes `COPY` is faster, by half or more. Below, its turns of the connection are
/// what counts.
const INSERTED_MAX: usize = 1_000;

const INSERT: &str = "INSERT INTO quotes (fixture, taken_at, bookmaker,
         kind, line, stage, price_1, price_2, price_3, recording)
     SELECT n.fixture, n.taken_at, n.bookmaker, n.kind, n.line, n.stage, n.price_1, n.price_2,
         n.price_3, $10
     FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[],
         $6::smallint[], $7::float8[], $8::float8[], $9::float8[])
         AS n (fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3)";

const QUOTES: &str =
    "COPY quotes (fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2,
     price_3, recording) FROM STDIN (FORMAT binary)";

type Quoted<'a> = &'a (i64, QuoteKey, Offer);

/// Writes all of it; the numbers come last, for the row they are on is everybody's.
pub(super) async fn write(
    session: &mut Session,
    (recording, source): (&Recording, i64),
    changes: &Changes,
    outgoing: &Outgoing,
) -> Result<(), StoreError> {
    if let Some(import) = recording.import {
        let known: Option<(i64,)> = session
            .optional(
                "SELECT id FROM imports WHERE id = $1",
                Args::default().with(import),
            )
            .await?;
        known.ok_or_else(|| unknown("import", import))?;
    }
    let next = "SELECT nextval('recording_ids')";
    let (write,): (i64,) = session.one(next, Args::default()).await?;
    fixtures(session, &changes.fixtures, write).await?;
    let (corrected, new): (Vec<Quoted<'_>>, Vec<Quoted<'_>>) =
        changes.quotes.iter().partition(|it| it.2.before.is_some());
    if !corrected.is_empty() {
        correct(session, &corrected, write).await?;
    }
    append(session, &new, write).await?;
    revisions(session, &changes.revisions, write).await?;
    let sql = format!(
        "{NUMBER}, written AS (
             INSERT INTO recordings (id, source, import, at, revision)
             SELECT $8, $9, $10, $11, revision FROM counter)
         SELECT revision FROM counter"
    );
    let args = number(1, outgoing)
        .with(write)
        .with(source)
        .with(recording.import)
        .with(micros(recording.at));
    let (_revision,): (i64,) = session.one(&sql, args).await?;
    Ok(())
}

async fn fixtures(
    session: &mut Session,
    rows: &[FixtureRow],
    write: i64,
) -> Result<(), StoreError> {
    let (new, known): (Vec<&FixtureRow>, Vec<&FixtureRow>) =
        rows.iter().partition(|it| it.before.is_none());
    if !new.is_empty() {
        session.run(FIXTURES, columns(&new, write)).await?;
    }
    if !known.is_empty() {
        let sql = format!("{FIXTURES}{KNOWN}");
        session.run(&sql, columns(&known, write)).await?;
    }
    Ok(())
}

/// Fixtures a column at a time.
fn columns(rows: &[&FixtureRow], write: i64) -> Args {
    let column = |read: &dyn Fn(&FixtureRow) -> i64| -> Vec<i64> {
        rows.iter().map(|it| read(it)).collect()
    };
    let maybe = |read: &dyn Fn(&FixtureRow) -> Option<i64>| -> Vec<Option<i64>> {
        rows.iter().map(|it| read(it)).collect()
    };
    let stats: Vec<Vec<u8>> = rows.iter().map(|it| pack_stats(&it.facts.stats)).collect();
    let games: Vec<Vec<u8>> = rows
        .iter()
        .map(|it| pack_game(it.id, &it.facts, &it.prices))
        .collect();
    Args::default()
        .with(column(&|it| it.id))
        .with(column(&|it| it.facts.competition))
        .with(column(&|it| it.facts.season))
        .with(column(&|it| it.facts.kickoff))
        .with(column(&|it| precision_code(it.facts.precision)))
        .with(column(&|it| it.facts.home))
        .with(column(&|it| it.facts.away))
        .with(column(&|it| i64::from(it.facts.neutral)))
        .with(column(&|it| status_code(it.facts.status)))
        .with(maybe(&|it| {
            it.facts.score.map(|score| i64::from(score.home))
        }))
        .with(maybe(&|it| {
            it.facts.score.map(|score| i64::from(score.away))
        }))
        .with(column(&|it| it.recording.unwrap_or(write)))
        .with(write)
        .with(column(&|it| it.price_count))
        .with(maybe(&|it| it.quoted.map(|[from, _]| from)))
        .with(maybe(&|it| it.quoted.map(|[_, until]| until)))
        .with(stats)
        .with(games)
        .with(column(&|it| season_type_code(it.facts.season_type)))
}

async fn correct(session: &mut Session, rows: &[Quoted<'_>], write: i64) -> Result<(), StoreError> {
    let (before, recordings): (Vec<PriceRow>, Vec<i64>) =
        rows.iter().filter_map(|it| it.2.before).unzip();
    let args = prices(keys(rows)?, &before).with(recordings).with(write);
    session.run(SUPERSEDE, args).await?;
    let now: Vec<PriceRow> = rows.iter().map(|it| it.2.now).collect();
    let args = prices(keys(rows)?, &now).with(write);
    session.run(CORRECT, args).await?;
    Ok(())
}

fn keys(rows: &[Quoted<'_>]) -> Result<Args, StoreError> {
    let wide = |read: &dyn Fn(&QuoteKey) -> i64| -> Vec<i64> {
        rows.iter().map(|it| read(&it.1)).collect()
    };
    let fixtures: Vec<i64> = rows.iter().map(|it| it.0).collect();
    Ok(Args::default()
        .with(fixtures)
        .with(wide(&|it| it.taken_at))
        .with(narrow::<i32>(wide(&|it| it.bookmaker)))
        .with(narrow::<i16>(wide(&|it| it.kind)))
        .with(narrow::<i32>(wide(&|it| it.line)))
        .with(narrow::<i16>(wide(&|it| it.stage))))
}

fn prices(args: Args, rows: &[PriceRow]) -> Args {
    let column = |place: usize| -> Vec<Option<f64>> { rows.iter().map(|it| it[place]).collect() };
    args.with(column(0)).with(column(1)).with(column(2))
}

fn narrow<T: TryFrom<i64>>(wide: Vec<i64>) -> Vec<T> {
    let fit = |it| T::try_from(it).ok();
    let fit = wide.into_iter().map(fit).collect::<Option<_>>();
    fit.expect("keys are numbered from one, lines and codes are small")
}

async fn append(session: &mut Session, rows: &[Quoted<'_>], write: i64) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    if rows.len() <= INSERTED_MAX {
        let now: Vec<PriceRow> = rows.iter().map(|it| it.2.now).collect();
        let args = prices(keys(rows)?, &now).with(write);
        session.run(INSERT, args).await?;
        return Ok(());
    }
    let mut copy = Copy::begin(session, QUOTES).await?;
    for (fixture, key, offer) in rows {
        copy.row(10);
        copy.field(&bigint(*fixture));
        copy.field(&bigint(key.taken_at));
        copy.field(&small::<i32>(key.bookmaker).to_be_bytes());
        copy.field(&small::<i16>(key.kind).to_be_bytes());
        copy.field(&small::<i32>(key.line).to_be_bytes());
        copy.field(&small::<i16>(key.stage).to_be_bytes());
        for price in offer.now {
            match price {
                Some(price) => copy.field(&price.to_be_bytes()),
                None => copy.null(),
            }
        }
        copy.field(&bigint(write));
        copy.flush_full().await?;
    }
    copy.finish().await?;
    Ok(())
}

fn small<T: TryFrom<i64>>(wide: i64) -> T {
    let fit = T::try_from(wide).ok();
    fit.expect("keys are numbered from one, lines and codes are small")
}

async fn revisions(
    session: &mut Session,
    rows: &[(i64, &'static str, String, String)],
    write: i64,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let fixtures: Vec<i64> = rows.iter().map(|it| it.0).collect();
    let fields: Vec<&str> = rows.iter().map(|it| it.1).collect();
    let old: Vec<&str> = rows.iter().map(|it| it.2.as_str()).collect();
    let new: Vec<&str> = rows.iter().map(|it| it.3.as_str()).collect();
    let args = Args::default()
        .with(fixtures)
        .with(fields)
        .with(old)
        .with(new);
    session
        .run(
            "INSERT INTO revisions (fixture, field, old, new, recording)
             SELECT n.fixture, n.field, n.old, n.new, $5
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
                 AS n (fixture, field, old, new, place) ORDER BY n.place",
            args.with(write),
        )
        .await?;
    Ok(())
}
