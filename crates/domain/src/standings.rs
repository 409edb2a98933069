//! League tables: what teams won and lost, and who stands above whom.

use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::Add;

use crate::{Score, Sport, TeamId};

/// Games won, drawn and lost, and the goals or points in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tally {
    /// Games won.
    pub won: u32,
    /// Games that ended level.
    pub drawn: u32,
    /// Games lost.
    pub lost: u32,
    /// Goals or points of the team.
    pub scored: u32,
    /// Goals or points of those it played.
    pub conceded: u32,
}

impl Tally {
    /// Counts one game, seen from the side whose score comes first.
    #[must_use]
    pub fn with(mut self, scored: u16, conceded: u16) -> Self {
        match scored.cmp(&conceded) {
            Ordering::Greater => self.won += 1,
            Ordering::Equal => self.drawn += 1,
            Ordering::Less => self.lost += 1,
        }
        self.scored += u32::from(scored);
        self.conceded += u32::from(conceded);
        self
    }

    /// Counts one game, seen from home.
    #[must_use]
    pub fn with_home(self, score: Score) -> Self {
        self.with(score.home, score.away)
    }

    /// Counts one game, seen from away.
    #[must_use]
    pub fn with_away(self, score: Score) -> Self {
        self.with(score.away, score.home)
    }

    /// Games played.
    pub fn played(&self) -> u32 {
        self.won + self.drawn + self.lost
    }

    /// What was scored less what was conceded.
    pub fn difference(&self) -> i64 {
        i64::from(self.scored) - i64::from(self.conceded)
    }

    /// Points of a league that gives three for a win and one for a draw.
    pub fn points(&self) -> u32 {
        3 * self.won + self.drawn
    }

    /// The share of games won, a draw counting half; `None` before the first game.
    pub fn win_share(&self) -> Option<f64> {
        let played = self.played();
        (played > 0).then(|| f64::from(2 * self.won + self.drawn) / f64::from(2 * played))
    }

    /// Compares shares of games won without rounding; who has not played has won none.
    fn cmp_win_share(&self, other: &Self) -> Ordering {
        let halves = |it: &Self| u64::from(2 * it.won + it.drawn);
        let games = |it: &Self| u64::from(it.played().max(1));
        (halves(self) * games(other)).cmp(&(halves(other) * games(self)))
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            won: self.won + other.won,
            drawn: self.drawn + other.drawn,
            lost: self.lost + other.lost,
            scored: self.scored + other.scored,
            conceded: self.conceded + other.conceded,
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

/// What a team did at home and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TeamRecord {
    /// Which team.
    pub team: TeamId,
    /// Games in which it is named first; on neutral ground, too.
    pub home: Tally,
    /// Games in which it is named second.
    pub away: Tally,
}

impl TeamRecord {
    /// All its games.
    pub fn total(&self) -> Tally {
        self.home + self.away
    }
}

/// What teams are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RankedBy {
    /// Three points for a win, one for a draw.
    Points,
    /// The share of games won, a draw counting half.
    WinShare,
    /// What was scored less what was conceded.
    Difference,
    /// What was scored.
    Scored,
}

impl RankedBy {
    /// The key used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::WinShare => "win_share",
            Self::Difference => "difference",
            Self::Scored => "scored",
        }
    }

    /// Compares two tallies, the better one last.
    fn cmp(self, a: &Tally, b: &Tally) -> Ordering {
        match self {
            Self::Points => a.points().cmp(&b.points()),
            Self::WinShare => a.cmp_win_share(b),
            Self::Difference => a.difference().cmp(&b.difference()),
            Self::Scored => a.scored.cmp(&b.scored),
        }
    }
}

impl Sport {
    /// What the tables of its leagues are ranked by: each in turn, where those before it are level.
    ///
    /// The rule most leagues share. Some compare the games of those who are level among themselves
    /// first, or take points away; neither is known here.
    pub fn ranked_by(self) -> &'static [RankedBy] {
        match self {
            Self::Football => &[RankedBy::Points, RankedBy::Difference, RankedBy::Scored],
            Self::AmericanFootball | Self::Basketball => {
                &[RankedBy::WinShare, RankedBy::Difference, RankedBy::Scored]
            }
        }
    }
}

/// A team's place in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its place, from 1; teams level in everything share one, and the next places are left out.
    pub position: u32,
    /// What it did.
    pub record: TeamRecord,
}

/// Ranks teams by the rule of their sport; those level in everything stay in the order given.
pub fn rank(sport: Sport, mut records: Vec<TeamRecord>) -> Vec<Standing> {
    let compare = |a: &TeamRecord, b: &TeamRecord| {
        let (a, b) = (a.total(), b.total());
        let rules = sport.ranked_by().iter();
        rules.fold(Ordering::Equal, |so_far, rule| {
            so_far.then_with(|| rule.cmp(&b, &a))
        })
    };
    records.sort_by(compare);
    let mut standings: Vec<Standing> = Vec::with_capacity(records.len());
    for (place, record) in (1..).zip(records) {
        let position = match standings.last() {
            Some(above) if compare(&above.record, &record).is_eq() => above.position,
            _ => place,
        };
        standings.push(Standing { position, record });
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(team: i64, home: &[[u16; 2]], away: &[[u16; 2]]) -> TeamRecord {
        let tally = |games: &[[u16; 2]]| {
            let games = games.iter();
            games.fold(Tally::default(), |tally, [us, them]| tally.with(*us, *them))
        };
        TeamRecord {
            team: TeamId(team),
            home: tally(home),
            away: tally(away),
        }
    }

    fn order(sport: Sport, records: Vec<TeamRecord>) -> Vec<(u32, i64)> {
        let standings = rank(sport, records).into_iter();
        standings
            .map(|it| (it.position, it.record.team.0))
            .collect()
    }

    #[test]
    fn a_tally_counts_games_and_goals() {
        let score = Score { home: 2, away: 1 };
        let tally = Tally::default()
            .with_home(score)
            .with_away(score)
            .with(0, 0);
        assert_eq!([tally.won, tally.drawn, tally.lost], [1, 1, 1]);
        assert_eq!((tally.scored, tally.conceded), (3, 3));
        assert_eq!(
            (tally.played(), tally.difference(), tally.points()),
            (3, 0, 4)
        );
        assert_eq!(tally.win_share(), Some(0.5));
        assert_eq!(Tally::default().win_share(), None);
    }

    #[test]
    fn football_goes_by_points_then_difference_then_goals() {
        let records = vec![
            record(1, &[[1, 0]], &[[0, 3]]),
            record(2, &[[1, 0]], &[[0, 1]]),
            record(3, &[[2, 1]], &[[0, 1]]),
            record(4, &[[0, 0]], &[[1, 1], [2, 2], [3, 3]]),
        ];
        assert_eq!(
            order(Sport::Football, records),
            [(1, 4), (2, 3), (3, 2), (4, 1)]
        );
    }

    #[test]
    fn others_go_by_the_share_of_games_won() {
        let records = vec![
            record(1, &[[90, 80], [90, 80], [80, 90]], &[]),
            record(2, &[[90, 80]], &[]),
            record(3, &[], &[]),
            record(4, &[[80, 90]], &[]),
        ];
        for sport in [Sport::Basketball, Sport::AmericanFootball] {
            let expected = [(1, 2), (2, 1), (3, 3), (4, 4)];
            assert_eq!(order(sport, records.clone()), expected);
        }
    }

    #[test]
    fn who_is_level_in_everything_shares_a_place() {
        let records = vec![
            record(9, &[[1, 0]], &[]),
            record(3, &[[3, 0]], &[]),
            record(5, &[], &[[1, 0]]),
            record(7, &[], &[]),
        ];
        assert_eq!(
            order(Sport::Football, records),
            [(1, 3), (2, 9), (2, 5), (4, 7)]
        );
    }

    #[test]
    fn every_rule_has_a_word_of_its_own() {
        let words = [
            RankedBy::Points,
            RankedBy::WinShare,
            RankedBy::Difference,
            RankedBy::Scored,
        ]
        .map(RankedBy::as_str);
        assert_eq!(words, ["points", "win_share", "difference", "scored"]);
    }
}
