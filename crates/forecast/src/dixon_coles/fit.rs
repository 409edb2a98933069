//! A fit: strengths at a moment, and the score matrix they give a fixture.

use std::collections::HashMap;

use domain::TeamId;
use jiff::Timestamp;

use crate::dixon_coles::likelihood::{GoalLikelihood, Layout, Penalty};
use crate::dixon_coles::table::{GoalTable, PairSums};
use crate::minimise::minimise;
use crate::{Matchup, ScoreMatrix};

/// The optimizer stops where the scaled gradient is shorter than this.
const TOLERANCE: f64 = 1e-3;
/// Goals per side and game where nothing is known.
const USUAL_GOALS: f64 = 1.35;
/// Logarithm of the home side's share where nothing is known.
const USUAL_HOME: f64 = 0.25;

/// How games are weighed and strengths held; tuned on seasons up to 2020/21.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GoalSettings {
    pub(crate) penalty: Penalty,
    /// How much weaker, in attack and defence each, a team without games is than its competition.
    pub(crate) newcomer_gap: f64,
    /// Games after which a newcomer is one no longer (to a factor e).
    pub(crate) newcomer_games: f64,
    /// Adjustment of low scores expected beforehand.
    pub(crate) rho: f64,
    /// Pairs lighter than this are left out of a fit.
    pub(crate) weight_floor: f64,
}

/// Strengths of every team at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GoalFit {
    /// Attack and defence by team, competition level included.
    strengths: HashMap<TeamId, Strength>,
    /// Level of each competition, for teams never seen.
    levels: Vec<f64>,
    /// Logarithm of goals per side, by competition.
    bases: Vec<f64>,
    home: f64,
    rho: f64,
    newcomer_gap: f64,
    /// Log-likelihood of the games, constants and penalty left out.
    log_likelihood: f64,
}

/// What a team adds to the logarithm of its own goals and takes from that of its opponent's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Strength {
    pub(crate) attack: f64,
    pub(crate) defence: f64,
    /// Games behind it, weighted by age.
    pub(crate) games: f64,
}

impl GoalFit {
    /// Fits what `table` holds as it weighs at `cut`.
    pub(crate) fn new(
        table: &GoalTable,
        competitions: usize,
        cut: Timestamp,
        settings: &GoalSettings,
    ) -> Self {
        let sums = table.at(cut, settings.weight_floor);
        let active = Active::new(table, sums);
        let layout = Layout {
            teams: active.teams.len(),
            competitions,
        };
        let expected = active.expected(layout, settings);
        let likelihood = GoalLikelihood {
            layout,
            pairs: &active.pairs,
            class: &active.class,
            expected: &expected,
            penalty: settings.penalty,
        };
        let start = active.start(layout, &expected);
        let found = minimise(&likelihood, &start, TOLERANCE);
        let log_likelihood = likelihood.log_likelihood(&found.parameters);
        let fitted = found.parameters;
        let level = |team: usize| fitted[layout.level(active.class[team])];
        let strengths = active.teams.iter().enumerate().map(|(index, team)| {
            let attack = fitted[layout.attack(index)] + level(index);
            let defence = fitted[layout.defence(index)] + level(index);
            (
                *team,
                Strength {
                    attack,
                    defence,
                    games: active.games[index],
                },
            )
        });
        Self {
            strengths: strengths.collect(),
            levels: (0..competitions)
                .map(|it| fitted[layout.level(it)])
                .collect(),
            bases: (0..competitions)
                .map(|it| fitted[layout.base(it)])
                .collect(),
            home: fitted[layout.home()],
            rho: fitted[layout.rho()],
            newcomer_gap: settings.newcomer_gap,
            log_likelihood,
        }
    }

    /// A team's strength; a newcomer's where it is not known.
    pub(crate) fn strength(&self, team: TeamId, competition: usize) -> Strength {
        let newcomer = self.levels[competition] - self.newcomer_gap;
        let unknown = Strength {
            attack: newcomer,
            defence: newcomer,
            games: 0.0,
        };
        self.strengths.get(&team).copied().unwrap_or(unknown)
    }

    /// Strength of a team, where it has one of its own.
    pub(crate) fn known(&self, team: TeamId) -> Option<Strength> {
        self.strengths.get(&team).copied()
    }

    /// Logarithm of an away side's goals where strengths are even, by competition.
    pub(crate) fn base(&self, competition: usize) -> f64 {
        self.bases[competition]
    }

    /// Logarithm of what playing at home multiplies goals by.
    pub(crate) fn home(&self) -> f64 {
        self.home
    }

    /// Adjustment of low scores.
    pub(crate) fn rho(&self) -> f64 {
        self.rho
    }

    /// Log-likelihood of the games, constants and penalty left out.
    pub(crate) fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Expected goals of home and away, in the competition of that index.
    pub(crate) fn intensities(&self, game: &Matchup, competition: usize) -> [f64; 2] {
        let home = self.strength(game.home, competition);
        let away = self.strength(game.away, competition);
        let venue = if game.neutral { 0.0 } else { self.home };
        let base = self.bases[competition];
        [
            (base + venue + home.attack - away.defence).exp(),
            (base + away.attack - home.defence).exp(),
        ]
    }

    /// The score matrix of a fixture.
    pub(crate) fn matrix(&self, game: &Matchup, competition: usize) -> ScoreMatrix {
        ScoreMatrix::dixon_coles(self.intensities(game, competition), self.rho)
    }
}

/// The games that count at a moment, teams numbered anew.
struct Active {
    teams: Vec<TeamId>,
    /// Competition whose level each team has.
    class: Vec<usize>,
    /// Weight of each team's games.
    games: Vec<f64>,
    pairs: Vec<PairSums>,
}

impl Active {
    fn new(table: &GoalTable, mut pairs: Vec<PairSums>) -> Self {
        let mut number: Vec<Option<usize>> = vec![None; table.teams().len()];
        let mut active = Self {
            teams: Vec::new(),
            class: Vec::new(),
            games: Vec::new(),
            pairs: Vec::new(),
        };
        for pair in &mut pairs {
            for side in [&mut pair.home, &mut pair.away] {
                let own = *number[*side].get_or_insert_with(|| {
                    active.teams.push(table.teams()[*side]);
                    active.class.push(table.latest_competition(*side));
                    active.games.push(0.0);
                    active.teams.len() - 1
                });
                active.games[own] += pair.weight;
                *side = own;
            }
        }
        active.pairs = pairs;
        active
    }

    /// What is expected of each parameter before its games are looked at.
    fn expected(&self, layout: Layout, settings: &GoalSettings) -> Vec<f64> {
        let mut expected = vec![0.0; layout.len()];
        for (team, games) in self.games.iter().enumerate() {
            let gap = -settings.newcomer_gap * (-games / settings.newcomer_games).exp();
            expected[layout.attack(team)] = gap;
            expected[layout.defence(team)] = gap;
        }
        let mut sums = [0.0; 3];
        for pair in &self.pairs {
            sums[0] += pair.weight;
            sums[1] += pair.goals[0];
            sums[2] += pair.goals[1];
        }
        // A few games' worth of what is usual keeps the logarithm defined.
        let away = (sums[2] + 5.0 * USUAL_GOALS) / (sums[0] + 5.0);
        for competition in 0..layout.competitions {
            expected[layout.base(competition)] = away.ln();
        }
        expected[layout.home()] = USUAL_HOME;
        expected[layout.rho()] = settings.rho;
        expected
    }

    /// Where the search starts: each team's goals for and against, shrunk.
    fn start(&self, layout: Layout, expected: &[f64]) -> Vec<f64> {
        const SHRINK_GAMES: f64 = 4.0;
        let mut sums = vec![[0.0; 2]; layout.teams];
        let (mut weight, mut goals) = (0.0, 0.0);
        for pair in &self.pairs {
            weight += pair.weight;
            goals += pair.goals[0] + pair.goals[1];
            for (team, own, other) in [(pair.home, 0, 1), (pair.away, 1, 0)] {
                sums[team][0] += pair.goals[own];
                sums[team][1] += pair.goals[other];
            }
        }
        let mean = if goals > 0.0 {
            goals / (2.0 * weight)
        } else {
            USUAL_GOALS
        };
        let mut start = expected.to_vec();
        for (team, [scored, conceded]) in sums.iter().enumerate() {
            let games = self.games[team] + SHRINK_GAMES;
            let log = |goals: f64| ((goals + SHRINK_GAMES * mean) / (games * mean)).ln();
            start[layout.attack(team)] = log(*scored);
            start[layout.defence(team)] = -log(*conceded);
        }
        // The likelihood does not tell a common shift; starting where the penalty wants it saves
        // the optimizer the way along a flat valley.
        for side in [0..layout.teams, layout.teams..2 * layout.teams] {
            let shift: f64 = side.clone().map(|it| expected[it] - start[it]).sum();
            let shift = shift / f64::from(u32::try_from(layout.teams.max(1)).unwrap_or(u32::MAX));
            start[side].iter_mut().for_each(|it| *it += shift);
        }
        start
    }
}

#[cfg(test)]
mod tests;
