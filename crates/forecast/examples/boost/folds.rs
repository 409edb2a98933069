//! Folds: learn from the years before a 1 July, judge the year after it.

use std::fmt::Write;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use forecast::{BoostSettings, BoostedTable, Examples, Objective, boost};
use jiff::Timestamp;

/// What LightGBM calls `num_leaves=31, learning_rate=0.05, min_data_in_leaf=20`, 100 rounds.
pub(crate) fn plain() -> BoostSettings {
    BoostSettings {
        rounds_max: 100,
        tail_share: 0.0,
        ..BoostSettings::default()
    }
}

/// What is served.
pub(crate) fn anchored() -> BoostSettings {
    BoostSettings {
        rounds_max: 30,
        tail_share: 0.0,
        learning_rate: 0.03,
        leaves_max: 6,
        rows_min: 200,
        weight_min: 1.0,
        l2: 50.0,
        row_share: 0.6,
        feature_share: 0.3,
        bins_max: 64,
        ..BoostSettings::default()
    }
}

/// One way to learn, over all folds.
pub(crate) struct Run<'a> {
    pub(crate) table: &'a BoostedTable,
    pub(crate) names: &'a [&'a str],
    pub(crate) settings: BoostSettings,
    pub(crate) plain: bool,
    pub(crate) span_years: i16,
    pub(crate) out: Option<PathBuf>,
}

/// Rows of one fold.
struct Fold {
    year: i16,
    learned: std::ops::Range<usize>,
    judged: std::ops::Range<usize>,
}

impl Run<'_> {
    /// Learns and judges fold by fold.
    pub(crate) fn folds(&self, years: RangeInclusive<i16>) {
        let (mut rows, mut took) = (0, Duration::ZERO);
        let (mut sum, mut sum_anchor) = (0.0, 0.0);
        for year in years {
            let fold = self.fold(year);
            if let Some(out) = &self.out {
                self.write(out, &fold);
            }
            let started = Instant::now();
            let losses = self.judge(&fold);
            let spent = started.elapsed();
            took += spent;
            println!(
                "{year}: learned {:>6}, judged {:>5}, rounds {:>3}, log loss {:.5} (anchor {:.5}), {:.2?}",
                fold.learned.len(),
                fold.judged.len(),
                losses.2,
                losses.0,
                losses.1,
                spent
            );
            #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
            let weight = fold.judged.len() as f64;
            rows += fold.judged.len();
            sum += weight * losses.0;
            sum_anchor += weight * losses.1;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
        let all = rows as f64;
        println!(
            "all: {rows} judged, log loss {:.5} (anchor {:.5}), {took:.2?}",
            sum / all,
            sum_anchor / all
        );
    }

    fn fold(&self, year: i16) -> Fold {
        let july = |year: i16| -> Timestamp {
            format!("{year}-07-01T06:00:00Z").parse().expect("a moment")
        };
        let place = |at: Timestamp| self.table.kickoffs.partition_point(|it| *it < at);
        let middle = place(july(year));
        Fold {
            year,
            learned: place(july(year - self.span_years))..middle,
            judged: middle..place(july(year + 1)),
        }
    }

    fn outputs(&self) -> usize {
        self.table.offsets.len() / self.table.targets.len()
    }

    /// Log loss of the trees, of the anchor, and how many rounds were grown.
    fn judge(&self, fold: &Fold) -> (f64, f64, usize) {
        let (columns, outputs) = (self.names.len(), self.outputs());
        let table = self.table;
        let learned = &fold.learned;
        let examples = Examples {
            names: self.names,
            features: &table.features[learned.start * columns..learned.end * columns],
            targets: &table.targets[learned.clone()],
            offsets: (!self.plain)
                .then(|| &table.offsets[learned.start * outputs..learned.end * outputs]),
        };
        let objective = match outputs {
            1 => Objective::Binary,
            count => Objective::Classes(count),
        };
        let fit = boost(&examples, objective, &self.settings).expect("the table is sound");
        let (mut sum, mut sum_anchor) = (0.0, 0.0);
        for row in fold.judged.clone() {
            let mut raw = vec![0.0; outputs];
            let features = &table.features[row * columns..(row + 1) * columns];
            fit.ensemble.raw_scores(features, &mut raw);
            let anchor = &table.offsets[row * outputs..(row + 1) * outputs];
            if !self.plain {
                raw.iter_mut().zip(anchor).for_each(|(a, b)| *a += b);
            }
            sum += loss(&raw, table.targets[row]);
            sum_anchor += loss(anchor, table.targets[row]);
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
        let rows = fold.judged.len() as f64;
        (sum / rows, sum_anchor / rows, fit.rounds)
    }

    /// Writes the rows of a fold, those learned from first.
    fn write(&self, out: &std::path::Path, fold: &Fold) {
        let (columns, outputs) = (self.names.len(), self.outputs());
        let mut text = format!("part,target,{}\n", self.names.join(","));
        for (part, rows) in [("learn", &fold.learned), ("judge", &fold.judged)] {
            for row in rows.clone() {
                let target = self.table.targets[row];
                write!(text, "{part},{target}").expect("writing to a string never fails");
                for value in &self.table.features[row * columns..(row + 1) * columns] {
                    write!(text, ",{value}").expect("writing to a string never fails");
                }
                text.push('\n');
            }
        }
        fs::create_dir_all(out).expect("the folder can be made");
        let path = out.join(format!("fold-{}-{outputs}.csv", fold.year));
        fs::write(path, text).expect("the file can be written");
    }
}

/// Log loss of raw scores.
fn loss(raw: &[f64], target: f64) -> f64 {
    if let [score] = raw {
        let sign = if target == 1.0 { -1.0 } else { 1.0 };
        return (sign * score).exp().ln_1p();
    }
    let highest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = raw.iter().map(|it| (it - highest).exp()).sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the index of an outcome"
    )]
    let hit = raw[target as usize];
    highest + sum.ln() - hit
}
