//! What boosted models read of a fixture: numbers as of the moment base models were fitted at.
//!
//! Backtest and service make a row by the same code from the same fit. Nothing here reads the
//! fixture's own score, statistics or prices.

mod football;
mod form;
mod points;
mod shared;
mod topic;

use domain::{Sport, TeamId};

use crate::calendar::Calendar;
use crate::{BaseForecast, Matchup, ModelName};

pub(crate) use form::FormTable;
pub(crate) use topic::Topic;

use form::{Meetings, TeamForm};

/// Days of rest count no further than this.
const REST_DAYS_MAX: f64 = 30.0;

/// One number about a fixture.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Its name, which is its column's.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it says.
    pub about: &'static str,
    /// What it belongs to, for people.
    pub(crate) topic: Topic,
    /// How it is read; not a number where it is not known.
    value: fn(&Scene<'_>) -> f64,
}

impl Feature {
    const fn new(
        topic: Topic,
        name: &'static str,
        unit: &'static str,
        about: &'static str,
        value: fn(&Scene<'_>) -> f64,
    ) -> Self {
        Self {
            name,
            unit,
            about,
            topic,
            value,
        }
    }
}

/// The features of a sport, in order of column.
pub fn features(sport: Sport) -> Vec<&'static Feature> {
    let own: &[Feature] = match sport {
        Sport::Football => football::FEATURES,
        Sport::AmericanFootball | Sport::Basketball => points::FEATURES,
    };
    shared::FEATURES.iter().chain(own).collect()
}

/// What a base model makes of a fixture.
#[derive(Debug, Clone, Copy)]
struct View {
    model: ModelName,
    h2h: [f64; 3],
    draws: bool,
    expected: [f64; 2],
}

/// A fixture and what was known of its sides.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    matchup: &'a Matchup,
    /// Its competition's place in the pool.
    competition: usize,
    calendar: &'a Calendar,
    views: Vec<View>,
    /// How often each outcome happened in the competition.
    rate: &'a [f64],
    sides: [&'a TeamForm; 2],
    meetings: Meetings,
    /// Goals or points of both sides in the competition's games of late.
    level: f64,
}

impl<'a> Scene<'a> {
    /// Looks at a fixture of the competition at an index of the pool.
    pub(crate) fn new(
        (table, calendar): (&'a FormTable, &'a Calendar),
        competition: usize,
        matchup: &'a Matchup,
        base: &[BaseForecast],
        rate: &'a [f64],
    ) -> Self {
        let view = |it: &BaseForecast| {
            let h2h = it.scores.h2h();
            View {
                model: it.model,
                h2h: [h2h[0], h2h[1], *h2h.last().expect("there are outcomes")],
                draws: h2h.len() == 3,
                expected: it.scores.expected(),
            }
        };
        Self {
            matchup,
            competition,
            calendar,
            views: base.iter().map(view).collect(),
            rate,
            sides: [table.team(matchup.home), table.team(matchup.away)],
            meetings: table.meetings(matchup.home, matchup.away),
            level: table.level(competition),
        }
    }

    /// The row of a sport's features.
    pub(crate) fn row(&self, sport: Sport) -> Vec<f64> {
        let read = |it: &&Feature| (it.value)(self);
        features(sport).iter().map(read).collect()
    }

    fn view(&self, model: ModelName) -> Option<&View> {
        self.views.iter().find(|it| it.model == model)
    }

    /// Log-odds of a home win against an away win.
    fn lean(&self, model: ModelName) -> f64 {
        self.view(model).map_or(f64::NAN, |it| {
            libm::log(it.h2h[0].max(1e-9) / it.h2h[2].max(1e-9))
        })
    }

    /// Log-odds of a draw against the mean of both wins.
    fn draw(&self, model: ModelName) -> f64 {
        let view = self.view(model).filter(|it| it.draws);
        view.map_or(f64::NAN, |it| {
            let wins = libm::sqrt(it.h2h[0] * it.h2h[2]).max(1e-9);
            libm::log(it.h2h[1].max(1e-9) / wins)
        })
    }

    /// Expected goals or points of home and away.
    fn expected(&self, model: ModelName) -> [f64; 2] {
        self.view(model).map_or([f64::NAN; 2], |it| it.expected)
    }

    /// Days since each side's last kickoff.
    fn rest(&self) -> [f64; 2] {
        self.of_teams(|team| {
            let days = self.calendar.rest_days(team, self.matchup.kickoff);
            days.map_or(f64::NAN, |it| it.min(REST_DAYS_MAX))
        })
    }

    /// Games of each side in so many days before kickoff.
    fn games_within(&self, days: f64) -> [f64; 2] {
        let kickoff = self.matchup.kickoff;
        self.of_teams(|team| self.calendar.games_within(team, kickoff, days))
    }

    fn of_teams(&self, read: impl Fn(TeamId) -> f64) -> [f64; 2] {
        [self.matchup.home, self.matchup.away].map(read)
    }

    /// Games of each side in the fixture's season and competition.
    fn season_games(&self) -> [f64; 2] {
        let season = &self.matchup.season;
        self.sides
            .map(|it| it.season_games(self.competition, season))
    }

    /// Share of the points there were that each side won in them.
    fn season_points(&self) -> [f64; 2] {
        let season = &self.matchup.season;
        self.sides
            .map(|it| it.season_points(self.competition, season))
    }
}

/// Home less away.
fn difference([home, away]: [f64; 2]) -> f64 {
    home - away
}

#[cfg(test)]
mod tests;
