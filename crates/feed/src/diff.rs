//! What changed between two states, as JSON pointers with new values, and its application.

use std::{collections::BTreeMap, io};

use serde_json::{Map, Value};

/// A change: a JSON pointer (RFC 6901) and the new value there, or `None` for what went. The step
/// `-` appends to a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where.
    pub pointer: String,
    /// What now stands there.
    pub value: Option<Value>,
}

impl Change {
    /// The change as frames carry it: `[pointer, value]` or `[pointer]`.
    pub fn json(&self) -> Value {
        let pointer = Value::String(self.pointer.clone());
        Value::Array(match &self.value {
            Some(value) => vec![pointer, value.clone()],
            None => vec![pointer],
        })
    }
}

/// What leads from one state to another, to be applied in order; empty where they are equal.
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(from, to, &mut String::new(), &mut changes);
    changes
}

/// Walks both side by side; what changed in so many places that the whole of it is shorter is told
/// whole.
fn walk(from: &Value, to: &Value, pointer: &mut String, changes: &mut Vec<Change>) {
    let before = changes.len();
    walk_into(from, to, pointer, changes);
    let parts = &changes[before..];
    if pointer.is_empty() || parts.len() < 2 {
        return;
    }
    let room = parts.iter().map(bytes).sum::<usize>();
    if serde_json::to_writer(Room(room.saturating_sub(pointer.len() + FRAMING)), to).is_ok() {
        changes.truncate(before);
        set(pointer, Some(to), changes);
    }
}

/// Bytes of a change beside its pointer and value: brackets, quotes and commas.
const FRAMING: usize = 6;

/// About how long a change is as JSON.
fn bytes(change: &Change) -> usize {
    let mut counted = Room(usize::MAX);
    if let Some(value) = &change.value {
        serde_json::to_writer(&mut counted, value).expect("there is room for everything");
    }
    change.pointer.len() + FRAMING + (usize::MAX - counted.0)
}

/// A place with room for so many bytes, which are let fall.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len());
        self.0 = left.ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn walk_into(from: &Value, to: &Value, pointer: &mut String, changes: &mut Vec<Change>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(from), Value::Object(to)) => walk_object(from, to, pointer, changes),
        // A list that only grew; one that shrank is told whole.
        (Value::Array(from), Value::Array(to)) if from.len() <= to.len() && !from.is_empty() => {
            for (index, (from, to)) in from.iter().zip(to).enumerate() {
                step(pointer, &index.to_string(), |it| {
                    walk(from, to, it, changes)
                });
            }
            for value in &to[from.len()..] {
                step(pointer, "-", |it| set(it, Some(value), changes));
            }
        }
        _ => set(pointer, Some(to), changes),
    }
}

fn walk_object(
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    pointer: &mut String,
    changes: &mut Vec<Change>,
) {
    for name in from.keys().filter(|it| !to.contains_key(*it)) {
        step(pointer, name, |it| set(it, None, changes));
    }
    for (name, value) in to {
        step(pointer, name, |it| match from.get(name) {
            Some(known) => walk(known, value, it, changes),
            None => set(it, Some(value), changes),
        });
    }
}

fn set(pointer: &str, value: Option<&Value>, changes: &mut Vec<Change>) {
    changes.push(Change {
        pointer: pointer.to_owned(),
        value: value.cloned(),
    });
}

fn step(pointer: &mut String, name: &str, then: impl FnOnce(&mut String)) {
    let length = pointer.len();
    push_step(pointer, name);
    then(pointer);
    pointer.truncate(length);
}

/// Goes one step on.
pub(crate) fn push_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    for letter in name.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Applies a change to a state; `false`, leaving it as it was, where the pointer leads nowhere.
pub fn apply(state: &mut Value, change: &Change) -> bool {
    if change.pointer.is_empty() {
        let Some(value) = &change.value else {
            return false;
        };
        *state = value.clone();
        return true;
    }
    let Some((parent, last)) = change.pointer.rsplit_once('/') else {
        return false;
    };
    let name = last.replace("~1", "/").replace("~0", "~");
    match (state.pointer_mut(parent), &change.value) {
        (Some(Value::Object(members)), Some(value)) => {
            members.insert(name, value.clone());
            true
        }
        (Some(Value::Object(members)), None) => members.remove(&name).is_some(),
        (Some(Value::Array(items)), Some(value)) => match place(items, &name) {
            Some(at) if at == items.len() => {
                items.push(value.clone());
                true
            }
            Some(at) => {
                items[at] = value.clone();
                true
            }
            None => false,
        },
        _ => false,
    }
}

fn place(items: &[Value], name: &str) -> Option<usize> {
    let at = if name == "-" {
        items.len()
    } else {
        name.parse().ok()?
    };
    (at <= items.len()).then_some(at)
}

/// Leaves out of changes what later ones overwrite.
pub(crate) fn folded(changes: Vec<Change>) -> Vec<Change> {
    let mut kept: Vec<Option<Change>> = Vec::with_capacity(changes.len());
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for change in changes {
        let pointer = &change.pointer;
        if !pointer.ends_with("/-") {
            // What lies below it begins with it and "/", after which comes "0".
            let below = places.range(format!("{pointer}/")..format!("{pointer}0"));
            let mut covered: Vec<String> = below.map(|it| it.0.clone()).collect();
            covered.push(pointer.clone());
            for at in covered.iter().flat_map(|it| places.remove(it)).flatten() {
                kept[at] = None;
            }
        }
        places.entry(pointer.clone()).or_default().push(kept.len());
        kept.push(Some(change));
    }
    kept.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of changes of these pointers, each with its place as its value.
    fn left(pointers: &str) -> String {
        let changes = pointers.split(' ').zip(0..).map(|(pointer, at)| Change {
            pointer: pointer.to_owned(),
            value: Some(at.into()),
        });
        let left = folded(changes.collect()).into_iter();
        let left = left.map(|it| format!("{}={}", it.pointer, it.value.unwrap()));
        left.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_overwritten_is_left_out_and_the_order_stays() {
        assert_eq!(left("/b /a /b"), "/a=1 /b=2");
        assert_eq!(left("/a/x /a/y/z /ab /a0 /a"), "/ab=2 /a0=3 /a=4");
        assert_eq!(left("/a /a/x /a/x"), "/a=0 /a/x=2");
        assert_eq!(left("/a/- /a/- /b"), "/a/-=0 /a/-=1 /b=2");
        assert_eq!(left("/a/- /a/- /a"), "/a=2");
    }
}
