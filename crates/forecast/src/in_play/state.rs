//! What a log of events leaves: score, clock, players sent off, whether it is over.
//!
//! The state depends on the set of events alone, never on the order they arrived in.

use std::{collections::BTreeMap, sync::OnceLock};

use domain::{GameClock, Period, PlayEvent, PlayKind, Score, Side, Sport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
                let last = self.events.last_key_value().map(|it| *it.0);
                match self.fold.get_mut() {
                    Some(fold) if last < Some(event.sequence) => fold.apply(&event),
                    _ => drop(self.fold.take()),
                }
                self.events.insert(event.sequence, event);
                true
            }
        }
    }

    /// Events in the order of the source.
    pub fn events(&self) -> impl Iterator<Item = &PlayEvent> {
        self.events.values()
    }

    /// What the events leave.
    pub fn state(&self) -> GameState {
        let folded = || {
            let mut fold = Fold::new(self.sport);
            self.events().for_each(|it| fold.apply(it));
            fold
        };
        self.fold.get_or_init(folded).state
    }

    /// Every event in the order of the source, with what it and those before it leave.
    pub fn steps(&self) -> impl Iterator<Item = (&PlayEvent, GameState)> {
        let mut fold = Fold::new(self.sport);
        self.events().map(move |event| {
            fold.apply(event);
            (event, fold.state)
        })
    }
}

/// What an event did that can still be cancelled.
#[derive(Debug, Clone, Copy)]
struct Undo {
    side: Side,
    /// Zero for a card.
    points: u16,
    /// Whether it came before the end of the regular periods.
    regular: bool,
}

#[derive(Debug, Clone)]
struct Fold {
    sport: Sport,
    state: GameState,
    open: BTreeMap<u64, Undo>,
}

impl Fold {
    fn new(sport: Sport) -> Self {
        Self {
            sport,
            state: GameState::BEFORE,
            open: BTreeMap::new(),
        }
    }

    fn apply(&mut self, event: &PlayEvent) {
        self.state.events += 1;
        self.hear(event);
        match event.kind {
            PlayKind::PeriodStart { period } => self.start(period, event),
            PlayKind::PeriodEnd { period } => {
                self.stop(event);
                self.end(period);
            }
            PlayKind::Clock { running: true } => self.go_on(event),
            PlayKind::Clock { running: false } => self.stop(event),
            PlayKind::Stoppage { seconds } => self.state.stoppage = Some(seconds),
            PlayKind::Scored { side, points } => {
                let points = u16::from(points.get());
                let slot = side_of(&mut self.state.score, side);
                *slot = slot.saturating_add(points);
                self.remember(event.sequence, side, points);
            }
            PlayKind::RedCard { side } => {
                let slot = &mut self.state.red_cards[side.index()];
                *slot = slot.saturating_add(1);
                self.remember(event.sequence, side, 0);
            }
            PlayKind::Cancelled { of } => self.cancel(of),
            PlayKind::Score { home, away } => self.correct(Score { home, away }),
            PlayKind::Finished => {
                self.stop(event);
                self.close_regular();
                self.state.phase = Phase::Finished;
            }
            PlayKind::Abandoned => {
                self.stop(event);
                self.state.phase = Phase::Abandoned;
            }
        }
    }

    /// Takes the clock over, where the event says it. A clock of another period than the one
    /// under way means that its start was not told.
    fn hear(&mut self, event: &PlayEvent) {
        let Some(clock) = event.clock else { return };
        let period = clock.period().number();
        let over = matches!(self.state.phase, Phase::Finished | Phase::Abandoned);
        if over || period < self.state.period {
            return;
        }
        let begun = self.state.phase != Phase::Break || period > self.state.period;
        if period > self.state.period {
            self.enter(period);
            self.state.running = true;
        }
        if begun {
            self.state.phase = Phase::Playing;
        }
        self.state.seconds = clock.seconds();
        self.state.heard_at = event.at;
    }

    /// The clock stands: where the event says, or where it has run to.
    fn stop(&mut self, event: &PlayEvent) {
        if event.clock.is_none() && self.state.running && event.at > self.state.heard_at {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to the most a clock shows"
            )]
            let seconds = self.state.seconds_at(event.at) as u16;
            self.state.seconds = seconds;
            self.state.heard_at = event.at;
        }
        self.state.running = false;
    }

    /// The clock runs: from where the event says, or from where it stands.
    fn go_on(&mut self, event: &PlayEvent) {
        if event.clock.is_some() {
            self.state.phase = Phase::Playing;
        } else if !self.state.running {
            self.state.heard_at = self.state.heard_at.max(event.at);
        }
        self.state.running = true;
    }

    fn start(&mut self, period: Period, event: &PlayEvent) {
        if period.number() > self.state.period {
            self.enter(period.number());
        }
        if event.clock.is_none() {
            self.state.seconds = 0;
            self.state.heard_at = event.at;
        }
        self.state.phase = Phase::Playing;
        self.state.running = true;
    }

    /// Goes to a later period.
    fn enter(&mut self, period: u8) {
        if period > regular_periods(self.sport) {
            self.close_regular();
        }
        self.state.period = period;
        self.state.stoppage = None;
    }

    fn end(&mut self, period: Period) {
        self.state.period = self.state.period.max(period.number());
        self.state.phase = Phase::Break;
        self.state.running = false;
        self.state.stoppage = None;
        if period.number() >= regular_periods(self.sport) {
            self.close_regular();
        }
    }

    fn close_regular(&mut self) {
        self.state.regular.get_or_insert(self.state.score);
    }

    fn remember(&mut self, sequence: u64, side: Side, points: u16) {
        let regular = self.state.regular.is_none();
        let undo = Undo {
            side,
            points,
            regular,
        };
        self.open.insert(sequence, undo);
    }

    fn cancel(&mut self, of: u64) {
        let Some(undo) = self.open.remove(&of) else {
            return;
        };
        if undo.points == 0 {
            let slot = &mut self.state.red_cards[undo.side.index()];
            *slot = slot.saturating_sub(1);
            return;
        }
        let slot = side_of(&mut self.state.score, undo.side);
        *slot = slot.saturating_sub(undo.points);
        if let Some(score) = self.state.regular.as_mut().filter(|_| undo.regular) {
            let slot = side_of(score, undo.side);
            *slot = slot.saturating_sub(undo.points);
        }
    }

    /// Sets the score. A score that differs from what was counted settles the goals before it:
    /// cancelling one of them later must not take it away twice.
    fn correct(&mut self, score: Score) {
        if score == self.state.score {
            return;
        }
        self.open.retain(|_, undo| undo.points == 0);
        let before_overtime = self.state.period <= regular_periods(self.sport);
        if let Some(regular) = self.state.regular.as_mut().filter(|_| before_overtime) {
            *regular = score;
        }
        self.state.score = score;
    }
}

fn side_of(score: &mut Score, side: Side) -> &mut u16 {
    match side {
        Side::Home => &mut score.home,
        Side::Away => &mut score.away,
    }
}

/// Periods before overtime.
pub(crate) fn regular_periods(sport: Sport) -> u8 {
    match sport {
        Sport::Football => 2,
        Sport::AmericanFootball | Sport::Basketball => 4,
    }
}

#[cfg(test)]
mod tests;
