//! Where in an item its prices stand: pointers in which `*` is each element of a list.

use std::collections::HashMap;

use serde_json::Value;

use super::Place;

/// Kinds of quotes an item can give rise to.
pub(super) const QUOTES_MAX: usize = 8;
/// The outcomes a quote can have, each of which may be mapped by itself.
pub(super) const OUTCOMES: [&str; 7] = ["home", "draw", "away", "over", "under", "yes", "no"];
/// What else a quote may be given.
const MEMBERS: [&str; 8] = [
    "bookmaker",
    "market",
    "line",
    "stage",
    "taken_at",
    "suspended",
    "outcome",
    "price",
];

/// Where in an item its prices stand.
#[derive(Debug, Clone)]
pub(super) struct QuoteTable {
    /// Pointers to the lists that are walked, each from an element of the one before.
    lists: Vec<String>,
    pub(super) members: HashMap<String, Member>,
}

#[derive(Debug, Clone)]
pub(super) enum Member {
    /// A pointer from an element of the list of that depth; 0 is the item.
    In(usize, String),
    Constant(Value),
}

/// An element of each list, from the item on.
pub(super) type Row<'a> = Vec<&'a Value>;

impl QuoteTable {
    /// Takes the pointers of a table apart at each `*`, and says what is wrong with them.
    pub(super) fn new(table: &HashMap<String, Place>) -> Result<Self, String> {
        let known = || MEMBERS.iter().chain(&OUTCOMES);
        if let Some(name) = table.keys().find(|it| !known().any(|known| known == it)) {
            let known: Vec<&str> = known().copied().collect();
            return Err(format!("{name} is not one of {}", known.join(", ")));
        }
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
        let mut lists: Vec<String> = Vec::new();
        let mut members = HashMap::new();
        for (name, place) in table {
            let member = match place {
                Place::Constant { constant } => Member::Constant(constant.clone()),
                Place::At(pointer) => {
                    let mut pieces = pieces(pointer);
                    let last = pieces.pop().unwrap_or_default();
                    let shared = pieces.iter().zip(&lists).all(|(a, b)| a == b);
                    if !shared {
                        let others = lists.join("/*");
                        return Err(format!(
                            "{name} goes through other lists than the rest: {pointer:?}, not {others:?}"
                        ));
                    }
                    let depth = pieces.len();
                    if depth > lists.len() {
                        lists = pieces;
                    }
                    Member::In(depth, last)
                }
            };
            members.insert(name.clone(), member);
        }
        Ok(Self { lists, members })
    }

    /// The rows of an item; a list that is empty ends one early, one that is not there leaves it out.
    pub(super) fn rows<'a>(&self, item: &'a Value) -> Vec<Row<'a>> {
        let mut rows = vec![vec![item]];
        for (depth, list) in self.lists.iter().enumerate() {
            let mut longer = Vec::new();
            for row in rows {
                if row.len() <= depth {
                    longer.push(row);
                    continue;
                }
                match row.last().and_then(|it| it.pointer(list)) {
                    Some(Value::Array(elements)) if !elements.is_empty() => {
                        longer.extend(elements.iter().map(|it| [&row[..], &[it]].concat()));
                    }
                    Some(Value::Array(_) | Value::Null) => longer.push(row),
                    _ => {}
                }
            }
            rows = longer;
        }
        rows
    }

    /// Whether a row ended before its prices.
    pub(super) fn is_short(&self, row: &Row<'_>) -> bool {
        row.len() <= self.lists.len()
    }

    pub(super) fn of(&self, name: &str, row: &Row<'_>) -> Option<Value> {
        let value = match self.members.get(name)? {
            Member::In(depth, pointer) => row.get(*depth)?.pointer(pointer)?.clone(),
            Member::Constant(constant) => constant.clone(),
        };
        Some(value).filter(|it| !it.is_null())
    }

    /// Whether a member stands beside each outcome, and so is of that one.
    pub(super) fn is_beside_outcome(&self, name: &str) -> bool {
        match (self.members.get(name), self.members.get("outcome")) {
            (Some(Member::In(at, _)), Some(Member::In(outcome, _))) => at == outcome,
            _ => false,
        }
    }

    /// A market that is the same in all rows.
    pub(super) fn constant_market(&self) -> Option<&Value> {
        match self.members.get("market") {
            Some(Member::Constant(market)) => Some(market),
            _ => None,
        }
    }
}

/// The pieces of a pointer between its `*`.
fn pieces(pointer: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for part in pointer.split('/').skip(1) {
        match pieces.last_mut() {
            Some(last) if part != "*" => {
                last.push('/');
                last.push_str(part);
            }
            _ => pieces.push(String::new()),
        }
    }
    pieces
}
