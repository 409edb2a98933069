//! A backtest's report as one HTML file that needs nothing else.

use std::collections::HashMap;

use askama::Template;
use engine::Report;

use super::{report::Body, shell::minify};

#[derive(Template)]
#[template(path = "report_file.html")]
struct ReportFile {
    style: String,
    sections: Vec<Body>,
    /// Whether fixtures are links.
    linked: bool,
}

/// Writes a report as a single self-contained HTML file, light or dark as the device is.
pub fn backtest_report_html(report: &Report) -> String {
    let names = HashMap::new();
    let sections = domain::Sport::ALL
        .into_iter()
        .filter(|sport| report.rows.iter().any(|it| it.sport == *sport))
        .filter_map(|sport| Body::new(report, sport.as_str(), "", &names))
        .collect();
    let style = minify(include_str!("../../templates/style.css"));
    let file = ReportFile {
        style,
        sections,
        linked: false,
    };
    file.render().expect("writing to a string does not fail")
}
