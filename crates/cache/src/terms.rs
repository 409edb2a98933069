//! What entries of a kind have in common, kept once for all that were made by the same rules.

use std::sync::{Mutex, PoisonError};

use triomphe::Arc;

use crate::key::PUBLIC;
use crate::rules::{Ages, Rules, millis};
use crate::statistics::Tally;
use crate::versions::Slot;

/// Terms of a kind that are kept to be shared by entries to come; a kind mostly has one.
const RECENT_MAX: usize = 8;

/// What entries have in common. Who counts those that refer to it writes another line of memory.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Terms {
    pub(crate) tally: std::sync::Arc<Tally>,
    /// What the keys begin with that everybody may see.
    prefix: std::sync::Arc<[u8]>,
    course: Course,
    /// The age from which an entry is gone that says no other.
    pub(crate) hard: u32,
    /// The kind's place in the table of versions.
    pub(crate) slot: Slot,
    pub(crate) kind: u16,
}

/// How the other ages follow from those up to which a value is fresh and from which it is gone.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// By rules: the share of the first, and what is added to it.
    Ruled { eager: f64, revalidate: u32 },
    /// Not at all, as by the rules of another replica.
    Own { eager: u32, revalidate: u32 },
}

impl Terms {
    /// What the keys begin with, the mark of what everybody may see included where they have it.
    #[inline]
    pub(crate) fn prefix(&self, public: bool) -> &[u8] {
        let without = self.prefix.len() - PUBLIC.len();
        match public {
            true => &self.prefix,
            false => &self.prefix[..without],
        }
    }

    /// All ages, of a value that is fresh up to `soft` and gone from `hard` on.
    pub(crate) fn ages(&self, soft: u32, hard: u32) -> Ages {
        self.course.ages(soft, hard)
    }
}

impl Course {
    fn ages(self, soft: u32, hard: u32) -> Ages {
        let (eager, revalidate) = match self {
            Self::Ruled { eager, revalidate } => {
                let eager = (f64::from(soft) * eager) as u32;
                (eager, soft.saturating_add(revalidate).min(hard))
            }
            Self::Own { eager, revalidate } => (eager, revalidate),
        };
        Ages {
            eager,
            soft,
            revalidate,
            hard,
        }
    }

    /// The one that gives `ages`, by `rules` where they do.
    fn of(ages: Ages, rules: &Rules) -> Self {
        let ruled = Self::Ruled {
            eager: rules.eager.clamp(0.0, 1.0),
            revalidate: millis(rules.revalidate),
        };
        match ruled.ages(ages.soft, ages.hard) == ages {
            true => ruled,
            false => Self::Own {
                eager: ages.eager,
                revalidate: ages.revalidate,
            },
        }
    }
}

/// The terms of a kind.
#[derive(Debug)]
pub(crate) struct TermsBook {
    tally: std::sync::Arc<Tally>,
    prefix: std::sync::Arc<[u8]>,
    slot: Slot,
    kind: u16,
    /// Those asked for last come first.
    recent: Mutex<Vec<Arc<Terms>>>,
}

impl TermsBook {
    pub(crate) fn new(tally: std::sync::Arc<Tally>, prefix: &[u8], slot: Slot, kind: u16) -> Self {
        Self {
            tally,
            prefix: [prefix, &PUBLIC].concat().into(),
            slot,
            kind,
            recent: Mutex::default(),
        }
    }

    /// Terms that give these ages.
    pub(crate) fn of(&self, ages: Ages, rules: &Rules) -> Arc<Terms> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let gives = |it: &Arc<Terms>| it.ages(ages.soft, ages.hard) == ages;
        match recent.iter().position(gives) {
            Some(at) => recent[..=at].rotate_right(1),
            None => {
                recent.truncate(RECENT_MAX - 1);
                let terms = Terms {
                    tally: self.tally.clone(),
                    prefix: self.prefix.clone(),
                    course: Course::of(ages, rules),
                    hard: millis(rules.hard),
                    slot: self.slot,
                    kind: self.kind,
                };
                recent.insert(0, Arc::new(terms));
            }
        }
        recent[0].clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn book() -> TermsBook {
        TermsBook::new(std::sync::Arc::default(), b"prefix", 1, 2)
    }

    fn rules() -> Rules {
        Rules {
            eager: 0.8,
            jitter: 0.5,
            revalidate: Duration::from_secs(5),
            ..Rules::new(Duration::from_secs(10), Duration::from_secs(60))
        }
    }

    #[test]
    fn entries_by_the_same_rules_share_terms_whatever_chance_and_a_shorter_life_do_to_their_ages() {
        let (book, rules) = (book(), rules());
        let first = book.of(rules.ages(false, 0.0), &rules);
        for step in 0_u8..100 {
            let shorter = Rules {
                soft: rules.soft.min(Duration::from_millis(u64::from(step) * 200)),
                hard: rules.hard.min(Duration::from_millis(u64::from(step) * 200)),
                ..rules
            };
            for rules in [rules, shorter] {
                let ages = rules.ages(step % 2 == 0, f64::from(step) / 100.0);
                let terms = book.of(ages, &rules);
                assert!(Arc::ptr_eq(&first, &terms), "{ages:?}");
                assert_eq!(terms.ages(ages.soft, ages.hard), ages);
            }
        }
    }

    #[test]
    fn ages_that_follow_no_rule_are_told_as_they_are_and_only_a_few_are_remembered() {
        let (book, rules) = (book(), rules());
        for step in 0..100 {
            let ages = Ages {
                eager: step,
                soft: 1_000 + step,
                revalidate: 3_000 - step,
                hard: 9_000,
            };
            let terms = book.of(ages, &rules);
            assert_eq!(terms.ages(ages.soft, ages.hard), ages);
        }
        assert_eq!(book.recent.lock().unwrap().len(), RECENT_MAX);
    }
}
