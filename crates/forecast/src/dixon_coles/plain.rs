//! The model by itself, without shrinkage: for comparison with other implementations.

use domain::TeamId;
use jiff::Timestamp;

use crate::dixon_coles::fit::{GoalFit, GoalSettings};
use crate::dixon_coles::likelihood::Penalty;
use crate::dixon_coles::table::{EPOCH_SECOND, GoalRecord, GoalTable};

/// A played game and how much it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightedResult {
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Goals of home and away.
    pub goals: [u16; 2],
    /// Weight; one where every game counts alike.
    pub weight: f64,
}

/// Maximum-likelihood parameters: expected goals are `exp(base + home + attack − defence)` at
/// home and `exp(base + attack − defence)` away. Only differences of attacks and of defences
/// mean something.
#[derive(Debug, Clone, PartialEq)]
pub struct DixonColesFit {
    /// Each team with its attack and defence, in the order of its first game.
    pub teams: Vec<(TeamId, [f64; 2])>,
    /// Logarithm of the goals of an away side where attack and defence are even.
    pub base: f64,
    /// Logarithm of what playing at home multiplies goals by.
    pub home: f64,
    /// Adjustment of low scores.
    pub rho: f64,
    /// Maximised weighted log-likelihood, constants included.
    pub log_likelihood: f64,
}

/// Fits the model of Dixon and Coles (1997) by plain maximum likelihood.
///
/// A team that never scored or never conceded has no finite optimum; the search then stops
/// where the likelihood hardly grows.
pub fn fit_dixon_coles(results: &[WeightedResult]) -> DixonColesFit {
    let epoch = Timestamp::from_second(EPOCH_SECOND).expect("a constant inside the bounds");
    let mut table = GoalTable::new(0.0);
    let mut constants = 0.0;
    for result in results {
        table.add(&GoalRecord {
            competition: 0,
            home: result.home,
            away: result.away,
            neutral: false,
            kickoff: epoch,
            weight: result.weight,
            goals: result.goals.map(f64::from),
            score: Some(result.goals),
        });
        let factorials = result
            .goals
            .iter()
            .map(|it| libm::lgamma(f64::from(*it) + 1.0));
        constants += result.weight * factorials.sum::<f64>();
    }
    let settings = GoalSettings {
        penalty: Penalty::NONE,
        newcomer_gap: 0.0,
        newcomer_games: 1.0,
        rho: 0.0,
        weight_floor: f64::MIN_POSITIVE,
    };
    let fit = GoalFit::new(&table, 1, epoch, &settings);
    let strength = |team: &TeamId| fit.strength(*team, 0);
    let teams = table
        .teams()
        .iter()
        .map(|it| (*it, [strength(it).attack, strength(it).defence]));
    DixonColesFit {
        teams: teams.collect(),
        base: fit.base(0),
        home: fit.home(),
        rho: fit.rho(),
        log_likelihood: fit.log_likelihood() - constants,
    }
}

#[cfg(test)]
mod tests;
