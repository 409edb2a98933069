//! What was told of prices, so that only what is new is told.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    SEEN_MAX,
    quotes::{Answer, Draft, Key, Quotes},
};

/// When what an answer says, or does not say, is news.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Whether a market that was told of and is not in what the answer says of its game is suspended.
    pub(super) absent_is_suspended: bool,
    /// For how long a price that stands as it did, of a moment that is not said, is not told again.
    pub(super) confirm_after: SignedDuration,
}

/// What was last told of prices, by game.
#[derive(Debug, Default)]
pub(super) struct Told {
    games: HashMap<String, BTreeMap<Key, Last>>,
    count: usize,
}

/// What was last told of a market.
#[derive(Debug)]
struct Last {
    draft: Draft,
    /// For which moment.
    at: Timestamp,
    /// Whether that is of our clock, though the source had said another.
    ours: bool,
}

impl Told {
    /// The entries that are new in an answer that came at `now`.
    pub(super) fn fresh(
        &mut self,
        answer: Answer,
        rules: Rules,
        now: Timestamp,
    ) -> Vec<(usize, Map<String, Value>)> {
        if self.count > SEEN_MAX {
            *self = Self::default();
        }
        let mut fresh = Vec::new();
        for (game, quotes) in answer.games {
            let told = self.games.entry(game).or_default();
            let (before, index) = (told.len(), quotes.index);
            let (member, game) = quotes.game.clone();
            for mut entry in of_game(told, quotes, rules, now) {
                entry.insert(member.to_owned(), game.clone());
                fresh.push((index, entry));
            }
            self.count += told.len() - before;
        }
        fresh
    }
}

/// The entries that are new of a game.
fn of_game(
    told: &mut BTreeMap<Key, Last>,
    quotes: Quotes,
    rules: Rules,
    now: Timestamp,
) -> Vec<Map<String, Value>> {
    let mut fresh = Vec::new();
    for (key, last) in told.iter_mut().filter(|_| rules.absent_is_suspended) {
        let gone = !quotes.drafts.contains_key(key) && !quotes.unsure.has(key);
        if gone && !last.draft.is_suspended() {
            last.draft.suspend();
            (last.at, last.ours) = (now, true);
            fresh.push(last.draft.entry(key, now));
        }
    }
    for (key, draft) in quotes.drafts {
        let unsure = quotes.unsure.has(&key);
        if draft.is_suspended() && unsure {
            continue;
        }
        let known = told.get(&key);
        if known.is_some_and(|it| it.stands(&draft, rules, now)) {
            continue;
        }
        let said = draft.taken_at().unwrap_or(now);
        let ours = match known {
            Some(it) => it.outlives(&draft, unsure) && said <= it.at,
            // An earlier process may have suspended it by its clock.
            None => rules.absent_is_suspended && said < now,
        };
        let at = if ours { now } else { said };
        fresh.push(draft.entry(&key, at));
        told.insert(key, Last { draft, at, ours });
    }
    fresh
}

impl Last {
    fn stands(&self, draft: &Draft, rules: Rules, now: Timestamp) -> bool {
        let is_confirmed = now.duration_since(self.at) < rules.confirm_after;
        let says_when = draft.taken_at().is_some() || draft.is_suspended();
        self.draft.says_the_same(draft) && (says_when || is_confirmed)
    }

    /// Whether it would stand beside or over something newer that has no later moment. Sources seldom
    /// say when a market was suspended or opened again, or an outcome withdrawn: they repeat when its
    /// prices changed last.
    fn outlives(&self, draft: &Draft, unsure: bool) -> bool {
        self.ours
            || self.draft.is_suspended() != draft.is_suspended()
            || (!unsure && self.draft.offers_beyond(draft))
    }
}
