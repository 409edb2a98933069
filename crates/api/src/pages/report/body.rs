//! What a report card shows, ready to be written; the page and the standalone file share it.

use domain::{CompetitionKey, FixtureId, SeasonKey, Sport};
use engine::{Difference, FixtureView, Miss, Report, ReportRow};

use super::{MISSES_MAX, Names, betting::Betting};
use crate::pages::{
    charts::{self, Bin, Curve, Labels, Line},
    opinions, text,
};

/// Models in the order in which one is shown first: the best that serves.
const PREFERRED: [&str; 4] = ["blend_priced", "blend", "margin", "elo"];
/// The markets a model is set against, the sharpest first.
const MARKETS: [&str; 2] = ["market_close", "market_early"];

/// How every fixture is predicted.
const PROMISE: &str = "each predicted with only what was known before it";

/// What a report card shows.
pub(in crate::pages) struct Body {
    pub(in crate::pages) sports: Vec<Choice>,
    pub(in crate::pages) models: Vec<Choice>,
    pub(in crate::pages) sport: String,
    pub(in crate::pages) model: String,
    pub(in crate::pages) market: Option<String>,
    pub(in crate::pages) scope: String,
    pub(in crate::pages) stats: Vec<Stat>,
    pub(in crate::pages) totals: Vec<ScoreRow>,
    pub(in crate::pages) seasons: Vec<SeasonRow>,
    pub(in crate::pages) reliability: Option<String>,
    pub(in crate::pages) monthly: Option<String>,
    pub(in crate::pages) betting: Option<Betting>,
    pub(in crate::pages) misses: Vec<MissLine>,
}

/// One choice of sport or model.
pub(in crate::pages) struct Choice {
    pub(in crate::pages) key: String,
    pub(in crate::pages) name: String,
    pub(in crate::pages) chosen: bool,
}

/// One headline figure.
pub(in crate::pages) struct Stat {
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) value: String,
    pub(in crate::pages) note: String,
}

/// The scores of one model.
pub(in crate::pages) struct ScoreRow {
    pub(in crate::pages) model: String,
    pub(in crate::pages) chosen: bool,
    pub(in crate::pages) n: String,
    pub(in crate::pages) log_loss: String,
    pub(in crate::pages) interval: String,
    pub(in crate::pages) to_market: Option<ToMarket>,
    pub(in crate::pages) brier: String,
    pub(in crate::pages) rps: String,
    pub(in crate::pages) ece: String,
    pub(in crate::pages) floor: String,
}

/// The chosen model in one competition and season beside the market.
pub(in crate::pages) struct SeasonRow {
    pub(in crate::pages) competition: String,
    pub(in crate::pages) season: String,
    pub(in crate::pages) n: String,
    pub(in crate::pages) log_loss: String,
    pub(in crate::pages) to_market: Option<ToMarket>,
    pub(in crate::pages) brier: String,
    pub(in crate::pages) rps: String,
    pub(in crate::pages) ece: String,
}

/// How far a model is from the market on the fixtures that both forecast.
pub(in crate::pages) struct ToMarket {
    pub(in crate::pages) log_loss: String,
    pub(in crate::pages) n: String,
}

/// A fixture the model was surprised by.
pub(in crate::pages) struct MissLine {
    pub(in crate::pages) fixture: i64,
    pub(in crate::pages) title: String,
    pub(in crate::pages) score: String,
    pub(in crate::pages) competition: String,
    pub(in crate::pages) day: String,
    pub(in crate::pages) happened: &'static str,
    pub(in crate::pages) given: String,
    pub(in crate::pages) log_loss: String,
}

/// One sport and model of a report, and the market it is set against.
struct Chosen<'a> {
    report: &'a Report,
    sports: Vec<&'a str>,
    models: Vec<&'a str>,
    sport: &'a str,
    model: &'a str,
    market: Option<&'static str>,
}

impl Body {
    /// The report of a sport and a model, or the first there are; nothing where nothing was judged.
    pub(in crate::pages) fn new(
        report: &Report,
        sport: &str,
        model: &str,
        names: &Names,
    ) -> Option<Self> {
        let chosen = Chosen::new(report, sport, model)?;
        let Chosen {
            sport,
            model,
            market,
            ..
        } = chosen;
        Some(Self {
            sports: choices(&chosen.sports, sport),
            models: choices(&chosen.models, model),
            sport: text::words(sport),
            model: text::words(model),
            market: market.map(text::words),
            scope: chosen.scope(),
            stats: chosen.stats(),
            totals: chosen.totals(),
            seasons: chosen.seasons(),
            reliability: chosen.reliability(),
            monthly: chosen.monthly(),
            betting: Sport::parse(sport).and_then(|it| Betting::of(report, it)),
            misses: chosen
                .worst()
                .map(|it| miss_line(it, names.get(&it.fixture)))
                .collect(),
        })
    }
}

/// The fixtures that the page of a sport and a model names.
pub(super) fn misses(report: &Report, sport: &str, model: &str) -> Vec<FixtureId> {
    let chosen = Chosen::new(report, sport, model);
    let chosen = chosen.iter().flat_map(Chosen::worst);
    chosen.map(|it| it.fixture).collect()
}

fn choices(keys: &[&str], chosen: &str) -> Vec<Choice> {
    keys.iter()
        .map(|it| Choice {
            key: (*it).to_owned(),
            name: text::words(it),
            chosen: *it == chosen,
        })
        .collect()
}

impl<'a> Chosen<'a> {
    /// A sport and a model of a report, or the first there are; nothing where nothing was judged.
    fn new(report: &'a Report, sport: &str, model: &str) -> Option<Self> {
        let mut sports: Vec<&str> = report.rows.iter().map(|it| it.sport.as_str()).collect();
        sports.sort_by_key(|it| Sport::parse(it));
        sports.dedup();
        let sport = sports
            .iter()
            .copied()
            .find(|it| *it == sport)
            .or(sports.first().copied())?;
        let models: Vec<&str> = report
            .rows
            .iter()
            .filter(|it| {
                it.sport.as_str() == sport && it.competition.is_none() && it.season.is_none()
            })
            .map(|it| it.model.as_str())
            .collect();
        let there = |wanted: &&str| models.contains(wanted);
        let model = models.iter().copied().find(|it| *it == model);
        let model = model
            .or_else(|| PREFERRED.into_iter().find(there))
            .or(models.first().copied())?;
        let market = MARKETS.into_iter().find(|it| there(it) && *it != model);
        Some(Self {
            report,
            sports,
            models,
            sport,
            model,
            market,
        })
    }

    fn scope(&self) -> String {
        let zone = jiff::tz::TimeZone::UTC;
        let mut sports = self.report.sports.iter();
        let Some(own) = sports.find(|it| it.sport.as_str() == self.sport) else {
            // A report from before this was kept; the base rate forecasts all there is.
            let overall = self.report.rows.iter().filter(|it| {
                it.sport.as_str() == self.sport && it.competition.is_none() && it.season.is_none()
            });
            let fixtures = overall.map(|it| it.metrics.n).max().unwrap_or(0);
            return format!("{} fixtures, {PROMISE}", text::count(fixtures));
        };
        format!(
            "{} fixtures from {} to {}, {PROMISE}",
            text::count(own.fixtures),
            text::day(own.from, &zone),
            text::day(own.until, &zone),
        )
    }

    fn stats(&self) -> Vec<Stat> {
        let mut stats = Vec::new();
        let total = self.report.rows.iter().find(|it| {
            it.model.as_str() == self.model
                && it.sport.as_str() == self.sport
                && it.competition.is_none()
                && it.season.is_none()
        });
        if let Some(total) = total {
            let metrics = &total.metrics;
            stats.push(Stat {
                name: "Log loss",
                value: text::number(metrics.log_loss, 4),
                note: format!("over {} fixtures; lower is better", text::count(metrics.n)),
            });
            let calibrated = metrics.ece <= metrics.ece_floor_p95;
            stats.push(Stat {
                name: "Calibration error",
                value: text::percent(metrics.ece),
                note: format!(
                    "{} {} that chance alone explains",
                    if calibrated {
                        "within the"
                    } else {
                        "above the"
                    },
                    text::percent(metrics.ece_floor_p95)
                ),
            });
        }
        for reference in MARKETS {
            if let Some(it) = self.difference((self.model, reference), (None, None)) {
                let sure = it.interval.map(|it| {
                    let [low, high] = [it.low, it.high].map(signed);
                    format!("; 95% between {low} and {high}")
                });
                stats.push(Stat {
                    name: if reference == "market_close" {
                        "Against the closing market"
                    } else {
                        "Against the early market"
                    },
                    value: signed(it.log_loss),
                    note: format!(
                        "log loss over {} fixtures that both forecast{}",
                        text::count(it.n),
                        sure.unwrap_or_default()
                    ),
                });
            }
        }
        stats
    }

    /// How far a model is from another on the fixtures of a part that both forecast.
    fn difference(
        &self,
        (model, reference): (&str, &str),
        (competition, season): (Option<&CompetitionKey>, Option<&SeasonKey>),
    ) -> Option<Difference> {
        let differences = self.report.differences.iter();
        let mut own = differences.filter(|it| {
            (it.model.as_str(), it.reference.as_str()) == (model, reference)
                && it.sport.as_str() == self.sport
                && (it.competition.as_ref(), it.season.as_ref()) == (competition, season)
        });
        own.next().map(|it| it.difference)
    }

    fn totals(&self) -> Vec<ScoreRow> {
        let rows = self.report.rows.iter().filter(|it| {
            it.sport.as_str() == self.sport && it.competition.is_none() && it.season.is_none()
        });
        let difference = |model: &str| self.difference((model, self.market?), (None, None));
        let rows = rows.map(|row| (row, difference(row.model.as_str())));
        let mut rows: Vec<_> = rows.collect();
        // On the same fixtures, as far as there are some; the market is as far from itself as can be
        // seen.
        let distance = |(row, difference): &(&ReportRow, Option<Difference>)| {
            let is_market = Some(row.model.as_str()) == self.market;
            let to_market = difference.map(|it| it.log_loss);
            to_market
                .or(is_market.then_some(0.0))
                .unwrap_or(f64::INFINITY)
        };
        rows.sort_by(|a, b| {
            let losses = a.0.metrics.log_loss.total_cmp(&b.0.metrics.log_loss);
            distance(a).total_cmp(&distance(b)).then(losses)
        });
        rows.into_iter()
            .map(|(row, difference)| {
                let metrics = &row.metrics;
                let interval = metrics.log_loss_interval;
                ScoreRow {
                    model: text::words(row.model.as_str()),
                    chosen: row.model.as_str() == self.model,
                    n: text::count(metrics.n),
                    log_loss: text::number(metrics.log_loss, 4),
                    interval: interval.map_or_else(
                        || "\u{2013}".to_owned(),
                        |it| {
                            let [low, high] = [it.low, it.high].map(|it| text::number(it, 3));
                            format!("{low}\u{2013}{high}")
                        },
                    ),
                    to_market: difference.map(ToMarket::from),
                    brier: text::number(metrics.brier, 4),
                    rps: text::number(metrics.rps, 4),
                    ece: text::percent(metrics.ece),
                    floor: text::percent(metrics.ece_floor_p95),
                }
            })
            .collect()
    }

    fn seasons(&self) -> Vec<SeasonRow> {
        let rows = self.report.rows.iter();
        let own =
            rows.filter(|it| it.model.as_str() == self.model && it.sport.as_str() == self.sport);
        own.filter_map(|row| {
            let (competition, season) = (row.competition.as_ref()?, row.season.as_ref()?);
            let models = self.market.map(|it| (self.model, it));
            let part = (Some(competition), Some(season));
            let difference = models.and_then(|it| self.difference(it, part));
            Some(SeasonRow {
                competition: competition.to_string(),
                season: season.to_string(),
                n: text::count(row.metrics.n),
                log_loss: text::number(row.metrics.log_loss, 4),
                to_market: difference.map(ToMarket::from),
                brier: text::number(row.metrics.brier, 4),
                rps: text::number(row.metrics.rps, 4),
                ece: text::percent(row.metrics.ece),
            })
        })
        .collect()
    }

    fn reliability(&self) -> Option<String> {
        let diagram = self
            .report
            .reliability
            .iter()
            .find(|it| it.model.as_str() == self.model && it.sport.as_str() == self.sport)?;
        let bins: Vec<Bin> = diagram
            .bins
            .iter()
            .map(|it| Bin {
                count: it.count,
                forecast: it.forecast,
                observed: it.observed,
                interval: (it.interval.low, it.interval.high),
            })
            .collect();
        let on = bins
            .iter()
            .filter(|it| (it.interval.0..=it.interval.1).contains(&it.forecast));
        let summary = format!(
            "Reliability of {}: in {} of {} groups what happened agrees with what was forecast",
            text::words(self.model),
            on.count(),
            bins.len()
        );
        charts::reliability(&summary, &bins)
    }

    fn monthly(&self) -> Option<String> {
        let line = |model: &str, class| Line {
            name: text::words(model),
            class,
            points: self
                .report
                .monthly
                .iter()
                .filter(|it| it.model.as_str() == model && it.sport.as_str() == self.sport)
                .filter_map(|it| Some((month(&it.month)?, it.log_loss)))
                .collect(),
        };
        let market = self.market.map(|it| line(it, "c-market"));
        let lines = [line(self.model, "c-model")]
            .into_iter()
            .chain(market)
            .collect();
        charts::curve(&Curve {
            summary: format!(
                "Log loss of {} by month beside the market's",
                text::words(self.model)
            ),
            lines,
            band: None,
            reference: None,
            decimals: 2,
            unit: "",
            labels: Labels::Months,
        })
    }

    /// What surprised the model most.
    fn worst(&self) -> impl Iterator<Item = &'a Miss> {
        let (report, sport, model) = (self.report, self.sport, self.model);
        let is_of_sport = move |it: &&Miss| {
            let mut rows = report.rows.iter();
            let of = |competition| competition == Some(&it.competition);
            rows.any(|row| row.sport.as_str() == sport && of(row.competition.as_ref()))
        };
        let own = report.worst.iter().filter(is_of_sport);
        own.filter(move |it| it.model.as_str() == model)
            .take(MISSES_MAX)
    }
}

impl From<Difference> for ToMarket {
    fn from(difference: Difference) -> Self {
        Self {
            log_loss: signed(difference.log_loss),
            n: text::count(difference.n),
        }
    }
}

fn miss_line(miss: &Miss, view: Option<&FixtureView>) -> MissLine {
    let outcome = usize::try_from(miss.outcome).unwrap_or(usize::MAX);
    let pieces = opinions::segments(&miss.h2h, Some(outcome));
    let hit = pieces.into_iter().find(|it| it.hit);
    MissLine {
        fixture: miss.fixture.0,
        title: view.map_or_else(
            || format!("Fixture {}", miss.fixture),
            |it| format!("{} v {}", it.home.name, it.away.name),
        ),
        score: view
            .and_then(|it| it.fixture.score)
            .map(|it| format!("{}\u{2013}{}", it.home, it.away))
            .unwrap_or_default(),
        competition: match view {
            Some(it) => format!("{} {}", it.competition_name, miss.season),
            None => format!("{} {}", miss.competition, miss.season),
        },
        day: text::day(miss.kickoff, &jiff::tz::TimeZone::UTC),
        happened: hit.as_ref().map_or("", |it| it.name),
        given: hit.map(|it| it.percent).unwrap_or_default(),
        log_loss: text::number(miss.log_loss, 2),
    }
}

/// Seconds of the middle of a month such as `2022-08`.
fn month(text: &str) -> Option<f64> {
    let at: jiff::Timestamp = format!("{text}-15T00:00:00Z").parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "seconds on an axis of pixels")]
    Some(at.as_second() as f64)
}

/// A difference of log losses, with its sign.
fn signed(value: f64) -> String {
    let text = text::number(value, 4);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}
