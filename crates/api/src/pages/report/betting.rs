//! What betting on edges would have brought, with how sure one can be of it.

use domain::Sport;
use engine::Report;

use super::body::Stat;
use crate::pages::{
    charts::{self, Band, Curve, Line},
    text,
};

/// The simulation in figures and as a curve.
pub(in crate::pages) struct Betting {
    pub(in crate::pages) stats: Vec<Stat>,
    pub(in crate::pages) rules: String,
    pub(in crate::pages) curve: Option<String>,
}

impl Betting {
    /// The simulation of a sport, where it has one.
    pub(in crate::pages) fn of(report: &Report, sport: Sport) -> Option<Self> {
        let it = report.betting.iter().find(|it| it.sport == sport)?;
        let between = |low: f64, high: f64| {
            format!(
                "95% between {} and {}",
                text::signed_percent(low),
                text::signed_percent(high)
            )
        };
        let clv = &it.closing_line_value_interval;
        let stat = |name, value, note| Stat { name, value, note };
        let stats = vec![
            stat(
                "Bets",
                text::count(it.bets),
                format!("{} more left out as doubtful", text::count(it.flagged)),
            ),
            stat(
                "Yield",
                text::signed_percent(it.yield_),
                between(it.yield_interval.low, it.yield_interval.high),
            ),
            stat(
                "Claimed value",
                text::signed_percent(it.claimed_value),
                "what the edges said they were worth".to_owned(),
            ),
            stat(
                "Closing-line value",
                text::signed_percent(it.closing_line_value),
                between(clv.low, clv.high),
            ),
            stat(
                "Slope of claims",
                text::number(it.slope, 2),
                format!(
                    "one is honest; 95% between {} and {}",
                    text::number(it.slope_interval.low, 2),
                    text::number(it.slope_interval.high, 2)
                ),
            ),
            stat(
                "Largest fall",
                text::percent(it.drawdown_max),
                "of the bankroll from its peak".to_owned(),
            ),
        ];
        let rules = format!(
            "Bets at the best price an hour before kickoff whenever the claimed value is at least \
             {}, staking {} of Kelly up to {} of the bankroll, at prices up to {}.",
            text::percent(it.options.claimed_value_min),
            text::percent(it.options.kelly_share),
            text::percent(it.options.stake_max),
            text::number(it.options.price_max, 0),
        );
        #[expect(clippy::cast_precision_loss, reason = "seconds on an axis of pixels")]
        let second = |at: jiff::Timestamp| at.as_second() as f64;
        let points = it
            .curve
            .iter()
            .map(|it| (second(it.at), it.profit))
            .collect();
        let band = it
            .curve
            .iter()
            .map(|it| (second(it.at), it.low, it.high))
            .collect();
        let curve = charts::curve(&Curve {
            summary: format!(
                "Profit over time in units of the first bankroll, {} in the end, with the band in \
                 which 95% of bettors would be if every claim were true",
                text::number(it.profit, 2)
            ),
            lines: vec![Line {
                name: "profit".to_owned(),
                class: "c-model",
                points,
            }],
            band: Some(Band { points: band }),
            reference: Some(0.0),
            decimals: 2,
        });
        Some(Self {
            stats,
            rules,
            curve,
        })
    }
}
