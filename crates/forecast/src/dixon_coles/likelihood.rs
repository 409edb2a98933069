//! The penalised log-likelihood of weighted scores and its derivatives.
//!
//! Parameters lie in one vector: attack of each team, defence of each team, level of each
//! competition (strength of its teams), base of each competition (log goals), home advantage,
//! and the adjustment of low scores `rho`.

use crate::dixon_coles::table::PairSums;
use crate::minimise::Objective;

/// Below this the logarithm of an adjustment goes on as a straight line, so that a step of the
/// optimizer beyond the admissible `rho` costs much instead of everything.
const ADJUSTMENT_FLOOR: f64 = 0.05;

/// How strongly parameters are held to what is expected of them, in games.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Penalty {
    /// Attack and defence.
    pub(crate) strength: f64,
    /// Level of a competition.
    pub(crate) level: f64,
    /// Base of a competition.
    pub(crate) base: f64,
    /// Home advantage.
    pub(crate) home: f64,
    /// Low scores.
    pub(crate) rho: f64,
}

impl Penalty {
    /// Nothing is held: plain maximum likelihood.
    pub(crate) const NONE: Self = Self {
        strength: 0.0,
        level: 0.0,
        base: 0.0,
        home: 0.0,
        rho: 0.0,
    };
}

/// Where each parameter lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) teams: usize,
    pub(crate) competitions: usize,
}

impl Layout {
    pub(crate) fn len(self) -> usize {
        2 * self.teams + 2 * self.competitions + 2
    }
    pub(crate) fn attack(self, team: usize) -> usize {
        team
    }
    pub(crate) fn defence(self, team: usize) -> usize {
        self.teams + team
    }
    pub(crate) fn level(self, competition: usize) -> usize {
        2 * self.teams + competition
    }
    pub(crate) fn base(self, competition: usize) -> usize {
        2 * self.teams + self.competitions + competition
    }
    pub(crate) fn home(self) -> usize {
        2 * (self.teams + self.competitions)
    }
    pub(crate) fn rho(self) -> usize {
        self.home() + 1
    }
}

/// What is fitted: sums of games, each team's competition, and what is expected beforehand.
#[derive(Debug, Clone)]
pub(crate) struct GoalLikelihood<'a> {
    pub(crate) layout: Layout,
    pub(crate) pairs: &'a [PairSums],
    /// Competition whose level each team has.
    pub(crate) class: &'a [usize],
    /// Where the penalty pulls each parameter.
    pub(crate) expected: &'a [f64],
    pub(crate) penalty: Penalty,
}

/// Factors of the intensities, by team and competition.
struct Factors {
    attack: Vec<f64>,
    concede: Vec<f64>,
    base: Vec<f64>,
    home: f64,
    rho: f64,
}

impl GoalLikelihood<'_> {
    /// The weighted log-likelihood without its constants (logarithms of factorials) and without
    /// the penalty.
    pub(crate) fn log_likelihood(&self, parameters: &[f64]) -> f64 {
        let mut gradient = vec![0.0; self.layout.len()];
        self.likelihood(parameters, &mut gradient)
    }

    fn factors(&self, parameters: &[f64]) -> Factors {
        let layout = self.layout;
        let team = |index: usize, sign: f64, own: usize| {
            (sign * (parameters[own] + parameters[layout.level(self.class[index])])).exp()
        };
        Factors {
            attack: (0..layout.teams)
                .map(|it| team(it, 1.0, layout.attack(it)))
                .collect(),
            concede: (0..layout.teams)
                .map(|it| team(it, -1.0, layout.defence(it)))
                .collect(),
            base: (0..layout.competitions)
                .map(|it| parameters[layout.base(it)].exp())
                .collect(),
            home: parameters[layout.home()].exp(),
            rho: parameters[layout.rho()],
        }
    }

    /// The log-likelihood; adds its derivatives to `gradient`.
    fn likelihood(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let layout = self.layout;
        let factors = self.factors(parameters);
        let mut value = 0.0;
        for pair in self.pairs {
            let venue = if pair.neutral { 1.0 } else { factors.home };
            let base = factors.base[pair.competition];
            let home = factors.attack[pair.home] * factors.concede[pair.away] * base * venue;
            let away = factors.attack[pair.away] * factors.concede[pair.home] * base;
            let low = Adjustment::of(pair, [home, away], factors.rho);
            let slope_home = pair.goals[0] - pair.weight * home + low.slopes[0];
            let slope_away = pair.goals[1] - pair.weight * away + low.slopes[1];
            value += low.value - pair.weight * (home + away)
                + pair.goals[0] * log_home(layout, parameters, pair)
                + pair.goals[1] * log_away(layout, parameters, pair);
            gradient[layout.attack(pair.home)] += slope_home;
            gradient[layout.defence(pair.away)] -= slope_home;
            gradient[layout.attack(pair.away)] += slope_away;
            gradient[layout.defence(pair.home)] -= slope_away;
            gradient[layout.base(pair.competition)] += slope_home + slope_away;
            if !pair.neutral {
                gradient[layout.home()] += slope_home;
            }
            gradient[layout.rho()] += low.slopes[2];
        }
        value += self.levels(parameters, gradient);
        value
    }

    /// Levels move attack and defence of their teams alike: takes their part of the linear terms
    /// and gathers their derivatives from those of the teams.
    fn levels(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let layout = self.layout;
        for (team, class) in self.class.iter().enumerate() {
            gradient[layout.level(*class)] +=
                gradient[layout.attack(team)] + gradient[layout.defence(team)];
        }
        let level = |team: usize| parameters[layout.level(self.class[team])];
        self.pairs
            .iter()
            .map(|it| (it.goals[0] - it.goals[1]) * (level(it.home) - level(it.away)))
            .sum()
    }

    fn stiffness(&self, index: usize) -> f64 {
        let layout = self.layout;
        match index {
            it if it < layout.level(0) => self.penalty.strength,
            it if it < layout.base(0) => self.penalty.level,
            it if it < layout.home() => self.penalty.base,
            it if it == layout.home() => self.penalty.home,
            _ => self.penalty.rho,
        }
    }
}

impl Objective for GoalLikelihood<'_> {
    fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = -self.likelihood(parameters, gradient);
        for (index, (x, expected)) in parameters.iter().zip(self.expected).enumerate() {
            let stiffness = self.stiffness(index);
            value += 0.5 * stiffness * (x - expected).powi(2);
            gradient[index] = stiffness * (x - expected) - gradient[index];
        }
        value
    }

    fn curvatures(&self, parameters: &[f64]) -> Vec<f64> {
        let layout = self.layout;
        let factors = self.factors(parameters);
        let mut sums = vec![0.0; layout.len()];
        for pair in self.pairs {
            let venue = if pair.neutral { 1.0 } else { factors.home };
            let base = pair.weight * factors.base[pair.competition];
            let home = factors.attack[pair.home] * factors.concede[pair.away] * base * venue;
            let away = factors.attack[pair.away] * factors.concede[pair.home] * base;
            sums[layout.attack(pair.home)] += home;
            sums[layout.defence(pair.away)] += home;
            sums[layout.attack(pair.away)] += away;
            sums[layout.defence(pair.home)] += away;
            sums[layout.base(pair.competition)] += home + away;
            sums[layout.home()] += home;
            sums[layout.rho()] += 0.5 * pair.weight;
        }
        sums.iter()
            .enumerate()
            .map(|(it, sum)| sum + self.stiffness(it) + 1e-3)
            .collect()
    }
}

fn log_home(layout: Layout, parameters: &[f64], pair: &PairSums) -> f64 {
    let venue = if pair.neutral {
        0.0
    } else {
        parameters[layout.home()]
    };
    parameters[layout.attack(pair.home)] - parameters[layout.defence(pair.away)]
        + parameters[layout.base(pair.competition)]
        + venue
}

fn log_away(layout: Layout, parameters: &[f64], pair: &PairSums) -> f64 {
    parameters[layout.attack(pair.away)] - parameters[layout.defence(pair.home)]
        + parameters[layout.base(pair.competition)]
}

/// What the adjustment of low scores adds: its value, and its derivatives by the logarithms of
/// both intensities and by `rho`.
struct Adjustment {
    value: f64,
    slopes: [f64; 3],
}

impl Adjustment {
    fn of(pair: &PairSums, [home, away]: [f64; 2], rho: f64) -> Self {
        let mut sum = Self {
            value: 0.0,
            slopes: [0.0; 3],
        };
        let [none, away_one, home_one, one_all] = pair.low;
        if none > 0.0 {
            let product = home * away;
            let slope = sum.add(none, 1.0 - product * rho);
            sum.slopes[0] -= slope * product * rho;
            sum.slopes[1] -= slope * product * rho;
            sum.slopes[2] -= slope * product;
        }
        if away_one > 0.0 {
            let slope = sum.add(away_one, 1.0 + home * rho);
            sum.slopes[0] += slope * home * rho;
            sum.slopes[2] += slope * home;
        }
        if home_one > 0.0 {
            let slope = sum.add(home_one, 1.0 + away * rho);
            sum.slopes[1] += slope * away * rho;
            sum.slopes[2] += slope * away;
        }
        if one_all > 0.0 {
            let slope = sum.add(one_all, 1.0 - rho);
            sum.slopes[2] -= slope;
        }
        sum
    }

    /// Adds the weighted logarithm of a factor and returns its derivative by the factor.
    fn add(&mut self, weight: f64, factor: f64) -> f64 {
        if factor >= ADJUSTMENT_FLOOR {
            self.value += weight * factor.ln();
            weight / factor
        } else {
            let beyond = (factor - ADJUSTMENT_FLOOR) / ADJUSTMENT_FLOOR;
            self.value += weight * (ADJUSTMENT_FLOOR.ln() + beyond);
            weight / ADJUSTMENT_FLOOR
        }
    }
}

#[cfg(test)]
mod tests;
