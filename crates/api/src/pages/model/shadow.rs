//! A version that runs in the shadow, set against the one that serves.

use crate::pages::{figures, models::Told, text};

/// The comparison, ready to be written.
pub(super) struct Comparison {
    pub(super) words: String,
    pub(super) rows: String,
    /// Mean absolute difference of outputs, and the largest.
    pub(super) difference: String,
    pub(super) largest: String,
    /// Runs that gave nothing to compare, and copies that were let go.
    pub(super) failed: String,
    pub(super) dropped: String,
    /// What promotion waits for: whether it is reached, and the words.
    pub(super) gates: Vec<(bool, String)>,
    pub(super) promotes: bool,
}

impl Comparison {
    /// Nothing where no version runs in the shadow.
    pub(super) fn new(told: &Told) -> Option<Self> {
        let shadow = told.model.shadow.as_ref()?;
        let view = told.version(shadow.version)?;
        let mut gates = Vec::new();
        if shadow.rows_min > 0 {
            gates.push((
                view.shadow_rows >= shadow.rows_min,
                format!("at least {} rows compared", text::count(shadow.rows_min)),
            ));
        }
        if let Some(most) = shadow.difference_max {
            gates.push((
                view.shadow_difference.is_some_and(|it| it <= most),
                format!("a mean absolute difference of at most {}", plain(most)),
            ));
        }
        Some(Self {
            words: format!(
                "Version {} gets a copy of {} of the requests and answers nobody; its outputs are set against those of {}.",
                shadow.version,
                figures::share(shadow.share),
                told.model
                    .serving
                    .map_or("what serves".to_owned(), |it| format!("version {it}")),
            ),
            rows: text::count(view.shadow_rows),
            difference: view.shadow_difference.map_or("\u{2013}".to_owned(), plain),
            largest: view
                .shadow_difference_max
                .map_or("\u{2013}".to_owned(), plain),
            failed: text::count(view.shadow_failed),
            dropped: text::count(view.shadow_dropped),
            gates,
            promotes: shadow.promote,
        })
    }
}

/// Four digits that count, without an exponent where it can be read so.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn differences_are_told_in_digits_that_count() {
        let texts = [0.0, 0.012_345, 1.5, -2.0, 0.000_012_3].map(plain);
        assert_eq!(texts, ["0", "0.012345", "1.5", "\u{2212}2", "1.230e-5"]);
    }
}
