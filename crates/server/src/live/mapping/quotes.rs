//! The prices that items tell: lists within lists are walked, and what is said of one market, in
//! whichever items of an answer, is put together to one quote.

use std::collections::{BTreeMap, HashMap};

use domain::{MarketKind, Outcome};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    SEEN_MAX, Unread, Word, moment,
    table::{OUTCOMES, QuoteTable, Row},
    text,
};

/// What the words of a source stand for in its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) markets: &'a HashMap<String, Word>,
    pub(super) outcomes: &'a HashMap<String, String>,
    /// What says of a market that no bets are taken, beside `true`.
    pub(super) suspended: &'a [String],
}

/// The item that prices are read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) value: &'a Value,
    /// Which of the answer's.
    pub(super) index: usize,
    /// The member that says the game, in an entry.
    pub(super) game: (&'static str, &'a Value),
    /// What the source calls the sides, where that is known.
    pub(super) sides: [Option<&'a Value>; 2],
}

/// A bookmaker's market and line.
type Key = (String, String, Option<String>);
/// A game and the table that its quotes are read by.
type Group = (String, usize);

/// A quote under way, or one that was told.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    market: Map<String, Value>,
    line: Option<f64>,
    stage: Option<Value>,
    taken_at: Option<Timestamp>,
    suspended: bool,
    prices: Vec<(&'static str, f64)>,
}

/// The quotes of a game by one of the tables.
#[derive(Debug)]
struct Quotes {
    /// Which of the items was the first to tell of it.
    index: usize,
    game: (&'static str, Value),
    drafts: BTreeMap<Key, Draft>,
}

/// What an answer says of prices, before it is known what is new in it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    groups: BTreeMap<Group, Quotes>,
    pub(super) unread: Vec<(usize, Unread)>,
}

impl Answer {
    /// Reads the prices of an item.
    pub(super) fn read(
        &mut self,
        (place, table): (usize, &QuoteTable),
        item: Item<'_>,
        words: Words<'_>,
    ) {
        let group = self.groups.entry((text(item.game.1), place));
        let quotes = group.or_insert_with(|| Quotes {
            index: item.index,
            game: (item.game.0, item.game.1.clone()),
            drafts: BTreeMap::new(),
        });
        for row in table.rows(item.value) {
            if let Err(reason) = read_row(table, &row, item, words, &mut quotes.drafts) {
                let item_of_list = row.last().map_or(Value::Null, |it| (*it).clone());
                let unread = Unread {
                    reason,
                    item: item_of_list,
                };
                self.unread.push((item.index, unread));
            }
        }
    }
}

/// Adds what a row says to the quotes under way; nothing where its market is none of those that are
/// mapped.
fn read_row(
    table: &QuoteTable,
    row: &Row<'_>,
    item: Item<'_>,
    words: Words<'_>,
    drafts: &mut BTreeMap<Key, Draft>,
) -> Result<(), String> {
    let short = table.is_short(row);
    let needed = |name: &str| match table.of(name, row) {
        None if !short => Err(format!("a price has no {name}")),
        value => Ok(value.as_ref().map(text)),
    };
    let (Some(bookmaker), Some(word)) = (needed("bookmaker")?, needed("market")?) else {
        return Ok(());
    };
    let Some(market) = market(&word, words.markets) else {
        return Ok(());
    };
    let taken_at = match table.of("taken_at", row) {
        None => None,
        Some(at) => Some(moment(&at).ok_or_else(|| format!("{at} is no moment"))?),
    };
    // A market without a list of prices has none, and so is suspended.
    let priced = match short {
        true => Vec::new(),
        false => prices(table, row, item, words)?,
    };
    let mut line = line(table, row, &market)?;
    if short && line.is_none() && takes_line(&market) {
        return Ok(());
    }
    let away = matches!(priced[..], [("away", _)]);
    if away && market["market"] == MarketKind::Spreads.as_str() && table.line_is_of_outcome() {
        line = line.map(|it| 0.0 - it);
    }
    let suspended = match table.of("suspended", row) {
        Some(Value::Bool(it)) => it,
        Some(it) => words.suspended.contains(&text(&it)),
        None => false,
    };
    let key = (
        bookmaker,
        text(&market["market"]),
        line.map(|it| it.to_string()),
    );
    let draft = drafts.entry(key).or_insert_with(|| Draft {
        market,
        line,
        stage: table.of("stage", row),
        taken_at,
        suspended: false,
        prices: Vec::new(),
    });
    // Of two moments of one market the newer is what stands.
    if taken_at < draft.taken_at {
        return Ok(());
    }
    if taken_at > draft.taken_at {
        (draft.taken_at, draft.suspended) = (taken_at, false);
        draft.prices.clear();
    }
    draft.suspended |= suspended;
    for (outcome, price) in priced {
        // No price, or one that pays back the stake at most, is what sources write for none.
        let Some(price) = price.filter(|it| *it > 1.0) else {
            continue;
        };
        draft.prices.retain(|it| it.0 != outcome);
        draft.prices.push((outcome, price));
    }
    Ok(())
}

/// The line of a market, of its own or as a row tells it; none of one that has none.
fn line(
    table: &QuoteTable,
    row: &Row<'_>,
    market: &Map<String, Value>,
) -> Result<Option<f64>, String> {
    let told = || table.of("line", row).filter(|_| takes_line(market));
    let Some(line) = market.get("line").cloned().or_else(told) else {
        return Ok(None);
    };
    let number = number(&line).ok_or_else(|| format!("{line} is no line"))?;
    Ok(Some(number))
}

fn takes_line(market: &Map<String, Value>) -> bool {
    let kinds = [MarketKind::Totals, MarketKind::Spreads];
    kinds.iter().any(|it| market["market"] == it.as_str())
}

/// The market that a word stands for, with its line where the word says it.
fn market(word: &str, words: &HashMap<String, Word>) -> Option<Map<String, Value>> {
    let named = |name: &str| Map::from_iter([("market".to_owned(), name.into())]);
    match words.get(word) {
        Some(Word::Name(name)) => Some(named(name)),
        Some(Word::Members(members)) => Some(members.clone()),
        None => {
            let ours = MarketKind::ALL.iter().any(|it| it.as_str() == word);
            (words.is_empty() && ours).then(|| named(word))
        }
    }
}

/// The outcomes a row prices.
fn prices(
    table: &QuoteTable,
    row: &Row<'_>,
    item: Item<'_>,
    words: Words<'_>,
) -> Result<Vec<(&'static str, Option<f64>)>, String> {
    let price = |name: &str| match table.of(name, row) {
        None => Ok(None),
        Some(it) => number(&it)
            .map(Some)
            .ok_or_else(|| format!("{it} is no price")),
    };
    if !table.members.contains_key("outcome") {
        let mapped = OUTCOMES
            .iter()
            .filter(|it| table.members.contains_key(**it));
        return mapped.map(|name| Ok((*name, price(name)?))).collect();
    }
    let word = table.of("outcome", row).ok_or("a price has no outcome")?;
    let name = text(&word);
    let [home, away] = item.sides.map(|it| it == Some(&word));
    let ours = match words.outcomes.get(&name) {
        Some(ours) => ours,
        None if home => "home",
        None if away => "away",
        None => name.as_str(),
    };
    let ours = OUTCOMES.iter().find(|it| **it == ours);
    let ours = ours.ok_or_else(|| {
        format!(
            "{name:?} is none of {}: say under [outcomes] which it is",
            OUTCOMES.join(", ")
        )
    })?;
    Ok(vec![(ours, price("price")?)])
}

fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// The words of a mapping that are none of ours.
pub(super) fn fault(words: Words<'_>) -> Option<String> {
    let is_market = |it: &str| MarketKind::ALL.iter().any(|kind| kind.as_str() == it);
    for (word, market) in words.markets {
        let name = match market {
            Word::Name(name) => Some(name.as_str()),
            Word::Members(it) => it.get("market").and_then(Value::as_str),
        };
        if !name.is_some_and(is_market) {
            let known = MarketKind::ALL.map(MarketKind::as_str).join(", ");
            return Some(format!("the market {word:?} is to be one of {known}"));
        }
    }
    let mut outcomes = words.outcomes.values();
    let other =
        outcomes.find(|it| it.parse::<Outcome>().is_err() || !OUTCOMES.contains(&it.as_str()))?;
    Some(format!("{other:?} is none of {}", OUTCOMES.join(", ")))
}

/// When what an answer says, or does not say, is news.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Whether a market that was told of and is not in what the answer says of its game is suspended.
    pub(super) absent_is_suspended: bool,
    /// For how long a price that stands as it did, of a moment that is not said, is not told again.
    pub(super) confirm_after: SignedDuration,
}

/// What was last told of prices.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// With the moment each was told for.
    groups: HashMap<Group, BTreeMap<Key, (Draft, Timestamp)>>,
    count: usize,
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
        for (group, quotes) in answer.groups {
            let (index, (member, game)) = (quotes.index, quotes.game);
            let told = self.groups.entry(group).or_default();
            let mut tell = |key: &Key, draft: &Draft, at: Timestamp| {
                let mut entry = draft.entry(&key.0, at);
                entry.insert(member.to_owned(), game.clone());
                fresh.push((index, entry));
            };
            for (key, (draft, at)) in told.iter_mut().filter(|_| rules.absent_is_suspended) {
                if !draft.is_suspended() && !quotes.drafts.contains_key(key) {
                    (draft.suspended, *at) = (true, now);
                    tell(key, draft, now);
                }
            }
            for (key, draft) in quotes.drafts {
                let known = told.get(&key);
                let stands = |(it, at): &(Draft, Timestamp)| {
                    let is_confirmed = now.duration_since(*at) < rules.confirm_after;
                    let says_when = draft.taken_at.is_some() || draft.is_suspended();
                    it.says_the_same(&draft) && (says_when || is_confirmed)
                };
                if known.is_some_and(stands) {
                    continue;
                }
                let mut at = draft.taken_at.unwrap_or(now);
                // Sources seldom say when a market was suspended or opened again: they repeat when
                // its prices changed last, which would not be the later of the two.
                if known.is_some_and(|it| it.0.is_suspended() != draft.is_suspended() && at <= it.1)
                {
                    at = now;
                }
                tell(&key, &draft, at);
                self.count += usize::from(known.is_none());
                told.insert(key, (draft, at));
            }
        }
        fresh
    }
}

impl Draft {
    /// A market none of whose outcomes has a price takes no bets either.
    fn is_suspended(&self) -> bool {
        self.suspended || self.prices.is_empty()
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self == other || (self.is_suspended() && other.is_suspended())
    }

    fn entry(&self, bookmaker: &str, at: Timestamp) -> Map<String, Value> {
        let mut entry = self.market.clone();
        entry.insert("bookmaker".to_owned(), bookmaker.into());
        if let Some(line) = self.line {
            entry.insert("line".to_owned(), line.into());
        }
        entry.insert("taken_at".to_owned(), at.to_string().into());
        if self.is_suspended() {
            entry.insert("stage".to_owned(), "suspended".into());
            return entry;
        }
        if let Some(stage) = &self.stage {
            entry.insert("stage".to_owned(), stage.clone());
        }
        let outcome = |(outcome, price): &(&str, f64)| json!({"outcome": outcome, "price": price});
        entry.insert(
            "outcomes".to_owned(),
            self.prices.iter().map(outcome).collect(),
        );
        entry
    }
}
