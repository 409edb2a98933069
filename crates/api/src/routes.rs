//! The endpoints, one per file: wire types, documentation, handler.

mod alert;
mod alert_firings;
mod alerts;
pub(crate) mod board;
mod cache;
mod cache_entries;
mod cache_history;
mod cache_look;
mod cache_preview;
pub(crate) mod cache_purge;
mod cache_warm;
mod competitions;
mod edges;
mod events;
mod fixture;
mod fixtures;
mod form;
mod health_live;
mod health_ready;
mod insight;
mod live;
mod live_latency;
mod live_ticket;
mod markets;
mod meetings;
mod model_canary;
mod model_delete;
mod model_label;
mod model_load;
mod model_observe;
mod model_promote;
mod model_report;
mod model_shadow;
mod model_statistics;
mod model_upload;
mod model_versions;
mod models;
mod play;
mod post_events;
mod post_fixtures;
mod post_predictions;
mod post_quotes;
mod post_results;
mod prediction;
mod quotes;
mod scoreboard;
mod served;
mod session;
mod sources;
mod standings;
mod teams;
mod timeline;
mod what_if;
mod written;

use axum::middleware;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiState, guard::conditional};

pub(crate) use session::FORGET;

/// Every endpoint with its documentation; what is not registered here does not exist.
pub(crate) fn endpoints() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(competitions::list_competitions))
        .routes(routes!(standings::get_standings))
        .routes(routes!(teams::list_teams))
        .routes(routes!(form::get_form))
        .routes(routes!(meetings::get_meetings))
        .routes(routes!(
            fixtures::list_fixtures,
            post_fixtures::put_fixtures
        ))
        .routes(routes!(fixture::get_fixture))
        .routes(routes!(prediction::get_prediction))
        .routes(routes!(post_predictions::predict_fixtures))
        .routes(routes!(insight::get_insight))
        .routes(routes!(play::get_fixture_play))
        .routes(routes!(timeline::get_fixture_timeline))
        .routes(routes!(what_if::ask_what_if))
        .routes(routes!(events::list_fixture_events))
        .routes(routes!(quotes::list_fixture_quotes))
        .routes(routes!(markets::get_fixture_markets))
        .routes(routes!(edges::list_edges))
        .routes(routes!(board::get_board))
        .routes(routes!(scoreboard::get_scoreboard))
        .routes(routes!(models::list_models))
        .routes(routes!(model_report::get_model_report))
        .merge(repository())
        .merge(cache())
        .merge(alerts())
        .routes(routes!(post_results::put_results))
        .routes(routes!(post_quotes::put_quotes))
        .routes(routes!(post_events::put_events))
        .layer(middleware::from_fn(conditional))
        .routes(routes!(live::follow_live))
        .routes(routes!(sources::list_sources))
        .routes(routes!(live_latency::report_latencies))
        .routes(routes!(live_ticket::create_live_ticket))
        .routes(routes!(
            session::get_session,
            session::sign_in,
            session::sign_out
        ))
        .routes(routes!(health_live::get_liveness))
        .routes(routes!(health_ready::get_readiness))
}

/// What concerns rules that watch games.
fn alerts() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(alerts::list_alerts, alerts::create_alert))
        .routes(routes!(alert_firings::list_fired))
        .routes(routes!(
            alert::get_alert,
            alert::change_alert,
            alert::delete_alert
        ))
        .routes(routes!(alert_firings::test_alert))
        .routes(routes!(alert_firings::list_alert_deliveries))
}

/// What concerns the cache.
fn cache() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(cache::get_cache))
        .routes(routes!(cache_history::get_cache_history))
        .routes(routes!(cache_entries::list_cache_entries))
        .routes(routes!(cache_look::look_at_cache))
        .routes(routes!(cache_preview::preview_purge))
        .routes(routes!(cache_purge::purge_cache))
        .routes(routes!(cache_warm::warm_cache))
}

/// What concerns models of the repository.
fn repository() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(
            model_versions::list_model_versions,
            model_upload::upload_model
        ))
        .routes(routes!(
            model_versions::get_model_version,
            model_delete::delete_model_version
        ))
        .routes(routes!(model_delete::delete_model))
        .routes(routes!(model_load::load_model_version))
        .routes(routes!(model_load::load_model))
        .routes(routes!(model_load::unload_model))
        .routes(routes!(model_promote::promote_model))
        .routes(routes!(model_promote::roll_back_model))
        .routes(routes!(
            model_canary::put_canary,
            model_canary::delete_canary
        ))
        .routes(routes!(
            model_shadow::put_shadow,
            model_shadow::delete_shadow
        ))
        .routes(routes!(
            model_label::put_model_label,
            model_label::delete_model_label
        ))
        .routes(routes!(model_observe::observe_model))
        .routes(routes!(model_statistics::get_model_statistics))
        .routes(routes!(model_statistics::get_model_config))
}
