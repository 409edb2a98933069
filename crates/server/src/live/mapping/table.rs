//! Where in an item what it tells stands, and what a table of the mapping must say of it.

use std::collections::HashMap;
use std::ops::Deref;

use super::{Place, walk::Rows};

/// Kinds of quotes an item can give rise to.
pub(super) const QUOTES_MAX: usize = 8;
/// The outcomes a quote can have, each of which may be mapped by itself.
pub(super) const OUTCOMES: [&str; 7] = ["home", "draw", "away", "over", "under", "yes", "no"];
/// What else a quote may be given.
const QUOTE_MEMBERS: [&str; 8] = [
    "bookmaker",
    "market",
    "line",
    "stage",
    "taken_at",
    "suspended",
    "outcome",
    "price",
];

/// Kinds of events an item can give rise to.
pub(super) const EVENTS_MAX: usize = 8;
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

/// Where in an item its events stand.
#[derive(Debug, Clone)]
pub(super) struct EventTable(Rows);

impl EventTable {
    pub(super) fn new(table: &HashMap<String, Place>) -> Result<Self, String> {
        check_known(table, &EVENT_MEMBERS)?;
        if !table.contains_key("kind") {
            return Err("each [[event]] must say its kind".to_owned());
        }
        let rows = Rows::new(table)?;
        if !rows.is_the_item() && !rows.has("sequence") {
            return Err(
                "an [[event]] with a `*` must say its sequence: an item has several of them"
                    .to_owned(),
            );
        }
        Ok(Self(rows))
    }
}

impl Deref for EventTable {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.0
    }
}

/// Where in an item its prices stand.
#[derive(Debug, Clone)]
pub(super) struct QuoteTable(Rows);

impl QuoteTable {
    pub(super) fn new(table: &HashMap<String, Place>) -> Result<Self, String> {
        check_known(table, &[&QUOTE_MEMBERS[..], &OUTCOMES].concat())?;
        let has = |name: &str| table.contains_key(name);
        if let Some(name) = ["bookmaker", "market"].into_iter().find(|it| !has(it)) {
            return Err(format!("each [[quote]] must say its {name}"));
        }
        let each = OUTCOMES.iter().any(|it| has(it));
        if !matches!(
            (has("outcome"), has("price"), each),
            (true, true, false) | (false, false, true)
        ) {
            return Err(
                "each [[quote]] has either `outcome` with `price`, or prices by the name of \
                 their outcome (`home`, `over`, …)"
                    .to_owned(),
            );
        }
        Rows::new(table).map(Self)
    }

    /// Whether a member stands beside each outcome, and so is of that one.
    pub(super) fn is_beside_outcome(&self, name: &str) -> bool {
        let outcome = self.depth("outcome");
        outcome.is_some() && self.depth(name) == outcome
    }
}

impl Deref for QuoteTable {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.0
    }
}

/// Says which member of a table is none of those it may have.
pub(super) fn check_known(table: &HashMap<String, Place>, known: &[&str]) -> Result<(), String> {
    match table.keys().find(|it| !known.contains(&it.as_str())) {
        Some(name) => Err(format!("{name} is not one of {}", known.join(", "))),
        None => Ok(()),
    }
}
