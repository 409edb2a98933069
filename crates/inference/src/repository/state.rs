//! What operators changed at run time, kept apart from the settings that users write.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Canary, Shadow};

/// Its file in a model's folder.
pub(super) const FILE: &str = "state.json";

/// What operators changed at run time; goes before `config.toml`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuntimeState {
    /// Labels set, or taken away.
    pub(crate) labels: BTreeMap<String, Option<u64>>,
    /// What served before the last promotion.
    pub(crate) previous: Option<u64>,
    /// The canary, where it was changed.
    pub(crate) canary: Option<Override<Canary>>,
    /// The canary that was stopped, and why.
    pub(crate) stopped: Option<(u64, String)>,
    /// The shadow, where it was changed.
    pub(crate) shadow: Option<Override<Shadow>>,
    /// Versions that were canary or shadow and were not promoted.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) passed_over: BTreeSet<u64>,
}

/// A setting changed at run time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Override<T> {
    /// There is none any more.
    Ended,
    /// It is this.
    Set(T),
}

impl<T> From<Option<T>> for Override<T> {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Ended, Self::Set)
    }
}

impl<T: Clone> Override<T> {
    /// What is in force: what was changed, else what the settings say.
    pub(super) fn resolve(changed: &Option<Self>, configured: &Option<T>) -> Option<T> {
        match changed {
            None => configured.clone(),
            Some(Self::Ended) => None,
            Some(Self::Set(it)) => Some(it.clone()),
        }
    }
}
