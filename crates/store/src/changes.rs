//! What a batch of records changes, worked out in memory. Knows no database.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{Competition, FixtureId, Quote};
use jiff::tz::TimeZone;

use crate::draft::{Draft, Facts, Offer, QuoteKey};
use crate::matching::{About, Rules, Wanted};
use crate::names::Names;
use crate::{FixtureRecord, KnownRecord, Recorded, ResultRecord, StoreError};

pub(crate) fn unknown(what: &'static str, key: impl ToString) -> StoreError {
    StoreError::Unknown {
        what,
        key: key.to_string(),
    }
}

/// Refuses competitions in time zones nobody knows.
pub(crate) fn check_zones(competitions: &[Competition]) -> Result<(), StoreError> {
    for it in competitions {
        TimeZone::get(&it.time_zone).map_err(|_| unknown("time zone", &it.time_zone))?;
    }
    Ok(())
}

/// A record that is written, of either kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    /// It tells the fixture itself.
    Told(&'a FixtureRecord),
    /// It leaves the fixture as it stands.
    Known(&'a KnownRecord),
}

impl<'a> Said<'a> {
    /// The fixture, where it is named.
    pub(crate) fn id(&self) -> Option<i64> {
        match self {
            Self::Told(it) => it.id.map(|id| id.0),
            Self::Known(it) => Some(it.fixture.0),
        }
    }

    /// The record that tells the fixture itself, where it does.
    pub(crate) fn told(&self) -> Option<&'a FixtureRecord> {
        match *self {
            Self::Told(it) => Some(it),
            Self::Known(_) => None,
        }
    }

    pub(crate) fn result(&self) -> Option<ResultRecord> {
        match self {
            Self::Told(it) => it.result,
            Self::Known(it) => it.result,
        }
    }

    pub(crate) fn quotes(&self) -> &'a [Quote] {
        match *self {
            Self::Told(it) => &it.quotes,
            Self::Known(it) => &it.quotes,
        }
    }
}

pub(crate) fn wanted(records: &[Said<'_>], names: &mut Names) -> Result<Vec<Wanted>, StoreError> {
    records
        .iter()
        .map(|it| {
            Ok(Wanted {
                about: about(it, names)?,
                score: it.result().map(|result| result.score),
            })
        })
        .collect()
}

fn about(said: &Said<'_>, names: &mut Names) -> Result<About, StoreError> {
    let it = match said {
        Said::Known(it) => return Ok(About::Known(it.fixture.0, None)),
        Said::Told(it) => it,
    };
    let competition = names
        .competitions
        .find(it.competition.as_str())
        .ok_or_else(|| unknown("competition", &it.competition))?;
    let season = names.seasons.number(&it.season, it.season.as_str());
    let facts = Facts::of(it, competition, season);
    Ok(match it.id {
        Some(id) => About::Known(id.0, Some(facts)),
        None => About::Described(facts),
    })
}

pub(crate) fn apply_facts(
    drafts: &mut [Draft],
    places: &[usize],
    wanted: &[Wanted],
    records: &[Said<'_>],
    rules: &HashMap<i64, Rules>,
) {
    for ((place, it), record) in places.iter().zip(wanted).zip(records) {
        let now = &mut drafts[*place].now;
        if let Some(said) = it.about.facts() {
            now.restate(said, &rules[&said.competition].zone);
        }
        if let Some(season_type) = record.told().and_then(|it| it.season_type) {
            now.season_type = season_type;
        }
        now.stand(record.result(), record.told().and_then(|it| it.status));
    }
}

/// Places of drafts whose stored quotes are needed: those that get more, and those whose kickoff
/// moved away from under the summary.
pub(crate) fn touched(drafts: &[Draft], places: &[usize], records: &[Said<'_>]) -> HashSet<usize> {
    let quoted = places
        .iter()
        .zip(records)
        .filter(|(_, record)| !record.quotes().is_empty());
    let moved = (0..drafts.len()).filter(|it| drafts[*it].moved());
    quoted
        .map(|(place, _)| *place)
        .chain(moved)
        .filter(|it| drafts[*it].before.is_some())
        .collect()
}

/// What has to be written.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) fixtures: Vec<FixtureRow>,
    pub(crate) quotes: Vec<(i64, QuoteKey, Offer)>,
    pub(crate) revisions: Vec<(i64, &'static str, String, String)>,
    pub(crate) fixtures_added: u64,
    pub(crate) fixtures_changed: u64,
    pub(crate) prices_added: u64,
    pub(crate) prices_changed: u64,
}

/// A fixture as it is written.
#[derive(Debug)]
pub(crate) struct FixtureRow {
    pub(crate) id: i64,
    pub(crate) facts: Facts,
    /// Packed.
    pub(crate) prices: Vec<u8>,
    pub(crate) price_count: i64,
    /// What was known before.
    pub(crate) before: Option<Facts>,
    /// Moments of the first and the last quote, where they were looked at and there are any.
    pub(crate) quoted: Option<[i64; 2]>,
    /// The write to name where only the summary is new; `None` means the one at hand.
    pub(crate) recording: Option<i64>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.fixtures.is_empty()
    }

    pub(crate) fn counts(&self, drafts: &[Draft], places: &[usize]) -> Recorded {
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
pub(crate) async fn collect(
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
        if offer.is_new() {
            let (added, changed) = offer.changes();
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
        before: draft.before.clone(),
        quoted: draft.quoted(),
        prices: std::mem::take(&mut draft.prices),
        price_count: draft.price_count,
        recording: (!facts_changed).then_some(draft.recording),
    });
    draft.quotes = BTreeMap::new();
    Ok(())
}
