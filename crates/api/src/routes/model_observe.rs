//! `POST /v1/models/{name}/observations`.

use axum::{Json, extract::State};
use engine::serving::{InferenceError, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{served, written::Batch};
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_batch},
    problem::{FieldError, Problem},
};

/// What came true for a request that was answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Observation {
    /// The `routing_key` that the request had.
    #[schema(example = "game-8")]
    routing_key: String,
    /// The class that came true, counted from zero; this or `value`.
    #[schema(example = 1)]
    class: Option<u32>,
    /// The value that came true; this or `class`.
    #[schema(example = json!(null))]
    value: Option<f64>,
}

/// What became of each observation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Observed {
    /// One for each entry, in the order given.
    data: Vec<ObservedEntry>,
}

/// An observation that was taken, or the reason against it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservedEntry {
    /// The key it came with.
    #[schema(example = "game-8")]
    routing_key: String,
    /// Versions scored by it; zero where no answer under that key is remembered, or it was scored
    /// before.
    #[schema(example = 2)]
    versions_scored: usize,
    /// Why it cannot score what was answered; null where it can.
    #[schema(example = json!(null))]
    problem: Option<String>,
}

/// Tell what came true
///
/// Scores every version that answered a request with this `routing_key`, in the shadow too: log
/// loss of a class, squared error of a value. The scores gate the promotion of a shadow and stop
/// a canary that does worse. An answer is scored once.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/observations",
    operation_id = "observeModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    request_body(content = Batch<Observation>, description = "1 to 1,000 observations."),
    responses(
        (status = 200, description = "What became of each.", body = Observed),
        (status = 404, description = "There is no such model.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Entries cannot be read; none was taken.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn observe_model(
    _keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<Observed>, ApiError> {
    let entries: Vec<Observation> = read_batch(&body.bytes)?;
    let outcomes = outcomes(&entries)?;
    let models = served::serving(&state, &name)?;
    models.model(&name)?;
    let observed = entries.into_iter().zip(outcomes).map(|(entry, outcome)| {
        let scored = models.observe(&name, &entry.routing_key, outcome);
        let (versions_scored, problem) = match scored {
            Ok(scored) => (scored, None),
            Err(InferenceError::BadRequest(reason)) => (0, Some(reason)),
            Err(error) => return Err(ApiError::from(error)),
        };
        Ok(ObservedEntry {
            routing_key: entry.routing_key,
            versions_scored,
            problem,
        })
    });
    Ok(Json(Observed {
        data: observed.collect::<Result<_, _>>()?,
    }))
}

/// What each entry says, or every entry at fault.
fn outcomes(entries: &[Observation]) -> Result<Vec<Outcome>, ApiError> {
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut faults = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match (entry.class, entry.value) {
            (Some(class), None) => outcomes.push(Outcome::Class(class)),
            (None, Some(value)) => outcomes.push(Outcome::Value(value)),
            _ => {
                let detail = "either `class` or `value` says what came true".to_owned();
                faults.push(FieldError::at(format!("/data/{index}"), detail));
            }
        }
    }
    if faults.is_empty() {
        Ok(outcomes)
    } else {
        Err(ApiError::InvalidEntries(faults))
    }
}
