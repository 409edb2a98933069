//! Whether forecasts under way were right: by minute, by lead, and both, against what happened
//! and against the forecast before the game.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Difference, Metrics, Scored, compare, evaluate};

/// Leads beyond this are judged with it.
const LEAD_MAX: i32 = 3;

/// Whether a lead and whether a minute is meant, and which: the order of cells.
type Place = (bool, bool, Option<u16>, Option<i32>);

/// A forecast under way and what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayScored {
    /// Minute of the game it was made at.
    pub minute: u16,
    /// Home's lead then, in goals or points.
    pub lead: i32,
    /// Probabilities of who wins, then.
    pub probabilities: Vec<f64>,
    /// The same before the game.
    pub prematch: Vec<f64>,
    /// Index of what happened.
    pub outcome: usize,
}

/// How good the forecasts of some minute or lead were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InPlayCell {
    /// Which minute; `None` for all.
    pub minute: Option<u16>,
    /// Which lead of home; `None` for all. The outermost stand for all beyond.
    pub lead: Option<i32>,
    /// Scores of the forecasts under way.
    pub metrics: Metrics,
    /// Log loss to that of the forecast before the game; below zero is better.
    pub to_prematch: Difference,
}

/// Calibration of forecasts under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InPlayReport {
    /// All minutes and leads, then by minute, by lead, by both.
    pub cells: Vec<InPlayCell>,
}

impl InPlayReport {
    /// The cell of a minute and lead, `None` standing for all.
    pub fn cell(&self, minute: Option<u16>, lead: Option<i32>) -> Option<&InPlayCell> {
        let mut cells = self.cells.iter();
        cells.find(|it| it.minute == minute && it.lead == lead)
    }
}

/// Judges forecasts under way; `seed` draws the resampling of intervals.
pub fn judge_in_play(scored: &[PlayScored], seed: u64) -> InPlayReport {
    let mut groups: BTreeMap<Place, Vec<&PlayScored>> = BTreeMap::new();
    for it in scored {
        let lead = it.lead.clamp(-LEAD_MAX, LEAD_MAX);
        for minute in [None, Some(it.minute)] {
            for lead in [None, Some(lead)] {
                let key = (lead.is_some(), minute.is_some(), minute, lead);
                groups.entry(key).or_default().push(it);
            }
        }
    }
    let cells = groups
        .into_iter()
        .filter_map(|((_, _, minute, lead), group)| cell(minute, lead, &group, seed));
    InPlayReport {
        cells: cells.collect(),
    }
}

fn cell(
    minute: Option<u16>,
    lead: Option<i32>,
    group: &[&PlayScored],
    seed: u64,
) -> Option<InPlayCell> {
    let of = |probabilities, it: &PlayScored| Scored {
        probabilities,
        outcome: it.outcome,
    };
    let now: Vec<Scored<'_>> = group.iter().map(|it| of(&it.probabilities, it)).collect();
    let pairs: Vec<_> = group
        .iter()
        .map(|it| (of(&it.probabilities, it), of(&it.prematch, it)))
        .collect();
    Some(InPlayCell {
        minute,
        lead,
        metrics: evaluate(&now, seed)?,
        to_prematch: compare(&pairs)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_and_lead_has_its_cell_and_is_set_against_the_forecast_before() {
        let scored: Vec<PlayScored> = (0..400)
            .map(|it| PlayScored {
                minute: if it % 2 == 0 { 30 } else { 60 },
                lead: if it % 4 < 2 { 5 } else { 0 },
                probabilities: vec![0.75, 0.15, 0.1],
                prematch: vec![0.5, 0.25, 0.25],
                outcome: usize::from(it % 40 >= 30),
            })
            .collect();
        let report = judge_in_play(&scored, 1);
        assert_eq!(report.cells.len(), 9);
        let all = report.cell(None, None).unwrap();
        assert_eq!((all.metrics.n, all.to_prematch.n), (400, 400));
        let mean = -(0.75 * 0.75_f64.ln() + 0.25 * 0.15_f64.ln());
        assert!((all.metrics.log_loss - mean).abs() < 1e-12);
        let early = report.cell(Some(30), Some(3)).unwrap();
        assert_eq!(early.metrics.n, 100);
        assert!(report.cell(Some(60), None).is_some() && report.cell(None, Some(3)).is_some());
        assert_eq!(report.cell(Some(45), None), None);
        let before = -(0.75 * 0.5_f64.ln() + 0.25 * 0.25_f64.ln());
        assert!((all.to_prematch.log_loss - (mean - before)).abs() < 1e-12);
        assert_eq!(judge_in_play(&[], 1), InPlayReport::default());
    }
}
