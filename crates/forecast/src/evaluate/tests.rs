use super::*;
use crate::random::Random;

/// Forecasts whose probabilities are the truth, bent towards certainty by `bend`.
fn drawn(n: usize, width: usize, bend: f64, seed: u64) -> Vec<(Vec<f64>, usize)> {
    let mut random = Random::new(seed);
    (0..n)
        .map(|_| {
            let raw: Vec<f64> = (0..width).map(|_| 0.1 + random.unit()).collect();
            let normal = |it: Vec<f64>| -> Vec<f64> {
                let sum: f64 = it.iter().sum();
                it.into_iter().map(|p| p / sum).collect()
            };
            let truth = normal(raw);
            let mut left = random.unit();
            let outcome = truth.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let bent = normal(truth.iter().map(|p| p.powf(bend)).collect());
            (bent, outcome.unwrap_or(width - 1))
        })
        .collect()
}

fn scored(forecasts: &[(Vec<f64>, usize)]) -> Vec<Scored<'_>> {
    forecasts
        .iter()
        .map(|(probabilities, outcome)| Scored {
            probabilities,
            outcome: *outcome,
        })
        .collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn nothing_forecast_is_nothing_to_judge() {
    assert_eq!(evaluate(&[], 1), None);
    assert_eq!(compare(&[]), None);
    assert_eq!(reliability(&[]), []);
}

#[test]
fn scores_are_means_over_fixtures_with_intervals_by_standard_error() {
    let forecasts = [(vec![0.5, 0.3, 0.2], 0), (vec![0.2, 0.3, 0.5], 0)];
    let metrics = evaluate(&scored(&forecasts), 1).unwrap();
    assert_eq!(metrics.n, 2);
    let (a, b) = (-(0.5_f64.ln()), -(0.2_f64.ln()));
    assert!(close(metrics.log_loss, f64::midpoint(a, b)));
    let error = (b - a) / 2.0;
    let interval = metrics.log_loss_interval.unwrap();
    // One degree of freedom.
    assert!((interval.high - metrics.log_loss - 12.706_2 * error).abs() < 1e-4);
    assert!(close(
        metrics.brier,
        f64::midpoint(0.38, 0.64 + 0.09 + 0.25)
    ));
    assert!(close(metrics.rps, f64::midpoint(0.145, 0.445)));
    assert!(metrics.brier_interval.unwrap().contains(metrics.brier));
    assert!(metrics.rps_interval.unwrap().contains(metrics.rps));
}

#[test]
fn the_calibration_error_is_the_mean_distance_of_equal_bins() {
    // Ten forecasts of two outcomes fill ten bins with two probabilities each: the ten of 0.3
    // happened in two fixtures, the ten of 0.7 in the other eight.
    let forecasts: Vec<_> = (0..10)
        .map(|it| (vec![0.7, 0.3], usize::from(it < 2)))
        .collect();
    let metrics = evaluate(&scored(&forecasts), 1).unwrap();
    // 0.3: one bin of hits (|0.6-2|), four without (0.6 each); 0.7 likewise mirrored.
    assert!(
        close(metrics.ece, 2.0 * (1.4 + 4.0 * 0.6) / 20.0),
        "{}",
        metrics.ece
    );
    let bins = reliability(&scored(&forecasts));
    assert_eq!((bins.len(), bins[0].count), (10, 2));
    assert!(close(bins[0].forecast, 0.3) && close(bins[0].observed, 1.0));
    assert!(bins[0].interval.low > 0.3 && bins[0].interval.contains(1.0));
}

#[test]
fn a_calibrated_forecaster_stays_below_the_floor_and_an_overconfident_one_does_not() {
    for (width, n) in [(3, 3650), (2, 3940)] {
        let below = (0..40)
            .filter(|seed| {
                let honest = drawn(n, width, 1.0, *seed);
                let metrics = evaluate(&scored(&honest), 9).unwrap();
                metrics.ece <= metrics.ece_floor_p95
            })
            .count();
        assert!((35..=40).contains(&below), "{below} of 40 below the floor");
        let bold = drawn(n, width, 1.5, 3);
        let metrics = evaluate(&scored(&bold), 9).unwrap();
        assert!(metrics.ece > metrics.ece_floor_p95 && metrics.ece_interval.unwrap().low > 0.0);
    }
}

#[test]
fn the_interval_of_an_error_is_around_it() {
    for (seed, boldness) in (0..20).zip([1.0, 1.1, 1.5, 2.0].into_iter().cycle()) {
        let forecasts = drawn(700, 3, boldness, seed);
        let metrics = evaluate(&scored(&forecasts), seed).unwrap();
        let Interval { low, high } = metrics.ece_interval.unwrap();
        assert!(low < metrics.ece && metrics.ece < high, "{metrics:?}");
    }
}

#[test]
fn the_floor_is_where_simulation_elsewhere_puts_it() {
    // 3,652 football fixtures: 95 % quantile .0188 (mean .0145) for forecasts like the market's.
    let metrics = evaluate(&scored(&drawn(3652, 3, 1.0, 5)), 9).unwrap();
    assert!(
        (0.016..0.021).contains(&metrics.ece_floor_p95),
        "{}",
        metrics.ece_floor_p95
    );
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let forecasts = drawn(500, 3, 1.0, 11);
    assert_eq!(
        evaluate(&scored(&forecasts), 4),
        evaluate(&scored(&forecasts), 4)
    );
}

#[test]
fn a_paired_difference_is_far_sharper_than_the_difference_of_means() {
    let truth = drawn(4000, 3, 1.0, 2);
    let bent: Vec<(Vec<f64>, usize)> = truth
        .iter()
        .map(|(p, outcome)| {
            let raw: Vec<f64> = p.iter().map(|it| it.powf(1.3)).collect();
            let sum: f64 = raw.iter().sum();
            (raw.iter().map(|it| it / sum).collect(), *outcome)
        })
        .collect();
    let (truth, bent) = (scored(&truth), scored(&bent));
    let pairs: Vec<_> = bent.iter().copied().zip(truth.iter().copied()).collect();
    let difference = compare(&pairs).unwrap();
    assert_eq!(difference.n, 4000);
    assert!(
        difference.interval.unwrap().low > 0.0,
        "bending the truth is found out: {difference:?}"
    );
    let alone = evaluate(&truth, 1).unwrap().log_loss_interval;
    let width = |it: Option<Interval>| it.map(|it| it.high - it.low).unwrap();
    assert!(width(difference.interval) < 0.5 * width(alone));
}

#[test]
fn a_single_fixture_has_no_spread() {
    let forecasts = [(vec![0.5, 0.5], 1)];
    let metrics = evaluate(&scored(&forecasts), 1).unwrap();
    let intervals = [
        metrics.log_loss_interval,
        metrics.brier_interval,
        metrics.rps_interval,
        metrics.ece_interval,
    ];
    assert_eq!(intervals, [None; 4]);
    assert_eq!(ratio_interval(&[], &[]), None);
    assert_eq!(ratio_interval(&[0.0, 0.0], &[0.0, 0.0]), None);
    assert!(close(mean(&[]), 0.0));
}

#[test]
fn the_fewer_values_the_wider_the_interval_by_students_deviate() {
    let tables = [
        (2, 12.706),
        (3, 4.303),
        (4, 3.182),
        (6, 2.571),
        (11, 2.228),
        (31, 2.042),
        (1001, 1.962),
    ];
    for (n, deviate) in tables {
        let values: Vec<f64> = (0..n).map(|it| f64::from(it % 3)).collect();
        let (n, mean) = (f64::from(n), mean(&values));
        let squares: f64 = values.iter().map(|it| (it - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let reach = mean_interval(&values).unwrap().high - mean;
        assert!(
            (reach / error / deviate - 1.0).abs() < 0.002,
            "{n}: {reach}"
        );
    }
}

#[test]
fn wilson_never_leaves_the_unit_interval() {
    for (hits, n) in [(0, 0), (0, 5), (5, 5), (1, 1000)] {
        let interval = wilson(hits, n);
        assert!(interval.low >= 0.0 && interval.high <= 1.0 && interval.low < interval.high);
    }
    let interval = wilson(40, 100);
    assert!((interval.low - 0.3094).abs() < 1e-4 && (interval.high - 0.4980).abs() < 1e-4);
}
