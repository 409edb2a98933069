//! Writes fixtures, their results and quotes.
//!
//! What is there is read once, records are laid over it in memory, and only what came out different
//! is written: a batch costs a handful of statements, and the same batch again costs none.

mod load;
mod save;

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::FixtureId;

use super::SqliteStore;
use super::competitions::advance_revision;
use super::names;
use crate::draft::{Draft, Facts, Offer};
use crate::matching::{Rules, Wanted, assign};
use crate::names::Names;
use crate::{FixtureRecord, Recorded, Recording, StoreError};

pub(super) async fn record(
    store: &SqliteStore,
    recording: &Recording,
    records: &[FixtureRecord],
) -> Result<Recorded, StoreError> {
    let mut tx = store.write().await?;
    let mut names = names::load(&mut tx).await?;
    let rules = load::rules(&mut tx).await?;
    let wanted = wanted(records, &mut names)?;
    load::check_teams(&mut tx, records).await?;
    let mut drafts = load::drafts(&mut tx, &wanted).await?;
    let places = assign(&wanted, &mut drafts, &rules, recording.import)
        .map_err(|id| unknown("fixture", id))?;
    apply_facts(&mut drafts, &places, &wanted, records, &rules);
    let touched = touched(&drafts, &places, records);
    load::quotes(&mut tx, &mut drafts, &touched).await?;
    for (record, place) in records.iter().zip(&places) {
        drafts[*place].offer(&record.quotes, &mut names);
        tokio::task::yield_now().await;
    }
    load::number_new(&mut tx, &mut drafts).await?;
    let changes = collect(&mut drafts, &rules, &mut names).await?;
    if !changes.is_empty() {
        save::write(&mut tx, recording, &changes, &mut names).await?;
        advance_revision(&mut tx).await?;
    }
    let counts = changes.counts(&drafts, &places);
    tx.commit().await?;
    Ok(counts)
}

fn unknown(what: &'static str, key: impl ToString) -> StoreError {
    StoreError::Unknown {
        what,
        key: key.to_string(),
    }
}

fn wanted(records: &[FixtureRecord], names: &mut Names) -> Result<Vec<Wanted>, StoreError> {
    records
        .iter()
        .map(|it| {
            let competition = names
                .competitions
                .find(it.competition.as_str())
                .ok_or_else(|| unknown("competition", &it.competition))?;
            let season = names.seasons.number(&it.season, it.season.as_str());
            Ok(Wanted {
                id: it.id.map(|id| id.0),
                facts: Facts::of(it, competition, season),
                score: it.result.map(|result| result.score),
            })
        })
        .collect()
}

fn apply_facts(
    drafts: &mut [Draft],
    places: &[usize],
    wanted: &[Wanted],
    records: &[FixtureRecord],
    rules: &HashMap<i64, Rules>,
) {
    for ((place, it), record) in places.iter().zip(wanted).zip(records) {
        let zone = &rules[&it.facts.competition].zone;
        drafts[*place].now.apply(&it.facts, record, zone);
    }
}

/// Places of drafts whose stored quotes are needed: those that get more, and those whose kickoff
/// moved away from under the summary.
fn touched(drafts: &[Draft], places: &[usize], records: &[FixtureRecord]) -> HashSet<usize> {
    let quoted = places
        .iter()
        .zip(records)
        .filter(|(_, record)| !record.quotes.is_empty());
    let moved = (0..drafts.len()).filter(|it| drafts[*it].moved());
    quoted
        .map(|(place, _)| *place)
        .chain(moved)
        .filter(|it| drafts[*it].before.is_some())
        .collect()
}

/// What has to be written.
#[derive(Debug, Default)]
struct Changes {
    fixtures: Vec<FixtureRow>,
    quotes: Vec<(i64, crate::draft::QuoteKey, Offer)>,
    revisions: Vec<(i64, &'static str, String, String)>,
    fixtures_added: u64,
    fixtures_changed: u64,
    prices_added: u64,
    prices_changed: u64,
}

/// A fixture as it is written.
#[derive(Debug)]
struct FixtureRow {
    id: i64,
    facts: Facts,
    /// Packed.
    prices: Vec<u8>,
    price_count: i64,
    /// The write to name where only the summary is new; `None` means the one at hand.
    recording: Option<i64>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.fixtures.is_empty()
    }

    fn counts(&self, drafts: &[Draft], places: &[usize]) -> Recorded {
        Recorded {
            fixtures: places.iter().map(|it| FixtureId(drafts[*it].id)).collect(),
            fixtures_added: self.fixtures_added,
            fixtures_changed: self.fixtures_changed,
            prices_added: self.prices_added,
            prices_changed: self.prices_changed,
        }
    }
}

/// Sets what came out different apart, boiling quotes down where they or the kickoff changed.
async fn collect(
    drafts: &mut [Draft],
    rules: &HashMap<i64, Rules>,
    names: &mut Names,
) -> Result<Changes, StoreError> {
    let mut changes = Changes::default();
    for draft in drafts {
        collect_one(draft, rules, names, &mut changes)?;
        tokio::task::yield_now().await;
    }
    Ok(changes)
}

fn collect_one(
    draft: &mut Draft,
    rules: &HashMap<i64, Rules>,
    names: &mut Names,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let mut quotes_changed = false;
    for (key, offer) in &draft.quotes {
        let (added, changed) = offer.changes();
        if added + changed > 0 {
            quotes_changed = true;
            changes.prices_added += added;
            changes.prices_changed += changed;
            changes.quotes.push((draft.id, *key, *offer));
        }
    }
    let facts_changed = draft.facts_changed();
    if !facts_changed && !quotes_changed {
        return Ok(());
    }
    match draft.before {
        None => changes.fixtures_added += 1,
        Some(_) => changes.fixtures_changed += u64::from(facts_changed),
    }
    for (field, old, new) in draft.revisions(names)? {
        changes.revisions.push((draft.id, field, old, new));
    }
    if quotes_changed || draft.moved() || draft.before.is_none() {
        draft.summarise(rules[&draft.now.competition].has_draw, names)?;
    }
    changes.fixtures.push(FixtureRow {
        id: draft.id,
        facts: draft.now.clone(),
        prices: std::mem::take(&mut draft.prices),
        price_count: draft.price_count,
        recording: (!facts_changed).then_some(draft.recording),
    });
    draft.quotes = BTreeMap::new();
    Ok(())
}
