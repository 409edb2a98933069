//! The prices that items tell: lists within lists are walked, and what is said of one market, in
//! whichever items of an answer, is put together to one quote.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{Line, Market, MarketKind};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Unread, Word, moment, number,
    table::{OUTCOMES, QuoteTable},
    text,
    walk::{Row, Step, end},
};

/// Unmapped words of markets that are remembered.
const PASSED_MAX: usize = 3;

/// What the words of a source stand for in its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) bookmakers: &'a HashMap<String, String>,
    pub(super) markets: &'a HashMap<String, Meant>,
    pub(super) outcomes: &'a HashMap<String, String>,
    /// What says that no bets are taken, beside `true`.
    pub(super) suspended: &'a [String],
    /// Whether a line beside an outcome is home's, whichever outcome it is.
    pub(super) lines_are_home: bool,
}

/// The market that a word stands for, with its line where the word says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant {
    kind: MarketKind,
    line: Option<Line>,
}

impl Meant {
    /// What a mapping says of a word.
    pub(super) fn read(word: &str, market: &Word) -> Result<Self, String> {
        let (name, line) = match market {
            Word::Name(name) => (Some(name.as_str()), None),
            Word::Members(it) => {
                let is_other = |it: &String| it != "market" && it != "line";
                let line = it.get("line").map(line).transpose();
                if it.keys().any(is_other) || line.is_err() {
                    return Err(format!(
                        "the market {word:?} has `market` and `line`, a number in quarters, and nothing else"
                    ));
                }
                (it.get("market").and_then(Value::as_str), line?)
            }
        };
        let Some(kind) = name.and_then(MarketKind::parse) else {
            let known = MarketKind::ALL.map(MarketKind::as_str).join(", ");
            return Err(format!("the market {word:?} is to be one of {known}"));
        };
        if let (Some(_), Err(error)) = (line, Market::new(kind, line)) {
            return Err(error.to_string());
        }
        Ok(Self { kind, line })
    }
}

impl Words<'_> {
    /// The market of a word; where no words are mapped, ours are.
    pub(super) fn market(&self, word: &str) -> Option<Meant> {
        let ours = || {
            let kind = MarketKind::parse(word).filter(|_| self.markets.is_empty())?;
            Some(Meant { kind, line: None })
        };
        self.markets.get(word).copied().or_else(ours)
    }

    /// The words for outcomes that are none of ours.
    pub(super) fn check_outcomes(&self) -> Result<(), String> {
        let is_other = |it: &&String| !OUTCOMES.contains(&it.as_str());
        match self.outcomes.values().find(is_other) {
            Some(other) => Err(format!("{other:?} is none of {}", OUTCOMES.join(", "))),
            None => Ok(()),
        }
    }

    fn is_suspended(&self, value: &Value) -> bool {
        let has = |word: &str| self.suspended.iter().any(|it| it == word);
        match value {
            // `active = false` is read by the word "false".
            Value::Bool(it) if !has("true") && !has("false") => *it,
            it => has(&text(it)),
        }
    }
}

/// The item that events and prices are read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) step: Step<'a>,
    /// Which of the answer's.
    pub(super) index: usize,
    /// When the answer came.
    pub(super) now: Timestamp,
    /// The member that says the game, in an entry.
    pub(super) game: (&'static str, &'a Value),
    /// What the source calls the sides, where that is known.
    pub(super) sides: [Option<&'a Value>; 2],
}

/// A bookmaker's market, line and stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    bookmaker: String,
    market: &'static str,
    line: Option<Line>,
    stage: Option<String>,
}

/// A quote under way, or one that was told.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// When a row said that it is suspended.
    suspended: Option<Option<Timestamp>>,
    /// By their place among [`OUTCOMES`]; none is an outcome that no bets are taken on.
    prices: BTreeMap<usize, (Option<f64>, Option<Timestamp>)>,
}

/// The quotes of a game.
#[derive(Debug)]
pub(super) struct Quotes {
    /// Which of the items was the first to tell of it.
    pub(super) index: usize,
    pub(super) game: (&'static str, Value),
    pub(super) drafts: BTreeMap<Key, Draft>,
    pub(super) unsure: Unsure,
}

/// Bookmakers and markets of which something could not be read; none is any.
#[derive(Debug, Default)]
pub(super) struct Unsure(BTreeSet<(Option<String>, Option<&'static str>)>);

impl Unsure {
    /// Whether something of a quote could not be read, so that what is missing says nothing.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.iter().any(|(bookmaker, market)| {
            let is_of = bookmaker.as_ref().is_none_or(|it| *it == key.bookmaker);
            is_of && market.is_none_or(|it| it == key.market)
        })
    }
}

/// What an answer says of prices, before it is known what is new in it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// By game.
    pub(super) games: BTreeMap<String, Quotes>,
    pub(super) unread: Vec<(usize, Unread)>,
    /// Some words of markets that were passed over.
    pub(super) passed: BTreeSet<String>,
}

impl Answer {
    /// Reads the prices of an item.
    pub(super) fn read(&mut self, table: &QuoteTable, item: Item<'_>, words: Words<'_>) {
        let game = text(item.game.1);
        for row in table.of_item(item.step) {
            let quotes = self.games.entry(game.clone()).or_insert_with(|| Quotes {
                index: item.index,
                game: (item.game.0, item.game.1.clone()),
                drafts: BTreeMap::new(),
                unsure: Unsure::default(),
            });
            let reading = RowReading {
                table,
                row: &row,
                item,
                words,
            };
            match reading.add(&mut quotes.drafts) {
                Ok(None) => {}
                Ok(Some(word)) if self.passed.len() < PASSED_MAX => {
                    self.passed.insert(word);
                }
                Ok(Some(_)) => {}
                Err(reason) => {
                    let bookmaker = reading.bookmaker();
                    let whose = bookmaker.as_deref().unwrap_or("no bookmaker");
                    let reason = format!("{game}, {whose}: {reason}");
                    let market = reading.market_word().and_then(|it| words.market(&it));
                    let market = market.map(|it| it.kind.as_str());
                    quotes.unsure.0.insert((bookmaker, market));
                    let index = item.index;
                    let item = end(&row);
                    self.unread.push((index, Unread { reason, item }));
                }
            }
        }
    }
}

/// A row that is read.
struct RowReading<'a> {
    table: &'a QuoteTable,
    row: &'a Row<'a>,
    item: Item<'a>,
    words: Words<'a>,
}

/// What a row says of outcomes: their place among [`OUTCOMES`] and price.
type Priced = Vec<(usize, Option<f64>)>;

impl RowReading<'_> {
    fn of(&self, name: &str) -> Option<Value> {
        self.table.of(name, self.row)
    }

    fn bookmaker(&self) -> Option<String> {
        let word = text(&self.of("bookmaker")?);
        Some(self.words.bookmakers.get(&word).cloned().unwrap_or(word))
    }

    fn market_word(&self) -> Option<String> {
        self.of("market").as_ref().map(text)
    }

    /// Adds what the row says to the quotes under way; returns the word of a market that is not mapped.
    fn add(&self, drafts: &mut BTreeMap<Key, Draft>) -> Result<Option<String>, String> {
        let short = self.table.is_short(self.row);
        let (bookmaker, word) = match (self.bookmaker(), self.market_word()) {
            (Some(bookmaker), Some(word)) => (bookmaker, word),
            _ if short => return Ok(None),
            (None, _) => return Err("a price has no bookmaker".to_owned()),
            _ => return Err("a price has no market".to_owned()),
        };
        let Some(market) = self.words.market(&word) else {
            return Ok(Some(word));
        };
        let at = match self.of("taken_at") {
            None => None,
            Some(at) => Some(moment(&at).ok_or_else(|| format!("{at} is no moment"))?),
        };
        // A market with an empty list of prices has none, and so is suspended.
        let mut priced = match short {
            true => Vec::new(),
            false => self.prices()?,
        };
        let line = self.line(market, &priced)?;
        if short && line.is_none() && market.kind.has_line() {
            return Ok(None);
        }
        let stage = self.of("stage").as_ref().map(text);
        let mut suspended = stage.as_deref() == Some("suspended");
        if self
            .of("suspended")
            .is_some_and(|it| self.words.is_suspended(&it))
        {
            if self.table.is_beside_outcome("suspended") {
                priced.iter_mut().for_each(|it| it.1 = None);
            } else {
                suspended = true;
            }
        }
        let key = Key {
            bookmaker,
            market: market.kind.as_str(),
            line,
            stage: stage.filter(|it| it != "suspended"),
        };
        let draft = drafts.entry(key).or_default();
        if suspended {
            draft.suspended = draft.suspended.max(Some(at));
        }
        for (outcome, price) in priced {
            let known = draft.prices.get(&outcome);
            // Of two moments of one outcome the newer is what stands.
            if known.is_none_or(|it| it.1 <= at) {
                draft.prices.insert(outcome, (price, at));
            }
        }
        Ok(None)
    }

    /// The line of a market, of its word or as the row tells it; none of one that has none.
    fn line(&self, market: Meant, priced: &Priced) -> Result<Option<Line>, String> {
        let told = self.of("line").filter(|_| market.kind.has_line());
        let (None, Some(told)) = (market.line, told) else {
            return Ok(market.line);
        };
        let line = line(&told)?;
        let away = matches!(priced[..], [(outcome, _)] if OUTCOMES[outcome] == "away");
        let of_away = away
            && !self.words.lines_are_home
            && market.kind == MarketKind::Spreads
            && self.table.is_beside_outcome("line");
        let turned = || Line::from_quarters(-line.quarters());
        Ok(Some(if of_away { turned() } else { line }))
    }

    fn prices(&self) -> Result<Priced, String> {
        let price = |name: &str| match self.of(name) {
            None => Ok(None),
            Some(it) => price(&it),
        };
        let places = OUTCOMES.iter().enumerate();
        if !self.table.has("outcome") {
            let mapped = places.filter(|it| self.table.has(it.1));
            return mapped.map(|(at, name)| Ok((at, price(name)?))).collect();
        }
        let word = self.of("outcome").ok_or("a price has no outcome")?;
        let name = text(&word);
        let [home, away] = self.item.sides.map(|it| it == Some(&word));
        let ours = match self.words.outcomes.get(&name) {
            Some(ours) => ours,
            None if home => "home",
            None if away => "away",
            None => name.as_str(),
        };
        let ours = OUTCOMES.iter().position(|it| *it == ours);
        let ours = ours.ok_or_else(|| {
            let known = OUTCOMES.join(", ");
            format!("{name:?} is none of {known}: say under [outcomes] which it is")
        })?;
        Ok(vec![(ours, price("price")?)])
    }
}

/// A decimal price; none where it pays back the stake at most, which is what sources write for none.
fn price(value: &Value) -> Result<Option<f64>, String> {
    let signed = value.as_str().is_some_and(|it| it.trim().starts_with('+'));
    let price = number(value).filter(|it| *it >= 0.0 && !signed);
    let price = price.ok_or_else(|| format!("{value} is no decimal price"))?;
    Ok(Some(price).filter(|it| *it > 1.0))
}

fn line(value: &Value) -> Result<Line, String> {
    let number = number(value).ok_or_else(|| format!("{value} is no line"))?;
    Line::new(number).map_err(|error| error.to_string())
}

impl Draft {
    /// The newest moment it is of.
    pub(super) fn taken_at(&self) -> Option<Timestamp> {
        let prices = self.prices.values().map(|it| it.1).max().flatten();
        prices.max(self.suspended.flatten())
    }

    /// The prices on offer; a market none of whose outcomes has one takes no bets either.
    fn offered(&self) -> impl Iterator<Item = (usize, f64)> {
        let open = self.prices.iter().filter(|_| self.suspended.is_none());
        open.filter_map(|(outcome, it)| Some((*outcome, it.0?)))
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.offered().next().is_none()
    }

    pub(super) fn suspend(&mut self) {
        self.suspended = Some(None);
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        if self.is_suspended() && other.is_suspended() {
            return true;
        }
        self.offered().eq(other.offered()) && self.taken_at() == other.taken_at()
    }

    /// Whether it offers something that another does not.
    pub(super) fn offers_beyond(&self, other: &Self) -> bool {
        let has = |outcome| other.offered().any(|it| it.0 == outcome);
        self.offered().any(|it| !has(it.0))
    }

    pub(super) fn entry(&self, key: &Key, at: Timestamp) -> Map<String, Value> {
        let mut entry = Map::new();
        entry.insert("bookmaker".to_owned(), key.bookmaker.clone().into());
        entry.insert("market".to_owned(), key.market.into());
        if let Some(line) = key.line {
            entry.insert("line".to_owned(), line.value().into());
        }
        entry.insert("taken_at".to_owned(), at.to_string().into());
        if self.is_suspended() {
            entry.insert("stage".to_owned(), "suspended".into());
            return entry;
        }
        if let Some(stage) = &key.stage {
            entry.insert("stage".to_owned(), stage.clone().into());
        }
        let outcome =
            |(outcome, price): (usize, f64)| json!({"outcome": OUTCOMES[outcome], "price": price});
        entry.insert("outcomes".to_owned(), self.offered().map(outcome).collect());
        entry
    }
}
