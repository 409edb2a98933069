//! Keys that repeat a million times, kept once and numbered.

use std::collections::HashMap;
use std::fmt;

use domain::{BookmakerKey, CompetitionKey, InvalidKey, SeasonKey, SourceKey};

use crate::StoreError;
use crate::code::corrupt;

/// A table with more keys than this is damaged.
const NUMBERS_MAX: usize = 1_000_000;

/// A table of keys and their numbers; remembers which were added since it was read.
#[derive(Debug)]
pub(crate) struct Interned<K> {
    column: &'static str,
    numbers: HashMap<String, i64>,
    /// By number; numbers are given out one after the other.
    keys: Vec<Option<K>>,
    added: Vec<(i64, String)>,
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
            keys: Vec::with_capacity(rows.len() + 1),
            added: Vec::new(),
        };
        for (id, text) in rows {
            let key = K::try_from(text).map_err(|invalid| corrupt(column, invalid.text))?;
            table.numbers.insert(key.to_string(), id);
            let place = usize::try_from(id).ok().filter(|it| *it < NUMBERS_MAX);
            let place = place.ok_or_else(|| corrupt(column, id))?;
            if table.keys.len() <= place {
                table.keys.resize(place + 1, None);
            }
            table.keys[place] = Some(key);
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
        // Numbers begin at one.
        self.keys.resize(self.keys.len().max(1), None);
        let id = i64::try_from(self.keys.len()).expect("a table fits in memory");
        self.numbers.insert(text.to_owned(), id);
        self.keys.push(Some(key.clone()));
        self.added.push((id, text.to_owned()));
        id
    }

    /// The key behind a number.
    pub(crate) fn key(&self, id: i64) -> Result<&K, StoreError> {
        let place = usize::try_from(id).ok();
        let key = place.and_then(|it| self.keys.get(it)?.as_ref());
        key.ok_or_else(|| corrupt(self.column, id))
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
