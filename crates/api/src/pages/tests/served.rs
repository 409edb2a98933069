//! What a server of models tells, made by hand so that every figure in a snapshot is known.

use engine::serving::{
    CacheFigures, Canary, LoadState, ModelView, Shadow, StatisticsView, VersionView,
};
use std::time::Duration;

use crate::pages::models::Told;

/// A version in memory that answers nobody.
pub(in crate::pages) fn version(number: u64) -> VersionView {
    VersionView {
        name: "goals".to_owned(),
        version: number,
        state: LoadState::Ready,
        reason: None,
        labels: Vec::new(),
        traffic_share: 0.0,
        shadow: false,
        shadow_difference: None,
        shadow_difference_max: None,
        shadow_rows: 0,
        shadow_failed: 0,
        shadow_dropped: 0,
        canary_stopped: None,
        scored: 0,
        log_loss: None,
        squared_error: None,
        platform: "trees_lightgbm".to_owned(),
        file_bytes: 1_234_567,
        sha256: format!("{number:064x}"),
        memory_bytes: 2 << 20,
        load_ms: Some(4.25),
        row_us: Some(0.82),
        mode: Some("direct".to_owned()),
        in_use: 0,
        breaker_open: false,
        golden: true,
        differs: None,
        report: None,
    }
}

/// What a version did that answered so many requests of four rows.
pub(in crate::pages) fn done(number: u64, requests: u64) -> StatisticsView {
    StatisticsView {
        name: "goals".to_owned(),
        version: number,
        inference_count: requests * 4,
        execution_count: requests,
        success_count: requests,
        latency_us: [12.0, 40.0, 400.0],
        stages_us: [[0.5, 20.0, 300.0], [8.0, 10.0, 60.0], [1.0, 2.0, 4.0]],
        batches: vec![(1, requests / 4), (4, requests)],
        ..StatisticsView::default()
    }
}

/// A model with a version in every state: 1 failed, 2 served before, 3 serves, 4 is the canary,
/// 5 runs in the shadow.
pub(in crate::pages) fn told() -> Told {
    let mut versions: Vec<_> = (1..=5).map(version).collect();
    versions[0].state = LoadState::Failed;
    versions[0].reason = Some("golden row 2: 0.5 where 0.25 is wanted".to_owned());
    versions[0].memory_bytes = 0;
    versions[1].state = LoadState::Unloaded;
    versions[1].memory_bytes = 0;
    versions[2].traffic_share = 0.875;
    versions[2].labels = vec!["stable".to_owned()];
    versions[2].report = Some(r#"{"log_loss": 0.58, "features": ["elo", "rest"]}"#.to_owned());
    versions[3].traffic_share = 0.125;
    versions[3].breaker_open = true;
    versions[3].scored = 1_200;
    versions[3].log_loss = Some(0.612_34);
    versions[3].canary_stopped = Some("its log loss is 0.1 worse on 1200 results".to_owned());
    versions[3].mode = Some("batched".to_owned());
    versions[4].shadow = true;
    versions[4].shadow_rows = 1_500;
    versions[4].shadow_difference_max = Some(0.2);
    versions[4].shadow_failed = 3;
    versions[4].shadow_difference = Some(0.012_345);
    let mut tried = done(4, 1_000);
    (tried.fail_count, tried.refused_count) = (7, 3);
    Told {
        model: ModelView {
            name: "goals".to_owned(),
            serving: Some(3),
            previous: Some(2),
            canary: Some(Canary {
                version: 4,
                share: 0.125,
                failures_max: None,
            }),
            shadow: Some(Shadow {
                version: 5,
                share: 0.5,
                rows_min: 1_000,
                difference_max: Some(0.01),
                promote: true,
            }),
            versions: vec![1, 2, 3, 4, 5],
            problem: None,
        },
        versions,
        upload_bytes_max: 1 << 28,
        statistics: vec![done(2, 0), done(3, 123_456), tried, done(5, 0)],
    }
}

/// A cache that was used.
pub(in crate::pages) fn cache() -> CacheFigures {
    CacheFigures {
        loads: 3,
        load_failures: 1,
        load_time: Duration::from_millis(17),
        hits: 124_456,
        misses: 4,
        evictions: 2,
        bytes: 6 << 20,
        budget_bytes: 1 << 30,
        resident: 3,
        in_use: 1,
    }
}
