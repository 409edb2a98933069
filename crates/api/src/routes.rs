//! The endpoints, one per file: wire types, documentation, handler.

pub(crate) mod board;
mod competitions;
mod edges;
mod fixture;
mod fixtures;
mod health_live;
mod health_ready;
mod insight;
mod model_report;
mod models;
mod post_fixtures;
mod post_predictions;
mod post_quotes;
mod post_results;
mod prediction;
mod quotes;
mod teams;
mod written;

use axum::middleware;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiState, guard::conditional};

/// Every endpoint with its documentation; what is not registered here does not exist.
pub(crate) fn endpoints() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(competitions::list_competitions))
        .routes(routes!(teams::list_teams))
        .routes(routes!(
            fixtures::list_fixtures,
            post_fixtures::put_fixtures
        ))
        .routes(routes!(fixture::get_fixture))
        .routes(routes!(prediction::get_prediction))
        .routes(routes!(post_predictions::predict_fixtures))
        .routes(routes!(insight::get_insight))
        .routes(routes!(quotes::list_fixture_quotes))
        .routes(routes!(edges::list_edges))
        .routes(routes!(board::get_board))
        .routes(routes!(models::list_models))
        .routes(routes!(model_report::get_model_report))
        .routes(routes!(post_results::put_results))
        .routes(routes!(post_quotes::put_quotes))
        .layer(middleware::from_fn(conditional))
        .routes(routes!(health_live::get_liveness))
        .routes(routes!(health_ready::get_readiness))
}
