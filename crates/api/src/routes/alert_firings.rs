//! What rules fired: `GET /v1/alerts/fired`, `GET /v1/alerts/{id}/deliveries` and
//! `POST /v1/alerts/{id}/test`.

use axum::{Json, extract::State};
use domain::AlertId;
use engine::{EngineError, FIRINGS_MAX};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ApiState,
    auth::{Reader, Writer},
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::{DeliveryList, Fired, FiringDeliveries, Firings, Limit},
};

/// Firings that are listed over all rules.
const NEWEST: u32 = 20;

/// Which firings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FiringsQuery {
    /// How many, 1 to 100; 100 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, example = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// List what fired
///
/// The newest firings of all rules. It can be followed: `alerts/fired` is a key of `/v1/live`.
#[utoipa::path(
    get,
    path = "/v1/alerts/fired",
    operation_id = "listFired",
    tag = "Alerts",
    responses((status = 200, description = "The firings, newest first.", body = Firings)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_fired(
    _reader: Reader,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<Firings>, ApiError> {
    let fired = state.engine.firings(None, (None, NEWEST)).await?;
    let data = fired.iter().map(Fired::from).collect();
    Ok(Json(Firings { data }))
}

/// List an alert's deliveries
///
/// What a rule fired: when, on which fixture, the numbers before and after, and every attempt to
/// tell it with its status. Firings are kept for 30 days, the newest 1,000 of a rule.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}/deliveries",
    operation_id = "listAlertDeliveries",
    tag = "Alerts",
    params(("id" = i64, Path, description = "Number of the rule.", example = 3), FiringsQuery),
    responses(
        (status = 200, description = "The firings, newest first.", body = DeliveryList),
        (status = 404, description = "There is no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_alert_deliveries(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<FiringsQuery>,
) -> Result<Json<DeliveryList>, ApiError> {
    let id = AlertId(id);
    state.engine.alert(id).await?;
    let limit = match Limit::number(query.limit) {
        0 => FIRINGS_MAX,
        limit => limit.min(FIRINGS_MAX),
    };
    let bad = |text: String| ApiError::Engine(EngineError::BadCursor(text));
    let before = query.cursor.map(|it| it.parse().map_err(|_| bad(it)));
    let before = before.transpose()?;
    let firings = state.engine.firings(Some(id), (before, limit)).await?;
    let more = firings.len() >= limit as usize;
    let last = firings.last().map(|it| it.record.id.to_string());
    Ok(Json(DeliveryList {
        data: firings.into_iter().map(FiringDeliveries::from).collect(),
        next_cursor: last.filter(|_| more),
    }))
}

/// Test an alert
///
/// Fires a rule as a test: pages and the live feed show it, and what is told of a true firing is
/// told of it. Who made the rule may, and whoever operates the server.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/test",
    operation_id = "testAlert",
    tag = "Alerts",
    params(("id" = i64, Path, description = "Number of the rule.", example = 3)),
    responses(
        (status = 200, description = "What was fired.", body = FiringDeliveries),
        (status = 404, description = "There is no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn test_alert(
    writer: Writer,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<FiringDeliveries>, ApiError> {
    let caller = writer.caller();
    let fired = state.engine.test_alert(&caller, AlertId(id)).await?;
    Ok(Json(fired.into()))
}
