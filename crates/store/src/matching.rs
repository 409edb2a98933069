//! Finds the fixture a record is about.
//!
//! Where a pair of teams meets once a season, competition, season and teams say it all, whatever
//! the day. Elsewhere the day decides: the same kickoff, or the same day where the game is played.
//! Only then may a fixture a day off be the one meant (sources date by different clocks, and games
//! move by a day), and only while nothing speaks for two games on two days: who tells of single
//! fixtures without results tells of one game after the other, as of a series on days running.

use std::collections::HashMap;

use domain::Score;
use jiff::tz::TimeZone;

use crate::code::micros;
use crate::draft::{Draft, Facts, same_day};
use crate::record::Recording;

const DAY: i64 = 86_400_000_000;

/// What of a competition matters here.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) single_round: bool,
    pub(crate) zone: TimeZone,
    pub(crate) has_draw: bool,
}

/// A record as far as matching reads it.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The fixture it is about.
    pub(crate) about: About,
    /// The score the record brings.
    pub(crate) score: Option<Score>,
}

/// How a record says which fixture it is about.
#[derive(Debug)]
pub(crate) enum About {
    /// The caller named it; what the record says of the fixture itself, where it does.
    Known(i64, Option<Facts>),
    /// By what it says of it.
    Described(Facts),
}

impl About {
    pub(crate) fn id(&self) -> Option<i64> {
        match self {
            Self::Known(id, _) => Some(*id),
            Self::Described(_) => None,
        }
    }

    /// What tells the fixture where it is not named.
    pub(crate) fn described(&self) -> Option<&Facts> {
        match self {
            Self::Known(..) => None,
            Self::Described(facts) => Some(facts),
        }
    }

    /// What the record says of the fixture itself.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Known(_, facts) => facts.as_ref(),
            Self::Described(facts) => Some(facts),
        }
    }
}

type Pairing = (i64, i64, i64, i64);

fn pairing(facts: &Facts) -> Pairing {
    (facts.competition, facts.season, facts.home, facts.away)
}

/// Finds the draft of each record among `drafts`, adding new ones at the end where there is none.
///
/// `drafts` holds the fixtures named by id and every fixture of the records' pairings. Fails with
/// the first id that is not among them.
pub(crate) fn assign(
    wanted: &[Wanted],
    drafts: &mut Vec<Draft>,
    rules: &HashMap<i64, Rules>,
    recording: &Recording,
) -> Result<Vec<usize>, i64> {
    let mut search = Search::new(drafts, recording);
    let mut found: Vec<Result<usize, &Facts>> = Vec::with_capacity(wanted.len());
    for it in wanted {
        let index = match &it.about {
            About::Known(id, _) => Ok(search.by_id.get(id).copied().ok_or(*id)?),
            About::Described(facts) => {
                let certain = search.certain(drafts, facts, &rules[&facts.competition]);
                certain.ok_or(facts)
            }
        };
        if let Ok(index) = index {
            search.claimed[index] = true;
        }
        found.push(index);
    }
    let settle = |(it, index): (&Wanted, Result<usize, &Facts>)| {
        let index = index.unwrap_or_else(|facts| {
            search
                .certain(drafts, facts, &rules[&facts.competition])
                .or_else(|| search.near(drafts, facts, it.score))
                .unwrap_or_else(|| search.add(drafts, facts))
        });
        search.claimed[index] = true;
        index
    };
    Ok(wanted.iter().zip(found).map(settle).collect())
}

struct Search {
    by_id: HashMap<i64, usize>,
    by_pairing: HashMap<Pairing, Vec<usize>>,
    /// Whether a record of this batch is already about the draft.
    claimed: Vec<bool>,
    import: Option<i64>,
    /// The time of writing.
    now: i64,
}

impl Search {
    fn new(drafts: &[Draft], recording: &Recording) -> Self {
        let mut by_pairing: HashMap<Pairing, Vec<usize>> = HashMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            by_pairing
                .entry(pairing(&draft.now))
                .or_default()
                .push(index);
        }
        let by_id = drafts.iter().enumerate();
        Self {
            by_id: by_id.map(|(index, draft)| (draft.id, index)).collect(),
            by_pairing,
            claimed: vec![false; drafts.len()],
            import: recording.import,
            now: micros(recording.at),
        }
    }

    fn candidates(&self, facts: &Facts) -> &[usize] {
        self.by_pairing
            .get(&pairing(facts))
            .map_or(&[], Vec::as_slice)
    }

    /// The fixture that is meant beyond doubt.
    fn certain(&self, drafts: &[Draft], facts: &Facts, rules: &Rules) -> Option<usize> {
        let candidates = self.candidates(facts).iter().copied();
        candidates
            .filter(|it| {
                let now = &drafts[*it].now;
                // A game that was played is not moved to a day that is still to come.
                let may_move = now.score.is_none() || facts.kickoff <= self.now;
                (rules.single_round && may_move)
                    || same_day(now.kickoff, facts.kickoff, &rules.zone)
            })
            .min_by_key(|it| {
                let kickoff = drafts[*it].now.kickoff;
                let another_day = !same_day(kickoff, facts.kickoff, &rules.zone);
                (another_day, kickoff.abs_diff(facts.kickoff), *it)
            })
    }

    /// The fixture a day off that is probably meant.
    fn near(&self, drafts: &[Draft], facts: &Facts, score: Option<Score>) -> Option<usize> {
        let day = |kickoff: i64| kickoff.div_euclid(DAY);
        let candidates = self.candidates(facts).iter().copied();
        candidates
            .filter(|it| !self.claimed[*it])
            .filter(|it| day(drafts[*it].now.kickoff).abs_diff(day(facts.kickoff)) <= 1)
            .filter(|it| self.may_have_moved(&drafts[*it], score))
            .min_by_key(|it| (drafts[*it].now.kickoff.abs_diff(facts.kickoff), *it))
    }

    /// Whether nothing says that the record is about another game than the draft: the import at
    /// work has not already spoken of it, it has not been played with another or no result, and a
    /// record outside an import brings one.
    fn may_have_moved(&self, draft: &Draft, score: Option<Score>) -> bool {
        let spoken_of = match self.import {
            Some(_) => draft.import == self.import,
            None => score.is_none(),
        };
        let known = draft.now.score;
        !spoken_of && (known.is_none() || known == score)
    }

    fn add(&mut self, drafts: &mut Vec<Draft>, facts: &Facts) -> usize {
        let index = drafts.len();
        drafts.push(Draft::new(facts.clone()));
        self.claimed.push(false);
        self.by_pairing
            .entry(pairing(facts))
            .or_default()
            .push(index);
        index
    }
}
