//! From one answer to the next: what is new in each becomes lines.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    GameName, Mapping, Place, SEEN_MAX,
    events::{self, Twice},
    moment,
    quotes::{Answer, Item},
    text,
    told::{Rules, Told as Prices},
    walk::{self, Step},
};
use crate::live::Line;

/// Turns answers into the lines that are new in them.
#[derive(Debug)]
pub(crate) struct Reading {
    mapping: Mapping,
    /// Games that were named.
    named: HashSet<String>,
    events: events::Told,
    prices: Prices,
    /// Digests of items that cannot be read: each is told of once.
    unread: HashSet<u64>,
    /// Why no price was read of an answer, until it is asked for, which it is of the first one.
    hint: Option<String>,
    hinted: bool,
    /// Events that were listed twice, until it is asked for them.
    twice: Vec<Twice>,
}

/// What an answer says, before it is known what is new in it.
#[derive(Debug)]
pub(crate) struct Said {
    games: Vec<Read>,
    unread: Vec<Read>,
    events: events::Answer,
    prices: Answer,
    /// When it came.
    now: Timestamp,
}

impl Said {
    /// The games that are named for the first time: before the rest is told they must be there.
    pub(crate) fn games(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.games)
    }
}

/// A new line of the item at a place, or why there is none.
pub(crate) type Read = (usize, Result<Line, Unread>);

/// An item that cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) struct Unread {
    /// What is wrong with it.
    pub(crate) reason: String,
    pub(crate) item: Value,
}

impl Reading {
    pub(crate) fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            named: HashSet::new(),
            events: events::Told::default(),
            prices: Prices::default(),
            unread: HashSet::new(),
            hint: None,
            hinted: false,
            twice: Vec::new(),
        }
    }

    /// After how long a price that has not changed is told again: an answer must be seen for that.
    pub(crate) fn confirm_after(&self) -> SignedDuration {
        if self.mapping.quotes.is_empty() {
            return SignedDuration::MAX;
        }
        SignedDuration::from_secs(self.mapping.confirm_seconds.into())
    }

    /// Reads an answer that came at `now`; an item that cannot be read is new once.
    pub(crate) fn read(&mut self, answer: &Value, now: Timestamp) -> Result<Said, String> {
        let Some(items) = walk::items(answer, &self.mapping.items) else {
            let place = &self.mapping.items;
            return Err(format!(
                "there is neither a list nor an object at {place:?}"
            ));
        };
        self.events.bound();
        if self.unread.len() > SEEN_MAX {
            self.unread.clear();
        }
        let mut said = Said {
            games: Vec::new(),
            unread: Vec::new(),
            events: events::Answer::default(),
            prices: Answer::default(),
            now,
        };
        for (index, item) in items.iter().enumerate() {
            let answers = (&mut said.events, &mut said.prices);
            let of_item = self.item((index, *item), now, answers);
            let whole = |reason| {
                let item = item.value.clone();
                vec![Err(Unread { reason, item })]
            };
            for line in of_item.unwrap_or_else(whole) {
                match line {
                    Ok(line) => said.games.push((index, Ok(line))),
                    Err(unread) => self.cannot_read(index, unread, &mut said.unread),
                }
            }
        }
        if !items.is_empty() {
            self.wonder(&said.prices);
        }
        for (index, unread) in std::mem::take(&mut said.prices.unread) {
            self.cannot_read(index, unread, &mut said.unread);
        }
        self.twice.extend(self.events.twice(&mut said.events));
        Ok(said)
    }

    /// The games of an answer of which it is not known what the server has of their events.
    pub(crate) fn unmet(&self, said: &Said) -> Vec<GameName> {
        self.events.unmet(&said.events)
    }

    /// Takes in which events of a game the server lists.
    pub(crate) fn meet(&mut self, game: &GameName, listed: &[Value]) {
        self.events.meet(game, listed);
    }

    /// What is new in an answer, its games apart.
    pub(crate) fn fresh(&mut self, said: Said) -> Vec<Read> {
        let mut lines = said.unread;
        let events = self.events.fresh(said.events).into_iter();
        lines.extend(events.map(|(index, entry)| (index, Ok(Line::Event(entry)))));
        let rules = Rules {
            absent_is_suspended: self.mapping.absent_is_suspended,
            confirm_after: self.confirm_after(),
        };
        let quotes = self.prices.fresh(said.prices, rules, said.now).into_iter();
        lines.extend(quotes.map(|(index, entry)| (index, Ok(Line::Quote(entry)))));
        lines.sort_by_key(|it| it.0);
        lines
    }

    fn cannot_read(&mut self, index: usize, unread: Unread, lines: &mut Vec<Read>) {
        if self.unread.insert(digest(&unread)) {
            lines.push((index, Err(unread)));
        }
    }

    /// Notes why an answer with items has no prices, once.
    fn wonder(&mut self, prices: &Answer) {
        let has_any = prices.games.values().any(|it| !it.drafts.is_empty());
        // Prices that were there and are gone are no wonder.
        self.hinted |= has_any || !prices.unread.is_empty();
        if self.hinted || self.mapping.quotes.is_empty() {
            return;
        }
        self.hinted = true;
        let words: Vec<String> = prices.passed.iter().map(|it| format!("{it:?}")).collect();
        self.hint = Some(match words[..] {
            [] => "nothing is where [[quote]] says, or no game is among `fixtures`".to_owned(),
            _ => format!(
                "markets are passed over, as they are not under [markets]: {}",
                words.join(", ")
            ),
        });
    }

    /// Why no price was read of the last answer; told once.
    pub(crate) fn hint(&mut self) -> Option<String> {
        self.hint.take()
    }

    /// Events of the last answers that were listed twice in other words; each is told of once.
    pub(crate) fn listed_twice(&mut self) -> Vec<Twice> {
        std::mem::take(&mut self.twice)
    }

    /// Has games and prices told again, as some were not taken; events stay told, for they are numbered.
    pub(crate) fn tell_again(&mut self) {
        self.named.clear();
        self.prices = Prices::default();
    }

    /// The game of an item where it is new, and what cannot be read; its events and prices are added to
    /// those of the answer.
    fn item(
        &mut self,
        (index, item): (usize, Step<'_>),
        now: Timestamp,
        (events, prices): (&mut events::Answer, &mut Answer),
    ) -> Result<Vec<Result<Line, Unread>>, String> {
        let mut lines = Vec::new();
        let place = &self.mapping.fixture;
        let named = place.of(item).ok_or_else(|| match place {
            Place::At(pointer) => format!("nothing names its game, there is none at {pointer:?}"),
            Place::Name { .. } | Place::Constant { .. } => {
                "nothing names its game: items are to end with a `*`".to_owned()
            }
        })?;
        let key = text(&named);
        let place = |it: &Option<Place>| it.as_ref()?.of(item);
        let mut sides = [place(&self.mapping.home), place(&self.mapping.away)];
        let game: (&'static str, Value) = if let Some(game) = &self.mapping.game {
            sides = ["home", "away"].map(|it| game.get(it)?.of(item));
            if !self.named.contains(&key) {
                let line = Line::Fixture(key.clone(), named_game(game, item)?);
                lines.push(Ok(line));
                self.named.insert(key.clone());
            }
            ("fixture", key.clone().into())
        } else if self.mapping.fixtures.is_empty() {
            let number = named.as_i64().or_else(|| key.parse().ok());
            let number = number.ok_or_else(|| format!("{named} is no fixture's number"))?;
            ("fixture_id", number.into())
        } else {
            let Some(id) = self.mapping.fixtures.get(&key) else {
                return Ok(lines);
            };
            ("fixture_id", (*id).into())
        };
        let of_item = Item {
            step: item,
            index,
            now,
            game: (game.0, &game.1),
            sides: sides.each_ref().map(Option::as_ref),
        };
        for table in &self.mapping.quotes {
            prices.read(table, of_item, self.mapping.words());
        }
        let unread = events.read(&self.mapping, of_item).into_iter();
        lines.extend(unread.map(Err));
        Ok(lines)
    }
}

fn digest(unread: &Unread) -> u64 {
    let mut hasher = DefaultHasher::new();
    unread.item.hash(&mut hasher);
    unread.reason.hash(&mut hasher);
    hasher.finish()
}

/// The entry of a game as an item tells it.
fn named_game(game: &HashMap<String, Place>, item: Step<'_>) -> Result<Map<String, Value>, String> {
    let member = |(name, place): (&String, &Place)| {
        let value = place
            .of(item)
            .ok_or_else(|| format!("its game has no {name}"))?;
        let value = match name.as_str() {
            "kickoff" => moment(&value)
                .ok_or_else(|| format!("{value} is no moment"))?
                .to_string()
                .into(),
            _ => value,
        };
        Ok((name.clone(), value))
    };
    game.iter().map(member).collect()
}
