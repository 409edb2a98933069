//! When each side plays, by every fixture there is: played, or to be played.
//!
//! A kickoff is known long before the game, its result only after it. So rest is counted from
//! kickoffs: last night's game makes legs tired, whether or not a fit has read its result.

use std::collections::HashMap;

use domain::{Game, TeamId};
use jiff::Timestamp;

const DAY_SECONDS: f64 = 86_400.0;

/// Kickoffs of each side; games that are off or have no day are not among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calendar {
    /// In seconds, earliest first.
    kickoffs: HashMap<TeamId, Vec<i64>>,
}

impl Calendar {
    /// Reads games in order of kickoff.
    pub(crate) fn new(games: &[Game]) -> Self {
        let mut kickoffs: HashMap<TeamId, Vec<i64>> = HashMap::new();
        for game in games.iter().filter(|it| it.status.has_kickoff()) {
            for team in [game.home, game.away] {
                let at = game.kickoff.as_second();
                kickoffs.entry(team).or_default().push(at);
            }
        }
        Self { kickoffs }
    }

    /// Days from a side's last kickoff to a later one; `None` before its first.
    pub(crate) fn rest_days(&self, team: TeamId, kickoff: Timestamp) -> Option<f64> {
        let last = self.before(team, kickoff).last()?;
        Some(days(kickoff.as_second() - last))
    }

    /// Games of a side that began in so many days before a kickoff.
    pub(crate) fn games_within(&self, team: TeamId, kickoff: Timestamp, within: f64) -> f64 {
        let now = kickoff.as_second();
        let near = |it: &&i64| days(now - **it) <= within;
        let count = self.before(team, kickoff).iter().rev().take_while(near);
        u32::try_from(count.count()).map_or(f64::NAN, f64::from)
    }

    fn before(&self, team: TeamId, kickoff: Timestamp) -> &[i64] {
        let all: &[i64] = self.kickoffs.get(&team).map_or(&[], Vec::as_slice);
        &all[..all.partition_point(|it| *it < kickoff.as_second())]
    }
}

#[expect(clippy::cast_precision_loss, reason = "spans of decades in seconds")]
fn days(seconds: i64) -> f64 {
    seconds as f64 / DAY_SECONDS
}
