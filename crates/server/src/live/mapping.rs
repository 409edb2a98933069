//! How the JSON of a source becomes lines: a mapping says where in an item what stands, by JSON
//! pointers (RFC 6901), and which of our words the source's words are.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::quotes::{Meant, Words};
use self::table::{EVENTS_MAX, EventTable, QUOTES_MAX, QuoteTable, check_known};
use self::walk::{Row, Step};

mod events;
mod quotes;
mod reading;
mod table;
mod told;
mod walk;

pub(crate) use reading::{Read, Reading, Unread};

/// Events of games whose last state is remembered, and items that cannot be read; beyond it all are told
/// anew once.
const SEEN_MAX: usize = 1_000_000;
/// The member that says the game of an entry, and what it says.
pub(crate) type GameName = (&'static str, Value);

/// Moments as numbers beyond this are milliseconds, below it seconds, since 1970.
const SECONDS_MAX: f64 = 1e11;

/// A mapping as its file holds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// Where the items lie: a list of them, or an object that is one; empty is the answer itself.
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
    /// What an item calls the sides, where no `game` says it.
    home: Option<Place>,
    away: Option<Place>,
    /// The source's names of bookmakers and ours; others are taken as they are.
    #[serde(default)]
    bookmakers: HashMap<String, String>,
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
    /// Whether a line beside an outcome is home's, whichever outcome it is.
    #[serde(default)]
    lines_are_home: bool,
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
    /// Both, taken apart.
    #[serde(skip)]
    events: Vec<EventTable>,
    #[serde(skip)]
    quotes: Vec<QuoteTable>,
    /// What `markets` says, read.
    #[serde(skip)]
    meant: HashMap<String, Meant>,
}

/// Well within what a price may be older than others to stand beside them.
fn confirm_seconds() -> u32 {
    3600
}

/// Where a value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a JSON pointer, { constant = … } or { name = \"…/*\" }"
)]
enum Place {
    At(String),
    Constant {
        constant: Value,
    },
    /// The name that a member has in the object which the last `*` of the pointer walks; without a
    /// pointer the item's own.
    Name {
        name: String,
    },
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

/// The members a game must be given.
const GAME_MEMBERS: [&str; 5] = ["competition", "season", "kickoff", "home", "away"];

impl Place {
    /// Its value where it is of an item itself.
    fn of(&self, item: Step<'_>) -> Option<Value> {
        let value = match self {
            Self::At(pointer) => item.value.pointer(pointer)?.clone(),
            Self::Name { .. } => item.name?.into(),
            Self::Constant { constant } => constant.clone(),
        };
        Some(value).filter(|it| !it.is_null())
    }

    /// What is wrong with one that is of a single value.
    fn check_one(&self) -> Result<(), String> {
        self.check()?;
        match self {
            Self::At(pointer) | Self::Name { name: pointer } if has_star(pointer) => Err(format!(
                "{pointer:?} has a `*`, which is for items, [[event]] and [[quote]]"
            )),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Constant { .. } => Ok(()),
            Self::At(pointer) => check_pointer(pointer),
            Self::Name { name } if name.is_empty() || name.ends_with("/*") => check_pointer(name),
            Self::Name { name } => Err(format!(
                "{{ name = {name:?} }} is to end with a `*`, whose name it is, or to be empty"
            )),
        }
    }
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok(()),
        false => Err(format!("{pointer:?} is no JSON pointer: it begins with /")),
    }
}

fn has_star(pointer: &str) -> bool {
    pointer.split('/').any(|it| it == "*")
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
        if let Some(game) = &mapping.game {
            check_known(game, &GAME_MEMBERS)?;
        }
        if let Some(game) = &mapping.game
            && let Some(name) = GAME_MEMBERS.iter().find(|it| !game.contains_key(**it))
        {
            return Err(format!("[game] must say {name}"));
        }
        let places = mapping.game.iter().flat_map(HashMap::values);
        for place in places
            .chain([&mapping.fixture])
            .chain(&mapping.home)
            .chain(&mapping.away)
        {
            place.check_one()?;
        }
        check_pointer(&mapping.items)?;
        let events = mapping.event.iter().map(EventTable::new);
        mapping.events = events.collect::<Result<_, _>>()?;
        mapping.read_quotes()?;
        Ok(mapping)
    }

    /// Reads what it says of prices.
    fn read_quotes(&mut self) -> Result<(), String> {
        self.words().check_outcomes()?;
        if self.confirm_seconds == 0 {
            return Err("confirm_seconds is to be 1 or more".to_owned());
        }
        let meant = |(word, it): (&String, &Word)| Ok((word.clone(), Meant::read(word, it)?));
        self.meant = self
            .markets
            .iter()
            .map(meant)
            .collect::<Result<_, String>>()?;
        let tables = self.quote.iter().map(QuoteTable::new);
        self.quotes = tables.collect::<Result<_, _>>()?;
        for market in self.quotes.iter().filter_map(|it| it.constant("market")) {
            let word = text(market);
            if self.words().market(&word).is_none() {
                return Err(format!("{word:?} is no market, and not under [markets]"));
            }
        }
        Ok(())
    }

    /// Whether it suspends what is gone from one answer to the next.
    pub(crate) fn compares_answers(&self) -> bool {
        self.absent_is_suspended
    }

    fn words(&self) -> Words<'_> {
        Words {
            bookmakers: &self.bookmakers,
            markets: &self.meant,
            outcomes: &self.outcomes,
            suspended: &self.suspended_words,
            lines_are_home: self.lines_are_home,
        }
    }
}

/// Members of an event that stand in a mapping as they stand in an entry.
const PLAIN_MEMBERS: [&str; 8] = [
    "period", "running", "seconds", "points", "of", "home", "away", "told_at",
];

impl Mapping {
    /// What a row says of an event, but its number and moment; none of a kind that is not mapped.
    fn members(&self, table: &EventTable, row: &Row<'_>) -> Option<Map<String, Value>> {
        let value = |name: &str| table.of(name, row);
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

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    let text = || value.as_str()?.trim().parse().ok();
    value
        .as_f64()
        .or_else(text)
        .filter(|it: &f64| it.is_finite())
}

/// A moment in RFC 3339, or seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    let written = value.as_str().and_then(|it| it.parse().ok());
    if written.is_some() {
        return written;
    }
    let number = number(value)?;
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
