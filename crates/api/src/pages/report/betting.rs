//! What betting on edges would have brought, with how sure one can be of it.

use domain::Sport;
use engine::{Interval, Report};

use super::body::Stat;
use crate::pages::{
    charts::{self, Band, Curve, Labels, Line},
    text,
};

/// The simulation in figures and as a curve.
pub(in crate::pages) struct Betting {
    pub(in crate::pages) stats: Vec<Stat>,
    pub(in crate::pages) rules: String,
    pub(in crate::pages) curve: Option<String>,
}

/// A day of the simulation: seconds, profit, lower and upper end of the band.
type Day = (f64, f64, f64, f64);

impl Betting {
    /// The simulation of a sport, where it has one.
    pub(in crate::pages) fn of(report: &Report, sport: Sport) -> Option<Self> {
        let it = report.betting.iter().find(|it| it.sport == sport)?;
        let doubtful = format!("{} more left out as doubtful", text::count(it.flagged));
        let stats = vec![
            stat("Bets", text::count(it.bets), doubtful),
            stat(
                "Yield",
                text::signed_percent(it.yield_),
                between(it.yield_interval),
            ),
            stat(
                "Claimed value",
                text::signed_percent(it.claimed_value),
                "what the edges said they were worth".to_owned(),
            ),
            stat(
                "Closing-line value",
                it.closing_line_value
                    .map_or_else(nothing, text::signed_percent),
                between(it.closing_line_value_interval),
            ),
            stat(
                "Slope of claims",
                it.slope.map_or_else(nothing, |it| text::number(it, 2)),
                slope(it.slope_interval),
            ),
            stat(
                "Largest fall",
                text::percent(it.drawdown_max),
                "of the bankroll from its peak".to_owned(),
            ),
        ];
        let rules = format!(
            "Bets at the best price known an hour before kickoff, which may be up to two days old, \
             whenever the claimed value is at least \
             {}, staking {} of Kelly up to {} of the bankroll, at prices up to {}.",
            text::percent(it.options.claimed_value_min),
            text::percent(it.options.kelly_share),
            text::percent(it.options.stake_max),
            text::number(it.options.price_max, 0),
        );
        #[expect(clippy::cast_precision_loss, reason = "seconds on an axis of pixels")]
        let days = it
            .curve
            .iter()
            .map(|it| (it.at.as_second() as f64, it.profit, it.low, it.high));
        let days: Vec<Day> = days.collect();
        Some(Self {
            stats,
            rules,
            curve: curve(&days, it.profit),
        })
    }
}

fn stat(name: &'static str, value: String, note: String) -> Stat {
    Stat { name, value, note }
}

/// What stands where too little is known for a figure.
fn nothing() -> String {
    "\u{2013}".to_owned()
}

fn between(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "too few to say how sure that is".to_owned(),
        |it| {
            let [low, high] = [it.low, it.high].map(text::signed_percent);
            format!("95% between {low} and {high}")
        },
    )
}

fn slope(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "one is honest".to_owned(),
        |it| {
            let [low, high] = [it.low, it.high].map(|it| text::number(it, 2));
            format!("one is honest; 95% between {low} and {high}")
        },
    )
}

/// Profit over time in the band of honest claims.
fn curve(days: &[Day], profit: f64) -> Option<String> {
    let share = |it: f64| 100.0 * it;
    let points = days.iter().map(|it| (it.0, share(it.1))).collect();
    let band = days.iter().map(|it| (it.0, share(it.2), share(it.3)));
    let band = band.collect();
    charts::curve(&Curve {
        summary: format!(
            "Profit over time as a share of the first bankroll, {} in the end, with the band in \
             which 95% of bettors would be if every claim were true",
            text::signed_percent(profit)
        ),
        lines: vec![Line {
            name: "profit".to_owned(),
            class: "c-model",
            points,
        }],
        band: Some(Band { points: band }),
        reference: Some(0.0),
        decimals: 0,
        unit: "%",
        labels: Labels::Months,
    })
}
