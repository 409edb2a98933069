//! Makes the partitions of quotes before quotes are written into them.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use domain::Quote;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::PostgresStore;
use super::session::Session;
use super::sql::Args;
use crate::StoreError;
use crate::changes::Said;
use crate::code::micros;

/// Years with a partition of their own; all before share one, and all after.
const YEARS: std::ops::Range<i16> = 1900..2100;

/// Makes the partitions that records need and that are not there, in a transaction of its own: it
/// is over before the write begins, and nobody who reads has to wait for it.
pub(super) async fn ensure(store: &PostgresStore, records: &[Said<'_>]) -> Result<(), StoreError> {
    let quotes = records.iter().flat_map(Said::quotes);
    let needed: BTreeSet<i16> = quotes.map(year).collect();
    make(store, &needed).await
}

/// Makes the partitions of these years.
pub(super) async fn make(store: &PostgresStore, years: &BTreeSet<i16>) -> Result<(), StoreError> {
    let missing: Vec<i16> = {
        let known = store.partitions.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        years.difference(&known).copied().collect()
    };
    if missing.is_empty() {
        return Ok(());
    }
    let mut session = store.write().await?;
    make_in(&mut session, &missing).await?;
    session.commit().await?;
    let known = store.partitions.lock();
    let mut known = known.unwrap_or_else(PoisonError::into_inner);
    known.extend(missing);
    Ok(())
}

/// Makes the partitions of these years that are not there, in the transaction at hand.
pub(crate) async fn make_in(session: &mut Session, years: &[i16]) -> Result<(), StoreError> {
    let lock = "SELECT pg_advisory_xact_lock(6001, 2)";
    session.run(lock, Args::default()).await?;
    for year in years {
        let name = name(*year);
        let there = "SELECT to_regclass($1) IS NOT NULL";
        let (there,): (bool,) = session.one(there, Args::default().with(&name)).await?;
        if there {
            continue;
        }
        let (from, until) = bounds(*year);
        // Attaching locks nobody out of the table, unlike making a partition in place.
        let sql = format!(
            "CREATE TABLE {name} (LIKE quotes INCLUDING DEFAULTS);
             ALTER TABLE quotes ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({until})"
        );
        session.script(&sql).await?;
        tracing::info!(name, "partition made");
    }
    Ok(())
}

/// The year whose partition holds a quote.
fn year(quote: &Quote) -> i16 {
    year_of(quote.taken_at)
}

pub(crate) fn year_of(moment: Timestamp) -> i16 {
    let year = TimeZone::UTC.to_datetime(moment).year();
    year.clamp(YEARS.start - 1, YEARS.end)
}

fn name(year: i16) -> String {
    match year {
        it if it < YEARS.start => "quotes_before".to_owned(),
        it if it >= YEARS.end => "quotes_after".to_owned(),
        it => format!("quotes_{it}"),
    }
}

/// From and until, as SQL.
fn bounds(year: i16) -> (String, String) {
    let start = |year: i16| {
        let day = TimeZone::UTC.to_timestamp(date(year, 1, 1).at(0, 0, 0, 0));
        micros(day.expect("these years are within the calendar")).to_string()
    };
    match year {
        it if it < YEARS.start => ("MINVALUE".to_owned(), start(YEARS.start)),
        it if it >= YEARS.end => (start(YEARS.end), "MAXVALUE".to_owned()),
        it => (start(it), start(it + 1)),
    }
}
