//! Features in bins: what trees are grown on, column by column.

/// Every feature of every row as the number of a bin.
#[derive(Debug)]
pub(super) struct Bins {
    columns: Vec<Column>,
}

/// One feature.
#[derive(Debug)]
pub(super) struct Column {
    /// The highest value of each bin but the last; a bin's number counts the bounds below it.
    bounds: Vec<f64>,
    /// The bin of each row; one more than the highest where the value is missing.
    pub(super) bins: Vec<u8>,
}

impl Bins {
    /// Puts rows of `columns` numbers into at most `bins_max` bins a column, of about equal
    /// counts; values that are often there get a bin of their own.
    pub(super) fn new(features: &[f64], columns: usize, bins_max: usize) -> Self {
        let column = |index: usize| {
            let values: Vec<f64> = features
                .iter()
                .skip(index)
                .step_by(columns)
                // Adding zero makes one zero of two.
                .map(|it| it + 0.0)
                .collect();
            Column::new(&values, bins_max - 1)
        };
        Self {
            columns: (0..columns).map(column).collect(),
        }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl Column {
    fn new(values: &[f64], bins_max: usize) -> Self {
        let bounds = bounds(values, bins_max);
        let missing = bounds.len() + 1;
        let bin = |value: &f64| {
            let bin = if value.is_nan() {
                missing
            } else {
                bounds.partition_point(|it| it < value)
            };
            u8::try_from(bin).expect("there are at most 255 bins")
        };
        Self {
            bins: values.iter().map(bin).collect(),
            bounds,
        }
    }

    /// Bins for values; the one for what is missing comes after them.
    pub(super) fn value_bins(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The threshold that parts the bins up to this one from those above; above all values for
    /// the last.
    pub(super) fn threshold(&self, bin: usize) -> f64 {
        self.bounds.get(bin).copied().unwrap_or(f64::MAX)
    }
}

/// Where bins end: between two values that are there.
fn bounds(values: &[f64], bins_max: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|it| !it.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let runs: Vec<&[f64]> = sorted.chunk_by(|a, b| a == b).collect();
    let mut bounds = Vec::new();
    let (mut rows_left, mut bins_left, mut held) = (sorted.len(), bins_max, 0);
    for pair in runs.windows(2) {
        let (run, next) = (pair[0], pair[1]);
        held += run.len();
        // A value so frequent that it fills a bin begins one of its own.
        let full = held * bins_left >= rows_left;
        let frequent = next.len() * bins_left >= rows_left && 2 * held * bins_left >= rows_left;
        if bins_left > 1 && (full || frequent || runs.len() <= bins_max) {
            bounds.push(between(run[0], next[0]));
            rows_left -= held;
            bins_left -= 1;
            held = 0;
        }
    }
    bounds
}

/// A number that is not below the lower and below the higher.
fn between(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    if middle.is_finite() && middle < high {
        middle
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], bins_max: usize, bins: &[u8], bounds: &[f64]) {
        let column = Column::new(values, bins_max);
        assert_eq!(
            (column.bins.as_slice(), column.bounds.as_slice()),
            (bins, bounds)
        );
    }

    #[test]
    fn few_values_get_a_bin_each_and_what_is_missing_one_behind_them() {
        check(&[3.0, 1.0, f64::NAN, 2.0], 254, &[2, 0, 3, 1], &[1.5, 2.5]);
        check(&[f64::NAN, f64::NAN], 254, &[1, 1], &[]);
        check(&[7.0, 7.0], 254, &[0, 0], &[]);
        let next = 1.0_f64.next_up();
        check(&[1.0, next], 254, &[0, 1], &[1.0]);
        check(&[-1e308, 1e308], 254, &[0, 1], &[-1e308]);
    }

    #[test]
    fn many_values_share_bins_of_about_equal_counts() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let column = Column::new(&values, 10);
        assert_eq!(column.value_bins(), 10);
        for bin in 0..10 {
            let count = column.bins.iter().filter(|it| **it == bin).count();
            assert!((90..=110).contains(&count), "bin {bin} has {count}");
        }
        // A value that half of the rows have is alone in its bin.
        let values: Vec<f64> = (0..1000).map(|it| f64::from(it.max(500))).collect();
        let column = Column::new(&values, 10);
        assert_eq!(column.bounds[0], 500.5);
        assert_eq!(column.value_bins(), 10);
    }
}
