//! Who wins a game over the time played of it: a line per outcome between nothing and certainty,
//! what happened in two lanes above, home's and away's.

use std::fmt::Write;

use super::{Scale, escape};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
/// Room for the numbers on the left, the lanes above and the minutes below.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 26.0;
/// Where the lanes lie: home's, away's.
const LANES: [f64; 2] = [10.0, 26.0];

/// What is drawn of something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Sign {
    /// A goal.
    Goal,
    /// A red card.
    Card,
    /// The end of a period or of the game.
    Whistle,
}

/// Something that happened.
pub(in super::super) struct Mark {
    /// Seconds played before it.
    pub(in super::super) at: f64,
    pub(in super::super) sign: Sign,
    /// Whose: 0 home's, 1 away's.
    pub(in super::super) lane: usize,
    /// Whether it was taken back.
    pub(in super::super) cancelled: bool,
    /// What, for people.
    pub(in super::super) what: String,
}

/// A chart of a game.
pub(in super::super) struct Course {
    /// What the chart shows, read out where it cannot be seen.
    pub(in super::super) summary: String,
    /// Class of the colour of each line, and seconds played and probability of its points.
    pub(in super::super) lines: Vec<(&'static str, Vec<(f64, f64)>)>,
    pub(in super::super) marks: Vec<Mark>,
    /// Seconds played, and what is written below them.
    pub(in super::super) labels: Vec<(f64, String)>,
    /// Seconds of the whole game.
    pub(in super::super) length: f64,
    /// Seconds played before the moment that is replayed.
    pub(in super::super) cursor: Option<f64>,
}

/// Draws the chart.
pub(in super::super) fn course(chart: &Course) -> String {
    let x = Scale::new((0.0, chart.length), (LEFT, WIDTH - RIGHT));
    let y = Scale::new((0.0, 1.0), (HEIGHT - BOTTOM, TOP));
    // What the program needs to draw on: where time and probability lie.
    let mut svg = format!(
        r#"<svg class="chart curve" preserveAspectRatio="xMinYMid" viewBox="0 0 {WIDTH} {HEIGHT}" data-length="{:.0}" data-x="{LEFT} {:.0}" data-y="{:.0} {TOP}" role="img" aria-label="{}">"#,
        chart.length,
        WIDTH - RIGHT,
        HEIGHT - BOTTOM,
        escape(&chart.summary)
    );
    for (value, label) in [(0.0, "0%"), (0.5, "50%"), (1.0, "100%")] {
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
    for (at, label) in &chart.labels {
        push(
            &mut svg,
            format_args!(
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                x.at(*at),
                HEIGHT - 6.0,
                escape(label)
            ),
        );
    }
    for mark in &chart.marks {
        draw_mark(&mut svg, mark, x.at(mark.at), y);
    }
    for (class, points) in &chart.lines {
        push(&mut svg, format_args!(r#"<path class="line {class}" d=""#));
        for (index, (at, value)) in points.iter().enumerate() {
            let sign = if index == 0 { 'M' } else { 'L' };
            push(
                &mut svg,
                format_args!("{sign}{:.1} {:.1}", x.at(*at), y.at(*value)),
            );
        }
        svg.push_str("\"/>");
    }
    if let Some(at) = chart.cursor.map(|it| x.at(it)) {
        let bottom = HEIGHT - BOTTOM;
        push(
            &mut svg,
            format_args!(r#"<path class="cursor" d="M{at:.1} {TOP}V{bottom}"/>"#),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn draw_mark(svg: &mut String, mark: &Mark, at: f64, y: Scale) {
    let what = escape(&mark.what);
    let lane = LANES[mark.lane.min(1)];
    let side = ["f-home", "f-away"][mark.lane.min(1)];
    let off = if mark.cancelled { " off" } else { "" };
    let (top, bottom) = (y.end, y.start);
    let drawn = match mark.sign {
        Sign::Goal => format!(
            r#"<g class="mark{off}"><title>{what}</title><path class="ref" d="M{at:.1} {lane}V{bottom}"/><circle class="{side}" cx="{at:.1}" cy="{lane}" r="5.5"/></g>"#
        ),
        Sign::Card => format!(
            r#"<g class="mark{off}"><title>{what}</title><rect class="card-red" x="{:.1}" y="{:.1}" width="8" height="11" rx="1"/></g>"#,
            at - 4.0,
            lane - 5.5
        ),
        Sign::Whistle => format!(
            r#"<g class="mark"><title>{what}</title><path class="axis" d="M{at:.1} {top}V{bottom}"/></g>"#
        ),
    };
    svg.push_str(&drawn);
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text)
        .expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_stands_in_its_lane_and_a_line_ends_where_certainty_is() {
        let chart = Course {
            summary: "A & B".to_owned(),
            lines: vec![("c-home", vec![(0.0, 0.5), (5_400.0, 1.0)])],
            marks: vec![Mark {
                at: 2_700.0,
                sign: Sign::Goal,
                lane: 1,
                cancelled: true,
                what: "Goal <B>".to_owned(),
            }],
            labels: vec![(0.0, "0'".to_owned())],
            length: 5_400.0,
            cursor: Some(2_700.0),
        };
        let svg = course(&chart);
        assert!(svg.contains(r#"d="M44.0 137.0L628.0 40.0""#), "{svg}");
        assert!(svg.contains(r#"<g class="mark off"><title>Goal &lt;B&gt;</title>"#));
        assert!(svg.contains(r#"cx="336.0" cy="26" r="5.5""#));
        assert!(svg.contains(r#"aria-label="A &amp; B""#));
        assert!(svg.contains(r#"<path class="cursor" d="M336.0 40V234"/>"#));
    }
}
