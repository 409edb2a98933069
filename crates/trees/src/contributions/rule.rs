//! The points and weights of Gauss and Legendre on (0, 1).

use std::f64::consts::PI;

/// Points side by side in a pass over a tree.
pub(super) const LANES: usize = 4;

/// So many points with their weights, which add up to one.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Points in groups of [`LANES`], and their weights.
    pub(super) groups: Box<[([f64; LANES], [f64; LANES])]>,
}

impl Rule {
    /// A rule that is exact for polynomials up to this degree.
    pub(super) fn exact_for(degree: usize) -> Self {
        let count = (degree / 2 + 1).next_multiple_of(LANES);
        let (points, weights): (Vec<f64>, Vec<f64>) = (0..count).map(|it| node(count, it)).unzip();
        let (points, _) = points.as_chunks::<LANES>();
        let (weights, _) = weights.as_chunks::<LANES>();
        let groups = points.iter().copied().zip(weights.iter().copied());
        Self {
            groups: groups.collect(),
        }
    }

    /// Bytes of memory held.
    pub(super) fn size_bytes(&self) -> usize {
        size_of_val(&*self.groups)
    }
}

/// One point and its weight: Newton's method on the Legendre polynomial of degree `count`.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of points are far smaller than 2^53"
)]
fn node(count: usize, index: usize) -> (f64, f64) {
    const STEPS_MAX: usize = 100;
    let degree = count as f64;
    let mut x = (PI * (index as f64 + 0.75) / (degree + 0.5)).cos();
    let mut slope = 1.0;
    for _ in 0..STEPS_MAX {
        let (mut before, mut value) = (1.0, x);
        for k in 2..=count {
            let k = k as f64;
            (before, value) = (
                value,
                ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
            );
        }
        slope = degree * (before - x * value) / ((1.0 - x) * (1.0 + x));
        let step = value / slope;
        x -= step;
        if step.abs() <= f64::EPSILON * x.abs().max(f64::EPSILON) {
            break;
        }
    }
    (
        (1.0 + x) / 2.0,
        1.0 / ((1.0 - x) * (1.0 + x) * slope * slope),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly_up_to_the_degree() {
        for degree in [0, 1, 7, 8, 15, 16, 40, 200, 1000] {
            let rule = Rule::exact_for(degree);
            for power in [0, 1, degree / 2, degree] {
                let mut sum = 0.0;
                for (points, weights) in rule.groups.iter() {
                    for (t, weight) in points.iter().zip(weights) {
                        assert!(0.0 < *t && *t < 1.0, "{t}");
                        sum += weight * t.powi(power as i32);
                    }
                }
                let wanted = 1.0 / (power + 1) as f64;
                assert!(
                    (sum - wanted).abs() < 1e-14,
                    "degree {degree}, power {power}: {sum} for {wanted}"
                );
            }
        }
    }
}
