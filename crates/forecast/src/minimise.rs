//! The one door to the optimizer: limited-memory BFGS of `argmin` with a Moré–Thuente line
//! search, on parameters scaled so that each has a curvature of about one.

use std::cell::{Cell, RefCell};

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

/// Steps kept by the optimizer to model the curvature.
const MEMORY: usize = 8;
/// The search ends at the latest after the solver has asked so many times for a value or a
/// gradient; it needs some fifty. The line search has no bound of its own.
const QUESTIONS_MAX: u32 = 1200;

/// A smooth function of many parameters.
pub(crate) trait Objective {
    /// The value at `parameters`; the derivatives by each of them go to `gradient`.
    fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64;

    /// A guess at the second derivative by each parameter; positive.
    fn curvatures(&self, parameters: &[f64]) -> Vec<f64>;
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minimum {
    /// The parameters.
    pub(crate) parameters: Vec<f64>,
    /// The value there.
    pub(crate) value: f64,
}

/// Goes downhill from `start` until the length of the scaled gradient is below `tolerance`, the
/// value stops falling, or [`QUESTIONS_MAX`] values and gradients were asked for.
pub(crate) fn minimise<O: Objective>(objective: &O, start: &[f64], tolerance: f64) -> Minimum {
    let scales: Vec<f64> = objective
        .curvatures(start)
        .iter()
        .map(|it| 1.0 / it.sqrt())
        .collect();
    let scaled_start: Vec<f64> = start
        .iter()
        .zip(&scales)
        .map(|(x, scale)| x / scale)
        .collect();
    let problem = Scaled {
        objective,
        scales,
        questions: Cell::default(),
        last: RefCell::default(),
        best: RefCell::default(),
    };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
        .with_tolerance_grad(tolerance)
        .and_then(|it| it.with_tolerance_cost(0.0))
        .expect("tolerances of zero and above are valid");
    // A search that fails has still looked at points: the best of them is the answer.
    let _ = Executor::new(&problem, solver)
        .configure(|state| state.param(scaled_start))
        .ctrlc(false)
        .run();
    let best = problem.best.borrow();
    let found = best
        .as_ref()
        .map_or_else(|| start.to_vec(), |it| problem.unscaled(&it.1));
    Minimum {
        parameters: found,
        value: best.as_ref().map_or(f64::INFINITY, |it| it.0),
    }
}

/// An objective on scaled parameters that remembers its last evaluation, since the solver asks
/// for value and gradient of the same point one after the other.
struct Scaled<'a, O> {
    objective: &'a O,
    scales: Vec<f64>,
    questions: Cell<u32>,
    last: RefCell<Evaluation>,
    /// Lowest finite value so far and where it was.
    best: RefCell<Option<(f64, Vec<f64>)>>,
}

#[derive(Default)]
struct Evaluation {
    scaled: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl<O: Objective> Scaled<'_, O> {
    fn unscaled(&self, scaled: &[f64]) -> Vec<f64> {
        scaled
            .iter()
            .zip(&self.scales)
            .map(|(x, scale)| x * scale)
            .collect()
    }

    fn at<T>(&self, scaled: &[f64], read: impl Fn(&Evaluation) -> T) -> Result<T, Error> {
        // Questions are counted, not evaluations: a line search at its longest step asks for the
        // same point for ever.
        self.questions.set(self.questions.get() + 1);
        if self.questions.get() > QUESTIONS_MAX {
            return Err(Error::msg("the search does not end"));
        }
        let mut last = self.last.borrow_mut();
        if last.scaled != scaled {
            let mut gradient = vec![0.0; scaled.len()];
            let value = self
                .objective
                .evaluate(&self.unscaled(scaled), &mut gradient);
            gradient
                .iter_mut()
                .zip(&self.scales)
                .for_each(|(slope, scale)| *slope *= scale);
            let mut best = self.best.borrow_mut();
            if value.is_finite() && best.as_ref().is_none_or(|it| value < it.0) {
                *best = Some((value, scaled.to_vec()));
            }
            *last = Evaluation {
                scaled: scaled.to_vec(),
                value,
                gradient,
            };
        }
        Ok(read(&last))
    }
}

impl<O: Objective> CostFunction for &Scaled<'_, O> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, scaled: &Vec<f64>) -> Result<f64, Error> {
        self.at(scaled, |it| it.value)
    }
}

impl<O: Objective> Gradient for &Scaled<'_, O> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, scaled: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.at(scaled, |it| it.gradient.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A valley along a parabola, with its bottom at (1, 1).
    struct Valley;

    impl Objective for Valley {
        fn evaluate(&self, at: &[f64], gradient: &mut [f64]) -> f64 {
            let (x, y) = (at[0], at[1]);
            gradient[0] = -2.0 * (1.0 - x) - 400.0 * x * (y - x * x);
            gradient[1] = 200.0 * (y - x * x);
            (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
        }

        fn curvatures(&self, _at: &[f64]) -> Vec<f64> {
            vec![800.0, 200.0]
        }
    }

    #[test]
    fn the_bottom_of_a_curved_valley_is_found() {
        let found = minimise(&Valley, &[-1.2, 1.0], 1e-10);
        assert!((found.parameters[0] - 1.0).abs() < 1e-8, "{found:?}");
        assert!((found.parameters[1] - 1.0).abs() < 1e-8, "{found:?}");
        assert!(found.value < 1e-16, "{found:?}");
    }

    #[test]
    fn a_start_at_the_bottom_stays_there() {
        let found = minimise(&Valley, &[1.0, 1.0], 1e-10);
        assert_eq!(
            found,
            Minimum {
                parameters: vec![1.0, 1.0],
                value: 0.0
            }
        );
    }

    /// Falls for ever, or is no number at all.
    struct Slope(f64);

    impl Objective for Slope {
        fn evaluate(&self, at: &[f64], gradient: &mut [f64]) -> f64 {
            gradient[0] = self.0;
            self.0 * at[0]
        }

        fn curvatures(&self, _at: &[f64]) -> Vec<f64> {
            vec![1.0]
        }
    }

    #[test]
    fn a_search_without_a_bottom_ends_at_the_lowest_point_it_saw() {
        let found = minimise(&Slope(-1.0), &[0.0], 1e-10);
        assert!(
            found.parameters[0] > 0.0 && found.value == -found.parameters[0],
            "{found:?}"
        );
    }

    #[test]
    fn a_function_that_is_no_number_leaves_the_start() {
        let found = minimise(&Slope(f64::NAN), &[3.0], 1e-10);
        assert_eq!(
            found,
            Minimum {
                parameters: vec![3.0],
                value: f64::INFINITY
            }
        );
    }
}
