//! `GET /v1/fixtures/{id}/events`.

use axum::{Json, extract::State};
use domain::FixtureId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{Clock, EventBody, List, Moment, clock_of},
};

/// As of when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KnownQuery {
    /// The moment by which events were known (RFC 3339); now where not given.
    #[param(value_type = Option<String>, format = DateTime, example = "2024-05-19T15:30:00Z")]
    as_of: Option<Moment>,
}

/// Whether an event counts.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventStanding {
    /// It does.
    Counts,
    /// It was told anew.
    Superseded,
    /// A later event took it back.
    Cancelled,
}

/// An event with its trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// The source's number.
    #[schema(example = 12)]
    sequence: u64,
    /// How often the source has told it anew.
    #[schema(example = 0)]
    revision: u16,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:00Z")]
    at: Timestamp,
    /// The moment from which it counts as known.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    known_at: Timestamp,
    /// When it was written down here.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    recorded_at: Timestamp,
    /// Where it came from.
    #[schema(example = "api")]
    source: String,
    /// Where the game's clock stood, where the source said.
    clock: Option<Clock>,
    /// What happened.
    #[serde(flatten)]
    what: EventBody,
    /// Whether it counts.
    standing: EventStanding,
}

impl From<engine::EventView> for Event {
    fn from(view: engine::EventView) -> Self {
        Self {
            sequence: view.event.sequence,
            revision: view.event.revision,
            at: view.event.at,
            known_at: view.known_at,
            recorded_at: view.recorded_at,
            source: view.source.into(),
            clock: clock_of(&view.event),
            what: view.event.kind.into(),
            standing: match view.standing {
                engine::EventStanding::Counts => EventStanding::Counts,
                engine::EventStanding::Superseded => EventStanding::Superseded,
                engine::EventStanding::Cancelled => EventStanding::Cancelled,
            },
        }
    }
}

/// List a fixture's events
///
/// What sources told of a game, in the order of the source, told-anew and cancelled events
/// included, as it was known at a moment; always one page.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/events",
    operation_id = "listFixtureEvents",
    tag = "Games under way",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), KnownQuery),
    responses(
        (status = 200, description = "The events.", body = List<Event>),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_fixture_events(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<KnownQuery>,
) -> Result<Json<List<Event>>, ApiError> {
    let as_of = query.as_of.map(|it| it.0);
    let events = state.engine.events(FixtureId(id), as_of).await?;
    Ok(Json(List::whole(events, Event::from)))
}
