//! A football league that never was: strengths drawn once, scores drawn from them, and bookmakers
//! who know the strengths but for a little noise.

use domain::{
    BookmakerKey, Competition, CompetitionKey, KickoffPrecision, Line, Market, MatchStats, Price,
    Quote, QuoteStage, Score, SeasonKey, Sport, TeamId,
};
use jiff::{SignedDuration, Timestamp};
use store::{FixtureRecord, NewTeam, ResultRecord};

use crate::random::SplitMix;
use crate::time;

/// How large a league to make up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeagueOptions {
    /// What everything is drawn from.
    pub seed: u64,
    /// Competition key.
    pub key: String,
    /// How many teams; an even number, at least 2.
    pub teams: usize,
    /// How many seasons, beginning in August 2018.
    pub seasons: usize,
    /// How many rounds of the last season are still to be played.
    pub rounds_open: usize,
}

impl Default for LeagueOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            key: "T0".to_owned(),
            teams: 8,
            seasons: 2,
            rounds_open: 0,
        }
    }
}

/// A made-up league, not yet in any store.
#[derive(Debug, Clone)]
pub struct League {
    /// The competition; single round, one pool of its own.
    pub competition: Competition,
    /// The teams, named `Team 01`, `Team 02`, …
    pub teams: Vec<NewTeam>,
    /// Log strength of each team's attack and defence.
    pub strengths: Vec<[f64; 2]>,
    /// A moment after everything that was played.
    pub recorded_at: Timestamp,
    matches: Vec<Match>,
}

#[derive(Debug, Clone)]
struct Match {
    season: SeasonKey,
    kickoff: Timestamp,
    home: usize,
    away: usize,
    score: Option<Score>,
    quotes: Vec<Quote>,
}

/// Who quotes, and with what overround.
const BOOKMAKERS: [(&str, f64); 3] = [
    ("pinnacle", 0.025),
    ("bet365", 0.05),
    ("market_average", 0.05),
];

/// Log of the goals a side of average strength scores, at home and away.
const BASE: [f64; 2] = [0.40, 0.12];

/// Makes a league up.
///
/// # Panics
/// Where the options ask for an odd number of teams or for none.
pub fn league(options: &LeagueOptions) -> League {
    assert!(
        options.teams >= 2 && options.teams.is_multiple_of(2),
        "a league needs an even number of teams"
    );
    let mut random = SplitMix::new(options.seed);
    let strengths: Vec<[f64; 2]> = (0..options.teams)
        .map(|_| [random.between(-0.35, 0.35), random.between(-0.3, 0.3)])
        .collect();
    let mut matches = Vec::new();
    let mut recorded_at = time("2018-08-01T00:00:00Z");
    for season in 0..options.seasons {
        let rounds = double_round_robin(options.teams);
        let last = season + 1 == options.seasons;
        let played = rounds.len() - if last { options.rounds_open } else { 0 };
        for (round, pairs) in rounds.into_iter().enumerate() {
            for (slot, pair) in pairs.into_iter().enumerate() {
                let kickoff = kickoff(season, round, slot);
                if round < played {
                    recorded_at = recorded_at.max(kickoff + SignedDuration::from_hours(12));
                }
                let means = goal_means(strengths[pair.0], strengths[pair.1]);
                let score = Score {
                    home: random.poisson(means[0]),
                    away: random.poisson(means[1]),
                };
                matches.push(Match {
                    season: season_key(season),
                    kickoff,
                    home: pair.0,
                    away: pair.1,
                    score: (round < played).then_some(score),
                    quotes: quotes(&mut random, means, kickoff, round < played),
                });
            }
        }
    }
    League {
        competition: competition(&options.key),
        teams: (1..=options.teams).map(team).collect(),
        strengths,
        recorded_at,
        matches,
    }
}

impl League {
    /// The fixtures as records for a store that numbers the league's teams `teams`, by kickoff.
    pub fn records(&self, teams: &[TeamId]) -> Vec<FixtureRecord> {
        let record = |it: &Match| FixtureRecord {
            id: None,
            competition: self.competition.key.clone(),
            season: it.season.clone(),
            season_type: None,
            kickoff: it.kickoff,
            kickoff_precision: KickoffPrecision::Minute,
            home: teams[it.home],
            away: teams[it.away],
            neutral: false,
            status: None,
            result: it.score.map(|score| ResultRecord {
                score,
                stats: MatchStats::default(),
            }),
            quotes: it.quotes.clone(),
        };
        self.matches.iter().map(record).collect()
    }
}

fn competition(key: &str) -> Competition {
    Competition {
        key: CompetitionKey::new(key).expect("the options hold a key"),
        name: format!("League {key}"),
        sport: Sport::Football,
        country: "GB".to_owned(),
        pool: key.to_owned(),
        time_zone: "Europe/London".to_owned(),
        single_round: true,
    }
}

fn team(number: usize) -> NewTeam {
    NewTeam {
        sport: Sport::Football,
        name: format!("Team {number:02}"),
        country: "GB".to_owned(),
    }
}

fn season_key(season: usize) -> SeasonKey {
    let year = 2018 + season;
    SeasonKey::new(format!("{year}/{:02}", (year + 1) % 100)).expect("the text is a key")
}

/// Saturdays at 14:00 UTC, the pairs of a round half an hour apart.
fn kickoff(season: usize, round: usize, slot: usize) -> Timestamp {
    let first = time("2018-08-11T14:00:00Z");
    let count = |it: usize| i64::try_from(it).expect("a league is small");
    let days = count(season) * 364 + count(round) * 7;
    first + SignedDuration::from_hours(days * 24) + SignedDuration::from_mins(30 * count(slot))
}

/// Every ordered pair once, by rounds in which each team plays once (circle method).
fn double_round_robin(teams: usize) -> Vec<Vec<(usize, usize)>> {
    let turning = teams - 1;
    let mut rounds = Vec::with_capacity(2 * turning);
    for round in 0..turning {
        let seats = |it: usize| ((round + it) % turning, (round + turning - it) % turning);
        let mut pairs = vec![(turning, round)];
        pairs.extend((1..teams / 2).map(seats));
        if round % 2 == 1 {
            pairs = pairs.into_iter().map(|(a, b)| (b, a)).collect();
        }
        rounds.push(pairs);
    }
    let returns: Vec<Vec<(usize, usize)>> = rounds
        .iter()
        .map(|pairs| pairs.iter().map(|(a, b)| (*b, *a)).collect())
        .collect();
    rounds.extend(returns);
    rounds
}

fn goal_means(home: [f64; 2], away: [f64; 2]) -> [f64; 2] {
    [
        (BASE[0] + home[0] - away[1]).exp(),
        (BASE[1] + away[0] - home[1]).exp(),
    ]
}

/// Opening quotes a day ahead and closing ones at kickoff, `h2h` and `totals` 2.5.
fn quotes(random: &mut SplitMix, means: [f64; 2], kickoff: Timestamp, played: bool) -> Vec<Quote> {
    let opening = (
        QuoteStage::Opening,
        kickoff - SignedDuration::from_hours(24),
    );
    let closing = (QuoteStage::Closing, kickoff);
    let stages: &[_] = if played {
        &[opening, closing]
    } else {
        &[opening]
    };
    let mut quotes = Vec::new();
    for (stage, taken_at) in stages {
        let spread = if *stage == QuoteStage::Opening {
            0.06
        } else {
            0.02
        };
        for (name, margin) in BOOKMAKERS {
            let noisy = means.map(|it| it * random.between(-spread, spread).exp());
            let (h2h, over) = probabilities(noisy);
            let bookmaker = BookmakerKey::new(name).expect("the text is a key");
            let quote = |market, prices| Quote {
                bookmaker: bookmaker.clone(),
                market,
                stage: *stage,
                taken_at: *taken_at,
                prices,
            };
            let price = |probability: f64| price(probability, margin);
            quotes.push(quote(Market::H2H, h2h.map(price)));
            quotes.push(quote(
                Market::totals(Line::from_quarters(10)),
                [price(over), price(1.0 - over), None],
            ));
        }
    }
    quotes
}

fn price(probability: f64, margin: f64) -> Option<Price> {
    let decimal = (100.0 / (probability * (1.0 + margin))).round() / 100.0;
    Some(Price::new(decimal.clamp(1.01, 500.0)).expect("clamped to what a price may be"))
}

/// Home, draw and away, and more than two goals, for two independent Poisson sides.
fn probabilities(means: [f64; 2]) -> ([f64; 3], f64) {
    const GOALS: usize = 16;
    let side = |mean: f64| {
        let mut cells = [(-mean).exp(); GOALS];
        let mut goals = 0.0;
        for it in 1..GOALS {
            goals += 1.0;
            cells[it] = cells[it - 1] * mean / goals;
        }
        cells
    };
    let (home, away) = (side(means[0]), side(means[1]));
    let (mut h2h, mut over) = ([0.0; 3], 0.0);
    for (a, p) in home.iter().enumerate() {
        for (b, q) in away.iter().enumerate() {
            let outcome = match a.cmp(&b) {
                std::cmp::Ordering::Greater => 0,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 2,
            };
            h2h[outcome] += p * q;
            over += if a + b > 2 { p * q } else { 0.0 };
        }
    }
    (h2h, over)
}
