//! The dashboard: pages rendered here, readable without script, taken over by a small program.
//!
//! Every page is complete HTML with its style inside; what the program needs to go on stands in
//! it as JSON. Nothing is loaded from anywhere else, and the browser is told so.

mod alerts;
mod asked;
mod assets;
mod board;
mod board_row;
mod cache;
mod charts;
mod clock;
mod console;
mod edges;
mod figures;
mod fixture;
mod model;
mod models;
mod opinions;
mod preferences;
mod problem;
mod quotes;
mod report;
mod report_file;
mod shell;
mod sign_in;
mod state;
mod table;
mod text;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::HeaderMap,
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use engine::{Engine, EngineError};

use self::{assets::Assets, shell::Style};
use crate::{
    ApiState,
    auth::{Reader, Watcher},
    kept::KeptReads,
    live::Live,
};

pub(crate) use self::problem::{problem_page, wants_page};
pub(crate) use self::sign_in::sign_in_address;
pub use self::{report_file::backtest_report_html, shell::FIRST_STEPS};

/// What every page is made with.
#[derive(Clone)]
struct Pages {
    engine: Arc<Engine>,
    assets: Arc<Assets>,
    style: Arc<Style>,
    kept: Arc<KeptReads>,
    live: Arc<Live>,
}

/// The pages and their files. Pages are for those who may read; files are for all.
pub(crate) fn router(state: &ApiState) -> Router {
    let pages = Pages {
        engine: Arc::clone(state.engine()),
        assets: Arc::new(Assets::load()),
        style: Arc::new(Style::new()),
        kept: Arc::clone(&state.kept),
        live: Arc::clone(&state.live),
    };
    let watched = Router::new()
        .route("/cache", get(cache::show))
        .layer(middleware::from_fn_with_state(state.clone(), watchers_only));
    let visits = Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .with_state((pages.clone(), state.clone()));
    Router::new()
        .route("/", get(board::show))
        .route("/fixtures/{id}", get(fixture::show))
        .route("/competitions/{key}", get(table::show))
        .route("/edges", get(edges::show))
        .route("/alerts", get(alerts::show))
        .route("/report", get(report::show))
        .route("/console", get(console::show))
        .route("/models", get(models::show))
        .route("/models/{name}", get(model::show))
        .layer(middleware::from_fn_with_state(state.clone(), readers_only))
        .merge(watched)
        .route("/preferences", post(preferences::save))
        .route("/assets/{*path}", get(assets::file))
        .route("/favicon.svg", get(assets::icon))
        .with_state(pages)
        .merge(visits)
}

async fn readers_only(_reader: Reader, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn watchers_only(_watcher: Watcher, request: Request, next: Next) -> Response {
    next.run(request).await
}

impl Pages {
    /// Turns a failure into a page of its own.
    fn failed(&self, error: &EngineError, headers: &HeaderMap) -> Response {
        problem::of_engine(self, error, headers)
    }
}

#[cfg(test)]
mod tests;
