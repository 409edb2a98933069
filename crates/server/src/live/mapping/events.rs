//! The events that items tell, and which of them are new.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    GameName, Mapping, SEEN_MAX, Unread, moment,
    quotes::Item,
    table::{EVENTS_MAX, EventTable},
    text,
    walk::{Row, end},
    whole,
};

/// What a server says of an event beside its words.
const TRACE: [&str; 6] = [
    "sequence",
    "revision",
    "known_at",
    "recorded_at",
    "source",
    "standing",
];
/// Events that are told to be listed twice.
const TWICE_MAX: usize = 100;

/// What is told anew where it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    /// An event, by its number.
    Event(u64),
    /// The state of a game, by the place of its table; each telling has a number of its own.
    State(usize),
}

/// A game and what is told of it.
type Key = (String, What);

/// An event that an answer lists twice in other words: its game and, where it has one, its number.
pub(crate) type Twice = (String, Option<u64>);

/// An event as an answer tells it.
#[derive(Debug)]
struct Draft {
    /// Which of the answer's items.
    index: usize,
    game: GameName,
    what: What,
    /// The place of its table, where that is of the state of a game.
    state: Option<usize>,
    /// What is said of it, but for its number, game and, where the source says none, its moment.
    words: Map<String, Value>,
    at: Timestamp,
    /// As the source says them.
    told_at: Option<Value>,
    revision: Option<Value>,
}

/// What an answer says of events, before it is known what is new in it: each once, as it is told last.
#[derive(Debug, Default)]
pub(super) struct Answer {
    drafts: Vec<Draft>,
    places: HashMap<Key, usize>,
    twice: Vec<Key>,
}

impl Answer {
    /// Reads the events of an item; returns what cannot be read of them.
    pub(super) fn read(&mut self, mapping: &Mapping, item: Item<'_>) -> Vec<Unread> {
        let mut unread = Vec::new();
        for (place, table) in mapping.events.iter().enumerate() {
            let rows = table.of_item(item.step).into_iter();
            for row in rows.filter(|row| !table.is_short(row)) {
                match draft(mapping, (place, table), item, &row) {
                    Ok(None) => {}
                    Ok(Some(draft)) => self.add(draft),
                    Err(reason) => {
                        let item = end(&row);
                        unread.push(Unread { reason, item });
                    }
                }
            }
        }
        unread
    }

    fn add(&mut self, draft: Draft) {
        match self.places.entry((text(&draft.game.1), draft.what)) {
            Entry::Vacant(it) => {
                it.insert(self.drafts.len());
                self.drafts.push(draft);
            }
            Entry::Occupied(it) => {
                let known = &mut self.drafts[*it.get()];
                if known.words != draft.words {
                    self.twice.push(it.key().clone());
                }
                *known = draft;
            }
        }
    }
}

/// The event of a row; none of a kind that is not mapped.
fn draft(
    mapping: &Mapping,
    (place, table): (usize, &EventTable),
    item: Item<'_>,
    row: &Row<'_>,
) -> Result<Option<Draft>, String> {
    let value = |name: &str| table.of(name, row);
    let Some(mut words) = mapping.members(table, row) else {
        return Ok(None);
    };
    let told_at = words.remove("told_at");
    let said_at = value("at");
    let at = match &said_at {
        None => item.now,
        Some(at) => moment(at).ok_or_else(|| format!("{at} is no moment"))?,
    };
    let (what, state) = match value("sequence") {
        Some(it) => {
            let number = whole(&it).ok_or_else(|| format!("{it} is no number of an event"))?;
            if said_at.is_some() {
                words.insert("at".to_owned(), at.to_string().into());
            }
            (What::Event(number), None)
        }
        None if !table.is_the_item() => return Err("an event has no number".to_owned()),
        // What the source says of one moment is one thing, too.
        None if said_at.is_some() => (What::Event(number_at(at, place)), Some(place)),
        None => (What::State(place), Some(place)),
    };
    Ok(Some(Draft {
        index: item.index,
        game: (item.game.0, item.game.1.clone()),
        what,
        state,
        words,
        at,
        told_at,
        revision: value("revision").filter(|_| state.is_none()),
    }))
}

/// The number of the state that a game has at a moment.
fn number_at(at: Timestamp, place: usize) -> u64 {
    let millis = at.as_millisecond().max(0).cast_unsigned();
    millis * EVENTS_MAX as u64 + place as u64
}

/// What was told of events.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The words in which each was told last.
    words: HashMap<Key, Map<String, Value>>,
    /// The highest revision of each number, by game.
    revisions: HashMap<String, HashMap<u64, u64>>,
    /// Games of which it is known what the server has.
    met: HashSet<String>,
    /// How many words and revisions there are.
    count: usize,
    /// What was said to be listed twice.
    twice: HashSet<Key>,
}

impl Told {
    /// Forgets what was told where that is a lot: the server is asked anew.
    pub(super) fn bound(&mut self) {
        if self.count > SEEN_MAX {
            *self = Self::default();
        }
    }

    /// The games of an answer of whose numbers it is not known what the server has of them. What is
    /// numbered by our clock is new.
    pub(super) fn unmet(&self, answer: &Answer) -> Vec<GameName> {
        let mut unmet = BTreeMap::new();
        for it in &answer.drafts {
            let game = text(&it.game.1);
            if matches!(it.what, What::Event(_)) && !self.met.contains(&game) {
                unmet.insert(game, it.game.clone());
            }
        }
        unmet.into_values().collect()
    }

    /// Takes in which events of a game the server lists: what is in other words now is a correction of
    /// those. What the source was heard to say of them stays.
    pub(super) fn meet(&mut self, game: &GameName, listed: &[Value]) {
        let game = text(&game.1);
        for it in listed {
            let numbers = (it["sequence"].as_u64(), it["revision"].as_u64());
            let (Some(number), Some(revision)) = numbers else {
                continue;
            };
            self.note_revision((game.as_str(), number), revision);
            if it["standing"] != "superseded"
                && let Entry::Vacant(entry) = self.words.entry((game.clone(), What::Event(number)))
            {
                entry.insert(words(it));
                self.count += 1;
            }
        }
        self.met.insert(game);
    }

    /// The entries that are new in an answer, each with the place of its item.
    pub(super) fn fresh(&mut self, answer: Answer) -> Vec<(usize, Map<String, Value>)> {
        let drafts = answer.drafts.into_iter();
        let fresh = drafts.filter_map(|it| Some((it.index, self.entry(it)?)));
        fresh.collect()
    }

    /// What of an answer is listed twice in other words; each is told of once.
    pub(super) fn twice(&mut self, answer: &mut Answer) -> Vec<Twice> {
        let mut fresh = Vec::new();
        for key in std::mem::take(&mut answer.twice) {
            if self.twice.len() < TWICE_MAX && self.twice.insert(key.clone()) {
                let number = match key.1 {
                    What::Event(number) => Some(number),
                    What::State(_) => None,
                };
                fresh.push((key.0, number));
            }
        }
        fresh
    }

    /// The entry of an event; none where it is known in the same words.
    fn entry(&mut self, draft: Draft) -> Option<Map<String, Value>> {
        let game = text(&draft.game.1);
        let number = self.news(&game, &draft)?;
        let known = self.revisions.get(&game).and_then(|it| it.get(&number));
        let next = known.map_or(0, |it| it + 1);
        let said = draft.revision.as_ref().and_then(whole);
        self.note_revision((game.as_str(), number), said.unwrap_or(next));
        let mut entry = draft.words;
        entry.insert("sequence".to_owned(), number.into());
        if draft.state.is_none() || next > 0 {
            let revision = draft.revision.unwrap_or_else(|| next.into());
            entry.insert("revision".to_owned(), revision);
        }
        entry.insert("at".to_owned(), draft.at.to_string().into());
        entry.extend(draft.told_at.map(|it| ("told_at".to_owned(), it)));
        entry.insert(draft.game.0.to_owned(), draft.game.1);
        Some(entry)
    }

    /// The number of an event that says something new.
    fn news(&mut self, game: &str, draft: &Draft) -> Option<u64> {
        let key = |what| (game.to_owned(), what);
        let is_known = self.words.contains_key(&key(draft.what));
        match (draft.what, draft.state) {
            (What::State(place), _) => {
                let number = number_at(draft.at, place);
                let is_news = self.is_news(key(draft.what), &draft.words);
                is_news.then_some(number)
            }
            (What::Event(number), state) => {
                // A state in the same words is none for its later moment.
                let state = state.is_none_or(|it| self.is_news(key(What::State(it)), &draft.words));
                let is_news = (is_known || state) && self.is_news(key(draft.what), &draft.words);
                is_news.then_some(number)
            }
        }
    }

    /// Whether something is told in other words than before; from now on these are known.
    fn is_news(&mut self, key: Key, words: &Map<String, Value>) -> bool {
        let known = self.words.get(&key);
        if known.is_some_and(|it| is_same(it, words)) {
            return false;
        }
        self.count += usize::from(known.is_none());
        self.words.insert(key, words.clone());
        true
    }

    /// Notes a revision of a number.
    fn note_revision(&mut self, (game, number): (&str, u64), revision: u64) {
        let of_game = self.revisions.entry(game.to_owned()).or_default();
        match of_game.entry(number) {
            Entry::Occupied(mut it) => {
                let highest = revision.max(*it.get());
                it.insert(highest);
            }
            Entry::Vacant(it) => {
                it.insert(revision);
                self.count += 1;
            }
        }
    }
}

/// The words of an event that a server lists.
fn words(listed: &Value) -> Map<String, Value> {
    let members = listed.as_object().into_iter().flatten();
    let is_word =
        |(name, value): &(&String, &Value)| !TRACE.contains(&name.as_str()) && !value.is_null();
    let words = members.filter(is_word);
    words
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether two tellings are in the same words. One that says no moment leaves that open, and that
/// something counts 1 goes without saying.
fn is_same(known: &Map<String, Value>, words: &Map<String, Value>) -> bool {
    let counts = |(name, value): &(&String, &Value)| match name.as_str() {
        "at" => words.contains_key("at"),
        "points" => **value != 1,
        _ => true,
    };
    let said: [BTreeMap<&String, &Value>; 2] =
        [known, words].map(|it| it.iter().filter(counts).collect());
    said[0] == said[1]
}
