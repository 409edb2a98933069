//! A sparkline: the way of one price, small enough to stand in a table.

use std::fmt::Write;

use super::{Scale, extent};

const WIDTH: f64 = 72.0;
const HEIGHT: f64 = 20.0;

/// Draws values at moments (seconds), oldest first; nothing for fewer than two.
pub(in super::super) fn spark(points: &[(f64, f64)]) -> Option<String> {
    if points.len() < 2 {
        return None;
    }
    let x = Scale::new(extent(points.iter().map(|it| it.0))?, (3.0, WIDTH - 3.0));
    let y = Scale::new(extent(points.iter().map(|it| it.1))?, (HEIGHT - 3.0, 3.0));
    let mut path = String::new();
    for (index, (at, value)) in points.iter().enumerate() {
        let sign = if index == 0 { 'M' } else { 'L' };
        write!(path, "{sign}{:.1} {:.1}", x.at(*at), y.at(*value)).expect("a string takes all");
    }
    let (at, value) = points[points.len() - 1];
    Some(format!(
        r#"<svg class="spark" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true"><path d="{path}"/><circle cx="{:.1}" cy="{:.1}" r="2.5"/></svg>"#,
        x.at(at),
        y.at(value),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_runs_from_the_first_to_the_last_value() {
        let svg = spark(&[(0.0, 2.0), (10.0, 2.5)]).unwrap();
        assert!(svg.contains("M3.0 17.0L69.0 3.0"), "{svg}");
        assert!(svg.contains(r#"cx="69.0" cy="3.0""#), "{svg}");
    }

    #[test]
    fn one_price_makes_no_line() {
        assert_eq!(spark(&[(0.0, 2.0)]), None);
        assert_eq!(spark(&[(0.0, f64::NAN), (1.0, f64::NAN)]), None);
    }
}
