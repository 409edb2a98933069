//! What a state says, in 48 bits; and the members of it that say nothing.
//!
//! Some members are others each time a state is made, and say only when that was. Two states that
//! differ in nothing else are alike: they have one digest, and a reader that holds one of them need
//! not be sent the other.

use serde_json::Value;

use crate::Change;

/// Bits of a digest.
const BITS: u32 = 48;

/// The digest of a state, texts in members called as one of `passing` left out. Never zero.
pub(crate) fn digest(state: &Value, passing: &[&str]) -> u64 {
    let mut text = Vec::with_capacity(1_024);
    write(state, passing, &mut text);
    let hash = sha1_smol::Sha1::from(&text).digest().bytes();
    let first: [u8; 8] = hash[..8].try_into().expect("a digest has 20 bytes");
    (u64::from_be_bytes(first) >> (u64::BITS - BITS)).max(1)
}

/// Writes a state as JSON without passing texts, in the order of names.
fn write(value: &Value, passing: &[&str], text: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            text.push(b'{');
            for (name, value) in members {
                put(&Value::String(name.clone()), text);
                if !is_passing(name, value, passing) {
                    write(value, passing, text);
                }
                text.push(b',');
            }
            text.push(b'}');
        }
        Value::Array(items) => {
            text.push(b'[');
            for item in items {
                write(item, passing, text);
                text.push(b',');
            }
            text.push(b']');
        }
        plain => put(plain, text),
    }
}

fn put(value: &Value, text: &mut Vec<u8>) {
    serde_json::to_writer(text, value).expect("a value can always be written");
}

fn is_passing(name: &str, value: &Value, passing: &[&str]) -> bool {
    value.is_string() && passing.contains(&name)
}

/// Every passing text of a state, as changes that set it.
pub(crate) fn passing_texts(state: &Value, passing: &[&str]) -> Vec<Change> {
    let mut found = Vec::new();
    if !passing.is_empty() {
        gather(state, passing, &mut String::new(), &mut found);
    }
    found
}

fn gather(value: &Value, passing: &[&str], pointer: &mut String, found: &mut Vec<Change>) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                crate::diff::push_step(pointer, name);
                if is_passing(name, value, passing) {
                    found.push(Change {
                        pointer: pointer.clone(),
                        value: Some(value.clone()),
                    });
                } else {
                    gather(value, passing, pointer, found);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                crate::diff::push_step(pointer, &index.to_string());
                gather(item, passing, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_digest_is_of_all_but_texts_that_pass() {
        let of = |state: Value| digest(&state, &["as_of"]);
        let state = json!({"as_of": "1", "rows": [{"as_of": "2", "n": 1}]});
        assert_eq!(
            of(state.clone()),
            0xbf19_77dc_0adc,
            "the same on every server"
        );
        let alike = json!({"rows": [{"n": 1, "as_of": "3"}], "as_of": "4"});
        assert_eq!(of(state.clone()), of(alike));
        for other in [
            json!({"as_of": null, "rows": [{"as_of": "2", "n": 1}]}),
            json!({"as_of": "1", "rows": [{"as_of": "2", "n": 1.0}]}),
            json!({"as_of": "1", "rows": [{"n": 1}]}),
            json!({"as_of": "1", "rows": [[{"as_of": "2", "n": 1}]]}),
            json!({"as_of": "1", "more": null, "rows": [{"as_of": "2", "n": 1}]}),
        ] {
            assert_ne!(of(state.clone()), of(other.clone()), "{other}");
        }
        let pointers: Vec<String> = passing_texts(&state, &["as_of"])
            .into_iter()
            .map(|it| it.pointer)
            .collect();
        assert_eq!(pointers, ["/as_of", "/rows/0/as_of"]);
    }
}
