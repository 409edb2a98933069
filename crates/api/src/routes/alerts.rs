//! `GET` and `POST /v1/alerts`.

use axum::{Json, extract::State, response::Response};
use domain::RawRule;
use engine::{AlertCommand, EngineError, RequestDigest};
use serde::Deserialize;
use utoipa::ToSchema;

use super::written::IdempotencyHeader;
use crate::{
    ApiState,
    auth::{Reader, Writer},
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    idempotency::{Answer, once},
    problem::{FieldError, Problem},
    wire::{Alert, AlertCondition, AlertScope, Alerts},
};

/// A rule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAlert {
    /// Its name, in 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100, example = "Home side ahead")]
    name: String,
    /// What it waits for.
    condition: AlertCondition,
    /// Which fixtures it looks at; all where not given.
    #[serde(default)]
    scope: AlertScope,
    /// How far a number must go back before the same crossing counts again; 0.02 for probabilities
    /// and 0.005 for edges where not given, less where the level leaves no room for it.
    #[serde(default)]
    #[schema(minimum = 0, example = 0.02)]
    hysteresis: Option<f64>,
    /// How long it is quiet about a fixture once it has fired; for good where not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10080, example = 60)]
    quiet_minutes: Option<u16>,
    /// Whether it begins paused.
    #[serde(default)]
    #[schema(example = false)]
    paused: bool,
    /// An http or https address that is told of firings by POST, signed by the Standard Webhooks
    /// scheme. No private address.
    #[serde(default)]
    #[schema(max_length = 2048, example = "https://hooks.example.com/sports-edge")]
    webhook: Option<String>,
}

impl NewAlert {
    fn command(self, request: Option<RequestDigest>) -> Result<AlertCommand, ApiError> {
        Ok(AlertCommand {
            name: self.name,
            rule: RawRule {
                condition: self.condition.read().map_err(ApiError::BadAlert)?,
                scope: self.scope.read().map_err(ApiError::BadAlert)?,
                hysteresis: self.hysteresis,
                quiet_minutes: self.quiet_minutes,
            },
            paused: self.paused,
            webhook: self.webhook,
            request,
        })
    }
}

/// What the engine refuses of a rule, with a pointer into the body.
pub(super) fn refused(error: EngineError) -> ApiError {
    let unknown = match &error {
        EngineError::BadAlert(fault) => {
            let of_rule = ["name", "hysteresis", "quiet_minutes", "webhook"];
            let parent = if of_rule.contains(&fault.field) {
                ""
            } else {
                "/condition"
            };
            let pointer = format!("{parent}/{}", fault.field);
            return ApiError::BadAlert(FieldError::at(pointer, fault.detail.clone()));
        }
        EngineError::UnknownFixture(_) => "/scope/fixture_id",
        EngineError::UnknownTeam(_) => "/scope/team_id",
        EngineError::UnknownCompetition(_) => "/scope/competition",
        _ => return error.into(),
    };
    ApiError::BadAlert(FieldError::at(unknown.to_owned(), error.to_string()))
}

/// List alerts
///
/// Every rule that watches games, whoever made it.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    operation_id = "listAlerts",
    tag = "Alerts",
    responses((status = 200, description = "The rules.", body = Alerts)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_alerts(
    _reader: Reader,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<Alerts>, ApiError> {
    let views = state.engine.alerts().await?;
    let data = views.into_iter().map(Alert::from).collect();
    Ok(Json(Alerts { data }))
}

impl Answer for Alert {}

/// Make an alert
///
/// Makes a rule. It fires when what it waits for comes to be after it was made: what is so already
/// is no news. It fires once for a fixture, or again after a quiet time. A key may have 100 rules.
#[utoipa::path(
    post,
    path = "/v1/alerts",
    operation_id = "createAlert",
    tag = "Alerts",
    params(IdempotencyHeader),
    request_body(content = NewAlert, description = "The rule.",
        example = json!({"name": "Home side ahead", "condition": {"on": "probability", "outcome": "home",
            "level": 0.6}, "scope": {"fixture_id": 7000}})),
    responses(
        (status = 200, description = "The rule as it was made.", body = Alert),
        (status = 422, description = "There can be no such rule.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn create_alert(
    writer: Writer,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let (engine, bytes, caller) = (&state.engine, &body.bytes, writer.caller());
    once(
        engine,
        &writer,
        "POST /v1/alerts",
        &body,
        |asked| async move {
            let alert: NewAlert = read_object(bytes)?;
            let command = alert.command(asked.request)?;
            let made = engine.put_alert(&caller, command).await;
            Ok(Alert::from(made.map_err(refused)?))
        },
    )
    .await
}
