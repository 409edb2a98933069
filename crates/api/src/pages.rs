//! The dashboard: pages rendered here, readable without script, taken over by a small program.
//!
//! Every page is complete HTML with its style inside; what the program needs to go on stands in
//! it as JSON. Nothing is loaded from anywhere else, and the browser is told so.

mod assets;
mod board;
mod board_row;
mod charts;
mod edges;
mod fixture;
mod opinions;
mod preferences;
mod problem;
mod quotes;
mod report;
mod report_file;
mod shell;
mod state;
mod text;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};
use engine::{Engine, EngineError};

use self::{assets::Assets, shell::Style};



pub use self::report_file::backtest_report_html;

/// What every page is made with.
#[derive(Clone)]
struct Pages {
    engine: Arc<Engine>,
    assets: Arc<Assets>,
    style: Arc<Style>,
}

/// The pages and their files.
pub fn router(engine: Arc<Engine>) -> Router {
    let pages =
        Pages { engine, assets: Arc::new(Assets::load()), style: Arc::new(Style::new()) };
    Router::new()
        .route("/", get(board::show))
        .route("/fixtures/{id}", get(fixture::show))
        .route("/edges", get(edges::show))
        .route("/report", get(report::show))
        .route("/preferences", post(preferences::save))
        .route("/assets/{*path}", get(assets::file))
        .route("/favicon.svg", get(assets::icon))
        .with_state(pages)
}

impl Pages {
    /// Turns a failure into a page of its own.
    fn failed(&self, error: &EngineError, headers: &HeaderMap) -> Response {
        problem::of_engine(self, error, headers)
    }
}

#[cfg(test)]
mod tests;
