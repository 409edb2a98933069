use domain::{BookmakerKey, Line, Market, Price};

use super::*;

fn prices(market: Market, probabilities: [f64; 2]) -> Option<MarketPrices> {
    let price = |it: f64| Price::new(1.0 / it).ok();
    Some(MarketPrices {
        market,
        reference: [price(probabilities[0]), price(probabilities[1]), None],
        reference_bookmaker: BookmakerKey::new("pinnacle").unwrap(),
        best: [None, None, None],
        bookmakers: 1,
    })
}

fn line(value: f64) -> Line {
    Line::new(value).unwrap()
}

#[test]
fn even_prices_expect_the_line() {
    let quoted = Prices {
        h2h: None,
        totals: prices(Market::totals(line(44.5)), [0.5, 0.5]),
        spreads: prices(Market::spreads(line(-3.5)), [0.5, 0.5]),
    };
    let [margin, total] = implied_points(&quoted, [12.0, 13.0]).unwrap();
    assert!((margin - 3.5).abs() < 1e-9 && (total - 44.5).abs() < 1e-9);
}

#[test]
fn a_likelier_cover_expects_a_bigger_margin() {
    let quoted = Prices {
        h2h: None,
        totals: prices(Market::totals(line(44.5)), [0.5, 0.5]),
        spreads: prices(Market::spreads(line(-3.5)), [0.841_344_746, 0.158_655_254]),
    };
    let [margin, _] = implied_points(&quoted, [12.0, 13.0]).unwrap();
    assert!((margin - 15.5).abs() < 1e-6, "{margin}");
}

#[test]
fn without_a_spread_the_result_tells_the_margin() {
    let quoted = Prices {
        h2h: prices(Market::H2H, [0.158_655_254, 0.841_344_746]),
        totals: prices(Market::totals(line(210.0)), [0.5, 0.5]),
        spreads: None,
    };
    let [margin, _] = implied_points(&quoted, [12.0, 18.0]).unwrap();
    assert!((margin + 12.0).abs() < 1e-6, "{margin}");
    let alone = Prices {
        totals: None,
        ..quoted
    };
    let [of_result_alone, total] = implied_points(&alone, [12.0, 18.0]).unwrap();
    assert_eq!(of_result_alone, margin);
    assert!(total.is_nan());
    assert_eq!(implied_points(&Prices::default(), [12.0, 18.0]), None);
}
