//! Charts as SVG: no script, no style attribute, colours by class, so that one drawing serves
//! both themes. Shapes stand in a fixed box and scale with it.

mod course;
mod curve;
mod momentum;
mod reliability;
mod spark;

pub(super) use self::{
    course::{Course, Mark, Sign, course},
    curve::{Band, Curve, Labels, Line, curve},
    momentum::momentum,
    reliability::{Bin, reliability},
    spark::spark,
};

/// Maps values to a stretch of pixels.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: f64,
    until: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// Maps `from..until` to `start..end`; a range of nothing is widened around its value.
    fn new((from, until): (f64, f64), (start, end): (f64, f64)) -> Self {
        if until - from > f64::EPSILON * from.abs().max(1.0) {
            Self {
                from,
                until,
                start,
                end,
            }
        } else {
            Self {
                from: from - 0.5,
                until: from + 0.5,
                start,
                end,
            }
        }
    }

    fn at(self, value: f64) -> f64 {
        let share = (value - self.from) / (self.until - self.from);
        self.start + share * (self.end - self.start)
    }
}

/// Round numbers that cover `low..high` in about `count` steps.
fn ticks(low: f64, high: f64, count: u32) -> Vec<f64> {
    let raw = (high - low) / f64::from(count);
    if !raw.is_finite() || raw <= 0.0 {
        return vec![low];
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|it| it * power)
        .into_iter()
        .find(|it| *it >= raw);
    let step = step.unwrap_or(raw);
    let first = (low / step).ceil();
    (0..=2 * count)
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|it| *it <= high + step * 1e-9)
        .collect()
}

/// Least and greatest of finite values.
fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|it| it.is_finite())
        .fold(None, |extent, value| {
            let (low, high) = extent.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
}

/// Text that can stand in SVG.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(1480.0, 1610.0, 4), [1500.0, 1550.0, 1600.0]);
        assert_eq!(ticks(3.0, 3.0, 4), [3.0]);
        assert_eq!(ticks(0.0, f64::NAN, 4), [0.0]);
    }

    #[test]
    fn a_scale_maps_ends_to_ends_and_nothing_to_the_middle() {
        let scale = Scale::new((0.0, 10.0), (100.0, 0.0));
        assert_eq!(
            [scale.at(0.0), scale.at(5.0), scale.at(10.0)],
            [100.0, 50.0, 0.0]
        );
        assert_eq!(Scale::new((3.0, 3.0), (0.0, 100.0)).at(3.0), 50.0);
    }

    #[test]
    fn an_extent_skips_what_is_no_number() {
        assert_eq!(extent([2.0, f64::NAN, -1.0].into_iter()), Some((-1.0, 2.0)));
        assert_eq!(extent([f64::INFINITY].into_iter()), None);
    }

    #[test]
    fn text_in_a_chart_cannot_become_markup() {
        assert_eq!(escape("<a \"b\" & c>"), "&lt;a &quot;b&quot; &amp; c&gt;");
    }
}
