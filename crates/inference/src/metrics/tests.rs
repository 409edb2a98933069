use std::collections::BTreeSet;

use super::*;

fn row(number: usize) -> VersionRow {
    VersionRow {
        view: StatisticsView {
            name: format!("m{number}\"\\\n"),
            version: 7,
            success_count: 2,
            ..StatisticsView::default()
        },
        breaker_open: number == 0,
        scores: Scores::default(),
        shadow: Trial::default(),
        whole: HistogramView::default(),
        stages: [HistogramView::default(); 3],
    }
}

#[test]
fn every_name_stands_once_with_type_and_help() {
    let mut text = String::new();
    versions(&mut text, &[row(0), row(1)]);
    process(&mut text, &Figures::default());
    let of = |word| {
        let lines = text.lines().filter_map(move |it| it.strip_prefix(word));
        lines.map(|it| it.split(' ').next().unwrap()).collect()
    };
    let helps: Vec<&str> = of("# HELP ");
    let types: Vec<&str> = of("# TYPE ");
    assert_eq!(helps, types);
    let names: BTreeSet<&str> = helps.iter().copied().collect();
    assert_eq!(names.len(), helps.len());
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end).filter(|it| names.contains(it)));
        assert!(names.contains(base.unwrap_or(name)), "{line}");
    }
    let broken = "sports_edge_model_breaker_open{model=\"m0\\\"\\\\\\n\",version=\"7\"} 1\n";
    assert!(text.contains(broken), "{text}");
}

#[test]
fn beyond_a_bound_versions_are_told_together() {
    let rows: Vec<_> = (0..VERSIONS_MAX + 3).map(row).collect();
    let mut text = String::new();
    versions(&mut text, &rows);
    let success = "nv_inference_request_success{";
    let lines: Vec<&str> = text.lines().filter(|it| it.starts_with(success)).collect();
    assert_eq!(lines.len(), VERSIONS_MAX + 1);
    assert_eq!(
        lines[VERSIONS_MAX],
        "nv_inference_request_success{model=\"\",version=\"\"} 6"
    );
}
