use domain::Price;
use jiff::SignedDuration;

use super::*;
use crate::History;
use crate::edge::EdgeFlag;
use crate::synthetic::League;
use crate::trained::learned;
use crate::walk::Walked;

fn offer(price: f64, market: f64, model: f64) -> Offer {
    Offer {
        outcome: 0,
        price: Price::new(price).unwrap(),
        market,
        model,
        best_sum: 1.01,
        age: SignedDuration::from_hours(1),
    }
}

#[test]
fn an_offer_is_flagged_for_what_is_wrong_with_it() {
    let stage = claim_stage(1.0, 0.0);
    let flags = |offer: Offer| stage.claim(&offer).flags;
    assert_eq!(flags(offer(2.0, 0.51, 0.51)), []);
    assert_eq!(
        flags(Offer {
            best_sum: 0.999,
            ..offer(2.0, 0.51, 0.51)
        }),
        [EdgeFlag::ImpossibleBook]
    );
    let old = SignedDuration::from_hours(49);
    assert_eq!(
        flags(Offer {
            age: old,
            ..offer(2.0, 0.51, 0.51)
        }),
        [EdgeFlag::StalePrice]
    );
    assert_eq!(flags(offer(2.4, 0.5, 0.5)), [EdgeFlag::Outlier]);
    assert_eq!(flags(offer(12.5, 0.08, 0.08)), [EdgeFlag::Longshot]);
}

#[test]
fn a_stake_is_the_one_that_a_simulation_would_place() {
    let options = BettingOptions::default();
    let stake = |offer: Offer| {
        let claim = claim_stage(1.0, 0.0).claim(&offer);
        options.stake(&claim, offer.price)
    };
    assert!((stake(offer(2.0, 0.51, 0.51)) - 0.005).abs() < 1e-12);
    assert_eq!(stake(offer(2.0, 0.55, 0.55)), 0.02, "the largest");
    assert_eq!(stake(offer(2.0, 0.502, 0.502)), 0.0, "worth too little");
    assert_eq!(stake(offer(10.5, 0.1, 0.1)), 0.0, "too long");
    assert_eq!(stake(offer(2.4, 0.5, 0.5)), 0.0, "an outlier");
}

fn claim_stage(value: f64, disagreement: f64) -> ClaimStage {
    serde_json::from_value(serde_json::json!({
        "valid_from": "2000-01-01T00:00:00Z",
        "coefficients": [value, disagreement],
        "n": 1000
    }))
    .unwrap()
}

#[test]
fn a_claim_is_the_part_of_an_edge_that_history_confirms() {
    let claim = claim_stage(0.5, 0.1).claim(&offer(2.0, 0.52, 0.55));
    // The market makes 4 % of the price, the blend another 6 %.
    assert!((claim.raw_value - 0.10).abs() < 1e-12);
    assert!((claim.claimed_value - (0.5 * 0.04 + 0.1 * 0.06)).abs() < 1e-12);
    assert!((claim.probability - 0.513).abs() < 1e-12);
    assert!((claim.fair_price - 1.0 / 0.513).abs() < 1e-12);
    assert!((claim.kelly - 0.026).abs() < 1e-12);
    let none = claim_stage(0.5, 0.1).claim(&offer(2.0, 0.45, 0.45));
    assert!(none.claimed_value < 0.0 && none.kelly == 0.0);
}

fn simulated(options: &BettingOptions) -> Option<BettingReport> {
    simulated_with(options, |_| ())
}

/// What betting reports once `change` is made to each fixture that was walked.
fn simulated_with(options: &BettingOptions, change: fn(&mut Walked<'_>)) -> Option<BettingReport> {
    let league = League {
        seasons: 7,
        ..League::default()
    };
    let history = History::new(league.games());
    let (trained, mut walked) = learned(&history, &league.competitions());
    walked.iter_mut().for_each(change);
    let walked: Vec<_> = walked.iter().collect();
    simulate(
        Sport::Football,
        &walked,
        trained.claims(Sport::Football),
        options,
    )
}

#[test]
fn betting_on_a_made_up_league_reports_what_happened() {
    let report = simulated(&BettingOptions::default()).unwrap();
    assert!(report.bets > 200, "{report:?}");
    let (value, error) = (report.closing_line_value, report.claim_error);
    let (value, error) = (value.unwrap(), error.unwrap());
    assert!(report.claimed_value > 0.005 && value > 0.0);
    assert!(report.claim_error_interval.unwrap().contains(error));
    assert!((report.claimed_value - value - error).abs() < 1e-9);
    assert!(error.abs() < 0.01, "claims hold: {report:?}");
    let slope = report.slope_interval.unwrap();
    assert!(slope.contains(report.slope.unwrap()));
    assert!((report.profit / report.turnover - report.yield_).abs() < 1e-12);
    let last = report.curve.last().unwrap();
    assert!((last.profit - report.profit).abs() < 1e-9);
    assert!(report.curve.iter().all(|it| it.low <= it.high));
    assert!((0.0..1.0).contains(&report.drawdown_max));
    assert!(report.flagged > 0, "some books cannot be true");
}

#[test]
fn without_closes_nothing_is_said_of_what_claims_were_worth() {
    let report = simulated_with(&BettingOptions::default(), |it| it.close = None).unwrap();
    assert!(report.claimed_value > 0.005 && report.yield_interval.is_some());
    assert_eq!(
        (report.closing_line_value, report.claim_error),
        (None, None)
    );
    let intervals = [
        report.closing_line_value_interval,
        report.claim_error_interval,
        report.slope_interval,
    ];
    assert_eq!((report.slope, intervals), (None, [None; 3]));
}

#[test]
fn smaller_stakes_turn_over_less() {
    let full = simulated(&BettingOptions {
        kelly_share: 0.5,
        ..BettingOptions::default()
    });
    let tiny = simulated(&BettingOptions {
        stake_max: 0.0001,
        ..BettingOptions::default()
    });
    assert!(tiny.unwrap().turnover < 0.1 * full.unwrap().turnover);
}

#[test]
fn nothing_worth_betting_on_is_no_report() {
    let never = BettingOptions {
        claimed_value_min: 0.9,
        ..BettingOptions::default()
    };
    assert_eq!(simulated(&never), None);
}
