//! Leagues made up for tests: teams of known strength, results drawn from it, and bookmakers who
//! know it almost.

use domain::{
    BookmakerKey, Competition, CompetitionKey, FixtureId, FixtureStatus, Game, KickoffPrecision,
    Market, MatchStats, Price, Quote, QuoteStage, Score, SeasonKey, SeasonType, Sport, TeamId,
    summarise_quotes,
};
use jiff::{SignedDuration, Timestamp};

use crate::ScoreMatrix;
use crate::random::Random;

/// What to make up.
#[derive(Debug, Clone)]
pub(crate) struct League {
    pub(crate) seed: u64,
    pub(crate) competitions: usize,
    /// An even number.
    pub(crate) teams: usize,
    pub(crate) seasons: usize,
}

impl Default for League {
    fn default() -> Self {
        Self {
            seed: 1,
            competitions: 2,
            teams: 10,
            seasons: 5,
        }
    }
}

impl League {
    pub(crate) fn competitions(&self) -> Vec<Competition> {
        let competition = |index: usize| Competition {
            key: CompetitionKey::new(format!("S{index}")).unwrap(),
            name: format!("Made-up league {index}"),
            sport: Sport::Football,
            country: "INT".into(),
            pool: format!("pool{index}"),
            time_zone: "UTC".into(),
            single_round: true,
        };
        (0..self.competitions).map(competition).collect()
    }

    /// Every game in order of kickoff, with the quotes they were boiled down from.
    pub(crate) fn games_with_quotes(&self) -> Vec<(Game, Vec<Quote>)> {
        let mut random = Random::new(self.seed);
        let mut games = Vec::new();
        for (index, competition) in self.competitions().iter().enumerate() {
            let strengths: Vec<f64> = (0..self.teams)
                .map(|_| 0.8 * (random.unit() - 0.5))
                .collect();
            for season in 0..self.seasons {
                for (round, pairs) in rounds(self.teams).into_iter().enumerate() {
                    let kickoff = kickoff(season, round);
                    for (home, away) in pairs {
                        let edge = strengths[home] - strengths[away];
                        let truth = [(0.4 + edge).exp(), (0.1 - edge).exp()];
                        let team = |it: usize| TeamId((index * 100 + it) as i64 + 1);
                        let season = format!("{}/{}", 2015 + season, 16 + season);
                        let game = blank(competition, &season, kickoff, [team(home), team(away)]);
                        games.push(played(game, truth, &mut random));
                    }
                }
            }
        }
        games.sort_by_key(|it: &(Game, Vec<Quote>)| (it.0.kickoff, it.0.home));
        for (index, (game, _)) in games.iter_mut().enumerate() {
            game.fixture = FixtureId(index as i64 + 1);
        }
        games
    }

    pub(crate) fn games(&self) -> Vec<Game> {
        self.games_with_quotes()
            .into_iter()
            .map(|it| it.0)
            .collect()
    }
}

/// A double round by the circle method.
fn rounds(teams: usize) -> Vec<Vec<(usize, usize)>> {
    let mut circle: Vec<usize> = (0..teams).collect();
    let mut rounds = Vec::new();
    for _ in 1..teams {
        let pair = |it: usize| (circle[it], circle[teams - 1 - it]);
        rounds.push((0..teams / 2).map(pair).collect::<Vec<_>>());
        circle[1..].rotate_right(1);
    }
    let back: Vec<Vec<(usize, usize)>> = rounds
        .iter()
        .map(|it| it.iter().map(|(a, b)| (*b, *a)).collect())
        .collect();
    rounds.into_iter().chain(back).collect()
}

fn kickoff(season: usize, round: usize) -> Timestamp {
    let first: Timestamp = "2015-08-08T15:00:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * (364 * season + 14 * round) as i64)
}

fn blank(
    competition: &Competition,
    season: &str,
    kickoff: Timestamp,
    [home, away]: [TeamId; 2],
) -> Game {
    Game {
        fixture: FixtureId(0),
        competition: competition.key.clone(),
        season: SeasonKey::new(season).unwrap(),
        season_type: SeasonType::Regular,
        sport: competition.sport,
        kickoff,
        known_at: KickoffPrecision::Minute.result_known_at(kickoff, competition.sport),
        home,
        away,
        neutral: false,
        status: FixtureStatus::Finished,
        score: None,
        stats: MatchStats::default(),
        pregame: domain::Prices::default(),
        closing: domain::Prices::default(),
    }
}

fn played(mut game: Game, truth: [f64; 2], random: &mut Random) -> (Game, Vec<Quote>) {
    let [home, away] = truth.map(|it| draw_poisson(it, random));
    game.score = Some(Score { home, away });
    let mut quotes = Vec::new();
    for (stage, hours, noise) in [
        (QuoteStage::Opening, 24, 0.06),
        (QuoteStage::Closing, 0, 0.02),
    ] {
        let taken_at =
            game.kickoff - SignedDuration::from_hours(hours) - SignedDuration::from_mins(1);
        let blur = [random.unit() - 0.5, random.unit() - 0.5];
        let seen = [0, 1].map(|it: usize| truth[it] * (1.0 + noise * blur[it]));
        let fair = ScoreMatrix::dixon_coles(seen, 0.0).h2h();
        for (bookmaker, margin) in [("pinnacle", 0.025), ("bet365", 0.03), ("soft", 0.02)] {
            let price = |p: f64, spread: f64| {
                let decimal = (1.0 + 0.1 * (spread - 0.5)) / (p * (1.0 + margin));
                Some(Price::new(decimal.max(1.01)).unwrap())
            };
            let exact = bookmaker == "pinnacle";
            let prices = fair.map(|p| price(p, if exact { 0.5 } else { random.unit() }));
            let bookmaker = BookmakerKey::new(bookmaker).unwrap();
            quotes.push(Quote {
                bookmaker,
                market: Market::H2H,
                stage,
                taken_at,
                prices,
            });
        }
    }
    game.pregame = summarise_quotes(&quotes, game.pregame_at(), true);
    game.closing = summarise_quotes(&quotes, game.kickoff, true);
    (game, quotes)
}

/// By counting down a product of uniform numbers (Knuth).
fn draw_poisson(mean: f64, random: &mut Random) -> u16 {
    let (limit, mut product, mut count) = ((-mean).exp(), random.unit(), 0);
    while product > limit {
        product *= random.unit();
        count += 1;
    }
    count
}
