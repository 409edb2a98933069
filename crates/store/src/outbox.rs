//! What a write changed, for whoever keeps answers made of it.
//!
//! Every write that can change an answer says so in the transaction that makes it. Changes are
//! numbered without gaps, in the order in which they become visible: who has seen number 7 and then
//! reads on from there has missed nothing.

use std::collections::BTreeSet;

use crate::StoreError;
use crate::changes::Changes as Written;
use crate::code::corrupt;
use crate::names::Names;
use crate::views::Marks;

/// The most changes one read returns.
pub const CHANGES_MAX: u32 = 10_000;
/// The most changes that are deleted together, so that nobody waits long for a write.
pub(crate) const TRIMMED_MAX: i64 = 10_000;

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A competition itself, or one of its fixtures; the key is the competition's.
    Competition,
    /// A team itself, or one of its fixtures; the key is its number.
    Team,
    /// A fixture: kickoff, status, result, statistics; the key is its number.
    Fixture,
    /// The prices of a fixture; the key is its number.
    Quotes,
    /// What happened in a fixture under way; the key is its number.
    Events,
    /// A model got a version; the key is its name.
    Model,
    /// An API key was made or revoked; the key is its prefix.
    ApiKey,
    /// A rule that watches games was made, changed or deleted; the key is its number.
    Alert,
    /// A rule fired; the key is its number.
    Firing,
}

impl ChangeKind {
    const ALL: [Self; 9] = [
        Self::Competition,
        Self::Team,
        Self::Fixture,
        Self::Quotes,
        Self::Events,
        Self::Model,
        Self::ApiKey,
        Self::Alert,
        Self::Firing,
    ];

    /// The word it is stored and told by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Competition => "competition",
            Self::Team => "team",
            Self::Fixture => "fixture",
            Self::Quotes => "quotes",
            Self::Events => "events",
            Self::Model => "model",
            Self::ApiKey => "api_key",
            Self::Alert => "alert",
            Self::Firing => "firing",
        }
    }
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, one more than that of the change before it.
    pub seq: u64,
    /// What kind of thing.
    pub kind: ChangeKind,
    /// Which one.
    pub key: String,
}

/// Changes after a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The changes, oldest first.
    pub items: Vec<Change>,
    /// The number to go on from.
    pub last: u64,
    /// Whether changes after the number asked for are no longer kept: everything may have changed.
    pub missed: bool,
}

impl Changes {
    /// Puts together what the table and its counter say.
    pub(crate) fn of(
        after: u64,
        newest: i64,
        rows: Vec<(i64, String, String)>,
    ) -> Result<Self, StoreError> {
        let items: Vec<Change> = rows.into_iter().map(change).collect::<Result<_, _>>()?;
        let newest = newest.unsigned_abs();
        let first = items.first().map_or(newest + 1, |it| it.seq);
        // A number beyond the counter is of another database, or of one that was put back.
        let missed = first > after.saturating_add(1) || after > newest;
        let last = items.last().map_or(newest, |it| it.seq);
        Ok(Self {
            items,
            last,
            missed,
        })
    }
}

fn change(row: (i64, String, String)) -> Result<Change, StoreError> {
    let (seq, kind, key) = row;
    let known = ChangeKind::ALL.into_iter().find(|it| it.as_str() == kind);
    Ok(Change {
        seq: seq.unsigned_abs(),
        kind: known.ok_or_else(|| corrupt("outbox.kind", kind))?,
        key,
    })
}

/// Things that changed, each once, as rows to write.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    things: BTreeSet<(ChangeKind, String)>,
    /// What of it views depend on.
    pub(crate) marks: Marks,
}

impl Outgoing {
    /// One thing.
    pub(crate) fn one(kind: ChangeKind, key: impl ToString) -> Self {
        let mut outgoing = Self::default();
        outgoing.add(kind, key);
        outgoing
    }

    pub(crate) fn add(&mut self, kind: ChangeKind, key: impl ToString) {
        self.things.insert((kind, key.to_string()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    pub(crate) fn len(&self) -> i64 {
        i64::try_from(self.things.len()).expect("a batch fits in memory")
    }

    /// Kinds and keys, in the order they are numbered.
    pub(crate) fn columns(&self) -> (Vec<&'static str>, Vec<String>) {
        let rows = self.things.iter();
        rows.map(|(kind, key)| (kind.as_str(), key.clone())).unzip()
    }

    /// What a batch of records changed: fixtures with their competitions and teams, before and
    /// after, and fixtures' prices.
    pub(crate) fn of(changes: &Written, names: &Names) -> Result<Self, StoreError> {
        let mut outgoing = Self::default();
        for row in &changes.fixtures {
            if row.recording.is_some() {
                continue;
            }
            outgoing.add(ChangeKind::Fixture, row.id);
            if row.quoted.is_some() && row.before.as_ref().is_some_and(|it| it.moved(&row.facts)) {
                // Which prices are closing ones hangs on the kickoff.
                outgoing.marks.prices(row.id);
            }
            for facts in row.before.iter().chain([&row.facts]) {
                let competition = names.competitions.key(facts.competition)?;
                outgoing.add(ChangeKind::Competition, competition);
                outgoing.add(ChangeKind::Team, facts.home);
                outgoing.add(ChangeKind::Team, facts.away);
                outgoing.marks.season(facts.competition, facts.season);
                outgoing.marks.team(facts.home);
                outgoing.marks.team(facts.away);
            }
        }
        for (fixture, ..) in &changes.quotes {
            outgoing.add(ChangeKind::Quotes, fixture);
            outgoing.marks.prices(*fixture);
        }
        Ok(outgoing)
    }
}
