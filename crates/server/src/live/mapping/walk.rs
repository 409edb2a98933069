//! Ways through JSON: pointers in which `*` is each element of a list, or each member of an object.

use std::collections::HashMap;

use serde_json::Value;

use super::Place;

/// A value that was come to, and its name where it is a member of an object that is walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) value: &'a Value,
}

/// What each `*` came to, from the item on.
pub(super) type Row<'a> = Vec<Step<'a>>;

/// Where members stand that are told of together.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// Pointers to what is walked, each from a step of the one before.
    lists: Vec<String>,
    members: HashMap<String, Member>,
}

#[derive(Debug, Clone)]
enum Member {
    /// A pointer from the step of that depth; 0 is the item.
    In(usize, String),
    /// The name of the step of that depth.
    Name(usize),
    Constant(Value),
}

impl Rows {
    /// Takes the pointers of a table apart at each `*`, and says what is wrong with them.
    pub(super) fn new(table: &HashMap<String, Place>) -> Result<Self, String> {
        let mut lists: Vec<String> = Vec::new();
        let mut members = HashMap::new();
        for (name, place) in table {
            place.check()?;
            let mut depth_and_rest = |pointer: &str| {
                descend(&mut lists, pointer).map_err(|others| {
                    format!(
                        "{name} goes through other lists than the rest: {pointer:?}, not {others:?}"
                    )
                })
            };
            let member = match place {
                Place::Constant { constant } => Member::Constant(constant.clone()),
                Place::Name { name: pointer } => Member::Name(depth_and_rest(pointer)?.0),
                Place::At(pointer) => {
                    let (depth, rest) = depth_and_rest(pointer)?;
                    Member::In(depth, rest)
                }
            };
            members.insert(name.clone(), member);
        }
        Ok(Self { lists, members })
    }

    /// The rows of an item; a list that is empty ends one early, one that is not there leaves it out.
    pub(super) fn of_item<'a>(&self, item: Step<'a>) -> Vec<Row<'a>> {
        walk(&self.lists, item)
    }

    /// Whether an item has one row, itself.
    pub(super) fn is_the_item(&self) -> bool {
        self.lists.is_empty()
    }

    /// Whether a row ended before what it is to tell.
    pub(super) fn is_short(&self, row: &Row<'_>) -> bool {
        row.len() <= self.lists.len()
    }

    pub(super) fn has(&self, member: &str) -> bool {
        self.members.contains_key(member)
    }

    pub(super) fn of(&self, member: &str, row: &Row<'_>) -> Option<Value> {
        let value = match self.members.get(member)? {
            Member::In(depth, pointer) => row.get(*depth)?.value.pointer(pointer)?.clone(),
            Member::Name(depth) => row.get(*depth)?.name?.into(),
            Member::Constant(constant) => constant.clone(),
        };
        Some(value).filter(|it| !it.is_null())
    }

    /// What a member is in all rows.
    pub(super) fn constant(&self, member: &str) -> Option<&Value> {
        match self.members.get(member) {
            Some(Member::Constant(constant)) => Some(constant),
            _ => None,
        }
    }

    /// How many `*` a member is behind.
    pub(super) fn depth(&self, member: &str) -> Option<usize> {
        match self.members.get(member)? {
            Member::In(depth, _) | Member::Name(depth) => Some(*depth),
            Member::Constant(_) => None,
        }
    }
}

/// How deep a pointer leads through lists and what is left of it there; the lists grow by its own, and are
/// named where it goes through others.
fn descend(lists: &mut Vec<String>, pointer: &str) -> Result<(usize, String), String> {
    let mut pieces = pieces(pointer);
    let rest = pieces.pop().unwrap_or_default();
    if !pieces.iter().zip(&*lists).all(|(a, b)| a == b) {
        return Err(lists.join("/*"));
    }
    let depth = pieces.len();
    if depth > lists.len() {
        *lists = pieces;
    }
    Ok((depth, rest))
}

/// What a row came to, to be told of where it cannot be read.
pub(super) fn end(row: &Row<'_>) -> Value {
    row.last().map_or(Value::Null, |it| it.value.clone())
}

/// The items of an answer: what is in the list at a pointer, or the one object that is there; none
/// where there is neither.
pub(super) fn items<'a>(answer: &'a Value, pointer: &str) -> Option<Vec<Step<'a>>> {
    let mut lists = pieces(pointer);
    let last = lists.pop().unwrap_or_default();
    let first = answer.pointer(lists.first().unwrap_or(&last))?;
    if !first.is_array() && !first.is_object() {
        return None;
    }
    let whole = Step {
        name: None,
        value: answer,
    };
    let rows = walk(&lists, whole).into_iter();
    let ends = rows.filter(|row| row.len() > lists.len());
    let of_end = |row: Row<'a>| {
        let end = *row.last()?;
        let value = end.value.pointer(&last).filter(|it| !it.is_null())?;
        let name = end.name.filter(|_| last.is_empty());
        Some(match value {
            Value::Array(_) => steps(value),
            _ => vec![Step { name, value }],
        })
    };
    Some(ends.filter_map(of_end).flatten().collect())
}

/// What comes of a step by following pointers to lists, each from an element of the one before.
fn walk<'a>(lists: &[String], from: Step<'a>) -> Vec<Row<'a>> {
    let mut rows = vec![vec![from]];
    for (depth, list) in lists.iter().enumerate() {
        let mut longer = Vec::new();
        for row in rows {
            if row.len() <= depth {
                longer.push(row);
                continue;
            }
            let Some(walked) = row.last().and_then(|it| it.value.pointer(list)) else {
                continue;
            };
            let elements = steps(walked);
            if !elements.is_empty() {
                longer.extend(elements.into_iter().map(|it| [&row[..], &[it]].concat()));
            } else if walked.is_array() || walked.is_object() || walked.is_null() {
                longer.push(row);
            }
        }
        rows = longer;
    }
    rows
}

/// The elements of a list, or the members of an object.
fn steps(value: &Value) -> Vec<Step<'_>> {
    match value {
        Value::Array(elements) => {
            let unnamed = |value| Step { name: None, value };
            elements.iter().map(unnamed).collect()
        }
        Value::Object(members) => {
            let named = members.iter().map(|(name, value)| Step {
                name: Some(name),
                value,
            });
            named.collect()
        }
        _ => Vec::new(),
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
