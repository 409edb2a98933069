//! Keys that repeat a million times, kept once and numbered.

use std::collections::HashMap;
use std::fmt;

use domain::{BookmakerKey, CompetitionKey, InvalidKey, SeasonKey, SourceKey};

use crate::StoreError;
use crate::code::corrupt;

/// A table of keys and their numbers; remembers which were added since it was read.
#[derive(Debug)]
pub(crate) struct Interned<K> {
    column: &'static str,
    numbers: HashMap<String, i64>,
    keys: HashMap<i64, K>,
    added: Vec<(i64, String)>,
    next: i64,
}

impl<K> Interned<K>
where
    K: TryFrom<String, Error = InvalidKey> + Clone + fmt::Display,
{
    /// Builds the table from what the database holds.
    pub(crate) fn new(column: &'static str, rows: Vec<(i64, String)>) -> Result<Self, StoreError> {
        let mut table = Self {
            column,
            numbers: HashMap::with_capacity(rows.len()),
            keys: HashMap::with_capacity(rows.len()),
            added: Vec::new(),
            next: 1,
        };
        for (id, text) in rows {
            let key = K::try_from(text).map_err(|invalid| corrupt(column, invalid.text))?;
            table.numbers.insert(key.to_string(), id);
            table.keys.insert(id, key);
            table.next = table.next.max(id + 1);
        }
        Ok(table)
    }

    /// The number of a key that is there.
    pub(crate) fn find(&self, key: &str) -> Option<i64> {
        self.numbers.get(key).copied()
    }

    /// The number of a key, a new one where it is not there yet.
    pub(crate) fn number(&mut self, key: &K, text: &str) -> i64 {
        if let Some(id) = self.find(text) {
            return id;
        }
        let id = self.next;
        self.next += 1;
        self.numbers.insert(text.to_owned(), id);
        self.keys.insert(id, key.clone());
        self.added.push((id, text.to_owned()));
        id
    }

    /// The key behind a number.
    pub(crate) fn key(&self, id: i64) -> Result<&K, StoreError> {
        self.keys.get(&id).ok_or_else(|| corrupt(self.column, id))
    }

    /// Takes the keys that still have to be written.
    pub(crate) fn take_added(&mut self) -> Vec<(i64, String)> {
        std::mem::take(&mut self.added)
    }
}

/// The interned keys of one transaction.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) bookmakers: Interned<BookmakerKey>,
    pub(crate) seasons: Interned<SeasonKey>,
    pub(crate) sources: Interned<SourceKey>,
    pub(crate) competitions: Interned<CompetitionKey>,
}
