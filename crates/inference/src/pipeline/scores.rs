//! What versions foretold, kept for a while under the callers' own keys, and scored once somebody
//! says what came true.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use super::{Pipeline, results::Key, trial::Losses};
use crate::{ContentHash, InferenceError, Outcome, Tensor, Values};

/// Memory for predictions that wait for their result, over all models.
const BYTES_MAX: u64 = 16 << 20;
/// Numbers of a prediction; longer ones are not kept.
const WIDTH_MAX: usize = 64;

/// Scores of a version.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Scores {
    content: Option<ContentHash>,
    /// Of results that are classes.
    pub(crate) log_loss: Losses,
    /// Of results that are values.
    pub(crate) squared_error: Losses,
}

impl Scores {
    /// Those of this content: what is known of another is forgotten.
    pub(crate) fn of(&mut self, content: Option<ContentHash>) -> &mut Self {
        if self.content != content {
            *self = Self {
                content,
                ..Self::default()
            };
        }
        self
    }
}

/// A version and the content of its file that foretold something.
pub(super) type By = (u64, ContentHash);

/// What was foretold, and by what.
type Foretold = (By, Box<[f64]>);

/// Predictions that wait for their result, the oldest dropped first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    found: HashMap<Key, Vec<Foretold>>,
    order: VecDeque<Key>,
    bytes: u64,
}

impl Recent {
    fn remember(&self, key: Key, by: By, values: Box<[f64]>) {
        const AROUND_BYTES: u64 = 160;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let known = inner.found.entry(key).or_insert_with(|| {
            inner.order.push_back(key);
            inner.bytes += AROUND_BYTES;
            Vec::new()
        });
        inner.bytes += held(&values);
        match known.iter_mut().find(|it| it.0.0 == by.0) {
            Some(before) => {
                inner.bytes -= held(&before.1);
                *before = (by, values);
            }
            None => known.push((by, values)),
        }
        while inner.bytes > BYTES_MAX
            && let Some(oldest) = inner.order.pop_front()
        {
            let gone = inner.found.remove(&oldest).unwrap_or_default();
            let freed: u64 = gone.iter().map(|(_, it)| held(it)).sum();
            inner.bytes -= freed + AROUND_BYTES;
        }
    }

    /// Scores what is kept under a key, once.
    fn score(&self, key: &Key, outcome: Outcome) -> Result<Vec<(By, f64)>, InferenceError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let Some(known) = inner.found.get_mut(key) else {
            return Ok(Vec::new());
        };
        let losses: Result<Vec<_>, _> = known
            .iter()
            .map(|(by, values)| Ok((*by, loss(values, outcome)?)))
            .collect();
        if losses.is_ok() {
            // The place itself stays until it is the oldest.
            let freed: u64 = known.drain(..).map(|(_, it)| held(&it)).sum();
            inner.bytes -= freed;
        }
        losses
    }
}

/// Memory of a prediction.
fn held(values: &[f64]) -> u64 {
    (size_of_val(values) + size_of::<Foretold>()) as u64
}

/// How far a prediction was from what came true: log loss of a class, squared error of a value,
/// infinite only where what was foretold is no number.
fn loss(values: &[f64], outcome: Outcome) -> Result<f64, InferenceError> {
    const LEAST: f64 = 1e-15;
    let bad = |reason: String| Err(InferenceError::BadRequest(reason));
    let of_class = |given: f64| match given.is_nan() {
        // As wrong as can be.
        true => -LEAST.ln(),
        false => -given.clamp(LEAST, 1.0).ln(),
    };
    match (outcome, values) {
        (Outcome::Value(value), [foretold]) => {
            let loss = (foretold - value).powi(2);
            if !value.is_finite() || (foretold.is_finite() && !loss.is_finite()) {
                return bad(format!(
                    "the squared error of {value:?} is no finite number"
                ));
            }
            Ok(if loss.is_nan() { f64::INFINITY } else { loss })
        }
        (Outcome::Value(_), _) => bad(format!(
            "the result is a value where the model gives {}",
            values.len()
        )),
        (Outcome::Class(class @ (0 | 1)), [second]) => {
            let given = if class == 1 { *second } else { 1.0 - second };
            Ok(of_class(given))
        }
        (Outcome::Class(class), _) => match values.get(class as usize) {
            Some(given) if values.len() > 1 => Ok(of_class(*given)),
            _ => bad(format!(
                "there is no class {class} among {} outputs",
                values.len().max(2)
            )),
        },
    }
}

impl Pipeline {
    /// Keeps what a version foretold for a request of one row that has a key.
    pub(super) fn foretold(&self, model: &str, key: Option<&str>, by: By, outputs: &[Tensor]) {
        let Some(key) = key else {
            return;
        };
        let values = outputs.iter().find_map(|it| match &it.values {
            Values::Fp64(values) => Some(values.as_slice().into()),
            Values::Fp32(values) => Some(values.iter().copied().map(f64::from).collect()),
            _ => None,
        });
        let values: Option<Box<[f64]>> = values;
        let one_row = outputs.iter().all(|it| it.rows() == 1);
        if let Some(values) = values.filter(|it| one_row && it.len() <= WIDTH_MAX) {
            self.recent.remember(Key::of_key(model, key), by, values);
        }
    }

    /// Keeps what was made of a version's answer by who asked it, to be scored in its place.
    pub(crate) fn foretell(&self, model: &str, key: &str, version: u64, values: &[f64]) {
        let content = self.models.content(model, version);
        if let Some(content) = content.filter(|_| values.len() <= WIDTH_MAX) {
            let key = Key::of_key(model, key);
            self.recent.remember(key, (version, content), values.into());
        }
    }

    /// Scores what versions foretold under a key; how many did. What a file foretold that was
    /// replaced since scores nobody.
    pub(crate) fn observe(
        self: &std::sync::Arc<Self>,
        model: &str,
        key: &str,
        outcome: Outcome,
    ) -> Result<usize, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        let mut losses = self.recent.score(&Key::of_key(model, key), outcome)?;
        losses.retain(|((version, content), _)| {
            self.models.content(model, *version) == Some(*content)
        });
        let state = self.states.model(&entry.name);
        for &((version, content), loss) in &losses {
            let version = self.states.version(&state, version);
            let mut scores = version.scores();
            let scores = scores.of(Some(content));
            match outcome {
                Outcome::Class(_) => scores.log_loss.add(loss),
                Outcome::Value(_) => scores.squared_error.add(loss),
            }
        }
        let of = |version: u64| losses.iter().find(|it| it.0.0 == version).map(|it| it.1);
        let serving = of(entry.serving);
        if let Some(canary) = &entry.canary {
            let pair = self.models.pair(&entry, canary.version);
            let mut trial = state.canary();
            trial.of(pair).score(of(canary.version), serving);
        }
        if let Some(shadow) = &entry.shadow
            && let (Some(own), Some(_)) = (of(shadow.version), serving)
        {
            let pair = self.models.pair(&entry, shadow.version);
            let mut trial = state.shadow();
            trial.of(pair).score(Some(own), serving);
        }
        self.judge_canary(&entry, &state);
        self.judge_shadow(&entry, &state);
        Ok(losses.len())
    }
}

#[cfg(test)]
mod tests;
