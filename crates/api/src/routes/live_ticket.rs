//! `POST /v1/live/tickets`: lets in once who cannot send a key.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{ApiState, auth::Reader, error::ApiError, live::TICKET_MS, problem::Problem};

/// A ticket for one connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ticket {
    /// To be sent as `?ticket=…`, once.
    #[schema(example = "n5mV1n0hT8kQe2Yb7a0u4S9kqk8m2dJw3o6p1x5z8cE")]
    ticket: String,
    /// How long it is good for, in milliseconds.
    #[schema(example = 30_000)]
    expires_in_ms: i64,
}

/// Get a ticket to follow answers
///
/// For clients that cannot send a key with the request that opens a stream: a browser's WebSocket
/// or `EventSource`. Good for one connection, soon, to any server of the same database. Who is signed
/// in needs none: the cookie goes with the connection.
#[utoipa::path(
    post,
    path = "/v1/live/tickets",
    operation_id = "createLiveTicket",
    tag = "Games under way",
    responses(
        (status = 200, description = "A ticket.", body = Ticket),
        (status = 429, description = "The key has as many streams or tickets as it may.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn create_live_ticket(
    reader: Reader,
    State(state): State<ApiState>,
) -> Result<Json<Ticket>, ApiError> {
    if reader.session.is_some() {
        return Err(ApiError::TicketNeedless);
    }
    Ok(Json(Ticket {
        ticket: state.live.issue(reader.principal).await?,
        expires_in_ms: TICKET_MS,
    }))
}
