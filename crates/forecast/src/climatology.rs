//! The base rate: how often home, draw and away happened in the competition of late. What every
//! model has to beat.

use std::collections::HashMap;

use domain::{CompetitionKey, Game, Sport};
use jiff::{SignedDuration, Timestamp};

use crate::{History, outcome::h2h_outcome};

/// How far back results count.
const SPAN: SignedDuration = SignedDuration::from_hours(5 * 365 * 24 + 24);

/// How many games the long-run rate of the sport weighs.
const PRIOR_GAMES: f64 = 10.0;

/// Counts of results per competition, in the order they became known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Climatology {
    results: HashMap<CompetitionKey, Counts>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    known_at: Vec<Timestamp>,
    /// How often each outcome happened up to and with the result at the same place.
    cumulated: Vec<[u32; 3]>,
}

impl Climatology {
    pub(crate) fn new(history: &History) -> Self {
        let mut order: Vec<&Game> = history
            .games()
            .iter()
            .filter(|it| h2h_outcome(it).is_some())
            .collect();
        order.sort_by_key(|it| it.known_at);
        let mut results: HashMap<CompetitionKey, Counts> = HashMap::new();
        for game in order {
            let counts = results.entry(game.competition.clone()).or_default();
            let mut next = counts.cumulated.last().copied().unwrap_or_default();
            next[h2h_outcome(game).expect("only decided games are in the order")] += 1;
            counts.known_at.push(game.known_at);
            counts.cumulated.push(next);
        }
        Self { results }
    }

    /// The base rate of a competition by what was known at `cut`.
    pub(crate) fn forecast(
        &self,
        competition: &CompetitionKey,
        sport: Sport,
        cut: Timestamp,
    ) -> Vec<f64> {
        let prior: &[f64] = if sport.has_draw() {
            &[0.45, 0.27, 0.28]
        } else {
            &[0.57, 0.43]
        };
        let counts = self
            .results
            .get(competition)
            .map_or([0; 3], |it| it.between(cut));
        let total: u32 = counts.iter().sum();
        let rate = |(prior, count): (&f64, u32)| {
            (prior * PRIOR_GAMES + f64::from(count)) / (PRIOR_GAMES + f64::from(total))
        };
        prior.iter().zip(counts).map(rate).collect()
    }
}

impl Counts {
    fn between(&self, cut: Timestamp) -> [u32; 3] {
        let start = cut
            .saturating_sub(SPAN)
            .expect("a fixed span never overflows");
        let upto = |at: Timestamp| match self.known_at.partition_point(|it| *it <= at) {
            0 => [0; 3],
            known => self.cumulated[known - 1],
        };
        let (first, last) = (upto(start), upto(cut));
        std::array::from_fn(|index| last[index] - first[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::League;

    #[test]
    fn the_base_rate_counts_what_was_known_in_five_years_and_no_more() {
        let games = League::default().games();
        let history = History::new(games.clone());
        let climatology = Climatology::new(&history);
        let competition = &games[0].competition;
        let cut = games[games.len() / 2].known_at;
        let known: Vec<usize> = games
            .iter()
            .filter(|it| it.competition == *competition && it.known_at <= cut)
            .filter_map(h2h_outcome)
            .collect();
        let count = |outcome: usize| known.iter().filter(|it| **it == outcome).count() as f64;
        let n = known.len() as f64 + PRIOR_GAMES;
        let expected = [
            (4.5 + count(0)) / n,
            (2.7 + count(1)) / n,
            (2.8 + count(2)) / n,
        ];
        let rate = climatology.forecast(competition, Sport::Football, cut);
        assert!(
            rate.iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{rate:?}"
        );
        let long_after = cut + SignedDuration::from_hours(20 * 366 * 24);
        let rate = climatology.forecast(competition, Sport::Football, long_after);
        assert_eq!(rate, [0.45, 0.27, 0.28], "all of it is too old to count");
    }

    #[test]
    fn an_unknown_competition_has_the_rate_of_its_sport() {
        let nowhere = CompetitionKey::new("X").unwrap();
        let rate = |sport| Climatology::default().forecast(&nowhere, sport, Timestamp::UNIX_EPOCH);
        assert_eq!(rate(Sport::Football), [0.45, 0.27, 0.28]);
        assert_eq!(rate(Sport::Basketball), [0.57, 0.43]);
    }
}
