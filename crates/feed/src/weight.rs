//! How much memory keys take, so that all together stay within a budget.

use std::{
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

/// What a member of an object takes beside its name and its value.
const MEMBER_BYTES: usize = size_of::<String>() + 16;

/// The bytes of one key within those of all; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Weight {
    total: Arc<AtomicUsize>,
    own: usize,
}

impl Weight {
    pub(crate) fn new(total: Arc<AtomicUsize>) -> Self {
        Self { total, own: 0 }
    }

    pub(crate) fn set(&mut self, own: usize) {
        // Another order would have the total pass below zero for a moment.
        self.total.fetch_add(own, Ordering::Relaxed);
        self.total.fetch_sub(self.own, Ordering::Relaxed);
        self.own = own;
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.total.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// About how many bytes a state takes in memory.
pub(crate) fn bytes_of(state: &Value) -> usize {
    let below = match state {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes_of).sum(),
        Value::Object(members) => {
            let member = |(name, it): (&String, &Value)| MEMBER_BYTES + name.len() + bytes_of(it);
            members.iter().map(member).sum()
        }
    };
    size_of::<Value>() + below
}
