//! The one door to the optimizer: limited-memory BFGS of `argmin` with a Moré–Thuente line
//! search, on parameters scaled so that each has a curvature of about one.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

/// Steps kept by the optimizer to model the curvature.
const MEMORY: usize = 8;
/// The search ends at the latest after so many evaluations; it needs some twenty. The line search
/// has no bound of its own.
const EVALUATIONS_MAX: u32 = 600;

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
/// value stops falling, or [`EVALUATIONS_MAX`] points were looked at.
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
        last: RefCell::default(),
    };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
        .with_tolerance_grad(tolerance)
        .and_then(|it| it.with_tolerance_cost(0.0))
        .expect("tolerances of zero and above are valid");
    let result = Executor::new(&problem, solver)
        .configure(|state| state.param(scaled_start))
        .ctrlc(false)
        .run()
        .expect("a line search that fails ends the search without failing it");
    let state = result.state();
    let best = state.get_best_param().expect("the start counts as found");
    Minimum {
        parameters: problem.unscaled(best),
        value: state.get_best_cost(),
    }
}

/// An objective on scaled parameters that remembers its last evaluation, since the solver asks
/// for value and gradient of the same point one after the other.
struct Scaled<'a, O> {
    objective: &'a O,
    scales: Vec<f64>,
    last: RefCell<Evaluation>,
}

#[derive(Default)]
struct Evaluation {
    number: u32,
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
        let mut last = self.last.borrow_mut();
        if last.scaled != scaled {
            if last.number >= EVALUATIONS_MAX {
                return Err(Error::msg("the search does not end"));
            }
            let mut gradient = vec![0.0; scaled.len()];
            let value = self
                .objective
                .evaluate(&self.unscaled(scaled), &mut gradient);
            gradient
                .iter_mut()
                .zip(&self.scales)
                .for_each(|(slope, scale)| *slope *= scale);
            let number = last.number + 1;
            *last = Evaluation {
                number,
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
}
