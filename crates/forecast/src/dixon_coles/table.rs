//! Games boiled down to what the likelihood needs: weighted sums per ordered pair of teams.

use std::collections::HashMap;

use domain::TeamId;
use jiff::Timestamp;

/// Weights are kept relative to this moment (1 January 2000), so that sums never need rescaling.
pub(super) const EPOCH_SECOND: i64 = 946_684_800;
const DAY_SECONDS: f64 = 86_400.0;

/// What one game adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoalRecord {
    /// Index of the competition in its pool.
    pub(crate) competition: usize,
    pub(crate) home: TeamId,
    pub(crate) away: TeamId,
    pub(crate) neutral: bool,
    pub(crate) kickoff: Timestamp,
    /// How much it counts before age.
    pub(crate) weight: f64,
    /// Goals of both sides as the model takes them: whole for results, broken for expectations.
    pub(crate) goals: [f64; 2],
    /// The score, for the adjustment of low scores; `None` leaves the adjustment alone.
    pub(crate) score: Option<[u16; 2]>,
}

/// Weighted sums of the games of one ordered pair in one competition and kind of venue.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PairSums {
    pub(crate) home: usize,
    pub(crate) away: usize,
    pub(crate) competition: usize,
    pub(crate) neutral: bool,
    pub(crate) weight: f64,
    pub(crate) goals: [f64; 2],
    /// Weights of 0-0, 0-1, 1-0 and 1-1.
    pub(crate) low: [f64; 4],
}

/// Sums over games in the order they were added, with exponential decay.
///
/// A weight is the exponential of the kickoff's distance from a fixed epoch, and is brought to
/// the moment of a fit by one common factor: adding games one by one or all at once gives the
/// same bits.
#[derive(Debug, Clone)]
pub(crate) struct GoalTable {
    decay_per_day: f64,
    teams: Vec<TeamId>,
    team_index: HashMap<TeamId, usize>,
    /// Competition of each team's latest game.
    latest_competition: Vec<usize>,
    pairs: Vec<PairSums>,
    pair_index: HashMap<(usize, usize, usize, bool), usize>,
}

impl GoalTable {
    pub(crate) fn new(decay_per_day: f64) -> Self {
        Self {
            decay_per_day,
            teams: Vec::new(),
            team_index: HashMap::new(),
            latest_competition: Vec::new(),
            pairs: Vec::new(),
            pair_index: HashMap::new(),
        }
    }

    /// Adds a game.
    pub(crate) fn add(&mut self, game: &GoalRecord) {
        let home = self.team(game.home, game.competition);
        let away = self.team(game.away, game.competition);
        let key = (home, away, game.competition, game.neutral);
        let index = *self.pair_index.entry(key).or_insert_with(|| {
            self.pairs.push(PairSums {
                home,
                away,
                competition: game.competition,
                neutral: game.neutral,
                ..PairSums::default()
            });
            self.pairs.len() - 1
        });
        let weight = game.weight * (self.decay_per_day * days_since_epoch(game.kickoff)).exp();
        let sums = &mut self.pairs[index];
        sums.weight += weight;
        sums.goals[0] += weight * game.goals[0];
        sums.goals[1] += weight * game.goals[1];
        if let Some([home @ 0..=1, away @ 0..=1]) = game.score {
            sums.low[usize::from(2 * home + away)] += weight;
        }
    }

    /// Teams in the order of their first game.
    pub(crate) fn teams(&self) -> &[TeamId] {
        &self.teams
    }

    /// The competition of a team's latest game.
    pub(crate) fn latest_competition(&self, team: usize) -> usize {
        self.latest_competition[team]
    }

    /// The sums as they weigh at `cut`, pairs lighter than `floor` left out.
    pub(crate) fn at(&self, cut: Timestamp, floor: f64) -> Vec<PairSums> {
        let factor = (-self.decay_per_day * days_since_epoch(cut)).exp();
        let scaled = self.pairs.iter().map(|it| PairSums {
            weight: it.weight * factor,
            goals: it.goals.map(|goals| goals * factor),
            low: it.low.map(|weight| weight * factor),
            ..*it
        });
        scaled.filter(|it| it.weight >= floor).collect()
    }

    fn team(&mut self, team: TeamId, competition: usize) -> usize {
        let index = *self.team_index.entry(team).or_insert_with(|| {
            self.teams.push(team);
            self.latest_competition.push(competition);
            self.teams.len() - 1
        });
        self.latest_competition[index] = competition;
        index
    }
}

/// Days since the epoch, with fractions.
pub(crate) fn days_since_epoch(moment: Timestamp) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of human times fit 53 bits"
    )]
    let seconds = (moment.as_second() - EPOCH_SECOND) as f64;
    seconds / DAY_SECONDS
}
