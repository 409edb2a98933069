//! How the JSON of a source becomes lines: a mapping says where in an item what stands, by JSON
//! pointers (RFC 6901), and which of our words the source's words are.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::quotes::{Answer, Item, Rules, Told as Prices, Words};
use self::table::{QUOTES_MAX, QuoteTable};
use super::Line;

mod quotes;
mod table;

/// Events of games whose last state is remembered, and items that cannot be read; beyond it all are told
/// anew once.
const SEEN_MAX: usize = 1_000_000;
/// Kinds of events an item can give rise to.
const EVENTS_MAX: usize = 8;
/// Moments as numbers beyond this are milliseconds, below it seconds, since 1970.
const SECONDS_MAX: f64 = 1e11;

/// A mapping as its file holds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// Where the list of items lies; empty is the answer itself.
    #[serde(default)]
    items: String,
    /// What names the game of an item.
    fixture: Place,
    /// The source's names of games and our numbers; others are passed over.
    #[serde(default)]
    fixtures: HashMap<String, i64>,
    /// What a game is, to be written before its events; in place of `fixtures`.
    game: Option<HashMap<String, Place>>,
    /// The source's words for kinds of events, and the members they stand for.
    #[serde(default)]
    kinds: HashMap<String, Word>,
    /// The source's words for home and away.
    #[serde(default)]
    sides: HashMap<String, String>,
    /// The source's words for markets, and what they stand for; others are passed over.
    #[serde(default)]
    markets: HashMap<String, Word>,
    /// The source's words for outcomes.
    #[serde(default)]
    outcomes: HashMap<String, String>,
    /// What says of a market that no bets are taken on it, beside `true`.
    #[serde(default)]
    suspended_words: Vec<String>,
    /// Whether a market that is no longer told of with its game is suspended.
    #[serde(default)]
    absent_is_suspended: bool,
    /// Seconds after which a price that stands as it did is told again, where the source does not say
    /// when it was taken.
    #[serde(default = "confirm_seconds")]
    confirm_seconds: u32,
    /// What an item gives rise to.
    #[serde(default)]
    event: Vec<HashMap<String, Place>>,
    /// The prices an item tells.
    #[serde(default)]
    quote: Vec<HashMap<String, Place>>,
    /// The same, taken apart.
    #[serde(skip)]
    quotes: Vec<QuoteTable>,
}

/// Well within what a price may be older than others to stand beside them.
fn confirm_seconds() -> u32 {
    3600
}

/// Where a value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a JSON pointer or { constant = … }")]
enum Place {
    At(String),
    Constant { constant: Value },
}

/// What a word of the source stands for: a kind of event or a market by its name, or all members that
/// are the same wherever it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a name or a table of members with `kind` or `market`"
)]
enum Word {
    Name(String),
    Members(Map<String, Value>),
}

/// The members an event may be given.
const EVENT_MEMBERS: [&str; 15] = [
    "sequence",
    "revision",
    "at",
    "kind",
    "period",
    "running",
    "seconds",
    "side",
    "points",
    "of",
    "home",
    "away",
    "clock_period",
    "clock_seconds",
    "told_at",
];
/// The members a game must be given.
const GAME_MEMBERS: [&str; 5] = ["competition", "season", "kickoff", "home", "away"];

impl Place {
    fn of(&self, item: &Value) -> Option<Value> {
        let value = match self {
            Self::At(pointer) => item.pointer(pointer)?.clone(),
            Self::Constant { constant } => constant.clone(),
        };
        Some(value).filter(|it| !it.is_null())
    }

    fn fault(&self) -> Option<String> {
        match self {
            Self::At(pointer) if !pointer.is_empty() && !pointer.starts_with('/') => {
                Some(format!("{pointer:?} is no JSON pointer: it begins with /"))
            }
            _ => None,
        }
    }
}

impl Mapping {
    /// Reads a mapping, and says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut mapping: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let [events, quotes] = [mapping.event.len(), mapping.quote.len()];
        if events + quotes == 0 || events > EVENTS_MAX || quotes > QUOTES_MAX {
            return Err(format!(
                "it must have 1 to {EVENTS_MAX} [[event]], 1 to {QUOTES_MAX} [[quote]], or both"
            ));
        }
        let tables = mapping.event.iter().map(|it| (it, &EVENT_MEMBERS[..]));
        let game = mapping.game.iter().map(|it| (it, &GAME_MEMBERS[..]));
        for (table, known) in tables.chain(game) {
            if let Some(name) = table.keys().find(|it| !known.contains(&it.as_str())) {
                return Err(format!("{name} is not one of {}", known.join(", ")));
            }
        }
        if mapping.event.iter().any(|it| !it.contains_key("kind")) {
            return Err("each [[event]] must say its kind".to_owned());
        }
        if let Some(game) = &mapping.game
            && let Some(name) = GAME_MEMBERS.iter().find(|it| !game.contains_key(**it))
        {
            return Err(format!("[game] must say {name}"));
        }
        let places = mapping.event.iter().chain(&mapping.game);
        let places = places.chain(&mapping.quote);
        let places = places.flat_map(HashMap::values).chain([&mapping.fixture]);
        let fault = places.filter_map(Place::fault).next();
        let fault = fault.or_else(|| quotes::fault(mapping.words()));
        fault.map_or(Ok(()), Err)?;
        mapping.quotes = mapping
            .quote
            .iter()
            .map(QuoteTable::new)
            .collect::<Result<_, _>>()?;
        Ok(mapping)
    }

    fn words(&self) -> Words<'_> {
        Words {
            markets: &self.markets,
            outcomes: &self.outcomes,
            suspended: &self.suspended_words,
        }
    }
}

/// What was told of an event, and under which revision.
type Told = (Map<String, Value>, u64);

/// Turns answers into the lines that are new in them.
#[derive(Debug)]
pub(crate) struct Reading {
    mapping: Mapping,
    /// Games that were named.
    named: HashSet<String>,
    /// What was last told of an event, or of the state of a game, and under which revision.
    seen: HashMap<(String, usize, u64), Told>,
    prices: Prices,
    /// Digests of items that cannot be read: each is told of once.
    unread: HashSet<u64>,
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
            seen: HashMap::new(),
            prices: Prices::default(),
            unread: HashSet::new(),
        }
    }

    /// After how long a price that has not changed is told again: an answer must be seen for that.
    pub(crate) fn confirm_after(&self) -> SignedDuration {
        if self.mapping.quotes.is_empty() {
            return SignedDuration::MAX;
        }
        SignedDuration::from_secs(self.mapping.confirm_seconds.into())
    }

    /// What is new in an answer that came at `now`; an item that cannot be read is new once.
    pub(crate) fn lines(&mut self, answer: &Value, now: Timestamp) -> Result<Vec<Read>, String> {
        let items = answer.pointer(&self.mapping.items);
        let Some(Value::Array(items)) = items else {
            return Err(format!("there is no list at {:?}", self.mapping.items));
        };
        if self.seen.len() > SEEN_MAX {
            self.seen.clear();
        }
        if self.unread.len() > SEEN_MAX {
            self.unread.clear();
        }
        let mut lines = Vec::new();
        let mut prices = Answer::default();
        for (index, item) in items.iter().enumerate() {
            match self.item((index, item), now, &mut prices) {
                Ok(of_item) => lines.extend(of_item.into_iter().map(|it| (index, Ok(it)))),
                Err(reason) => {
                    let item = item.clone();
                    self.cannot_read(index, Unread { reason, item }, &mut lines);
                }
            }
        }
        for (index, unread) in std::mem::take(&mut prices.unread) {
            self.cannot_read(index, unread, &mut lines);
        }
        let rules = Rules {
            absent_is_suspended: self.mapping.absent_is_suspended,
            confirm_after: self.confirm_after(),
        };
        let quotes = self.prices.fresh(prices, rules, now).into_iter();
        lines.extend(quotes.map(|(index, entry)| (index, Ok(Line::Quote(entry)))));
        lines.sort_by_key(|it| it.0);
        Ok(lines)
    }

    fn cannot_read(&mut self, index: usize, unread: Unread, lines: &mut Vec<Read>) {
        if self.unread.insert(digest(&unread.item)) {
            lines.push((index, Err(unread)));
        }
    }

    /// What is new in an item, but its prices: they are added to those of the answer.
    fn item(
        &mut self,
        (index, item): (usize, &Value),
        now: Timestamp,
        prices: &mut Answer,
    ) -> Result<Vec<Line>, String> {
        let named = self.mapping.fixture.of(item);
        let named = named.ok_or("nothing names its game")?;
        let key = text(&named);
        let mut lines = Vec::new();
        let mut sides = [None, None];
        let game: (&'static str, Value) = if let Some(game) = &self.mapping.game {
            sides = ["home", "away"].map(|it| game.get(it)?.of(item));
            if !self.named.contains(&key) {
                lines.push(Line::Fixture(key.clone(), named_game(game, item)?));
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
            value: item,
            index,
            game: (game.0, &game.1),
            sides: sides.each_ref().map(Option::as_ref),
        };
        for table in self.mapping.quotes.iter().enumerate() {
            prices.read(table, of_item, self.mapping.words());
        }
        for place in 0..self.mapping.event.len() {
            if let Some(mut members) = self.event((place, &key), item, now)? {
                members.insert(game.0.to_owned(), game.1.clone());
                lines.push(Line::Event(members));
            }
        }
        Ok(lines)
    }

    /// The event that an item gives rise to by one of the tables; none where it is known in the same
    /// words, or of a kind that is not mapped.
    fn event(
        &mut self,
        (place, game): (usize, &str),
        item: &Value,
        now: Timestamp,
    ) -> Result<Option<Map<String, Value>>, String> {
        let table = &self.mapping.event[place];
        let value = |name: &str| table.get(name).and_then(|it| it.of(item));
        let Some(mut members) = self.mapping.members(table, item) else {
            return Ok(None);
        };
        let at = match value("at") {
            None => now,
            Some(at) => moment(&at).ok_or_else(|| format!("{at} is no moment"))?,
        };
        let sequence = value("sequence");
        if sequence.is_some() && table.contains_key("at") {
            members.insert("at".to_owned(), at.to_string().into());
        }
        let number = match &sequence {
            // The state of a game is one thing that is told anew whenever it changes.
            None => 0,
            Some(it) => whole(it).ok_or_else(|| format!("{it} is no number of an event"))?,
        };
        let known = (game.to_owned(), place, number);
        let seen = self.seen.get(&known);
        if seen.is_some_and(|it| it.0 == members) {
            return Ok(None);
        }
        let next = seen.map_or(0, |it| it.1 + 1);
        let revision = value("revision").unwrap_or_else(|| next.into());
        self.seen.insert(known, (members.clone(), next));
        if sequence.is_some() {
            members.insert("sequence".to_owned(), number.into());
            members.insert("revision".to_owned(), revision);
        } else {
            let millis = at.as_millisecond().max(0).cast_unsigned();
            let number = millis * EVENTS_MAX as u64 + place as u64;
            members.insert("sequence".to_owned(), number.into());
        }
        members.insert("at".to_owned(), at.to_string().into());
        Ok(Some(members))
    }
}

fn digest(item: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}

/// Members of an event that stand in a mapping as they stand in an entry.
const PLAIN_MEMBERS: [&str; 8] = [
    "period", "running", "seconds", "points", "of", "home", "away", "told_at",
];

impl Mapping {
    /// What an item says of an event, but its number and moment; none of a kind that is not mapped.
    fn members(&self, table: &HashMap<String, Place>, item: &Value) -> Option<Map<String, Value>> {
        let value = |name: &str| table.get(name).and_then(|it| it.of(item));
        let mut members = self.kind(&text(&value("kind")?))?;
        for name in PLAIN_MEMBERS {
            if let Some(value) = value(name) {
                members.entry(name).or_insert(value);
            }
        }
        if let Some(side) = value("side") {
            let side = text(&side);
            let side = self.sides.get(&side).cloned().unwrap_or(side);
            members.entry("side").or_insert(side.into());
        }
        if let (Some(period), Some(seconds)) = (value("clock_period"), value("clock_seconds")) {
            let clock = json!({"period": period, "seconds": seconds});
            members.insert("clock".to_owned(), clock);
        }
        Some(members)
    }

    /// The members that a word of the source stands for; where no words are mapped, ours are.
    fn kind(&self, word: &str) -> Option<Map<String, Value>> {
        let named = |name: &str| Map::from_iter([("kind".to_owned(), name.into())]);
        match self.kinds.get(word) {
            Some(Word::Name(name)) => Some(named(name)),
            Some(Word::Members(members)) => Some(members.clone()),
            None => self.kinds.is_empty().then(|| named(word)),
        }
    }
}

/// The entry of a game as an item tells it.
fn named_game(game: &HashMap<String, Place>, item: &Value) -> Result<Map<String, Value>, String> {
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

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A moment in RFC 3339, or seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let number = value.as_f64()?;
    let millis = if number.abs() > SECONDS_MAX {
        number
    } else {
        number * 1e3
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment's range is checked next"
    )]
    Timestamp::from_millisecond(millis as i64).ok()
}

#[cfg(test)]
mod tests;
