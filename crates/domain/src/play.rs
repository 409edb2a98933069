//! What a source tells of a game while it is played, one numbered event at a time.
//!
//! Events are facts: what they leave (score, clock, who was sent off) is worked out by whoever
//! reads the log.

use std::num::NonZeroU8;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Home.
    Home,
    /// Away.
    Away,
}

impl Side {
    /// Place in pairs of home and away.
    pub fn index(self) -> usize {
        match self {
            Self::Home => 0,
            Self::Away => 1,
        }
    }
}

/// A half, quarter or overtime, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Period(u8);

/// Why a number cannot be a period or a place on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPlay {
    /// Periods are counted from 1 to [`Period::MAX`].
    #[error("{0} is not a period: use 1 to 20")]
    Period(u8),
    /// No period lasts longer than [`GameClock::SECONDS_MAX`].
    #[error("{0} s is not on the clock of a period: use 0 to 7200")]
    Seconds(u16),
}

impl Period {
    /// The last period there can be.
    pub const MAX: u8 = 20;

    /// Accepts 1 to [`Period::MAX`].
    pub fn new(number: u8) -> Result<Self, InvalidPlay> {
        if (1..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(InvalidPlay::Period(number))
        }
    }

    /// The period counted from one.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Period {
    type Error = InvalidPlay;
    fn try_from(number: u8) -> Result<Self, InvalidPlay> {
        Self::new(number)
    }
}

impl From<Period> for u8 {
    fn from(period: Period) -> u8 {
        period.0
    }
}

/// A place on a game's clock: seconds played of a period, stoppage time counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawClock")]
pub struct GameClock {
    period: Period,
    seconds: u16,
}

#[derive(Deserialize)]
struct RawClock {
    period: Period,
    seconds: u16,
}

impl GameClock {
    /// The most seconds a period's clock can show.
    pub const SECONDS_MAX: u16 = 7200;

    /// Accepts 0 to [`GameClock::SECONDS_MAX`] seconds.
    pub fn new(period: Period, seconds: u16) -> Result<Self, InvalidPlay> {
        if seconds <= Self::SECONDS_MAX {
            Ok(Self { period, seconds })
        } else {
            Err(InvalidPlay::Seconds(seconds))
        }
    }

    /// Which period.
    pub fn period(self) -> Period {
        self.period
    }

    /// Seconds played of it.
    pub fn seconds(self) -> u16 {
        self.seconds
    }
}

impl TryFrom<RawClock> for GameClock {
    type Error = InvalidPlay;
    fn try_from(raw: RawClock) -> Result<Self, InvalidPlay> {
        Self::new(raw.period, raw.seconds)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlayKind {
    /// A period begins; its clock runs from the event's place on it, or from zero.
    PeriodStart {
        /// Which.
        period: Period,
    },
    /// A period ends.
    PeriodEnd {
        /// Which.
        period: Period,
    },
    /// The clock stands at the event's place on it, and runs on or not.
    Clock {
        /// Whether it runs on.
        running: bool,
    },
    /// The referee shows how much is added to the period at least.
    Stoppage {
        /// Seconds added.
        seconds: u16,
    },
    /// A goal, a basket, a touchdown.
    Scored {
        /// Whose.
        side: Side,
        /// What it counts.
        points: NonZeroU8,
    },
    /// A side goes on with one player less.
    RedCard {
        /// Whose.
        side: Side,
    },
    /// What an earlier event told did not count after all.
    Cancelled {
        /// The number of that event.
        of: u64,
    },
    /// The score as it stands, whatever was told before.
    Score {
        /// Home's.
        home: u16,
        /// Away's.
        away: u16,
    },
    /// Nothing more is played, overtime included.
    Finished,
    /// The game was given up.
    Abandoned,
}

/// An event of a game in play.
///
/// The number a source gives puts events in order, whenever they arrive; of two with the same
/// number the higher revision counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlayEvent {
    /// The source's number, growing within a game.
    pub sequence: u64,
    /// How often the source has told this event anew.
    #[serde(default)]
    pub revision: u16,
    /// When it happened, UTC.
    pub at: Timestamp,
    /// Where the game's clock stood, where the source says.
    #[serde(default)]
    pub clock: Option<GameClock>,
    /// What happened.
    #[serde(flatten)]
    pub kind: PlayKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_clocks_are_bounded() {
        let period = Period::new(2).unwrap();
        assert_eq!((period.number(), u8::from(period)), (2, 2));
        for number in [0, 21] {
            let error = Period::new(number).unwrap_err();
            assert_eq!(error, InvalidPlay::Period(number));
            assert_eq!(
                error.to_string(),
                format!("{number} is not a period: use 1 to 20")
            );
        }
        let clock = GameClock::new(period, 7200).unwrap();
        assert_eq!((clock.period(), clock.seconds()), (period, 7200));
        let error = GameClock::new(period, 7201).unwrap_err();
        assert_eq!(
            error.to_string(),
            "7201 s is not on the clock of a period: use 0 to 7200"
        );
        assert_eq!([Side::Home.index(), Side::Away.index()], [0, 1]);
    }

    #[test]
    fn an_event_is_one_flat_object_in_json_and_is_checked_on_the_way_in() {
        let json = r#"{"sequence":7,"revision":0,"at":"2026-05-01T15:10:00Z","clock":{"period":1,"seconds":600},"kind":"scored","side":"home","points":1}"#;
        let event: PlayEvent = serde_json::from_str(json).unwrap();
        assert_eq!(
            event.kind,
            PlayKind::Scored {
                side: Side::Home,
                points: NonZeroU8::MIN
            }
        );
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        let sparse = r#"{"sequence":8,"at":"2026-05-01T15:10:30Z","kind":"cancelled","of":7}"#;
        let cancelled: PlayEvent = serde_json::from_str(sparse).unwrap();
        assert_eq!(cancelled.kind, PlayKind::Cancelled { of: 7 });
        assert_eq!((cancelled.revision, cancelled.clock), (0, None));
        for (good, bad) in [
            ("\"period\":1", "\"period\":0"),
            ("\"seconds\":600", "\"seconds\":9999"),
            ("\"points\":1", "\"points\":0"),
        ] {
            assert!(serde_json::from_str::<PlayEvent>(&json.replace(good, bad)).is_err());
        }
    }
}
