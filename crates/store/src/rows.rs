//! Reads what databases return, whichever it was: rows as tuples of plain values.

use std::collections::HashMap;

use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, Score, SeasonKey, SourceKey, Team, TeamId,
};
use jiff::tz::TimeZone;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::code::{corrupt, moment, precision, season_type, sport, status};
use crate::draft::{Draft, Facts, PriceRow, QuoteKey, quote};
use crate::matching::Rules;
use crate::names::Names;
use crate::pack::{price_part, unpack_stats};
use crate::{
    ApiKeyRecord, FetchState, ImportRecord, ModelRecord, RecordedQuote, Revision, StoreError,
    TeamName,
};

/// Key, name, sport, country, pool, time zone, single round.
pub(crate) type CompetitionRow = (String, String, String, String, String, String, i64);

pub(crate) fn competition(row: CompetitionRow) -> Result<Competition, StoreError> {
    let (key, name, played, country, pool, time_zone, single_round) = row;
    Ok(Competition {
        key: competition_key(key)?,
        name,
        sport: sport(&played)?,
        country,
        pool,
        time_zone,
        single_round: single_round != 0,
    })
}

fn competition_key(key: String) -> Result<CompetitionKey, StoreError> {
    CompetitionKey::new(key).map_err(|invalid| corrupt("competitions.key", invalid.text))
}

/// Key, fixtures, finished fixtures, prices.
pub(crate) type CountRow = (String, i64, i64, i64);

pub(crate) fn count(row: CountRow) -> Result<(CompetitionKey, [u64; 3]), StoreError> {
    let (key, fixtures, finished, prices) = row;
    let counts = [fixtures, finished, prices].map(i64::unsigned_abs);
    Ok((competition_key(key)?, counts))
}

/// Id, sport, time zone, single round.
pub(crate) type RulesRow = (i64, String, String, i64);

pub(crate) fn rules(row: RulesRow) -> Result<(i64, Rules), StoreError> {
    let (id, played, zone, single_round) = row;
    let rules = Rules {
        single_round: single_round != 0,
        zone: TimeZone::get(&zone).map_err(|_| corrupt("competitions.time_zone", zone))?,
        has_draw: sport(&played)?.has_draw(),
    };
    Ok((id, rules))
}

/// Id, sport, name, country.
pub(crate) type TeamRow = (i64, String, String, String);

pub(crate) fn team(row: TeamRow) -> Result<Team, StoreError> {
    let (id, played, name, country) = row;
    Ok(Team {
        id: TeamId(id),
        sport: sport(&played)?,
        name,
        country,
    })
}

/// Team, name, source.
pub(crate) type NameRow = (i64, String, Option<String>);

pub(crate) fn team_name(row: NameRow, sport: domain::Sport) -> Result<TeamName, StoreError> {
    let (team, name, source) = row;
    Ok(TeamName {
        team: TeamId(team),
        sport,
        name,
        source: source.map(source_key).transpose()?,
    })
}

fn source_key(text: String) -> Result<SourceKey, StoreError> {
    SourceKey::new(text).map_err(|invalid| corrupt("sources.key", invalid.text))
}

/// Id, competition, season, kickoff, precision, home, away, neutral, status, scores, statistics,
/// the part of the season.
pub(crate) type FixtureRow = (
    i64,
    String,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Vec<u8>,
    i64,
);

pub(crate) fn fixture(row: FixtureRow) -> Result<Fixture, StoreError> {
    let season = SeasonKey::new(row.2);
    Ok(Fixture {
        id: FixtureId(row.0),
        competition: competition_key(row.1)?,
        season: season.map_err(|it| corrupt("seasons.key", it.text))?,
        season_type: season_type(row.12)?,
        kickoff: moment("fixtures.kickoff", row.3)?,
        kickoff_precision: precision(row.4)?,
        home: TeamId(row.5),
        away: TeamId(row.6),
        neutral: row.7 != 0,
        status: status(row.8)?,
        score: score(row.9, row.10)?,
        stats: unpack_stats(&row.11)?,
    })
}

fn score(home: Option<i64>, away: Option<i64>) -> Result<Option<Score>, StoreError> {
    let side = |it: i64| u16::try_from(it).map_err(|_| corrupt("fixtures.score", it));
    Ok(match (home, away) {
        (Some(home), Some(away)) => Some(Score {
            home: side(home)?,
            away: side(away)?,
        }),
        _ => None,
    })
}

/// A fixture for a write: id, competition, season, kickoff, precision, home, away, neutral,
/// status, scores, statistics, the write it came from and its import, game, prices counted.
type DraftColumns = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Vec<u8>,
    i64,
    Option<i64>,
    Vec<u8>,
    i64,
);

/// These columns and the part of the season: one more than a tuple can be read of.
pub(crate) struct DraftRow(DraftColumns, i64);

impl<'r, R> FromRow<'r, R> for DraftRow
where
    R: Row,
    DraftColumns: FromRow<'r, R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    usize: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self(FromRow::from_row(row)?, row.try_get(16)?))
    }
}

pub(crate) fn draft(row: &DraftRow) -> Result<Draft, StoreError> {
    let DraftRow(row, part) = row;
    let facts = Facts {
        competition: row.1,
        season: row.2,
        season_type: season_type(*part)?,
        kickoff: row.3,
        precision: precision(row.4)?,
        home: row.5,
        away: row.6,
        neutral: row.7 != 0,
        status: status(row.8)?,
        score: score(row.9, row.10)?,
        stats: unpack_stats(&row.11)?,
    };
    let mut draft = Draft::new(facts.clone());
    draft.id = row.0;
    draft.before = Some(facts);
    draft.recording = row.12;
    draft.import = row.13;
    draft.prices = price_part(&row.14)?;
    draft.price_count = row.15;
    Ok(draft)
}

/// Moment, bookmaker, kind, line, stage, prices, source, when it was recorded and superseded, the
/// write it came from.
pub(crate) type QuoteRow = (
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    i64,
    i64,
    Option<i64>,
    i64,
    i64,
);

/// Quotes by fixture, each list in the order of the rows.
pub(crate) fn quotes_by_fixture(
    rows: &[QuoteRow],
    names: &Names,
) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError> {
    let mut quotes: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let own = quotes.entry(FixtureId(row.12)).or_default();
        own.push(recorded_quote(row, names)?);
    }
    Ok(quotes)
}

pub(crate) fn recorded_quote(row: &QuoteRow, names: &Names) -> Result<RecordedQuote, StoreError> {
    let key = QuoteKey::new([row.0, row.1, row.2, row.3, row.4]);
    let prices: PriceRow = [row.5, row.6, row.7];
    let superseded = row.10;
    Ok(RecordedQuote {
        quote: quote(&key, &prices, &names.bookmakers)?,
        source: names.sources.key(row.8)?.clone(),
        recorded_at: moment("recordings.at", row.9)?,
        superseded_at: superseded
            .map(|at| moment("recordings.at", at))
            .transpose()?,
    })
}

/// Field, old, new, source, when.
pub(crate) type RevisionRow = (String, String, String, String, i64);

pub(crate) fn revision(row: RevisionRow) -> Result<Revision, StoreError> {
    let (field, old, new, source, at) = row;
    Ok(Revision {
        field,
        old,
        new,
        source: source_key(source)?,
        at: moment("recordings.at", at)?,
    })
}

/// Source, location, digest, start, end, rows read, rows rejected, rejected.
pub(crate) type ImportRow = (String, String, String, i64, Option<i64>, i64, i64, String);

pub(crate) fn import(row: ImportRow) -> Result<ImportRecord, StoreError> {
    let (source, location, digest, started_at, finished_at, rows_read, rows_rejected, rejected) =
        row;
    Ok(ImportRecord {
        source: source_key(source)?,
        location,
        digest,
        started_at: moment("imports.started_at", started_at)?,
        finished_at: finished_at
            .map(|at| moment("imports.finished_at", at))
            .transpose()?,
        rows_read: rows_read.cast_unsigned(),
        rows_rejected: rows_rejected.cast_unsigned(),
        rejected,
    })
}

/// URL, entity tag, date of change, when it answered.
pub(crate) type FetchRow = (String, Option<String>, Option<String>, i64);

pub(crate) fn fetch_state(row: FetchRow) -> Result<FetchState, StoreError> {
    let (url, etag, last_modified, fetched_at) = row;
    Ok(FetchState {
        url,
        etag,
        last_modified,
        fetched_at: moment("fetch_states.fetched_at", fetched_at)?,
    })
}

/// Name, version, when it was made, digest, body, report.
pub(crate) type ModelRow = (String, String, i64, String, Vec<u8>, Vec<u8>);

pub(crate) fn model(row: ModelRow) -> Result<ModelRecord, StoreError> {
    let (name, version, created_at, data_digest, body, report) = row;
    Ok(ModelRecord {
        name,
        version,
        created_at: moment("models.created_at", created_at)?,
        data_digest,
        body,
        report,
    })
}

/// Prefix, hash, name, scopes, when it was made, last used and revoked.
pub(crate) type KeyRow = (
    String,
    Vec<u8>,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

pub(crate) fn key(row: KeyRow) -> Result<ApiKeyRecord, StoreError> {
    let (prefix, hash, name, scopes, created_at, last_used_at, revoked_at) = row;
    let hash = <[u8; 32]>::try_from(hash)
        .map_err(|bytes| corrupt("api_keys.hash", format!("{} bytes", bytes.len())))?;
    Ok(ApiKeyRecord {
        prefix,
        hash,
        name,
        scopes: serde_json::from_str(&scopes).map_err(|_| corrupt("api_keys.scopes", scopes))?,
        created_at: moment("api_keys.created_at", created_at)?,
        last_used_at: last_used_at
            .map(|at| moment("api_keys.last_used_at", at))
            .transpose()?,
        revoked_at: revoked_at
            .map(|at| moment("api_keys.revoked_at", at))
            .transpose()?,
    })
}
