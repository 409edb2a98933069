//! What changed lately, by thing, with the number of its last change.

use std::collections::{HashMap, VecDeque};

use super::{Change, ChangeKind, Changes, Need};

/// Changes told apart at most; of those before them anything may have changed.
const CHANGES_KEPT_MAX: usize = 50_000;

/// Floor of a read that no replica may answer.
const PRIMARY_ONLY: u64 = u64::MAX;

type Thing = (ChangeKind, String);

/// What is known to have changed, and when.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Changes up to this one may be of anything.
    base: u64,
    /// Every change up to this one is noted.
    noted: u64,
    /// The newest change known of, noted or not.
    newest: u64,
    /// Whether there may be changes of ours that nothing is known of.
    blind: bool,
    things: HashMap<Thing, u64>,
    kinds: HashMap<ChangeKind, u64>,
    order: VecDeque<(u64, Thing)>,
}

impl Recent {
    /// Nothing is told apart up to this change.
    pub(super) fn from(newest: u64) -> Self {
        Self {
            base: newest,
            noted: newest,
            newest,
            ..Self::default()
        }
    }

    pub(super) fn noted(&self) -> u64 {
        self.noted
    }

    /// The newest change known of.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// The change that whoever answers a read must have applied.
    pub(super) fn floor(&self, need: &Need<'_>) -> u64 {
        if self.blind {
            return PRIMARY_ONLY;
        }
        let thing = |it: &Thing| self.things.get(it).copied().unwrap_or(0);
        let newest = match need {
            Need::Anything => self.newest,
            Need::Kinds(kinds) => {
                let last = kinds.iter().filter_map(|it| self.kinds.get(it));
                last.copied().max().unwrap_or(0)
            }
            Need::One(kind, key) => thing(&(*kind, (*key).to_owned())),
            Need::Groups(groups) => {
                let group = |it: &Vec<Thing>| it.iter().map(thing).max().unwrap_or(0);
                groups.iter().map(group).min().unwrap_or(self.newest)
            }
        };
        newest.max(self.base)
    }

    /// Notes changes that were read from this number on.
    pub(super) fn take(&mut self, after: u64, changes: &Changes) {
        if changes.missed || after > self.noted {
            self.everything(changes.last);
            return;
        }
        self.blind = false;
        for change in &changes.items {
            if change.seq > self.noted {
                self.note(change);
            }
        }
        self.noted = self.noted.max(changes.last);
        self.newest = self.newest.max(self.noted);
        while self.order.len() > CHANGES_KEPT_MAX {
            self.base = self.base.max(self.drop_oldest());
        }
    }

    fn note(&mut self, change: &Change) {
        let thing = (change.kind, change.key.clone());
        self.things.insert(thing.clone(), change.seq);
        self.kinds.insert(change.kind, change.seq);
        self.order.push_back((change.seq, thing));
        self.noted = change.seq;
    }

    /// Notes that anything may have changed, up to this change.
    pub(super) fn everything(&mut self, last: u64) {
        self.blind = false;
        for place in [&mut self.base, &mut self.noted, &mut self.newest] {
            *place = last.max(*place);
        }
        self.things.clear();
        self.kinds.clear();
        self.order.clear();
    }

    /// Notes that there is a change of this number, whatever it is of.
    pub(super) fn saw(&mut self, change: u64) {
        self.newest = self.newest.max(change);
    }

    /// Notes that something changed of which not even the number is known.
    pub(super) fn blind(&mut self) {
        self.blind = true;
    }

    /// Forgets changes that every replica at work has applied.
    pub(super) fn applied(&mut self, everywhere: u64) {
        while self
            .order
            .front()
            .is_some_and(|(seq, _)| *seq <= everywhere)
        {
            self.base = self.base.max(self.drop_oldest());
        }
    }

    fn drop_oldest(&mut self) -> u64 {
        let Some((seq, thing)) = self.order.pop_front() else {
            return 0;
        };
        if self.things.get(&thing) == Some(&seq) {
            self.things.remove(&thing);
        }
        seq
    }
}

#[cfg(test)]
mod tests {
    use domain::{CompetitionKey, FixtureId};

    use super::*;
    use crate::FixtureQuery;

    fn changes(from: u64, keys: &[&str]) -> Changes {
        let item = |(seq, key): (u64, &&str)| Change {
            seq,
            kind: ChangeKind::Fixture,
            key: (*key).to_owned(),
        };
        let items: Vec<Change> = (from..).zip(keys).map(item).collect();
        Changes {
            last: items.last().map_or(from - 1, |it| it.seq),
            items,
            missed: false,
        }
    }

    fn one(key: &str) -> Need<'_> {
        Need::One(ChangeKind::Fixture, key)
    }

    #[test]
    fn a_read_needs_the_last_change_of_what_it_reads() {
        let mut recent = Recent::from(10);
        recent.take(10, &changes(11, &["a", "b", "a"]));
        let floors = |recent: &Recent| ["a", "b", "c"].map(|it| recent.floor(&one(it)));
        assert_eq!(floors(&recent), [13, 12, 10]);
        // The same again, and more: what was noted stands.
        recent.take(11, &changes(12, &["b", "a", "c"]));
        assert_eq!(floors(&recent), [13, 12, 14]);
        assert_eq!(recent.floor(&Need::Kinds(&[ChangeKind::Fixture])), 14);
        assert_eq!(recent.floor(&Need::Kinds(&[ChangeKind::Model])), 10);
        assert_eq!(recent.floor(&Need::Anything), 14);
        let thing = |key: &str| (ChangeKind::Fixture, key.to_owned());
        let groups = Need::Groups(vec![vec![thing("a"), thing("b")], vec![thing("c")]]);
        assert_eq!(recent.floor(&groups), 13);
        recent.saw(20);
        assert_eq!(recent.floor(&Need::Anything), 20);
        recent.applied(12);
        assert_eq!(floors(&recent), [13, 12, 14]);
        recent.applied(14);
        assert_eq!(floors(&recent), [14, 14, 14]);
    }

    #[test]
    fn a_list_of_what_has_prices_needs_the_last_price() {
        let change = |seq, kind, key: &str| Change {
            seq,
            kind,
            key: key.to_owned(),
        };
        let mut recent = Recent::from(10);
        let items = vec![
            change(11, ChangeKind::Fixture, "3"),
            change(12, ChangeKind::Competition, "E0"),
            change(13, ChangeKind::Quotes, "3"),
        ];
        let changes = Changes {
            items,
            last: 13,
            missed: false,
        };
        recent.take(10, &changes);
        let floor = |query: &FixtureQuery| recent.floor(&Need::of_fixtures(query));
        let all = FixtureQuery::default();
        let of_competition = FixtureQuery {
            competitions: vec![CompetitionKey::new("E0").unwrap()],
            ..all.clone()
        };
        let of_ids = FixtureQuery {
            ids: vec![FixtureId(3)],
            ..all.clone()
        };
        let queries = [all, of_competition, of_ids];
        assert_eq!(queries.each_ref().map(floor), [11, 12, 11]);
        let priced = queries.map(|it| FixtureQuery { priced: true, ..it });
        assert_eq!(priced.each_ref().map(floor), [13, 13, 13]);
    }

    #[test]
    fn what_is_not_known_counts_as_changed() {
        let mut recent = Recent::from(10);
        recent.take(12, &changes(13, &["a"]));
        assert_eq!(recent.floor(&one("z")), 13, "a gap");
        let missed = Changes {
            last: 30,
            missed: true,
            ..Changes::default()
        };
        recent.take(13, &missed);
        assert_eq!(recent.floor(&one("z")), 30);
        recent.blind();
        assert_eq!(recent.floor(&one("z")), PRIMARY_ONLY);
        recent.take(30, &changes(31, &["a"]));
        assert_eq!(recent.floor(&one("z")), 30);
        let many: Vec<String> = (0..CHANGES_KEPT_MAX).map(|it| it.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        recent.take(31, &changes(32, &many));
        assert_eq!(recent.floor(&one("z")), 31, "bounded");
        assert_eq!(recent.order.len(), CHANGES_KEPT_MAX);
    }
}
