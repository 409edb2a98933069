use domain::{
    BookmakerKey, Competition, CompetitionKey, FixtureId, FixtureStatus, Line, Market,
    MarketPrices, MatchStats, Price, Prices, SeasonKey, SeasonType,
};
use jiff::SignedDuration;

use super::*;
use crate::{Matchup, ModelName};

fn key(text: &str) -> CompetitionKey {
    CompetitionKey::new(text).unwrap()
}

fn pool(sport: Sport) -> Pool {
    Pool {
        name: "test".to_owned(),
        sport,
        competitions: vec![key("A"), key("B")],
    }
}

fn market(market: Market, decimals: &[f64]) -> Option<MarketPrices> {
    let mut reference = [None; 3];
    for (slot, decimal) in reference.iter_mut().zip(decimals) {
        *slot = Price::new(*decimal).ok();
    }
    Some(MarketPrices {
        market,
        reference,
        reference_bookmaker: BookmakerKey::new("pinnacle").unwrap(),
        best: [None, None, None],
        bookmakers: 1,
    })
}

fn prices(sport: Sport, home: f64) -> Prices {
    if sport == Sport::Football {
        let totals = Market::totals(Line::new(2.5).unwrap());
        return Prices {
            h2h: market(Market::H2H, &[home, 3.6, 3.4]),
            totals: market(totals, &[1.9, 1.95]),
            spreads: None,
        };
    }
    let line = |value: f64| Line::new(value).unwrap();
    Prices {
        h2h: None,
        totals: market(Market::totals(line(44.5)), &[1.9, 1.95]),
        spreads: market(
            Market::spreads(line((5.0 - 2.0 * home).round())),
            &[1.91, 1.91],
        ),
    }
}

/// Two seasons of eight teams, a game a day, scores and prices by a fixed rule; one game in
/// seven has no prices, one in five no shots, and some became known late.
fn history(sport: Sport) -> History {
    let start: Timestamp = "2019-08-01T15:00:00Z".parse().unwrap();
    let mut games = Vec::new();
    for number in 0..240_i64 {
        let pairs = (number % 8, (number + 1 + number / 8 % 7) % 8);
        let kickoff = start + SignedDuration::from_hours(24 * (number + 150 * (number / 120)));
        let late = SignedDuration::from_hours(if number % 11 == 0 { 100 } else { 3 });
        let mixed = |factor: i64, of: i64| u16::try_from(number * factor % of).unwrap();
        let scale = if sport == Sport::Football { 1 } else { 9 };
        let stats = MatchStats {
            shots: (number % 5 != 0).then(|| [8 + mixed(3, 9), 7 + mixed(5, 8)]),
            shots_on_target: (number % 5 != 0).then(|| [2 + mixed(3, 6), 1 + mixed(5, 6)]),
            expected_goals: (number % 9 == 0).then_some([1.4, 0.9]),
            rest_days: (number % 4 == 0).then_some([3, 6]),
            ..MatchStats::default()
        };
        let home_price = 1.5 + f64::from(mixed(7, 10)) / 5.0;
        let closing = if number % 7 == 0 {
            Prices::default()
        } else {
            prices(sport, home_price)
        };
        games.push(Game {
            fixture: FixtureId(number),
            competition: key(if pairs.0 < 4 { "A" } else { "B" }),
            season: SeasonKey::new(if number < 120 { "2019/20" } else { "2020/21" }).unwrap(),
            season_type: SeasonType::Regular,
            sport,
            kickoff,
            known_at: kickoff + late,
            home: TeamId(pairs.0),
            away: TeamId(pairs.1),
            neutral: number % 13 == 0,
            status: FixtureStatus::Finished,
            score: (number % 17 != 16).then(|| Score {
                home: scale * mixed(7, 4),
                away: scale * mixed(5, 3),
            }),
            stats,
            pregame: Prices::default(),
            closing,
        });
    }
    History::new(games)
}

fn matchup(home: i64, away: i64) -> Matchup {
    Matchup {
        competition: key("B"),
        season: SeasonKey::new("2020/21").unwrap(),
        home: TeamId(home),
        away: TeamId(away),
        neutral: false,
        kickoff: "2021-01-01T15:00:00Z".parse().unwrap(),
    }
}

/// Every number a fit gives, bit by bit as text that shows every digit.
fn bits(fit: &PoolFit) -> String {
    let mut text = String::new();
    for (home, away) in [(0, 1), (5, 2), (7, 99)] {
        text += &format!("{:?}", fit.forecast(&matchup(home, away)));
        text += &format!("{:?}", fit.reasons(&matchup(home, away)));
        text += &format!("{:?}", fit.rating(TeamId(home)));
    }
    text
}

fn cuts() -> Vec<Timestamp> {
    let start: Timestamp = "2019-07-01T06:00:00Z".parse().unwrap();
    (0..20)
        .map(|it| start + SignedDuration::from_hours(24 * 29 * it))
        .collect()
}

fn check_walk(sport: Sport) {
    let (history, pool) = (history(sport), pool(sport));
    let mut walker = PoolWalker::new(&history, &pool);
    for cut in cuts() {
        let walked = walker.fit(cut);
        assert_eq!(walked.cut(), cut);
        assert_eq!(
            bits(&walked),
            bits(&fit_pool(&history, &pool, cut)),
            "at {cut}"
        );
    }
}

#[test]
fn a_walk_gives_the_bits_of_a_fit_from_nothing() {
    for sport in Sport::ALL {
        check_walk(sport);
    }
}

fn check_future(sport: Sport) {
    let (history, pool) = (history(sport), pool(sport));
    for cut in cuts() {
        let mut later_changed: Vec<Game> = history.games().to_vec();
        for game in later_changed.iter_mut().filter(|it| it.known_at > cut) {
            game.score = Some(Score { home: 90, away: 1 });
            game.closing = prices(sport, 1.05);
            game.stats.shots = Some([50, 1]);
        }
        // When games are to be played is known, not how they end.
        let mut to_come: Vec<Game> = history.games().to_vec();
        for game in to_come.iter_mut().filter(|it| it.known_at > cut) {
            game.status = FixtureStatus::Scheduled;
            (game.score, game.stats, game.closing) = Default::default();
        }
        let before = bits(&fit_pool(&history, &pool, cut));
        for other in [later_changed, to_come] {
            assert_eq!(
                before,
                bits(&fit_pool(&History::new(other), &pool, cut)),
                "at {cut}"
            );
        }
    }
}

#[test]
fn nothing_known_later_changes_a_bit() {
    for sport in Sport::ALL {
        check_future(sport);
    }
}

fn models(sport: Sport, cut: &str) -> Vec<ModelName> {
    let fit = fit_pool(&history(sport), &pool(sport), cut.parse().unwrap());
    fit.forecast(&matchup(0, 1))
        .iter()
        .map(|it| it.model)
        .collect()
}

#[test]
fn every_model_of_the_sport_answers_and_market_models_wait_for_prices() {
    let (none, later) = ("2019-07-01T06:00:00Z", "2019-11-01T06:00:00Z");
    let results = [
        ModelName::Elo,
        ModelName::DixonColes,
        ModelName::DixonColesShots,
    ];
    assert_eq!(models(Sport::Football, none), results);
    assert_eq!(
        models(Sport::Football, later)[3..],
        [ModelName::MarketImplied]
    );
    assert_eq!(models(Sport::Basketball, none), [ModelName::Margin]);
    let both = [ModelName::Margin, ModelName::MarketImpliedMargin];
    assert_eq!(models(Sport::AmericanFootball, later), both);
}

#[test]
fn prices_of_who_wins_are_enough_for_a_market_model_whose_totals_are_those_played() {
    let sport = Sport::Basketball;
    let mut games = history(sport).games().to_vec();
    for game in &mut games {
        game.closing = Prices {
            h2h: market(Market::H2H, &[1.25, 4.2]),
            ..Prices::default()
        };
    }
    let fit = fit_pool(&History::new(games), &pool(sport), cuts()[12]);
    let forecasts = fit.forecast(&matchup(0, 1));
    let models: Vec<ModelName> = forecasts.iter().map(|it| it.model).collect();
    assert_eq!(models, [ModelName::Margin, ModelName::MarketImpliedMargin]);
    let home: Vec<f64> = forecasts.iter().map(|it| it.scores.h2h()[0]).collect();
    assert!(
        home[1] > home[0] + 0.05,
        "its margins are the market's: {home:?}"
    );
    let totals: Vec<f64> = forecasts
        .iter()
        .map(|it| it.scores.expected().iter().sum())
        .collect();
    assert!((totals[0] - totals[1]).abs() < 0.2, "{totals:?}");
}

#[test]
fn reasons_come_largest_first_and_name_home_advantage_and_ratings() {
    for sport in Sport::ALL {
        let fit = fit_pool(&history(sport), &pool(sport), cuts()[12]);
        let reasons = fit.reasons(&matchup(0, 1));
        assert!(
            reasons.is_sorted_by(|a, b| a.effect.abs() >= b.effect.abs()),
            "{reasons:?}"
        );
        let named = |label: &str| reasons.iter().any(|it| it.label == label);
        assert!(
            named("home advantage") && named("rating difference"),
            "{reasons:?}"
        );
        let neutral = fit.reasons(&Matchup {
            neutral: true,
            ..matchup(0, 1)
        });
        assert!(neutral.iter().all(|it| it.label != "home advantage"));
    }
}

/// What is said of rest before a game on 13 June 2020, by a fit of that morning.
fn rest(history: &History, home: i64, away: i64) -> Option<String> {
    let fit = fit_pool(history, &pool(Sport::Basketball), cuts()[12]);
    let reasons = fit.reasons(&Matchup {
        kickoff: "2020-06-13T15:00:00Z".parse().unwrap(),
        ..matchup(home, away)
    });
    let rest = reasons.into_iter().find(|it| it.label == "rest");
    rest.map(|it| it.detail.split_once(" for ").unwrap().1.to_owned())
}

#[test]
fn rest_is_a_reason_where_it_differs() {
    let history = history(Sport::Basketball);
    let rest = |home, away| rest(&history, home, away);
    // They played two days before, the day before, and seven and eight days before.
    assert_eq!(rest(4, 6).as_deref(), Some("1 day more rest"));
    assert_eq!(rest(6, 4).as_deref(), Some("1 day less rest"));
    assert_eq!(rest(7, 0), None, "more than three days are no more rest");
    assert_eq!(rest(4, 99), None);
}

#[test]
fn rest_counts_from_the_last_kickoff_whatever_is_known_of_its_result() {
    let history = history(Sport::Basketball);
    let mut games = history.games().to_vec();
    let morning = cuts()[12];
    let eve = games.iter_mut().rfind(|it| it.kickoff < morning).unwrap();
    assert_eq!((eve.home, eve.away), (TeamId(6), TeamId(5)));
    let before = rest(&history, 6, 7);
    assert_eq!(before.as_deref(), Some("2 days less rest"));
    eve.known_at = morning + SignedDuration::from_hours(1);
    let unknown = History::new(games.clone());
    assert_eq!(rest(&unknown, 6, 7), before, "not known yet");
    let eve = games.iter_mut().rfind(|it| it.kickoff < morning).unwrap();
    (eve.status, eve.score) = (FixtureStatus::Scheduled, None);
    let unplayed = History::new(games.clone());
    assert_eq!(rest(&unplayed, 6, 7), before, "never told");
    for off in [FixtureStatus::Cancelled, FixtureStatus::Postponed] {
        let eve = games.iter_mut().rfind(|it| it.kickoff < morning).unwrap();
        eve.status = off;
        assert_eq!(rest(&History::new(games.clone()), 6, 7), None, "not played");
    }
}

#[test]
fn only_when_sides_play_changes_rest() {
    let history = history(Sport::Basketball);
    let game = history.games()[100].clone();
    let holds = |change: fn(&mut Game)| {
        let mut game = game.clone();
        change(&mut game);
        history.has_rest_of(&game)
    };
    assert!(holds(|it| it.closing = Prices::default()));
    assert!(holds(
        |it| (it.status, it.score) = (FixtureStatus::Scheduled, None)
    ));
    assert!(!holds(|it| it.status = FixtureStatus::Postponed));
    assert!(!holds(|it| it.kickoff += SignedDuration::from_hours(24)));
    assert!(!holds(|it| it.away = TeamId(99)));
    assert!(!holds(|it| it.fixture = FixtureId(9_999)), "it is new");
}

#[test]
fn what_is_said_of_rest_with_the_result_is_read_by_no_model() {
    for sport in Sport::ALL {
        let said = history(sport);
        let mut games = said.games().to_vec();
        assert!(games.iter().any(|it| it.stats.rest_days.is_some()));
        for game in &mut games {
            game.stats.rest_days = None;
        }
        let unsaid = History::new(games);
        let fit = |history| fit_pool(history, &pool(sport), cuts()[12]);
        assert_eq!(bits(&fit(&said)), bits(&fit(&unsaid)));
    }
}

#[test]
fn a_rating_path_ends_at_the_rating() {
    let (history, pool) = (history(Sport::Football), pool(Sport::Football));
    let cut = cuts()[12];
    let path = rating_path(&history, &pool, TeamId(3), cut);
    let rating = fit_pool(&history, &pool, cut).rating(TeamId(3)).unwrap();
    assert_eq!(path.len(), usize::try_from(rating.games).unwrap());
    assert_eq!(path.last().unwrap().1, rating.value);
    assert!(rating.attack.is_some() && rating.defence.is_some());
    assert!(fit_pool(&history, &pool, cut).rating(TeamId(99)).is_none());
    let basketball = rating_path(
        &self::history(Sport::Basketball),
        &self::pool(Sport::Basketball),
        TeamId(3),
        cut,
    );
    assert_eq!(basketball.len(), path.len());
}

#[test]
fn competitions_are_grouped_by_sport_and_pool() {
    let competition = |text: &str, sport, pool: &str| Competition {
        key: key(text),
        name: text.to_owned(),
        sport,
        country: "GB".to_owned(),
        pool: pool.to_owned(),
        time_zone: "Europe/London".to_owned(),
        single_round: true,
    };
    let pools = Pool::group(&[
        competition("nba", Sport::Basketball, "nba"),
        competition("E1", Sport::Football, "england"),
        competition("D1", Sport::Football, "germany"),
        competition("E0", Sport::Football, "england"),
    ]);
    let named: Vec<(&str, Vec<&str>)> = pools
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.competitions.iter().map(CompetitionKey::as_str).collect(),
            )
        })
        .collect();
    let expected = [
        ("england", vec!["E0", "E1"]),
        ("germany", vec!["D1"]),
        ("nba", vec!["nba"]),
    ];
    assert_eq!(named, expected);
}
