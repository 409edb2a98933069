//! Turns walked fixtures into a report.

use std::collections::BTreeMap;

use domain::{CompetitionKey, SeasonKey, Sport, log_loss};
use jiff::tz::TimeZone;
use rayon::prelude::*;

use super::{DifferenceRow, Miss, MonthRow, ReliabilityDiagram, Report, ReportRow, SportScope};
use crate::betting::simulate;
use crate::blend::opinion;
use crate::evaluate::{Scored, compare, evaluate, reliability};
use crate::walk::Walked;
use crate::{BacktestOptions, ForecastError, ModelName, Progress, Trained};

/// How many surprises of a model in a sport a report lists.
const MISSES_MAX: usize = 25;

/// One group of fixtures a model is scored on.
type Group<'a> = (
    ModelName,
    Sport,
    Option<&'a CompetitionKey>,
    Option<&'a SeasonKey>,
);

/// A part of a sport's fixtures.
type Part<'a> = (Option<&'a CompetitionKey>, Option<&'a SeasonKey>);

/// Judges the fixtures `options` ask for.
pub(crate) fn judge(
    trained: &Trained,
    walked: &[Walked<'_>],
    options: &BacktestOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, ForecastError> {
    progress(Progress {
        stage: "judge",
        done: 0,
        total: 1,
    });
    let judged: Vec<&Walked<'_>> = walked.iter().filter(|it| is_asked(it, options)).collect();
    let (Some(first), Some(last)) = (judged.first(), judged.last()) else {
        return Err(ForecastError::NoGames);
    };
    let mut competitions: Vec<CompetitionKey> = judged
        .iter()
        .map(|it| it.game.competition.clone())
        .collect();
    competitions.sort();
    competitions.dedup();
    let mut sports: Vec<Sport> = judged.iter().map(|it| it.game.sport).collect();
    sports.sort();
    sports.dedup();
    let of_sport = |sport: Sport| -> Vec<&Walked<'_>> {
        judged
            .iter()
            .copied()
            .filter(|it| it.game.sport == sport)
            .collect()
    };
    let betting = sports.iter().filter_map(|sport| {
        simulate(
            *sport,
            &of_sport(*sport),
            trained.claims(*sport),
            &options.betting,
        )
    });
    let report = Report {
        from: first.game.kickoff,
        until: last.game.kickoff,
        fixtures: judged.len() as u64,
        competitions,
        sports: sports
            .iter()
            .filter_map(|it| scope(*it, &of_sport(*it)))
            .collect(),
        rows: rows(&judged, options.seed),
        differences: sports
            .iter()
            .flat_map(|it| differences(*it, &of_sport(*it)))
            .collect(),
        reliability: sports
            .iter()
            .flat_map(|it| diagrams(*it, &of_sport(*it)))
            .collect(),
        monthly: monthly(&judged),
        worst: sports.iter().flat_map(|it| worst(&of_sport(*it))).collect(),
        betting: betting.collect(),
    };
    progress(Progress {
        stage: "judge",
        done: 1,
        total: 1,
    });
    Ok(report)
}

fn scope(sport: Sport, judged: &[&Walked<'_>]) -> Option<SportScope> {
    Some(SportScope {
        sport,
        from: judged.first()?.game.kickoff,
        until: judged.last()?.game.kickoff,
        fixtures: judged.len() as u64,
    })
}

fn is_asked(walked: &Walked<'_>, options: &BacktestOptions) -> bool {
    let game = walked.game;
    let competitions = &options.competitions;
    (competitions.is_empty() || competitions.contains(&game.competition))
        && options.from.is_none_or(|it| game.kickoff >= it)
        && options.until.is_none_or(|it| game.kickoff < it)
}

/// A model's forecast of a walked fixture; the closing market counts as one here.
fn scored<'a>(walked: &'a Walked<'_>, model: ModelName) -> Option<Scored<'a>> {
    let probabilities = match model {
        ModelName::MarketClose => walked.close.as_deref(),
        _ => opinion(&walked.opinions, model),
    };
    probabilities.map(|probabilities| Scored {
        probabilities,
        outcome: walked.outcome,
    })
}

fn all<'a>(walked: &'a [&Walked<'_>], model: ModelName) -> Vec<Scored<'a>> {
    walked.iter().filter_map(|it| scored(it, model)).collect()
}

fn rows(judged: &[&Walked<'_>], seed: u64) -> Vec<ReportRow> {
    let mut groups: BTreeMap<Group<'_>, Vec<Scored<'_>>> = BTreeMap::new();
    for it in judged {
        let (sport, competition, season) = (
            it.game.sport,
            Some(&it.game.competition),
            Some(&it.game.season),
        );
        for model in ModelName::ALL {
            let Some(scored) = scored(it, model) else {
                continue;
            };
            for competition in [competition, None] {
                for season in [season, None] {
                    groups
                        .entry((model, sport, competition, season))
                        .or_default()
                        .push(scored);
                }
            }
        }
    }
    let groups: Vec<(Group<'_>, Vec<Scored<'_>>)> = groups.into_iter().collect();
    let row = |((model, sport, competition, season), scored): &(Group<'_>, Vec<Scored<'_>>)| {
        Some(ReportRow {
            model: *model,
            sport: *sport,
            competition: competition.cloned(),
            season: season.cloned(),
            metrics: evaluate(scored, seed)?,
        })
    };
    let mut rows: Vec<ReportRow> = groups.par_iter().filter_map(row).collect();
    rows.sort_by_key(|it| (it.competition.is_none(), it.season.is_none()));
    rows
}

fn differences(sport: Sport, judged: &[&Walked<'_>]) -> Vec<DifferenceRow> {
    let mut parts: BTreeMap<Part<'_>, Vec<&Walked<'_>>> = BTreeMap::new();
    for it in judged {
        let (competition, season) = (&it.game.competition, &it.game.season);
        for competition in [Some(competition), None] {
            for season in [Some(season), None] {
                parts.entry((competition, season)).or_default().push(it);
            }
        }
    }
    let parts: Vec<(Part<'_>, Vec<&Walked<'_>>)> = parts.into_iter().collect();
    let rows = parts
        .par_iter()
        .flat_map_iter(|((competition, season), judged)| {
            let row = |(reference, model)| {
                let pairs: Vec<_> = judged
                    .iter()
                    .filter_map(|it| Some((scored(it, model)?, scored(it, reference)?)))
                    .collect();
                Some(DifferenceRow {
                    model,
                    sport,
                    competition: competition.cloned(),
                    season: season.cloned(),
                    reference,
                    difference: compare(&pairs)?,
                })
            };
            compared().filter_map(row)
        });
    rows.collect()
}

/// References, and the models that are set against each.
fn compared() -> impl Iterator<Item = (ModelName, ModelName)> {
    let references = [ModelName::MarketClose, ModelName::MarketEarly].into_iter();
    references.flat_map(|reference| {
        let models = ModelName::ALL.into_iter();
        models
            .filter(move |it| *it != reference)
            .map(move |it| (reference, it))
    })
}

fn diagrams(sport: Sport, judged: &[&Walked<'_>]) -> Vec<ReliabilityDiagram> {
    let diagram = |model| ReliabilityDiagram {
        model,
        sport,
        bins: reliability(&all(judged, model)),
    };
    ModelName::ALL
        .into_iter()
        .map(diagram)
        .filter(|it| !it.bins.is_empty())
        .collect()
}

fn monthly(judged: &[&Walked<'_>]) -> Vec<MonthRow> {
    let mut months: BTreeMap<(ModelName, Sport, String), (u64, f64)> = BTreeMap::new();
    for it in judged {
        let month = it
            .game
            .kickoff
            .to_zoned_datetime(TimeZone::UTC)
            .strftime("%Y-%m")
            .to_string();
        for model in ModelName::ALL {
            if let Some(scored) = scored(it, model) {
                let sums = months
                    .entry((model, it.game.sport, month.clone()))
                    .or_default();
                sums.0 += 1;
                sums.1 += log_loss(scored.probabilities, scored.outcome);
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
    let row = |((model, sport, month), (n, sum))| MonthRow {
        model,
        sport,
        month,
        n,
        log_loss: sum / n as f64,
    };
    months.into_iter().map(row).collect()
}

fn worst(judged: &[&Walked<'_>]) -> Vec<Miss> {
    let models = ModelName::ALL.into_iter();
    models.flat_map(|it| worst_of(it, judged)).collect()
}

fn worst_of(model: ModelName, judged: &[&Walked<'_>]) -> Vec<Miss> {
    let miss = |it: &&Walked<'_>| {
        let h2h = scored(it, model)?.probabilities.to_vec();
        Some(Miss {
            fixture: it.game.fixture,
            competition: it.game.competition.clone(),
            season: it.game.season.clone(),
            kickoff: it.game.kickoff,
            model,
            outcome: it.outcome as u64,
            log_loss: log_loss(&h2h, it.outcome),
            h2h,
        })
    };
    let mut misses: Vec<Miss> = judged.iter().filter_map(miss).collect();
    misses.sort_by(|a, b| {
        b.log_loss
            .total_cmp(&a.log_loss)
            .then(a.fixture.cmp(&b.fixture))
    });
    misses.truncate(MISSES_MAX);
    misses
}
