//! Training and backtest: one walk through history, from which blends, claims and the report come.

use std::collections::BTreeMap;

use domain::{Competition, CompetitionKey, Sport};
use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::betting::{ClaimStage, fit_claims};
use crate::blend::{BlendStage, Observation, add_blends, fit_stage};
use crate::boosted::{self, BoostedStage};
use crate::report::judge;
use crate::schedule::stages;
use crate::walk::{Walked, walk};
use crate::{BettingOptions, ForecastError, History, Pool, Report, cut_for};

/// How far long work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: `walk`, `blend`, `judge`.
    pub stage: &'static str,
    /// Steps done.
    pub done: u64,
    /// Steps in all.
    pub total: u64,
}

/// What to train on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainOptions {
    /// Nothing known later is used.
    pub until: Timestamp,
    /// Threads to compute on; `None` for as many as there are cores.
    pub threads: Option<usize>,
}

/// What to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestOptions {
    /// Competitions judged; empty means all. Everything is walked either way, for the blends of a
    /// sport learn from all of its competitions.
    pub competitions: Vec<CompetitionKey>,
    /// Fixtures judged kick off at or after this.
    pub from: Option<Timestamp>,
    /// Fixtures judged kick off before this.
    pub until: Option<Timestamp>,
    /// Threads to compute on; `None` for as many as there are cores.
    pub threads: Option<usize>,
    /// How the simulation bets.
    pub betting: BettingOptions,
    /// Seeds the resampling of intervals.
    pub seed: u64,
}

impl Default for BacktestOptions {
    fn default() -> Self {
        Self {
            competitions: Vec::new(),
            from: None,
            until: None,
            threads: None,
            betting: BettingOptions::default(),
            seed: 1,
        }
    }
}

/// Everything learned beyond the base models: blends and claims of every sport, as they were in
/// force at every moment of the past. Base models are fitted from the games themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    until: Timestamp,
    sports: BTreeMap<Sport, SportStages>,
}

/// What is in force when, oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct SportStages {
    blends: Vec<BlendStage>,
    claims: Vec<ClaimStage>,
    /// Absent from what was trained before there were any.
    #[serde(default)]
    boosted: Vec<BoostedStage>,
}

impl Trained {
    /// The moment up to which knowledge was used.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The blends of a sport in force at `cut`.
    pub(crate) fn blends(&self, sport: Sport, cut: Timestamp) -> Option<&BlendStage> {
        let stages = &self.sports.get(&sport)?.blends;
        stages.iter().rev().find(|it| it.valid_from <= cut)
    }

    /// The boosted model of a sport in force at `cut`.
    pub(crate) fn boosted_at(&self, sport: Sport, cut: Timestamp) -> Option<&BoostedStage> {
        let stages = &self.sports.get(&sport)?.boosted;
        stages.iter().rev().find(|it| it.valid_from <= cut)
    }

    /// Every stage of every boosted model, sport by sport, oldest first.
    pub fn boosted(&self) -> impl Iterator<Item = (Sport, &BoostedStage)> {
        self.sports
            .iter()
            .flat_map(|(sport, it)| it.boosted.iter().map(|stage| (*sport, stage)))
    }

    /// The same, to be changed.
    pub fn boosted_mut(&mut self) -> impl Iterator<Item = (Sport, &mut BoostedStage)> {
        self.sports
            .iter_mut()
            .flat_map(|(sport, it)| it.boosted.iter_mut().map(|stage| (*sport, stage)))
    }

    /// Every stage of claims of a sport, oldest first.
    pub(crate) fn claims(&self, sport: Sport) -> &[ClaimStage] {
        self.sports.get(&sport).map_or(&[], |it| &it.claims)
    }

    /// The claims of a sport in force at `cut`.
    pub(crate) fn claims_at(&self, sport: Sport, cut: Timestamp) -> Option<&ClaimStage> {
        self.claims(sport)
            .iter()
            .rev()
            .find(|it| it.valid_from <= cut)
    }
}

/// Learns from everything known at `options.until`; the report covers the last five years of it.
pub fn train(
    history: &History,
    competitions: &[Competition],
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(Trained, Report), ForecastError> {
    on_threads(options.threads, || {
        let (trained, walked) = learn(history, competitions, options.until, progress);
        let newest = walked.last().ok_or(ForecastError::NoGames)?.game.kickoff;
        let span = SignedDuration::from_hours(5 * 366 * 24);
        let from = newest
            .saturating_sub(span)
            .expect("a fixed span never overflows");
        let judged = BacktestOptions {
            from: Some(from),
            ..BacktestOptions::default()
        };
        let report = judge(&trained, &walked, &judged, progress)?;
        Ok((trained, report))
    })
}

/// Walks forward through history and judges every model on the fixtures asked for.
pub fn backtest(
    history: &History,
    competitions: &[Competition],
    options: &BacktestOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, ForecastError> {
    let known = |key: &&CompetitionKey| !competitions.iter().any(|it| it.key == **key);
    if let Some(unknown) = options.competitions.iter().find(known) {
        return Err(ForecastError::UnknownCompetition(unknown.clone()));
    }
    let sports: Vec<Sport> = competitions
        .iter()
        .filter(|it| options.competitions.is_empty() || options.competitions.contains(&it.key))
        .map(|it| it.sport)
        .collect();
    let walked: Vec<Competition> = competitions
        .iter()
        .filter(|it| sports.contains(&it.sport))
        .cloned()
        .collect();
    on_threads(options.threads, || {
        let until = options.until.unwrap_or(Timestamp::MAX);
        let until = until.saturating_add(SignedDuration::from_hours(48));
        let until = until.expect("a fixed span never overflows");
        let (trained, walked) = learn(history, &walked, until, progress);
        judge(&trained, &walked, options, progress)
    })
}

fn on_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, ForecastError> + Send,
) -> Result<T, ForecastError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()?;
    pool.install(work)
}

/// Walks, then fits blends and claims stage by stage, each on what was known at its moment.
fn learn<'a>(
    history: &'a History,
    competitions: &[Competition],
    until: Timestamp,
    progress: &(dyn Fn(Progress) + Sync),
) -> (Trained, Vec<Walked<'a>>) {
    let pools = Pool::group(competitions);
    let mut walked = walk(history, &pools, until, progress);
    let mut sports: Vec<Sport> = pools.iter().map(|it| it.sport).collect();
    sports.dedup();
    let mut trained = Trained {
        until,
        sports: BTreeMap::new(),
    };
    for (done, sport) in sports.iter().enumerate() {
        progress(Progress {
            stage: "blend",
            done: done as u64,
            total: sports.len() as u64,
        });
        let (mut own, others) = walked.into_iter().partition(|it| it.game.sport == *sport);
        walked = others;
        trained.sports.insert(*sport, learn_sport(*sport, &mut own));
        walked.append(&mut own);
    }
    walked.sort_by_key(|it| (it.game.kickoff, it.game.fixture));
    (trained, walked)
}

fn learn_sport(sport: Sport, walked: &mut [Walked<'_>]) -> SportStages {
    let (Some(first), Some(last)) = (walked.first(), walked.last()) else {
        return SportStages::default();
    };
    // One stage lies behind the last game: it serves what is to be played next.
    let margin = SignedDuration::from_hours(184 * 24);
    let end = last
        .game
        .known_at
        .saturating_add(margin)
        .expect("a fixed span never overflows");
    let moments = stages(first.game.kickoff, end);
    let boosted: Vec<BoostedStage> = moments
        .par_iter()
        .filter_map(|at| boosted::fit_stage(walked, sport, *at))
        .collect();
    boosted::add_opinions(walked, &boosted);
    let observations: Vec<Observation<'_>> = walked
        .iter()
        .map(|it| Observation {
            opinions: &it.opinions,
            outcome: it.outcome,
            known_at: it.game.known_at,
        })
        .collect();
    let blends: Vec<BlendStage> = moments
        .par_iter()
        .map(|at| fit_stage(&observations, *at))
        .collect();
    for it in walked.iter_mut() {
        let cut = cut_for(it.game.pregame_at());
        let stage = blends.iter().rev().find(|stage| stage.valid_from <= cut);
        add_blends(&mut it.opinions, stage);
    }
    let walked: &[Walked<'_>] = walked;
    let claims = moments
        .par_iter()
        .filter_map(|at| fit_claims(walked, *at))
        .collect();
    SportStages {
        blends,
        claims,
        boosted,
    }
}

/// Walks and learns from all there is, for tests of other modules.
#[cfg(test)]
pub(crate) fn learned<'a>(
    history: &'a History,
    competitions: &[Competition],
) -> (Trained, Vec<Walked<'a>>) {
    learn(history, competitions, Timestamp::MAX, &|_| ())
}

#[cfg(test)]
mod tests;
