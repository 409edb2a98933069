use domain::{BookmakerKey, Market, MarketPrices, Price};

use super::*;
use crate::ScoreMatrix;

const RHO: f64 = -0.05;

fn prices(market: Market, probabilities: &[f64]) -> MarketPrices {
    let mut reference = [None; 3];
    for (slot, probability) in reference.iter_mut().zip(probabilities) {
        *slot = Some(Price::new(1.0 / probability).unwrap());
    }
    MarketPrices {
        market,
        reference,
        reference_bookmaker: BookmakerKey::new("pinnacle").unwrap(),
        best: [None, None, None],
        bookmakers: 1,
    }
}

fn check(intensities: [f64; 2], total_line: Option<f64>) {
    let matrix = ScoreMatrix::dixon_coles(intensities, RHO);
    let totals = total_line.map(|it| {
        let market = Market::totals(Line::new(it).unwrap());
        let sides: Vec<f64> = matrix
            .market(market)
            .iter()
            .map(|it| it.probability)
            .collect();
        prices(market, &sides)
    });
    let quoted = Prices {
        h2h: Some(prices(Market::H2H, &matrix.h2h())),
        totals,
        spreads: None,
    };
    let implied = implied_goals(&quoted, RHO).unwrap();
    for (found, wanted) in implied.into_iter().zip(intensities) {
        assert!((found - wanted).abs() < 1e-3, "{implied:?} {intensities:?}");
    }
}

#[test]
fn fair_prices_of_a_matrix_give_its_intensities_back() {
    for intensities in [[1.5, 1.1], [0.6, 2.4], [3.2, 0.5], [1.0, 1.0]] {
        check(intensities, None);
        check(intensities, Some(2.5));
        check(intensities, Some(2.75));
        check(intensities, Some(3.0));
    }
}

#[test]
fn without_result_prices_nothing_is_implied() {
    assert_eq!(implied_goals(&Prices::default(), RHO), None);
    let mut half = prices(Market::H2H, &[0.5, 0.3, 0.2]);
    half.reference[1] = None;
    assert_eq!(
        implied_goals(
            &Prices {
                h2h: Some(half),
                ..Prices::default()
            },
            RHO
        ),
        None
    );
}

#[test]
fn prices_no_football_game_could_have_still_end() {
    for h2h in [
        [0.98, 0.015, 0.005],
        [0.01, 0.98, 0.01],
        [0.4999, 0.0002, 0.4999],
    ] {
        let quoted = Prices {
            h2h: Some(prices(Market::H2H, &h2h)),
            ..Prices::default()
        };
        let implied = implied_goals(&quoted, RHO);
        assert!(implied.is_none_or(|it| it.iter().all(|goals| goals.is_finite() && *goals > 0.0)));
    }
}
