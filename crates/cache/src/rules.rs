//! Rules of time: how long a value is fresh, how long it may stand in, how long a load may take.

use std::time::Duration;

/// How a kind treats its values; a loader may set others for the value it made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The age up to which a value is fresh.
    pub soft: Duration,
    /// The age from which a value is gone; between the two it may be served as stale.
    pub hard: Duration,
    /// For how long after `soft` a stale value is served at once, while a load runs behind.
    pub revalidate: Duration,
    /// The share of `soft` after which a hit starts a load behind; 1 means never.
    pub eager: f64,
    /// The share of `soft` by which a value's life is shortened at most, each value's by its own
    /// amount, so that values made together do not end together.
    pub jitter: f64,
    /// How long a caller waits for the loader where a stale value could be served instead.
    pub soft_timeout: Duration,
    /// How long a loader may take before it is stopped.
    pub hard_timeout: Duration,
    /// The age up to which an answer that there is nothing is fresh, and from which it is gone.
    pub negative: Duration,
    /// How long a failure is answered without loading again.
    pub error_hold: Duration,
}

impl Rules {
    /// Values fresh for `soft`, gone at `hard`; no load behind, no jitter.
    pub const fn new(soft: Duration, hard: Duration) -> Self {
        Self {
            soft,
            hard,
            revalidate: Duration::ZERO,
            eager: 1.0,
            jitter: 0.0,
            soft_timeout: Duration::from_secs(1),
            hard_timeout: Duration::from_secs(30),
            negative: Duration::from_secs(1),
            error_hold: Duration::from_millis(100),
        }
    }

    /// The moments of a value's life; `chance` in 0..1 draws its share of the jitter.
    pub(crate) fn ages(&self, negative: bool, chance: f64) -> Ages {
        let (soft, hard) = match negative {
            true => (self.negative, self.negative),
            false => (self.soft, self.hard),
        };
        let hard = millis(hard);
        let shortened = 1.0 - self.jitter.clamp(0.0, 1.0) * chance;
        let soft = ((f64::from(millis(soft)) * shortened) as u32).min(hard);
        let eager = (f64::from(soft) * self.eager.clamp(0.0, 1.0)) as u32;
        let revalidate = soft.saturating_add(millis(self.revalidate)).min(hard);
        Ages {
            eager,
            soft,
            revalidate,
            hard,
        }
    }
}

/// Ages of one value, in milliseconds, none smaller than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ages {
    pub(crate) eager: u32,
    pub(crate) soft: u32,
    pub(crate) revalidate: u32,
    pub(crate) hard: u32,
}

/// At most 49 days.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn ages_never_decrease() {
        let rules = Rules {
            revalidate: seconds(100),
            eager: 0.5,
            jitter: 0.2,
            ..Rules::new(seconds(10), seconds(60))
        };
        let expected = Ages {
            eager: 4_500,
            soft: 9_000,
            revalidate: 60_000,
            hard: 60_000,
        };
        assert_eq!(rules.ages(false, 0.5), expected);
    }

    #[test]
    fn a_value_fresh_for_longer_than_it_lives_is_fresh_while_it_lives() {
        let ages = Rules::new(seconds(10), seconds(5)).ages(false, 0.0);
        assert_eq!((ages.soft, ages.hard), (5_000, 5_000));
    }

    #[test]
    fn an_answer_of_nothing_has_its_own_life() {
        let ages = Rules::new(seconds(10), seconds(50)).ages(true, 0.0);
        assert_eq!((ages.soft, ages.hard), (1_000, 1_000));
    }
}
