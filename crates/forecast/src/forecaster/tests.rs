use domain::{Line, MarketKind};
use jiff::SignedDuration;

use super::*;
use crate::edge::EdgeFlag;
use crate::synthetic::League;
use crate::trained::learned;

fn forecaster(league: &League) -> (Forecaster, Vec<(Game, Vec<Quote>)>) {
    let games = league.games_with_quotes();
    let history = History::new(games.iter().map(|it| it.0.clone()).collect());
    let (trained, _) = learned(&history, &league.competitions());
    (
        Forecaster::new(Arc::new(history), league.competitions(), Arc::new(trained)),
        games,
    )
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn every_market_agrees_with_who_wins() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, _) = &games[games.len() - 3];
    let forecast = forecaster
        .predict(game, &game.pregame, game.pregame_at())
        .unwrap();
    assert_eq!(forecast.best, ModelName::BlendPriced);
    assert_eq!(forecast.cut, cut_for(game.pregame_at()));
    let h2h = forecast.h2h();
    assert_eq!(
        forecast.opinion(ModelName::BlendPriced),
        Some(h2h.as_slice())
    );
    assert!(close(h2h.iter().sum(), 1.0));
    let grid = forecast.scores.h2h();
    assert!(
        h2h.iter().zip(&grid).all(|(a, b)| close(*a, *b)),
        "{h2h:?} {grid:?}"
    );
    let half = Market::spreads(Line::from_quarters(-2));
    let markets = forecast.markets(&[Market::H2H, half, Market::BOTH_TEAMS_TO_SCORE]);
    assert_eq!(markets.len(), 3);
    let home = |it: &MarketPrediction| it.outcomes[0].probability;
    assert!(
        close(home(&markets[0]), home(&markets[1])),
        "giving half a goal is winning"
    );
    assert!(!forecast.reasons.is_empty());
}

#[test]
fn without_prices_the_blend_of_models_speaks() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, quotes) = &games[games.len() - 3];
    let forecast = forecaster
        .predict(game, &Prices::default(), game.pregame_at())
        .unwrap();
    assert_eq!(forecast.best, ModelName::Blend);
    assert_eq!(
        forecaster.edges(game, &forecast, &Prices::default(), quotes),
        []
    );
}

#[test]
fn the_own_result_is_never_read_and_kickoff_is_the_end() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, _) = &games[200];
    let mut other = game.clone();
    other.score = None;
    other.stats.shots = Some([30, 0]);
    let predict = |game: &Game, as_of| forecaster.predict(game, &game.pregame, as_of);
    assert_eq!(
        predict(game, game.kickoff).unwrap().opinions,
        predict(&other, game.kickoff).unwrap().opinions
    );
    let error = predict(game, game.kickoff + SignedDuration::from_secs(1)).unwrap_err();
    assert!(matches!(error, ForecastError::KickedOff { .. }));
    assert!(error.to_string().contains("kicked off at 20"), "{error}");
}

#[test]
fn what_is_not_known_is_said() {
    let (forecaster, games) = forecaster(&League::default());
    let mut game = games[0].0.clone();
    let as_of = game.pregame_at();
    game.competition = domain::CompetitionKey::new("X").unwrap();
    let error = forecaster.predict(&game, &game.pregame, as_of).unwrap_err();
    assert_eq!(error.to_string(), "competition X is not known");
    assert_eq!(forecaster.ratings(TeamId(-1), as_of), []);
}

#[test]
fn ratings_are_a_path_through_the_games_known() {
    let (forecaster, games) = forecaster(&League::default());
    let until = games[400].0.known_at;
    let team = games[400].0.home;
    let played = games
        .iter()
        .filter(|it| it.0.known_at <= until && (it.0.home == team || it.0.away == team))
        .count();
    let path = forecaster.ratings(team, until);
    assert_eq!(path.len(), played);
    assert!(path.is_sorted_by_key(|it| it.0));
}

#[test]
fn a_warm_forecaster_gives_the_same_answer_and_forgets_the_oldest_fits() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, _) = &games[games.len() - 1];
    let predict = || {
        forecaster
            .predict(game, &game.pregame, game.pregame_at())
            .unwrap()
    };
    let cold = predict();
    forecaster.warm(game.pregame_at());
    assert_eq!(predict(), cold);
    let first = games[0].0.kickoff;
    for day in 0..40 {
        forecaster.warm(first + SignedDuration::from_hours(24 * day));
    }
    assert_eq!(forecaster.fits.lock().unwrap().len(), FITS_MAX);
    assert_eq!(predict(), cold);
}

#[test]
fn every_price_that_stood_gets_one_claim() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, quotes) = &games[games.len() - 3];
    let forecast = forecaster
        .predict(game, &game.pregame, game.pregame_at())
        .unwrap();
    let edges = forecaster.edges(game, &forecast, &game.pregame, quotes);
    assert_eq!(edges.len(), 9, "three bookmakers, three outcomes");
    let market = forecast.opinion(ModelName::MarketEarly).unwrap();
    for edge in &edges {
        assert_eq!(edge.market.kind(), MarketKind::H2h);
        assert!(
            edge.taken_at <= forecast.as_of,
            "closing prices are not known yet"
        );
        let value = domain::expected_value(edge.claim.probability, edge.price);
        assert!(close(value, edge.claim.claimed_value));
        assert!(close(edge.claim.fair_price * edge.claim.probability, 1.0));
        let index = Market::H2H
            .outcomes(true)
            .iter()
            .position(|it| *it == edge.outcome);
        let distance = edge.claim.probability / market[index.unwrap()] - 1.0;
        assert!(distance.abs() < 0.2, "claims stay near the market");
    }
    for outcome in Market::H2H.outcomes(true) {
        let offered = edges.iter().filter(|it| it.outcome == *outcome);
        let longest = offered
            .clone()
            .map(|it| it.price.decimal())
            .fold(0.0, f64::max);
        let best: Vec<f64> = offered
            .filter(|it| it.is_best)
            .map(|it| it.price.decimal())
            .collect();
        assert_eq!(best, [longest]);
    }
    let mut average = quotes.clone();
    for quote in &mut average {
        quote.bookmaker = domain::BookmakerKey::new("market_average").unwrap();
    }
    assert_eq!(
        forecaster.edges(game, &forecast, &game.pregame, &average),
        []
    );
    let early = &games[20].0;
    let forecast = forecaster
        .predict(early, &early.pregame, early.pregame_at())
        .unwrap();
    let unproven = forecaster.edges(early, &forecast, &early.pregame, &games[20].1);
    assert!(!unproven.is_empty());
    for edge in unproven {
        assert!(edge.claim.flags.contains(&EdgeFlag::Unproven));
        let market = forecast.opinion(ModelName::MarketEarly).unwrap();
        let outcome = Market::H2H
            .outcomes(true)
            .iter()
            .position(|it| *it == edge.outcome);
        let distance = edge.claim.probability - market[outcome.unwrap()];
        assert!(distance.abs() < 1e-12, "the market is taken at its word");
    }
}

#[test]
fn a_price_that_nobody_can_have_meant_is_no_edge_and_hides_none() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, quotes) = &games[games.len() - 3];
    let forecast = forecaster
        .predict(game, &game.pregame, game.pregame_at())
        .unwrap();
    let mut mistyped = quotes.clone();
    let mut known = quotes.iter().filter(|it| it.taken_at <= forecast.as_of);
    let mut typo = known.next_back().unwrap().clone();
    typo.taken_at = forecast.as_of;
    typo.prices = typo.prices.map(|_| domain::Price::new(9.0).ok());
    assert!(!typo.is_possible(true));
    mistyped.push(typo.clone());
    typo.bookmaker = domain::BookmakerKey::new("typist").unwrap();
    mistyped.push(typo);
    let edges = |quotes| forecaster.edges(game, &forecast, &game.pregame, quotes);
    assert_eq!(edges(&mistyped), edges(quotes));
}

#[test]
fn an_incomplete_or_old_market_is_not_sold() {
    let (forecaster, games) = forecaster(&League::default());
    let (game, quotes) = &games[games.len() - 3];
    let forecast = forecaster
        .predict(game, &game.pregame, game.pregame_at())
        .unwrap();
    let mut prices = game.pregame.clone();
    prices.h2h.as_mut().unwrap().best[1] = None;
    assert_eq!(forecaster.edges(game, &forecast, &prices, quotes), []);
    let mut old = quotes.clone();
    for quote in &mut old {
        quote.taken_at -= SignedDuration::from_hours(72);
    }
    let edges = forecaster.edges(game, &forecast, &game.pregame, &old);
    assert!(
        edges
            .iter()
            .all(|it| it.claim.flags.contains(&EdgeFlag::StalePrice))
    );
    assert!(!edges.is_empty());
}

#[test]
fn without_a_single_past_game_the_prices_speak_and_sides_are_equal() {
    let league = League {
        seasons: 1,
        ..League::default()
    };
    let (game, _) = &league.games_with_quotes()[0];
    let empty = Arc::new(History::default());
    let (trained, _) = learned(&empty, &league.competitions());
    let forecaster = Forecaster::new(empty, league.competitions(), Arc::new(trained));
    let forecast = forecaster
        .predict(game, &game.pregame, game.pregame_at())
        .unwrap();
    assert_eq!(
        forecast.opinion(ModelName::MarketEarly),
        Some(forecast.h2h().as_slice())
    );
    let blind = forecaster
        .predict(game, &Prices::default(), game.pregame_at())
        .unwrap();
    assert_eq!(blind.best, ModelName::Blend);
    assert!(
        blind.h2h()[0] > blind.h2h()[2],
        "home is worth something even so"
    );
}
