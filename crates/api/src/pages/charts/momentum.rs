//! Momentum over the time played: a bar for each stretch, up for home, down for away.

use std::fmt::Write;

use super::{Scale, escape};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 96.0;
/// The same room on both sides as the chart of the game has, so that minutes stand below minutes.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
/// Stretches that get a bar.
const BARS: usize = 45;
/// What fills half the height at least: small moves stay small.
const REACH_MIN: f64 = 0.2;

/// Draws the bars of moments in seconds played, of a game this long.
pub(in super::super) fn momentum(points: &[(f64, f64)], length: f64, summary: &str) -> String {
    let reach = points.iter().map(|it| it.1.abs()).fold(REACH_MIN, f64::max);
    let x = Scale::new((0.0, length), (LEFT, WIDTH - RIGHT));
    let y = Scale::new((-reach, reach), (HEIGHT - 4.0, 4.0));
    let middle = y.at(0.0);
    let mut svg = format!(
        r#"<svg class="chart curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escape(summary)
    );
    #[expect(clippy::cast_precision_loss, reason = "a few dozen bars")]
    let width = length / BARS as f64;
    let mut start = 0.0;
    for _ in 0..BARS {
        let end = start + width;
        let within = points.iter().rfind(|it| it.0 >= start && it.0 < end);
        if let Some((_, value)) = within {
            let (class, at) = if *value >= 0.0 {
                ("f-home", y.at(*value))
            } else {
                ("f-away", middle)
            };
            let height = (y.at(*value) - middle).abs();
            let left = x.at(start) + 1.0;
            let wide = x.at(end) - x.at(start) - 2.0;
            write!(
                svg,
                r#"<rect class="{class}" x="{left:.1}" y="{at:.1}" width="{wide:.1}" height="{height:.1}"/>"#
            )
            .expect("writing to a string does not fail");
        }
        start = end;
    }
    write!(
        svg,
        r#"<path class="axis" d="M{LEFT} {middle:.1}H{:.1}"/></svg>"#,
        WIDTH - RIGHT
    )
    .expect("writing to a string does not fail");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_goes_up_for_home_and_down_for_away_and_small_moves_stay_small() {
        let svg = momentum(
            &[(0.0, 0.1), (60.0, 0.2), (5_399.0, -0.1)],
            5_400.0,
            "A & B",
        );
        assert!(svg.contains(r#"aria-label="A &amp; B""#));
        assert_eq!(
            svg.matches("<rect").count(),
            2,
            "the last of a stretch counts"
        );
        assert!(
            svg.contains(r#"<rect class="f-home" x="45.0" y="4.0" width="11.0" height="44.0"/>"#),
            "{svg}"
        );
        assert!(
            svg.contains(r#"<rect class="f-away" x="616.0" y="48.0" width="11.0" height="22.0"/>"#),
            "{svg}"
        );
    }
}
