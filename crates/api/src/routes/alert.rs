//! `GET`, `PATCH` and `DELETE /v1/alerts/{id}`.

use axum::{Json, extract::State};
use domain::AlertId;
use engine::AlertChange;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::alerts::refused;
use crate::{
    ApiState,
    auth::{Reader, Writer},
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_object},
    problem::Problem,
    wire::{Alert, AlertCondition, AlertScope},
};

/// What of a rule changes; what is not given stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertPatch {
    /// Its name.
    #[schema(example = "Home side far ahead")]
    name: Option<String>,
    /// What it waits for, as a whole. What it saw is forgotten, and it may fire anew.
    condition: Option<AlertCondition>,
    /// Which fixtures it looks at, as a whole. What it saw is forgotten, and it may fire anew.
    scope: Option<AlertScope>,
    /// How far a number must go back; null is the usual.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>, minimum = 0, example = 0.02)]
    hysteresis: Option<Option<f64>>,
    /// How long it is quiet about a fixture once it has fired; null is for good.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 10080, example = 60)]
    quiet_minutes: Option<Option<u16>>,
    /// Whether it is paused. After a pause, what came to be meanwhile is no news.
    #[schema(example = true)]
    paused: Option<bool>,
    /// Where firings are told; null is nowhere but on pages. The secret stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 2048,
        example = "https://hooks.example.com/sports-edge")]
    webhook: Option<Option<String>>,
    /// Makes another secret, which the answer shows once.
    #[serde(default)]
    #[schema(example = false)]
    new_secret: bool,
}

/// Tells a member that is null from one that is not there.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl AlertPatch {
    fn change(self) -> Result<AlertChange, ApiError> {
        let condition = self.condition.map(|it| it.read()).transpose();
        let scope = self.scope.map(|it| it.read()).transpose();
        Ok(AlertChange {
            name: self.name,
            condition: condition.map_err(ApiError::BadAlert)?,
            scope: scope.map_err(ApiError::BadAlert)?,
            hysteresis: self.hysteresis,
            quiet_minutes: self.quiet_minutes,
            paused: self.paused,
            webhook: self.webhook,
            new_secret: self.new_secret,
        })
    }
}

/// That a rule is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedAlert {
    /// Its number.
    #[schema(example = 3)]
    id: i64,
}

/// Get an alert
///
/// One rule that watches games.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}",
    operation_id = "getAlert",
    tag = "Alerts",
    params(("id" = i64, Path, description = "Number of the rule.", example = 3)),
    responses(
        (status = 200, description = "The rule.", body = Alert),
        (status = 404, description = "There is no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_alert(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<Alert>, ApiError> {
    let view = state.engine.alert(AlertId(id)).await?;
    Ok(Json(view.into()))
}

/// Change an alert
///
/// Changes what is given of a rule. Who made it may, and whoever operates the server.
#[utoipa::path(
    patch,
    path = "/v1/alerts/{id}",
    operation_id = "changeAlert",
    tag = "Alerts",
    params(("id" = i64, Path, description = "Number of the rule.", example = 3)),
    request_body(content = AlertPatch, description = "What changes."),
    responses(
        (status = 200, description = "The rule as it is now.", body = Alert),
        (status = 404, description = "There is no such rule.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "There can be no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn change_alert(
    writer: Writer,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<Alert>, ApiError> {
    let patch: AlertPatch = read_object(&body.bytes)?;
    let change = patch.change()?;
    let (caller, id) = (writer.caller(), AlertId(id));
    let changed = state.engine.change_alert(&caller, id, &change).await;
    Ok(Json(changed.map_err(refused)?.into()))
}

/// Delete an alert
///
/// Deletes a rule with what it saw, fired and was told. Who made it may, and whoever operates the
/// server.
#[utoipa::path(
    delete,
    path = "/v1/alerts/{id}",
    operation_id = "deleteAlert",
    tag = "Alerts",
    params(("id" = i64, Path, description = "Number of the rule.", example = 3)),
    responses(
        (status = 200, description = "It is gone.", body = DeletedAlert),
        (status = 404, description = "There is no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn delete_alert(
    writer: Writer,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<DeletedAlert>, ApiError> {
    let caller = writer.caller();
    state.engine.delete_alert(&caller, AlertId(id)).await?;
    Ok(Json(DeletedAlert { id }))
}
