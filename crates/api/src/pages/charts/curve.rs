//! Lines over time, with a band where there is one, and each line's name at its end.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::{Scale, escape, extent, ticks};
use crate::pages::text;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
/// Room for the numbers on the left, names on the right, and months below.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 132.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;
/// The least distance of two names at the end of lines.
const NAME_HEIGHT: f64 = 15.0;

/// The most letters of a name.
const NAME_MAX: usize = 15;

/// A line of a chart.
pub(in super::super) struct Line {
    pub(in super::super) name: String,
    /// Class of its colour, such as `c-home`.
    pub(in super::super) class: &'static str,
    /// Seconds and values, oldest first.
    pub(in super::super) points: Vec<(f64, f64)>,
}

/// Where a line is expected to run.
pub(in super::super) struct Band {
    /// Seconds, lower and upper end, oldest first.
    pub(in super::super) points: Vec<(f64, f64, f64)>,
}

/// A chart of lines over time.
pub(in super::super) struct Curve {
    /// What the chart shows, read out where it cannot be seen.
    pub(in super::super) summary: String,
    pub(in super::super) lines: Vec<Line>,
    pub(in super::super) band: Option<Band>,
    /// A value to draw a line across at.
    pub(in super::super) reference: Option<f64>,
    /// Decimals of the numbers on the left, and what stands behind each.
    pub(in super::super) decimals: usize,
    pub(in super::super) unit: &'static str,
    /// How moments are written below.
    pub(in super::super) labels: Labels,
}

/// How moments are written.
pub(in super::super) enum Labels {
    /// Month and year.
    Months,
    /// The time of day at a place.
    Clock(TimeZone),
}

/// Draws the chart; nothing where there is less than two points.
pub(in super::super) fn curve(chart: &Curve) -> Option<String> {
    let all = || chart.lines.iter().flat_map(|it| it.points.iter().copied());
    if all().count() < 2 {
        return None;
    }
    let band = || chart.band.iter().flat_map(|it| it.points.iter());
    let ends = band().flat_map(|it| [it.1, it.2]).chain(chart.reference);
    let values = extent(all().map(|it| it.1).chain(ends))?;
    // Nothing all the time stands at the foot.
    let values = if values == (0.0, 0.0) {
        (0.0, 1.0)
    } else {
        values
    };
    let moments = extent(all().map(|it| it.0).chain(band().map(|it| it.0)))?;
    let x = Scale::new(moments, (LEFT, WIDTH - RIGHT));
    let y = Scale::new(values, (HEIGHT - BOTTOM, TOP));
    let mut svg = legend(&chart.lines);
    push(
        &mut svg,
        format_args!(
            r#"<svg class="chart curve" preserveAspectRatio="xMinYMid" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
            escape(&chart.summary)
        ),
    );
    let ticks = ticks(y.from, y.until, 4).into_iter();
    let mut labels: Vec<_> = ticks
        .map(|it| (it, text::number(it, chart.decimals) + chart.unit))
        .collect();
    // Steps smaller than what is written would all bear the same number.
    labels.dedup_by(|next, one| next.1 == one.1);
    for (value, label) in labels {
        let at = y.at(value);
        push(
            &mut svg,
            format_args!(
                r#"<path class="axis" d="M{LEFT} {at:.1}H{:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0,
            ),
        );
    }
    draw_dates(&mut svg, x, &chart.labels);
    if let Some(band) = &chart.band {
        draw_band(&mut svg, band, x, y);
    }
    if let Some(value) = chart.reference {
        let at = y.at(value);
        push(
            &mut svg,
            format_args!(
                r#"<path class="ref" d="M{LEFT} {at:.1}H{:.1}"/>"#,
                WIDTH - RIGHT
            ),
        );
    }
    for line in &chart.lines {
        draw_line(&mut svg, line, x, y);
    }
    draw_names(&mut svg, &chart.lines, y);
    svg.push_str("</svg>");
    Some(svg)
}

fn draw_line(svg: &mut String, line: &Line, x: Scale, y: Scale) {
    push(
        svg,
        format_args!(r#"<path class="line {}" d=""#, line.class),
    );
    let finite = line.points.iter().filter(|it| it.1.is_finite());
    for (index, (at, value)) in finite.enumerate() {
        let sign = if index == 0 { 'M' } else { 'L' };
        push(
            svg,
            format_args!("{sign}{:.1} {:.1}", x.at(*at), y.at(*value)),
        );
    }
    svg.push_str("\"/>");
}

fn draw_band(svg: &mut String, band: &Band, x: Scale, y: Scale) {
    svg.push_str(r#"<path class="band" d=""#);
    for (index, (at, _, high)) in band.points.iter().enumerate() {
        let sign = if index == 0 { 'M' } else { 'L' };
        push(
            svg,
            format_args!("{sign}{:.1} {:.1}", x.at(*at), y.at(*high)),
        );
    }
    for (at, low, _) in band.points.iter().rev() {
        push(svg, format_args!("L{:.1} {:.1}", x.at(*at), y.at(*low)));
    }
    svg.push_str("Z\"/>");
}

/// Writes up to four moments below the chart.
fn draw_dates(svg: &mut String, x: Scale, labels: &Labels) {
    let spans = 3;
    for index in 0..=spans {
        let seconds = x.from + (x.until - x.from) * f64::from(index) / f64::from(spans);
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a date")]
        let Ok(at) = jiff::Timestamp::from_second(seconds as i64) else {
            continue;
        };
        let (zone, form) = match labels {
            Labels::Months => (TimeZone::UTC, "%b %Y"),
            Labels::Clock(zone) => (zone.clone(), "%H:%M"),
        };
        let label = at.to_zoned_datetime(zone).strftime(form).to_string();
        let anchor = match index {
            0 => "start",
            it if it == spans => "end",
            _ => "middle",
        };
        push(
            svg,
            format_args!(
                r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{label}</text>"#,
                x.at(seconds),
                HEIGHT - 6.0,
            ),
        );
    }
}

/// The names again, for screens that do not reach to the ends of the lines.
fn legend(lines: &[Line]) -> String {
    let mut text = r#"<p class="legend curve-names" aria-hidden="true">"#.to_owned();
    for line in lines {
        push(
            &mut text,
            format_args!(
                r#"<span><svg class="chart stroke" width="26" height="8"><path class="line {}" d="M1 4H25"/></svg> {}</span>"#,
                line.class,
                escape(&line.name)
            ),
        );
    }
    text + "</p>"
}

/// Writes each line's name at its end, moved apart where they would overlap.
fn draw_names(svg: &mut String, lines: &[Line], y: Scale) {
    let mut names: Vec<(f64, &Line)> = lines
        .iter()
        .filter_map(|it| it.points.last().map(|(_, value)| (y.at(*value), it)))
        .collect();
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut least = TOP;
    for (at, line) in names {
        let at = at.max(least);
        least = at + NAME_HEIGHT;
        let start = WIDTH - RIGHT + 6.0;
        push(
            svg,
            format_args!(
                r#"<path class="line {}" d="M{start:.1} {at:.1}h16"/><text class="strong" x="{:.1}" y="{:.1}">{}</text>"#,
                line.class,
                start + 20.0,
                at + 4.0,
                escape(&short(&line.name)),
            ),
        );
    }
}

/// A name cut to what fits beside the chart.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    name.chars()
        .take(NAME_MAX - 1)
        .chain(['\u{2026}'])
        .collect()
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, points: &[(f64, f64)]) -> Line {
        Line {
            name: name.to_owned(),
            class: "c-home",
            points: points.to_vec(),
        }
    }

    fn chart(lines: Vec<Line>) -> Curve {
        Curve {
            summary: "a & b".to_owned(),
            lines,
            band: None,
            reference: None,
            decimals: 0,
            unit: "",
            labels: Labels::Months,
        }
    }

    #[test]
    fn a_curve_has_axes_dates_lines_and_names() {
        let day = 86_400.0;
        let mut curve_of = chart(vec![
            line("<b>", &[(0.0, 1500.0), (365.0 * day, 1600.0)]),
            line("Other", &[(0.0, 1450.0), (365.0 * day, 1599.0)]),
        ]);
        curve_of.band = Some(Band {
            points: vec![(0.0, 1400.0, 1500.0), (365.0 * day, 1450.0, 1650.0)],
        });
        curve_of.reference = Some(1500.0);
        insta::assert_snapshot!(curve(&curve_of).unwrap().replace("><", ">\n<"));
    }

    #[test]
    fn no_two_lines_of_an_axis_bear_the_same_number() {
        let svg = curve(&chart(vec![line("a", &[(0.0, 0.0), (60.0, 0.0)])])).unwrap();
        assert_eq!(svg.matches(">0</text>").count(), 1, "{svg}");
    }

    #[test]
    fn what_has_no_two_points_is_not_drawn() {
        assert_eq!(curve(&chart(vec![line("a", &[(0.0, 1.0)])])), None);
        assert_eq!(
            curve(&chart(vec![line("a", &[(0.0, f64::NAN), (1.0, f64::NAN)])])),
            None
        );
    }

    #[test]
    fn what_is_no_number_leaves_a_gap_and_breaks_nothing() {
        let svg = curve(&chart(vec![line(
            "a",
            &[(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)],
        )]))
        .unwrap();
        assert!(!svg.contains("NaN"));
    }
}
