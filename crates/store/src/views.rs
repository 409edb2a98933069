//! What is kept ready of results: tables of seasons and records of pairs.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{SeasonKey, Tally, TeamId, TeamRecord};

use crate::StoreError;
use crate::code::corrupt;

/// The games of every team of a competition in a season, by number of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonTable {
    /// Which season.
    pub season: SeasonKey,
    /// Every season of the competition, by key.
    pub seasons: Vec<SeasonKey>,
    /// What each team with a fixture did; one that is not cancelled.
    pub teams: Vec<TeamRecord>,
    /// Where it was read.
    pub made: Made,
    /// The number of the change that last touched a fixture of the season: the table has that one,
    /// and all before.
    pub change: u64,
}

/// What a team did against another, over all seasons and competitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairRecord {
    /// Games in which it was named first.
    pub home: Tally,
    /// Games in which it was named second.
    pub away: Tally,
    /// Where it was read.
    pub made: Made,
    /// The number of the change that last touched a fixture of either.
    pub change: u64,
}

/// Where an answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// In a table or view that was up to date.
    Ready,
    /// From fixtures, because the view had yet to be refreshed.
    Anew,
}

/// What came of a refresh of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// They are up to this change.
    UpTo(u64),
    /// They were already, up to this change.
    Already(u64),
    /// Another process is at it.
    Elsewhere,
}

/// How far a view is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Which: `standings`, `pair_records` or `markets`.
    pub view: &'static str,
    /// Seasons, teams or fixtures that changed after it was made of them.
    pub stale: u64,
    /// How long ago the one changed that was left alone longest; `None` where that is longer ago
    /// than changes are kept, or there is none.
    pub age: Option<Duration>,
}

/// What may be behind, in the order of [`BehindRow`]s.
const VIEWS: [&str; 3] = ["standings", "pair_records", "markets"];

/// Stale things, and microseconds since the change that was left alone longest.
pub(crate) type BehindRow = (i64, Option<i64>);

pub(crate) fn behind(rows: &[BehindRow]) -> Vec<Behind> {
    let of = |(view, (stale, age)): (&'static str, &BehindRow)| Behind {
        view,
        stale: stale.unsigned_abs(),
        // A clock that was set back makes nothing younger than new.
        age: age.map(|it| Duration::from_micros(it.max(0).unsigned_abs())),
    };
    VIEWS.into_iter().zip(rows).map(of).collect()
}

impl Refreshed {
    /// With what was done besides, up to a change.
    pub(crate) fn and(self, done: Option<u64>) -> Self {
        match (self, done) {
            (it, None) => it,
            (Self::UpTo(change) | Self::Already(change), Some(done)) => {
                Self::UpTo(change.max(done))
            }
            (Self::Elsewhere, Some(done)) => Self::UpTo(done),
        }
    }
}

/// Team, then won, drawn, lost, scored, conceded at home and the same away.
pub(crate) type TeamRow = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// Home, away, won, drawn, lost, scored, conceded, as the home side sees it.
pub(crate) type PairRow = (i64, i64, i64, i64, i64, i64, i64);

pub(crate) fn team_record(row: &TeamRow) -> Result<TeamRecord, StoreError> {
    Ok(TeamRecord {
        team: TeamId(row.0),
        home: tally([row.1, row.2, row.3, row.4, row.5])?,
        away: tally([row.6, row.7, row.8, row.9, row.10])?,
    })
}

fn tally(counts: [i64; 5]) -> Result<Tally, StoreError> {
    let count = |it: i64| u32::try_from(it).map_err(|_| corrupt("standings", it));
    let [won, drawn, lost, scored, conceded] = counts;
    Ok(Tally {
        won: count(won)?,
        drawn: count(drawn)?,
        lost: count(lost)?,
        scored: count(scored)?,
        conceded: count(conceded)?,
    })
}

/// The record of `team`, of the rows of both grounds.
pub(crate) fn pair_record(
    team: TeamId,
    rows: &[PairRow],
    made: Made,
    change: u64,
) -> Result<PairRecord, StoreError> {
    let mut record = PairRecord {
        home: Tally::default(),
        away: Tally::default(),
        made,
        change,
    };
    for row in rows {
        let (won, drawn, lost, scored, conceded) = (row.2, row.3, row.4, row.5, row.6);
        if row.0 == team.0 {
            record.home = tally([won, drawn, lost, scored, conceded])?;
        } else {
            record.away = tally([lost, drawn, won, conceded, scored])?;
        }
    }
    Ok(record)
}

pub(crate) fn seasons(keys: Vec<(String,)>) -> Result<Vec<SeasonKey>, StoreError> {
    let season =
        |(key,): (String,)| SeasonKey::new(key).map_err(|it| corrupt("seasons.key", it.text));
    keys.into_iter().map(season).collect()
}

/// Kinds of marks.
pub(crate) const SEASON: i64 = 0;
pub(crate) const TEAM: i64 = 1;
/// The quotes of a fixture; marked in a table of its own.
const PRICES: i64 = 2;

/// What of a write the views depend on: seasons of competitions, teams, and prices of fixtures.
#[derive(Debug, Default)]
pub(crate) struct Marks(BTreeSet<[i64; 3]>);

impl Marks {
    pub(crate) fn season(&mut self, competition: i64, season: i64) {
        self.0.insert([SEASON, competition, season]);
    }

    pub(crate) fn team(&mut self, team: i64) {
        self.0.insert([TEAM, team, 0]);
    }

    pub(crate) fn prices(&mut self, fixture: i64) {
        self.0.insert([PRICES, fixture, 0]);
    }

    /// Kinds, things and parts.
    pub(crate) fn columns(&self) -> [Vec<i64>; 3] {
        [0, 1, 2].map(|place| self.0.iter().map(|it| it[place]).collect())
    }

    /// Rows of seasons and teams, and fixtures with new prices.
    pub(crate) fn rows(&self) -> (Vec<[i64; 3]>, Vec<i64>) {
        let (priced, rows): (Vec<[i64; 3]>, _) = self.0.iter().partition(|it| it[0] == PRICES);
        (
            rows,
            priced.into_iter().map(|[_, fixture, _]| fixture).collect(),
        )
    }
}
