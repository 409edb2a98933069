//! The reliability diagram: what was forecast against what happened, with counts and intervals.

use std::fmt::Write;

use super::{Scale, escape};

const SIZE: f64 = 420.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// The height of the tallest bar of the counts.
const COUNTS: f64 = 54.0;

/// Forecasts of about the same probability.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Bin {
    pub(in super::super) count: u64,
    pub(in super::super) forecast: f64,
    pub(in super::super) observed: f64,
    /// Where the true share lies 95 times in 100.
    pub(in super::super) interval: (f64, f64),
}

/// Draws the diagram; nothing where there is no forecast.
pub(in super::super) fn reliability(summary: &str, bins: &[Bin]) -> Option<String> {
    let most = bins.iter().map(|it| it.count).max().filter(|it| *it > 0)?;
    let x = Scale::new((0.0, 1.0), (LEFT, SIZE - RIGHT));
    let y = Scale::new((0.0, 1.0), (SIZE - BOTTOM, TOP));
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{}">"#,
        escape(summary)
    );
    let mut push = |text: std::fmt::Arguments<'_>| svg.write_fmt(text).expect("a string takes all");
    for step in 0..=4 {
        let value = f64::from(step) / 4.0;
        let (across, up) = (x.at(value), y.at(value));
        push(format_args!(
            r#"<path class="axis" d="M{LEFT} {up:.1}H{:.1}M{across:.1} {TOP}V{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}%</text><text x="{across:.1}" y="{:.1}" text-anchor="middle">{}%</text>"#,
            SIZE - RIGHT,
            SIZE - BOTTOM,
            LEFT - 6.0,
            up + 4.0,
            step * 25,
            SIZE - BOTTOM + 16.0,
            step * 25,
        ));
    }
    for bin in bins {
        #[expect(clippy::cast_precision_loss, reason = "a height in pixels")]
        let height = COUNTS * (bin.count as f64 / most as f64);
        push(format_args!(
            r#"<rect class="count" x="{:.1}" y="{:.1}" width="6" height="{height:.1}"/>"#,
            x.at(bin.forecast) - 3.0,
            SIZE - BOTTOM - height,
        ));
    }
    push(format_args!(
        r#"<path class="ref" d="M{:.1} {:.1}L{:.1} {:.1}"/>"#,
        x.at(0.0),
        y.at(0.0),
        x.at(1.0),
        y.at(1.0),
    ));
    for bin in bins {
        let across = x.at(bin.forecast);
        push(format_args!(
            r#"<path class="whisk" d="M{across:.1} {:.1}V{:.1}"/><circle class="dot" cx="{across:.1}" cy="{:.1}" r="3.5"><title>forecast {:.1}%, happened {:.1}% of {}</title></circle>"#,
            y.at(bin.interval.0),
            y.at(bin.interval.1),
            y.at(bin.observed),
            bin.forecast * 100.0,
            bin.observed * 100.0,
            bin.count,
        ));
    }
    push(format_args!(
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">forecast</text><text x="{:.1}" y="{:.1}">happened</text></svg>"#,
        x.at(0.5),
        SIZE - 6.0,
        LEFT + 6.0,
        TOP + 12.0,
    ));
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_on_the_diagonal_is_a_dot_on_it_with_its_whisker_and_count() {
        let bin = Bin {
            count: 40,
            forecast: 0.5,
            observed: 0.5,
            interval: (0.35, 0.65),
        };
        let half = Bin {
            count: 20,
            forecast: 0.25,
            observed: 0.0,
            interval: (0.0, 0.1),
        };
        let svg = reliability("How \"sure\"", &[bin, half]).unwrap();
        assert!(svg.contains(r#"cx="226.0" cy="196.0""#), "{svg}");
        assert!(svg.contains("forecast 50.0%, happened 50.0% of 40"));
        assert!(svg.contains(r#"height="54.0""#) && svg.contains(r#"height="27.0""#));
        assert!(svg.contains("How &quot;sure&quot;"));
    }

    #[test]
    fn no_forecast_makes_no_diagram() {
        assert_eq!(reliability("", &[]), None);
        let nothing = Bin {
            count: 0,
            forecast: 0.0,
            observed: 0.0,
            interval: (0.0, 1.0),
        };
        assert_eq!(reliability("", &[nothing]), None);
    }
}
