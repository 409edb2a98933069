//! The tier that servers share, ready to be written: whether it answers, what it spared, and how
//! what one server changes reaches the others.

use engine::caching::shared::SharedHealth;

use crate::pages::{figures, text};

/// What there is to say of it.
pub(super) struct SharedTier {
    pub(super) is_up: bool,
    pub(super) state: String,
    pub(super) state_note: String,
    pub(super) found: String,
    pub(super) found_note: String,
    pub(super) kept: String,
    pub(super) kept_note: String,
    pub(super) changes: String,
    pub(super) changes_note: String,
}

impl SharedTier {
    pub(super) fn new(it: &SharedHealth) -> Self {
        let counts = &it.counts;
        let since = text::span(i64::try_from(it.since.as_secs()).unwrap_or(i64::MAX));
        let found = figures::ratio(counts.hits, counts.gets);
        let none = "\u{2013}".to_owned();
        Self {
            is_up: it.up,
            state: if it.up { "Up" } else { "Away" }.to_owned() + &format!(" for {since}"),
            state_note: state(it),
            found: if counts.gets == 0 {
                none
            } else {
                text::percent(found)
            },
            found_note: format!(
                "{} of {} looks; {} found outdated",
                text::count(counts.hits),
                text::count(counts.gets),
                text::count(counts.outdated)
            ),
            kept: text::count(counts.puts),
            kept_note: format!(
                "{} sent, {} received; {} refused for want of memory",
                figures::bytes(counts.bytes_out),
                figures::bytes(counts.bytes_in),
                text::count(counts.puts_full)
            ),
            changes: format!(
                "{} sent, {} heard",
                text::count(counts.invalidations),
                text::count(counts.heard)
            ),
            changes_note: format!(
                "gaps healed: {}; everything forgotten: {}; commands timed out: {}",
                text::count(counts.gaps),
                text::count(counts.forgets),
                text::count(counts.timeouts)
            ),
        }
    }
}

/// What follows from the state.
fn state(it: &SharedHealth) -> String {
    match (&it.trouble, it.up, it.proven) {
        (_, true, true) => "memory is proven to hold nothing outdated".to_owned(),
        (_, true, false) => "memory is asked after with every answer until it is proven".to_owned(),
        (trouble, false, _) => {
            let why = trouble.as_deref().unwrap_or("it has not answered yet");
            let queued = text::count(it.queued as u64);
            format!(
                "{why}; {queued} changes wait for it, answers come from memory and the database"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::caching::shared::SharedCounts;

    use super::*;

    #[test]
    fn a_tier_that_answers_says_what_it_spared_and_one_that_is_away_says_why() {
        let mut health = SharedHealth {
            up: true,
            since: Duration::from_secs(7_200),
            proven: true,
            counts: SharedCounts {
                gets: 400,
                hits: 100,
                outdated: 7,
                ..SharedCounts::default()
            },
            clock: 9,
            queued: 0,
            trouble: None,
        };
        let up = SharedTier::new(&health);
        assert_eq!(
            (up.state.as_str(), up.found.as_str()),
            ("Up for 2 h", "25.0%")
        );
        assert_eq!(up.found_note, "100 of 400 looks; 7 found outdated");
        assert!(up.is_up && up.state_note.contains("proven"));
        health.proven = false;
        assert!(
            SharedTier::new(&health)
                .state_note
                .contains("until it is proven")
        );
        health.up = false;
        health.queued = 3;
        assert!(
            SharedTier::new(&health)
                .state_note
                .starts_with("it has not answered yet; 3")
        );
        health.trouble = Some("connection refused".to_owned());
        health.counts = SharedCounts::default();
        let away = SharedTier::new(&health);
        assert!(
            away.state_note
                .starts_with("connection refused; 3 changes wait")
        );
        assert_eq!(
            (away.state.as_str(), away.found.as_str()),
            ("Away for 2 h", "\u{2013}")
        );
    }
}
