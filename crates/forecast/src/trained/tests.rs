use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{FixtureId, Game, Score};
use proptest::prelude::*;

use super::*;
use crate::blend::Opinion;
use crate::random::Random;
use crate::synthetic::League;
use crate::{Forecaster, text_table};

type Walk = Vec<(FixtureId, Vec<Opinion>)>;

fn small() -> League {
    League {
        competitions: 1,
        teams: 12,
        seasons: 7,
        seed: 5,
    }
}

fn walk_of(games: Vec<Game>, league: &League) -> (Trained, Walk) {
    let (trained, walk, _) = walk_with_features(games, league);
    (trained, walk)
}

type FeatureBits = Vec<(FixtureId, Vec<u64>)>;

fn walk_with_features(games: Vec<Game>, league: &League) -> (Trained, Walk, FeatureBits) {
    let history = History::new(games);
    let (trained, walked) = learned(&history, &league.competitions());
    let bits = |it: &Walked<'_>| it.features.iter().map(|it| it.to_bits()).collect();
    let features = walked
        .iter()
        .map(|it| (it.game.fixture, bits(it)))
        .collect();
    let walk = walked
        .into_iter()
        .map(|it| (it.game.fixture, it.opinions))
        .collect();
    (trained, walk, features)
}

/// Opinions as bits, so that equal means equal.
fn bits(walk: &[(FixtureId, Vec<Opinion>)]) -> Vec<(FixtureId, ModelBits)> {
    let of = |it: &Opinion| (it.model, it.h2h.iter().map(|p| p.to_bits()).collect());
    walk.iter()
        .map(|(fixture, opinions)| (*fixture, opinions.iter().map(of).collect()))
        .collect()
}

type ModelBits = Vec<(crate::ModelName, Vec<u64>)>;

/// Makes up another future: games from `now` on are dropped, or end otherwise at other prices.
fn other_future(games: &[Game], now: Timestamp, seed: u64) -> Vec<Game> {
    let mut random = Random::new(seed);
    let other = games[random.below(games.len())].clone();
    let change = |game: &Game| {
        let mut game = game.clone();
        if game.known_at <= now {
            return Some(game);
        }
        game.score = Some(Score {
            home: random.below(6) as u16,
            away: random.below(6) as u16,
        });
        game.closing = other.closing.clone();
        if game.pregame_at() > now {
            game.pregame = other.pregame.clone();
            if random.unit() < 0.3 {
                return None;
            }
        }
        Some(game)
    };
    games.iter().filter_map(change).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_later_game_changes_an_earlier_forecast(share in 0.2..0.95_f64, seed in 0..u64::MAX) {
        let league = small();
        let games = league.games();
        let now = games[(games.len() as f64 * share) as usize].pregame_at();
        let (trained, walk, features) = walk_with_features(games.clone(), &league);
        let other = other_future(&games, now, seed);
        let (other_trained, other_walk, other_features) = walk_with_features(other, &league);
        let until: std::collections::HashSet<FixtureId> =
            games.iter().filter(|it| it.pregame_at() <= now).map(|it| it.fixture).collect();
        let early = |walk: &Walk| -> Walk {
            walk.iter().filter(|it| until.contains(&it.0)).cloned().collect()
        };
        prop_assert_eq!(bits(&early(&walk)), bits(&early(&other_walk)));
        let early = |rows: FeatureBits| -> FeatureBits {
            rows.into_iter().filter(|it| until.contains(&it.0)).collect()
        };
        prop_assert_eq!(early(features), early(other_features));
        let sport = Sport::Football;
        prop_assert_eq!(trained.boosted_at(sport, now), other_trained.boosted_at(sport, now));
        prop_assert_eq!(trained.blends(sport, now), other_trained.blends(sport, now));
        prop_assert_eq!(trained.claims_at(sport, now), other_trained.claims_at(sport, now));
        prop_assert_ne!(bits(&walk), bits(&other_walk), "the change is not idle");
    }
}

#[test]
fn what_was_backtested_is_what_is_served() {
    let league = League::default();
    let games = league.games();
    let (trained, walk) = walk_of(games.clone(), &league);
    let trained = serde_json::from_str(&serde_json::to_string(&trained).unwrap()).unwrap();
    let history = Arc::new(History::new(games.clone()));
    let forecaster = Forecaster::new(history, league.competitions(), Arc::new(trained));
    let mut served = Walk::new();
    for game in &games {
        let mut unplayed = game.clone();
        (unplayed.score, unplayed.closing) = (None, domain::Prices::default());
        let forecast = forecaster
            .predict(&unplayed, &game.pregame, game.pregame_at())
            .unwrap();
        served.push((game.fixture, forecast.opinions));
    }
    assert_eq!(bits(&served), bits(&walk));
    let blends = walk.iter().flat_map(|it| &it.1);
    let blends = blends
        .filter(|it| it.model == crate::ModelName::BlendPriced)
        .count();
    assert_eq!(blends, games.len());
}

#[test]
fn trained_parameters_survive_json_bit_for_bit() {
    let league = League::default();
    let (trained, _) = walk_of(league.games(), &league);
    let json = serde_json::to_string(&trained).unwrap();
    let back: Trained = serde_json::from_str(&json).unwrap();
    assert_eq!(back, trained);
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    let sport = Sport::Football;
    assert!(trained.blends(sport, trained.until()).is_some());
    assert!(trained.claims_at(sport, trained.until()).is_some());
    assert!(trained.claims(Sport::Basketball).is_empty());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let league = League::default();
    let history = History::new(league.games());
    let report = |threads| {
        let options = BacktestOptions {
            threads: Some(threads),
            ..BacktestOptions::default()
        };
        backtest(&history, &league.competitions(), &options, &|_| ()).unwrap()
    };
    let (one, three) = (report(1), report(3));
    assert_eq!(one, three);
    assert_eq!(
        serde_json::to_string(&one).unwrap(),
        serde_json::to_string(&three).unwrap()
    );
}

/// What training on the default league reports.
fn report() -> Report {
    let league = League::default();
    let history = History::new(league.games());
    let calls = AtomicU64::new(0);
    let count = |_: Progress| {
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let options = TrainOptions {
        until: "2022-01-01T00:00:00Z".parse().unwrap(),
        threads: None,
    };
    let (trained, report) = train(&history, &league.competitions(), &options, &count).unwrap();
    assert!(calls.into_inner() > 3, "progress is told");
    assert_eq!(trained.until(), options.until);
    assert_eq!(report.fixtures, history.games().len() as u64);
    report
}

#[test]
fn a_report_has_a_row_per_model_competition_and_season() {
    let report = report();
    assert_eq!(report.competitions.len(), 2);
    let names = report.model_names();
    for name in [
        "climatology",
        "elo",
        "market_implied",
        "market_early",
        "market_close",
        "blend",
    ] {
        assert!(
            names.iter().any(|it| it == name),
            "{name} is missing from {names:?}"
        );
        let rows = report
            .rows
            .iter()
            .filter(|it| it.model.as_str() == name)
            .count();
        assert!(rows >= 3 * 5, "{name} has {rows} rows");
    }
    let total = |name: &str| {
        let total = |it: &&crate::ReportRow| {
            it.model.as_str() == name && it.competition.is_none() && it.season.is_none()
        };
        report.rows.iter().find(total).unwrap().metrics
    };
    assert!(total("market_close").log_loss < total("elo").log_loss);
    assert!(total("elo").log_loss < total("climatology").log_loss);
    for model in ["blend_priced", "elo", "market_close"] {
        let misses = report.worst.iter().filter(|it| it.model.as_str() == model);
        let losses: Vec<f64> = misses.map(|it| it.log_loss).collect();
        assert_eq!(losses.len(), 25, "{model}");
        assert!(losses.is_sorted_by(|a, b| a >= b), "{model}");
    }
    let [scope] = &report.sports[..] else {
        panic!("one sport: {:?}", report.sports)
    };
    let whole = (report.from, report.until, report.fixtures);
    assert_eq!((scope.from, scope.until, scope.fixtures), whole);
    let differences = |competition: bool, season: bool| {
        let of = move |it: &&crate::DifferenceRow| {
            it.model.as_str() == "elo"
                && it.reference.as_str() == "market_close"
                && (it.competition.is_some(), it.season.is_some()) == (competition, season)
        };
        report.differences.iter().filter(of).map(|it| it.difference)
    };
    // The parts add up to the whole, on the fixtures that both forecast.
    let total = differences(false, false).next().unwrap();
    for (competition, season) in [(true, false), (false, true), (true, true)] {
        let parts: Vec<crate::Difference> = differences(competition, season).collect();
        assert_eq!(parts.iter().map(|it| it.n).sum::<u64>(), total.n);
        let sum: f64 = parts.iter().map(|it| it.log_loss * it.n as f64).sum();
        assert!((sum / total.n as f64 - total.log_loss).abs() < 1e-12);
    }
    assert!(report.monthly.iter().any(|it| it.month == "2016-02"));
    assert_eq!(report.reliability[0].bins.len(), 20);
}

#[test]
fn a_report_keeps_its_field_names_and_survives_json_and_text() {
    let report = report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for field in [
        "model",
        "competition",
        "season",
        "n",
        "log_loss",
        "brier",
        "rps",
        "ece",
    ] {
        assert!(
            !value["rows"][0][field].is_null(),
            "rows have a field {field}"
        );
    }
    let text = text_table(&report);
    for part in [
        "blend_priced",
        "S0",
        "2015/16",
        "to market_close",
        "slope of value on claim",
    ] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
}

#[test]
fn a_backtest_judges_what_it_is_asked_for_and_learns_from_everything() {
    let league = League::default();
    let history = History::new(league.games());
    let key = CompetitionKey::new("S1").unwrap();
    let from: Timestamp = "2018-08-01T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2019-06-01T00:00:00Z".parse().unwrap();
    let asked = BacktestOptions {
        competitions: vec![key.clone()],
        from: Some(from),
        until: Some(until),
        ..BacktestOptions::default()
    };
    let part = backtest(&history, &league.competitions(), &asked, &|_| ()).unwrap();
    assert_eq!(
        (part.competitions.as_slice(), part.fixtures),
        ([key].as_slice(), 90)
    );
    assert!(part.from >= from && part.until < until);
    let whole = backtest(
        &history,
        &league.competitions(),
        &BacktestOptions::default(),
        &|_| (),
    );
    let whole = whole.unwrap();
    let season = |it: &&crate::ReportRow| {
        it.competition.is_some() && it.season.is_some() && part.rows.contains(it)
    };
    assert_eq!(
        whole.rows.iter().filter(season).count(),
        part.model_names().len(),
        "the same season has the same scores in both"
    );
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let league = League::default();
    let history = History::new(league.games());
    let competitions = league.competitions();
    let options = |competitions, from| BacktestOptions {
        competitions,
        from,
        ..BacktestOptions::default()
    };
    let nowhere = CompetitionKey::new("X1").unwrap();
    let error = backtest(
        &history,
        &competitions,
        &options(vec![nowhere], None),
        &|_| (),
    );
    let error = error.unwrap_err();
    assert!(matches!(error, ForecastError::UnknownCompetition(_)));
    assert_eq!(error.to_string(), "competition X1 is not known");
    let later = Some("2030-01-01T00:00:00Z".parse().unwrap());
    let error = backtest(&history, &competitions, &options(vec![], later), &|_| ()).unwrap_err();
    assert!(matches!(error, ForecastError::NoGames));
    let until = "2000-01-01T00:00:00Z".parse().unwrap();
    let options = TrainOptions {
        until,
        threads: Some(1),
    };
    let error = train(&history, &competitions, &options, &|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no played game is known in the time asked for"
    );
}
