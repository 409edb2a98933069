//! What was heard of each source of events and prices: counts by which an operator sees whether it is
//! well. They are of this process, since it began.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::{FixtureId, SourceKey};
use jiff::Timestamp;
use store::FixtureEvent;

/// Games of a source whose last number is remembered; the oldest games make room.
const GAMES_MAX: usize = 10_000;
/// Sources told apart; what others say is counted under [`OTHERS`].
pub const SOURCES_MAX: usize = 100;
/// Stands for all sources beyond [`SOURCES_MAX`].
const OTHERS: &str = "others";
/// The stretch of time in which something counts as recent, in seconds.
const RECENT_S: i64 = 60;
/// The parts of it that are forgotten at once, in seconds.
const PART_S: i64 = 10;

/// What was heard of a source since the process began.
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
    /// New events told as they came in, not ones recorded earlier.
    pub timed: u64,
    /// How long after they happened those came, added up, in microseconds.
    pub lag_micros: u64,
    /// Quotes.
    pub quotes: u64,
    /// When anything last came.
    pub last_at: Timestamp,
}

/// What a source did over the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecentFigures {
    /// Events and quotes that came.
    pub told: u64,
    /// New events among them that were told as they came in.
    pub timed: u64,
    /// How long after they happened those came, added up, in microseconds.
    pub lag_micros: u64,
    /// The longest of it.
    pub lag_micros_max: u64,
}

/// A source and how it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Its name.
    pub source: SourceKey,
    /// Since the process began.
    pub figures: HeardFigures,
    /// Over the last minute.
    pub recent: RecentFigures,
}

/// Counts what is heard.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<BTreeMap<SourceKey, Source>>);

#[derive(Debug, Default)]
struct Source {
    figures: HeardFigures,
    /// The highest number of each game.
    highest: BTreeMap<FixtureId, u64>,
    /// Which part of time each is of, and what came in it.
    parts: [(i64, RecentFigures); (RECENT_S / PART_S) as usize],
}

impl Heard {
    /// Counts a batch of events, and which of it was new.
    pub(crate) fn note(
        &self,
        source: &SourceKey,
        (events, new): (&[FixtureEvent], &[bool]),
        now: Timestamp,
    ) {
        self.with(source, |it| {
            for (event, new) in events.iter().zip(new) {
                it.note(event, *new, now);
            }
        });
    }

    /// Counts quotes.
    pub(crate) fn note_quotes(&self, source: &SourceKey, count: usize, now: Timestamp) {
        self.with(source, |it| {
            it.figures.quotes += count as u64;
            it.figures.last_at = now;
            it.part(now).told += count as u64;
        });
    }

    /// Every source, in order of name.
    pub(crate) fn views(&self, now: Timestamp) -> Vec<SourceView> {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let view = |(source, it): (&SourceKey, &Source)| SourceView {
            source: source.clone(),
            figures: it.figures,
            recent: it.recent(now),
        };
        sources.iter().map(view).collect()
    }

    fn with(&self, source: &SourceKey, act: impl FnOnce(&mut Source)) {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sources.contains_key(source) || sources.len() < SOURCES_MAX;
        let key = if known {
            source.clone()
        } else {
            SourceKey::new(OTHERS).expect("the text is a key")
        };
        act(sources.entry(key).or_default());
    }
}

impl Source {
    fn note(&mut self, told: &FixtureEvent, new: bool, now: Timestamp) {
        let sequence = told.event.sequence;
        self.figures.last_at = now;
        self.part(now).told += 1;
        if !new {
            self.figures.repeated += 1;
            return;
        }
        self.time(told, now);
        let figures = &mut self.figures;
        figures.new += 1;
        let Some(highest) = self.highest.get_mut(&told.fixture) else {
            if self.highest.len() >= GAMES_MAX {
                self.highest.pop_first();
            }
            self.highest.insert(told.fixture, sequence);
            return;
        };
        if sequence > *highest {
            let jumped = sequence - *highest - 1;
            figures.missing = figures.missing.saturating_add(jumped);
            *highest = sequence;
        } else if told.event.revision == 0 {
            figures.late += 1;
            figures.missing = figures.missing.saturating_sub(1);
        }
    }

    /// Notes how long after it happened an event came. One that was told before says nothing of that.
    fn time(&mut self, told: &FixtureEvent, now: Timestamp) {
        if told.known_at < now {
            return;
        }
        let lag = now.duration_since(told.event.at).as_micros();
        let lag = u64::try_from(lag).unwrap_or(0);
        let part = self.part(now);
        part.timed += 1;
        part.lag_micros += lag;
        part.lag_micros_max = part.lag_micros_max.max(lag);
        self.figures.timed += 1;
        self.figures.lag_micros += lag;
    }

    /// The part of time that is now.
    fn part(&mut self, now: Timestamp) -> &mut RecentFigures {
        let number = now.as_second().div_euclid(PART_S);
        let count = self.parts.len().cast_signed() as i64;
        let place = number.rem_euclid(count).cast_unsigned() as usize;
        let part = &mut self.parts[place];
        if part.0 != number {
            *part = (number, RecentFigures::default());
        }
        &mut part.1
    }

    fn recent(&self, now: Timestamp) -> RecentFigures {
        let number = now.as_second().div_euclid(PART_S);
        let oldest = number - self.parts.len().cast_signed() as i64;
        let recent = self.parts.iter().filter(|it| it.0 > oldest);
        recent.fold(RecentFigures::default(), |sum, (_, it)| RecentFigures {
            told: sum.told + it.told,
            timed: sum.timed + it.timed,
            lag_micros: sum.lag_micros + it.lag_micros,
            lag_micros_max: sum.lag_micros_max.max(it.lag_micros_max),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{PlayEvent, PlayKind};

    use super::*;

    fn told(sequence: u64, revision: u16) -> FixtureEvent {
        told_at(sequence, revision, 100)
    }

    fn told_at(sequence: u64, revision: u16, known_at: i64) -> FixtureEvent {
        FixtureEvent {
            fixture: FixtureId(1),
            event: PlayEvent {
                sequence,
                revision,
                at: Timestamp::from_second(98).unwrap(),
                clock: None,
                kind: PlayKind::Finished,
            },
            known_at: Timestamp::from_second(known_at).unwrap(),
        }
    }

    #[test]
    fn gaps_are_counted_until_they_are_filled_and_a_correction_is_not_late() {
        let now = Timestamp::from_second(100).unwrap();
        let heard = Heard::default();
        let batch = [told(1, 0), told(4, 0), told(4, 1), told(3, 0), told(3, 0)];
        let [one, other] = ["one", "other"].map(|it| SourceKey::new(it).unwrap());
        heard.note(&one, (&batch, &[true, true, true, true, false]), now);
        heard.note(&other, (&batch[..1], &[false]), now);
        heard.note_quotes(&other, 3, now);
        let views = heard.views(now);
        let expected = HeardFigures {
            new: 4,
            repeated: 1,
            late: 1,
            missing: 1,
            timed: 4,
            lag_micros: 8_000_000,
            quotes: 0,
            last_at: now,
        };
        assert_eq!((&views[0].source, views[0].figures), (&one, expected));
        assert_eq!((views[1].figures.repeated, views[1].figures.quotes), (1, 3));
    }

    #[test]
    fn what_is_recent_is_of_the_last_minute() {
        let heard = Heard::default();
        let source = SourceKey::new("one").unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        heard.note(&source, (&[told(1, 0)], &[true]), at(100));
        heard.note(&source, (&[told_at(2, 0, 149)], &[true]), at(149));
        let recent = |second| heard.views(at(second))[0].recent;
        let both = RecentFigures {
            told: 2,
            timed: 2,
            lag_micros: 53_000_000,
            lag_micros_max: 51_000_000,
        };
        assert_eq!(recent(150), both);
        assert_eq!(
            (recent(165).timed, recent(165).lag_micros_max),
            (1, 51_000_000)
        );
        assert_eq!(recent(205), RecentFigures::default());
    }

    #[test]
    fn what_was_recorded_earlier_says_nothing_of_how_late_a_source_is() {
        let heard = Heard::default();
        let source = SourceKey::new("one").unwrap();
        let now = Timestamp::from_second(900_000).unwrap();
        heard.note(&source, (&[told(1, 0)], &[true]), now);
        let view = &heard.views(now)[0];
        assert_eq!((view.figures.new, view.figures.timed), (1, 0));
        assert_eq!((view.figures.lag_micros, view.recent.lag_micros), (0, 0));
        assert_eq!((view.recent.told, view.recent.timed), (1, 0));
    }

    #[test]
    fn no_more_sources_are_told_apart_than_there_may_be() {
        let heard = Heard::default();
        let now = Timestamp::from_second(100).unwrap();
        for number in 0..SOURCES_MAX + 5 {
            let source = SourceKey::new(format!("s{number}")).unwrap();
            heard.note_quotes(&source, 1, now);
        }
        let views = heard.views(now);
        assert_eq!(views.len(), SOURCES_MAX + 1);
        let others = views.iter().find(|it| it.source.as_str() == OTHERS);
        assert_eq!(others.unwrap().figures.quotes, 5);
    }
}
