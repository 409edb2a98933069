//! What a log of events leaves: score, clock, players sent off, whether it is over.
//!
//! The state depends on the set of events alone, never on the order they arrived in.

use std::{collections::BTreeMap, sync::OnceLock};

use domain::{GameClock, PlayEvent, PlayKind, Score, Sport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod fold;

pub use fold::cancelled;
use fold::{Fold, is_undone};

/// The most events a game's log takes; a game of basketball has some five hundred.
const EVENTS_MAX: usize = 10_000;

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not begun.
    Before,
    /// A period is under way, its clock running or not.
    Playing,
    /// Between two periods.
    Break,
    /// Nothing more is played.
    Finished,
    /// Given up; nothing can be said of how it counts.
    Abandoned,
}

/// Where a game stands after some events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GameState {
    /// Where it stands.
    pub phase: Phase,
    /// Goals or points, overtime included.
    pub score: Score,
    /// What was scored in the shoot-out, which does not count in the score; `None` before one.
    pub shootout: Option<Score>,
    /// The score when the regular periods were over, once they are.
    pub regular: Option<Score>,
    /// Players sent off, home and away.
    pub red_cards: [u8; 2],
    /// Number of the period that is, or was last, under way; zero before the first.
    pub period: u8,
    /// Seconds played of the period when the clock was last heard of.
    pub seconds: u16,
    /// When that was.
    pub heard_at: Timestamp,
    /// Whether the clock runs on.
    pub running: bool,
    /// Seconds that were announced to be added to the period.
    pub stoppage: Option<u16>,
    /// How many events it came from, cancelled ones included.
    pub events: u32,
}

impl GameState {
    /// The state of a game that has not begun.
    pub const BEFORE: Self = Self {
        phase: Phase::Before,
        score: Score { home: 0, away: 0 },
        shootout: None,
        regular: None,
        red_cards: [0; 2],
        period: 0,
        seconds: 0,
        heard_at: Timestamp::UNIX_EPOCH,
        running: false,
        stoppage: None,
        events: 0,
    };

    /// The state after `events`, given in any order; of events with the same number the one of
    /// the highest revision counts.
    pub fn after<'a>(sport: Sport, events: impl IntoIterator<Item = &'a PlayEvent>) -> Self {
        let mut log = PlayLog::new(sport);
        for event in events {
            log.add(*event);
        }
        log.state()
    }

    /// Seconds played of the period at `now`: what was last heard, and what has run since.
    pub fn seconds_at(&self, now: Timestamp) -> f64 {
        let heard = f64::from(self.seconds);
        if self.running && self.phase == Phase::Playing {
            let since = now.duration_since(self.heard_at).as_secs_f64();
            (heard + since.max(0.0)).min(f64::from(GameClock::SECONDS_MAX))
        } else {
            heard
        }
    }

    /// Ends the game with the result that was written of it, which is that of regular play, too,
    /// unless overtime was played.
    pub fn close(&mut self, sport: Sport, score: Score) {
        self.phase = Phase::Finished;
        self.running = false;
        self.score = score;
        if !self.is_overtime(sport) {
            self.regular = Some(score);
        }
    }

    /// Whether a period after the regular ones has begun.
    fn is_overtime(&self, sport: Sport) -> bool {
        self.period > sport.regular_periods()
    }

    /// Whether the shoot-out has begun.
    fn is_shootout(&self, sport: Sport) -> bool {
        sport.shootout() == Some(self.period)
    }

    /// Home points less away points.
    pub fn lead(&self) -> i32 {
        i32::from(self.score.home) - i32::from(self.score.away)
    }
}

/// The events of one game, each number once, in the order of the source.
#[derive(Debug, Clone)]
pub struct PlayLog {
    sport: Sport,
    events: BTreeMap<u64, PlayEvent>,
    /// What they leave; grows with events that come in order, is made anew after one that does not.
    fold: OnceLock<Fold>,
}

impl PlayLog {
    /// The most events a log takes.
    pub const EVENTS_MAX: usize = EVENTS_MAX;

    /// An empty log.
    pub fn new(sport: Sport) -> Self {
        Self {
            sport,
            events: BTreeMap::new(),
            fold: OnceLock::new(),
        }
    }

    /// Adds an event, wherever its number belongs; returns whether it changed the log. An event
    /// known already, one told anew with a lower revision, and one over [`PlayLog::EVENTS_MAX`]
    /// change nothing.
    pub fn add(&mut self, event: PlayEvent) -> bool {
        match self.events.get(&event.sequence) {
            // Two tellings of the same revision that differ are a fault of the source; the order
            // of their contents decides, so that the order of arrival does not.
            Some(known) if (known.revision, known) >= (event.revision, &event) => false,
            None if self.events.len() >= EVENTS_MAX => false,
            _ => {
                let goes_on = self.goes_on_by(&event);
                match self.fold.get_mut() {
                    Some(fold) if goes_on => fold.apply(&event),
                    _ => drop(self.fold.take()),
                }
                self.events.insert(event.sequence, event);
                true
            }
        }
    }

    /// Whether `event` moves on what those here leave. After one that is not the last, and one that
    /// takes back what cannot be undone by itself, that has to be made anew.
    pub fn goes_on_by(&self, event: &PlayEvent) -> bool {
        let last = self.events.last_key_value().map(|it| *it.0);
        let is_simple = match event.kind {
            PlayKind::Cancelled { of } => {
                let fold = self.fold.get();
                let is_out = fold.is_some_and(|it| it.is_cancelled(of));
                let target = self.events.get(&of);
                is_out || target.is_none_or(|it| is_undone(&it.kind))
            }
            _ => true,
        };
        is_simple && last < Some(event.sequence)
    }

    /// Events in the order of the source.
    pub fn events(&self) -> impl Iterator<Item = &PlayEvent> {
        self.events.values()
    }

    /// What the events leave.
    pub fn state(&self) -> GameState {
        self.fold().state()
    }

    /// Whether the event of this number was taken back.
    pub fn is_cancelled(&self, sequence: u64) -> bool {
        self.fold().is_cancelled(sequence)
    }

    fn fold(&self) -> &Fold {
        self.fold.get_or_init(|| {
            let mut fold = self.unfolded();
            self.events().for_each(|it| fold.apply(it));
            fold
        })
    }

    fn unfolded(&self) -> Fold {
        Fold::new(self.sport, cancelled(self.events.values().rev()))
    }

    /// Every event in the order of the source, with what it and those before it leave. Of what
    /// others take back only goals and cards are in it, until then.
    pub fn steps(&self) -> impl Iterator<Item = (&PlayEvent, GameState)> {
        let mut fold = self.unfolded();
        self.events().map(move |event| {
            fold.apply(event);
            (event, fold.state())
        })
    }
}

#[cfg(test)]
mod tests;
