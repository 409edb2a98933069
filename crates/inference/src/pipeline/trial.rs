//! A candidate, canary or shadow, held against the version that serves: how often it fails, how far
//! its outputs lie apart, how much worse it foretold what came true.

use crate::{ContentHash, Guard, InferenceError, Shadow, Tensor, Values};

/// Losses added up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Losses {
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl Losses {
    pub(crate) fn add(&mut self, loss: f64) {
        self.count += 1;
        self.sum += loss;
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// A version and what its file holds, `None` where that was not loaded: files are replaced, and
/// numbers given again.
pub(crate) type Content = (u64, Option<ContentHash>);

/// A candidate and what serves beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pair {
    pub(crate) own: Content,
    pub(crate) serving: Content,
}

impl Pair {
    /// Whether what is known of it goes on for another: of the same numbers, and of the same
    /// contents as far as they were known.
    fn goes_on(self, other: Self) -> bool {
        let same = |before: Content, now: Content| {
            before.0 == now.0 && (before.1.is_none() || before.1 == now.1)
        };
        same(self.own, other.own) && same(self.serving, other.serving)
    }
}

/// What is known of a candidate beside the version that serves. Begins anew with the content of
/// either.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Trial {
    pair: Pair,
    /// Requests lately, and those of them that failed.
    requests: f64,
    failures: f64,
    /// Runs of it that failed since one did not.
    in_a_row: u32,
    /// Rows compared.
    pub(crate) rows: u64,
    values: u64,
    sum: f64,
    /// The largest difference.
    pub(crate) most: f64,
    /// Runs that gave nothing to compare.
    pub(crate) failed: u64,
    /// Copies dropped because too many waited.
    pub(crate) dropped: u64,
    own: Losses,
    others: Losses,
}

/// Of a shadow's runs, the share that may give nothing to compare.
const FAILED_SHARE_MAX: f64 = 0.01;

impl Trial {
    /// The trial of this pair: what was known of another is forgotten.
    pub(super) fn of(&mut self, pair: Pair) -> &mut Self {
        if !self.pair.goes_on(pair) {
            *self = Self::default();
        }
        self.pair = pair;
        self
    }

    /// Whether it is about this pair.
    pub(crate) fn is_of(&self, pair: Pair) -> bool {
        self.pair.goes_on(pair)
    }

    /// Counts a request; older ones weigh half as soon as there are twice as many as it takes. How
    /// many runs have failed in a row by now.
    pub(super) fn answered(&mut self, failure: Option<&InferenceError>, guard: &Guard) -> u32 {
        if self.requests >= 2.0 * f64::from(guard.requests_min.max(1)) {
            self.requests /= 2.0;
            self.failures /= 2.0;
        }
        self.requests += 1.0;
        self.failures += f64::from(u8::from(failure.is_some()));
        self.in_a_row = match failure {
            None => 0,
            Some(InferenceError::Failed { .. }) => self.in_a_row + 1,
            // It did not run.
            Some(_) => self.in_a_row,
        };
        self.in_a_row
    }

    /// Compares outputs of the same rows; others than those of the same shape cannot be.
    pub(super) fn compare(&mut self, ours: &[Tensor], theirs: &[Tensor], rows: u64) {
        let alike =
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.shape == b.shape);
        if !alike {
            self.failed += 1;
            return;
        }
        for (a, b) in ours.iter().zip(theirs) {
            let (Some(a), Some(b)) = (numbers(&a.values), numbers(&b.values)) else {
                continue;
            };
            for (a, b) in a.into_iter().zip(b) {
                let same = a == b || (a.is_nan() && b.is_nan());
                let apart = if same { 0.0 } else { (a - b).abs() };
                // What is a number here and none there is as far apart as can be.
                let apart = if apart.is_nan() { f64::INFINITY } else { apart };
                self.sum += apart;
                self.most = self.most.max(apart);
                self.values += 1;
            }
        }
        self.rows += rows;
    }

    /// Adds what a result says about both; `None` where one gave no answer to that request.
    pub(super) fn score(&mut self, own: Option<f64>, others: Option<f64>) {
        own.into_iter().for_each(|it| self.own.add(it));
        others.into_iter().for_each(|it| self.others.add(it));
    }

    /// Mean absolute difference of outputs.
    pub(crate) fn difference(&self) -> Option<f64> {
        (self.values > 0).then(|| self.sum / self.values as f64)
    }

    /// By how much its score is worse, once there are enough results to say so. A difference that
    /// is no number says nothing good of it, whichever of the two it comes from.
    fn worse_by(&self, guard: &Guard) -> Option<f64> {
        let enough = self.own.count.min(self.others.count) >= guard.scores_min.max(1);
        let worse = self.own.mean()? - self.others.mean()?;
        let worse = if worse.is_finite() {
            worse
        } else {
            f64::INFINITY
        };
        enough.then_some(worse)
    }

    /// Why a canary should get no more traffic.
    pub(super) fn verdict(&self, guard: &Guard) -> Option<String> {
        if let Some(most) = guard.error_rate_max
            && self.requests >= f64::from(guard.requests_min.max(1))
            && self.failures > most * self.requests
        {
            let share = self.failures / self.requests;
            return Some(format!("{share:.3} of its requests failed, {most} may"));
        }
        let margin = guard.score_margin?;
        let worse = self.worse_by(guard).filter(|it| *it > margin)?;
        Some(format!(
            "its score is worse by {worse:.4}, {margin} is allowed"
        ))
    }

    /// Refuses a shadow that was not compared enough, differs too much or foretells worse.
    pub(crate) fn gate(&self, shadow: &Shadow, guard: &Guard) -> Result<(), InferenceError> {
        let refuse = |reason: String| {
            let version = shadow.version;
            Err(InferenceError::Refused(format!(
                "version {version} {reason}"
            )))
        };
        if self.rows < shadow.rows_min {
            let (rows, least) = (self.rows, shadow.rows_min);
            return refuse(format!(
                "was compared on {rows} rows where {least} are wanted"
            ));
        }
        if self.failed as f64 > FAILED_SHARE_MAX * (self.failed + self.rows) as f64 {
            return refuse(format!("gave nothing to compare {} times", self.failed));
        }
        if let Some(most) = shadow.difference_max {
            match self.difference() {
                None => return refuse("was not compared yet".to_owned()),
                Some(found) if found.is_nan() || found > most => {
                    return refuse(format!("differs by {found} where {most} is allowed"));
                }
                Some(_) => {}
            }
        }
        if let Some(margin) = guard.score_margin {
            match self.worse_by(guard) {
                None => {
                    let (count, least) = (self.own.count, guard.scores_min);
                    return refuse(format!("has {count} scores where {least} are wanted"));
                }
                Some(worse) if worse > margin => {
                    return refuse(format!("scores worse by {worse}, {margin} is allowed"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn numbers(values: &Values) -> Option<Vec<f64>> {
    Some(match values {
        Values::Bool(it) => it.iter().map(|&it| f64::from(u8::from(it))).collect(),
        Values::Int64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Uint64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Fp32(it) => it.iter().copied().map(f64::from).collect(),
        Values::Fp64(it) => it.clone(),
        Values::Bytes(_) => return None,
    })
}
