//! Learning the weights of a blend: penalised maximum likelihood by Newton's method. The penalty
//! pulls towards the best part alone, so that little evidence moves little.

use jiff::{SignedDuration, Timestamp};
use nalgebra::{DMatrix, DVector};

use super::{BLENDS, BlendStage, Opinion, PROBABILITY_MIN, Recipe, ingredients, opinion, softmax};
use crate::ModelName;

/// Fixtures a recipe needs at least.
const FIXTURES_MIN: usize = 300;

/// How far back fixtures count.
const SPAN: SignedDuration = SignedDuration::from_hours(8 * 366 * 24);

/// The strength of the pull, in units of squared weight.
const PENALTY: f64 = 20.0;

/// Newton's steps at most; five or six are usual.
const STEPS_MAX: usize = 30;

/// Opinions of a fixture formed before it, and what happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation<'a> {
    /// Who said what.
    pub(crate) opinions: &'a [Opinion],
    /// Index of what happened.
    pub(crate) outcome: usize,
    /// When it became known.
    pub(crate) known_at: Timestamp,
}

/// Fits every blend for which enough was known at `valid_from`.
pub(crate) fn fit_stage(observations: &[Observation<'_>], valid_from: Timestamp) -> BlendStage {
    let start = valid_from
        .saturating_sub(SPAN)
        .expect("a fixed span never overflows");
    let known: Vec<&Observation<'_>> = observations
        .iter()
        .filter(|it| it.known_at <= valid_from && it.known_at > start)
        .collect();
    let recipes = BLENDS
        .into_iter()
        .flat_map(|it| fit_recipes(&known, it))
        .collect();
    BlendStage {
        valid_from,
        recipes,
    }
}

/// The logarithms of the parts' probabilities, outcome by outcome, and what happened.
struct Row {
    logs: Vec<f64>,
    outcome: usize,
}

struct Problem {
    rows: Vec<Row>,
    parts: usize,
    width: usize,
    /// The parameters the penalty pulls to: the best part alone.
    home: Vec<f64>,
}

/// What the boosted model must gain over all fixtures to have a part, in nats: less may be chance.
const BOOSTED_GAIN_MIN: f64 = 3.0;

/// A blend's recipe; where the boosted model has a part in it, followed by one without for when it
/// cannot be asked.
fn fit_recipes(known: &[&Observation<'_>], blend: ModelName) -> Vec<Recipe> {
    let parts = parts_of(known, blend, &ingredients(blend));
    let mut fewer = ingredients(blend);
    fewer.retain(|it| *it != ModelName::Boosted);
    let fewer = parts_of(known, blend, &fewer);
    let without = fit_recipe(known, blend, fewer);
    if !parts.contains(&ModelName::Boosted) {
        return without.into_iter().collect();
    }
    let mut with = fit_recipe(known, blend, parts);
    if let (Some(boosted), Some(plain)) = (&with, &without)
        && gain(known, boosted, plain) < BOOSTED_GAIN_MIN
    {
        with = None;
    }
    with.into_iter().chain(without).collect()
}

/// What one recipe takes off the other's log loss, summed over the fixtures that both can be
/// applied to.
fn gain(known: &[&Observation<'_>], recipe: &Recipe, other: &Recipe) -> f64 {
    let loss = |h2h: &[f64], outcome: usize| -h2h[outcome].max(f64::MIN_POSITIVE).ln();
    known
        .iter()
        .filter_map(|it| {
            let (mine, theirs) = (recipe.apply(it.opinions)?, other.apply(it.opinions)?);
            Some(loss(&theirs, it.outcome) - loss(&mine, it.outcome))
        })
        .sum()
}

fn fit_recipe(
    known: &[&Observation<'_>],
    blend: ModelName,
    parts: Vec<ModelName>,
) -> Option<Recipe> {
    let rows: Vec<Row> = known.iter().filter_map(|it| row(it, &parts)).collect();
    if rows.len() < FIXTURES_MIN || parts.is_empty() {
        return None;
    }
    let width = rows[0].logs.len() / parts.len();
    let (best, log_loss_best) = (0..parts.len())
        .map(|part| (part, part_loss(&rows, part, width)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    // The boosted model already moves the best of the others: it has to earn its weight.
    let (pull, _) = (0..parts.len())
        .filter(|it| parts[*it] != ModelName::Boosted || parts.len() == 1)
        .map(|part| (part, part_loss(&rows, part, width)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let alone = |part: usize| -> Vec<f64> {
        let mut weights = vec![0.0; parts.len() + width - 1];
        weights[part] = 1.0;
        weights
    };
    let best_alone = alone(best);
    let home = alone(pull);
    let problem = Problem {
        rows,
        parts: parts.len(),
        width,
        home,
    };
    let mut parameters = problem.solve();
    let mut log_loss = problem.log_loss(&parameters);
    if log_loss.is_nan() || log_loss > log_loss_best {
        (parameters, log_loss) = (best_alone, log_loss_best);
    }
    let mut bias = vec![0.0];
    bias.extend(&parameters[parts.len()..]);
    Some(Recipe {
        blend,
        best: parts[best],
        weights: parameters[..parts.len()].to_vec(),
        parts,
        bias,
        n: problem.rows.len() as u64,
        log_loss,
        log_loss_best,
    })
}

/// The ingredients that most fixtures have; a blend that reads prices must have one that does.
fn parts_of(known: &[&Observation<'_>], blend: ModelName, given: &[ModelName]) -> Vec<ModelName> {
    let basis: Vec<&&Observation<'_>> = known
        .iter()
        .filter(|it| blend != ModelName::BlendPriced || has(it, ModelName::MarketEarly))
        .collect();
    let common =
        |part: &ModelName| 2 * basis.iter().filter(|it| has(it, *part)).count() > basis.len();
    let parts: Vec<ModelName> = given.iter().copied().filter(common).collect();
    let own = parts.len()
        > ingredients(ModelName::BlendResults)
            .iter()
            .filter(|it| parts.contains(it))
            .count();
    if own || blend == ModelName::BlendResults {
        parts
    } else {
        Vec::new()
    }
}

fn has(observation: &Observation<'_>, model: ModelName) -> bool {
    opinion(observation.opinions, model).is_some()
}

fn row(observation: &Observation<'_>, parts: &[ModelName]) -> Option<Row> {
    let mut logs = Vec::with_capacity(3 * parts.len());
    for part in parts {
        let h2h = opinion(observation.opinions, *part)?;
        logs.extend(h2h.iter().map(|it| it.max(PROBABILITY_MIN).ln()));
    }
    Some(Row {
        logs,
        outcome: observation.outcome,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
fn part_loss(rows: &[Row], part: usize, width: usize) -> f64 {
    let sum: f64 = rows
        .iter()
        .map(|it| -it.logs[part * width + it.outcome])
        .sum();
    sum / rows.len() as f64
}

impl Problem {
    /// Weights, then biases of every outcome but the first.
    fn solve(&self) -> Vec<f64> {
        let mut parameters = self.home.clone();
        let mut value = self.value(&parameters);
        for _ in 0..STEPS_MAX {
            let (gradient, curvature) = self.derivatives(&parameters);
            let Some(factor) = curvature.cholesky() else {
                break;
            };
            let step = factor.solve(&gradient);
            let mut share = 1.0;
            let mut next: Vec<f64>;
            loop {
                next = parameters
                    .iter()
                    .zip(step.iter())
                    .map(|(a, b)| a - share * b)
                    .collect();
                let reached = self.value(&next);
                if reached <= value || share < 1e-4 {
                    value = reached.min(value);
                    break;
                }
                share *= 0.5;
            }
            parameters = next;
            if step.amax() < 1e-9 {
                break;
            }
        }
        parameters
    }

    fn value(&self, parameters: &[f64]) -> f64 {
        let pull: f64 = parameters
            .iter()
            .zip(&self.home)
            .map(|(a, b)| (a - b).powi(2))
            .sum();
        self.rows
            .iter()
            .map(|it| self.loss(it, parameters))
            .sum::<f64>()
            + 0.5 * PENALTY * pull
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
    fn log_loss(&self, parameters: &[f64]) -> f64 {
        let sum: f64 = self.rows.iter().map(|it| self.loss(it, parameters)).sum();
        sum / self.rows.len() as f64
    }

    fn loss(&self, row: &Row, parameters: &[f64]) -> f64 {
        -self.probabilities(row, parameters)[row.outcome]
            .max(f64::MIN_POSITIVE)
            .ln()
    }

    fn probabilities(&self, row: &Row, parameters: &[f64]) -> Vec<f64> {
        let logit = |outcome: usize| {
            (0..parameters.len())
                .map(|it| parameters[it] * self.feature(row, it, outcome))
                .sum::<f64>()
        };
        let logits: Vec<f64> = (0..self.width).map(logit).collect();
        softmax(&logits)
    }

    /// What a parameter adds to the logit of an outcome, per unit.
    fn feature(&self, row: &Row, parameter: usize, outcome: usize) -> f64 {
        if parameter < self.parts {
            row.logs[parameter * self.width + outcome]
        } else {
            f64::from(u8::from(parameter - self.parts + 1 == outcome))
        }
    }

    fn derivatives(&self, parameters: &[f64]) -> (DVector<f64>, DMatrix<f64>) {
        let size = parameters.len();
        let mut gradient =
            DVector::from_fn(size, |it, _| PENALTY * (parameters[it] - self.home[it]));
        let mut curvature = DMatrix::identity(size, size) * PENALTY;
        let mut means = vec![0.0; size];
        for row in &self.rows {
            let probabilities = self.probabilities(row, parameters);
            for (index, mean) in means.iter_mut().enumerate() {
                let features = (0..self.width).map(|it| self.feature(row, index, it));
                *mean = features.zip(&probabilities).map(|(x, p)| x * p).sum();
                gradient[index] += *mean - self.feature(row, index, row.outcome);
            }
            for (outcome, probability) in probabilities.iter().enumerate() {
                for i in 0..size {
                    let left = probability * (self.feature(row, i, outcome) - means[i]);
                    for j in 0..=i {
                        curvature[(i, j)] += left * (self.feature(row, j, outcome) - means[j]);
                    }
                }
            }
        }
        curvature.fill_upper_triangle_with_lower_triangle();
        (gradient, curvature)
    }
}
