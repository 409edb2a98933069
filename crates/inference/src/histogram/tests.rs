use std::time::Duration;

use super::{EDGES, Histogram};

#[test]
fn a_quantile_is_at_most_an_eighth_off() {
    for ns in [
        0,
        1,
        3,
        4,
        7,
        100,
        999,
        12_345,
        1_000_000,
        3_600_000_000_000,
    ] {
        let histogram = Histogram::default();
        histogram.add(Duration::from_nanos(ns));
        let [us] = histogram.quantiles_us([0.5]);
        let given = ns as f64 / 1_000.0;
        assert!(
            (us - given).abs() <= given / 8.0,
            "{ns} ns came back as {us} µs"
        );
    }
}

#[test]
fn quantiles_stand_in_the_order_of_times_and_nothing_counted_is_zero() {
    let histogram = Histogram::default();
    assert_eq!(histogram.quantiles_us([0.5, 0.99]), [0.0, 0.0]);
    for _ in 0..98 {
        histogram.add(Duration::from_micros(10));
    }
    histogram.add(Duration::from_millis(1));
    histogram.add(Duration::MAX);
    let [half, most] = histogram.quantiles_us([0.5, 0.99]);
    assert!((8.0..12.0).contains(&half), "{half}");
    assert!((875.0..1_125.0).contains(&most), "{most}");
}

#[test]
fn what_others_see_counts_each_time_below_every_edge_beyond_it() {
    let histogram = Histogram::default();
    for ns in [1, 1_000, 1_023, 1_024, 5_000, u64::MAX] {
        histogram.add(Duration::from_nanos(ns));
    }
    let view = histogram.view();
    assert_eq!(EDGES[..3], [1_024, 4_096, 16_384]);
    assert_eq!(view.below[..3], [3, 4, 5]);
    assert_eq!((view.below[EDGES.len() - 1], view.count), (5, 6));
}
