//! What was heard of games under way: counts by which an operator sees whether sources are well.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::FixtureId;
use jiff::Timestamp;
use store::FixtureEvent;

/// Games whose last number is remembered; the oldest games make room.
const GAMES_MAX: usize = 10_000;

/// Counts since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeardFigures {
    /// Events that were new.
    pub new: u64,
    /// Events that were known already.
    pub repeated: u64,
    /// New events that came after one with a higher number.
    pub late: u64,
    /// Numbers that were jumped over and have not come since.
    pub missing: u64,
    /// How long after they happened new events came, added up, in microseconds.
    pub lag_micros: u64,
}

/// Counts what is heard.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    figures: HeardFigures,
    /// The highest number of each game.
    highest: BTreeMap<FixtureId, u64>,
}

impl Heard {
    /// Counts a batch, and which of it was new.
    pub(crate) fn note(&self, events: &[FixtureEvent], new: &[bool], now: Timestamp) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (it, new) in events.iter().zip(new) {
            inner.note(it, *new, now);
        }
    }

    pub(crate) fn figures(&self) -> HeardFigures {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .figures
    }
}

impl Inner {
    fn note(&mut self, told: &FixtureEvent, new: bool, now: Timestamp) {
        let (figures, sequence) = (&mut self.figures, told.event.sequence);
        if !new {
            figures.repeated += 1;
            return;
        }
        figures.new += 1;
        let lag = now.duration_since(told.event.at).as_micros();
        figures.lag_micros += u64::try_from(lag).unwrap_or(0);
        let Some(highest) = self.highest.get_mut(&told.fixture) else {
            if self.highest.len() >= GAMES_MAX {
                self.highest.pop_first();
            }
            self.highest.insert(told.fixture, sequence);
            return;
        };
        if sequence > *highest {
            figures.missing += sequence - *highest - 1;
            *highest = sequence;
        } else if told.event.revision == 0 {
            figures.late += 1;
            figures.missing = figures.missing.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{PlayEvent, PlayKind};

    use super::*;

    #[test]
    fn gaps_are_counted_until_they_are_filled_and_a_correction_is_not_late() {
        let now = Timestamp::from_second(100).unwrap();
        let told = |sequence, revision| FixtureEvent {
            fixture: FixtureId(1),
            event: PlayEvent {
                sequence,
                revision,
                at: Timestamp::from_second(98).unwrap(),
                clock: None,
                kind: PlayKind::Finished,
            },
            known_at: now,
        };
        let heard = Heard::default();
        let batch = [told(1, 0), told(4, 0), told(4, 1), told(3, 0), told(3, 0)];
        heard.note(&batch, &[true, true, true, true, false], now);
        let expected = HeardFigures {
            new: 4,
            repeated: 1,
            late: 1,
            missing: 1,
            lag_micros: 8_000_000,
        };
        assert_eq!(heard.figures(), expected);
    }
}
