//! `GET /v1/live`: answers followed, as server-sent events or by a request that waits.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use engine::feeding::Reader as FeedReader;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    live::{Events, FollowQuery, Holding, follow, is_asked, upgraded},
    problem::Problem,
    rate::Peer,
};

/// What is followed, and what is held of it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the query, which `FollowQuery` reads")]
pub(crate) struct LiveQuery {
    /// An address that is followed, without `/v1/`; given once for each, at most 50 times.
    #[param(example = json!(["fixtures/8/play"]))]
    k: Vec<String>,
    /// The revision held of each, in the order of `k`, `-` for none, with commas between;
    /// `Last-Event-ID` goes before it.
    #[param(example = "-")]
    since: Option<String>,
    /// How long a request that waits is held while there is nothing new, in milliseconds.
    #[param(minimum = 0, maximum = 30000)]
    wait_ms: Option<u64>,
    /// A ticket, where no key is sent; see `POST /v1/live/tickets`.
    ticket: Option<String>,
    /// `latest` folds what happened meanwhile into one frame, `all` sends each revision.
    #[param(example = "latest")]
    mode: Option<String>,
}

/// Frames of the live protocol.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Frames {
    /// The frames, in order.
    #[schema(value_type = Vec<Object>)]
    frames: Vec<Box<RawValue>>,
}

/// Follow answers
///
/// What a `GET` of each address says, and from then on what changes of it: server-sent events
/// where `Accept` asks for `text/event-stream`, a WebSocket where `Upgrade` asks for one (keys are
/// then asked for by messages), else one answer that waits for news. The protocol is explained in
/// `docs/api/live.md`.
#[utoipa::path(
    get,
    path = "/v1/live",
    operation_id = "followLive",
    tag = "Games under way",
    params(LiveQuery),
    responses(
        (status = 101, description = "The connection speaks WebSocket from now on."),
        (status = 200, description = "Frames, all that there are or as they come.", body = Frames),
        (status = 400, description = "The query cannot be read.", body = Problem,
            content_type = "application/problem+json"),
        (status = 426, description = "Another version of WebSocket than 13.", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "The key, or the address without one, has as many streams as it may, or more was asked for in a minute than may be.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "Too many follow already.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn follow_live(
    State(state): State<ApiState>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    if is_asked(&parts.headers) {
        return upgraded(&state, parts).await;
    }
    let reader = Reader::of_follower(&parts, &state).await?;
    let (uri, headers) = (&parts.uri, &parts.headers);
    let last_id = headers.get("last-event-id").and_then(|it| it.to_str().ok());
    let query = FollowQuery::read(uri.query().unwrap_or_default(), last_id)?;
    let live = Arc::clone(&state.live);
    let (mut frames, mut place) = live.enter(reader, Peer::of(&parts))?;
    let refused = follow(&live, (&mut frames, &mut place), &query).await;
    if wants_events(headers) {
        let events = Events::new(live, (frames, place), Holding::new(query), refused);
        return Ok(streamed(events));
    }
    let wait = Duration::from_millis(query.wait_ms);
    // Who goes on was told before what cannot be followed: it is no news, and does not end the wait.
    let has_news = !refused.is_empty() && !query.goes_on();
    let told = waited(&mut frames, wait, (refused, has_news)).await;
    drop(place);
    let raw = |it: String| RawValue::from_string(it).expect("a frame is JSON");
    let frames = told.into_iter().map(raw).collect();
    Ok(Json(Frames { frames }).into_response())
}

/// Whether a request asks for server-sent events.
fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    accept.is_some_and(|it| it.contains("text/event-stream"))
}

/// Adds all there is to what is told already; waits where that is no news.
async fn waited(
    frames: &mut FeedReader,
    wait: Duration,
    (mut told, mut has_news): (Vec<String>, bool),
) -> Vec<String> {
    let deadline = Instant::now() + wait;
    loop {
        while let Some(frame) = frames.try_next() {
            has_news |= frame.is_news;
            told.push(text(&frame.bytes));
        }
        if has_news {
            return told;
        }
        let Ok(frame) = tokio::time::timeout_at(deadline, frames.next()).await else {
            return told;
        };
        has_news |= frame.is_news;
        told.push(text(&frame.bytes));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn streamed(events: Events) -> Response {
    let mut response = Response::new(Body::new(events));
    let headers = response.headers_mut();
    let stream = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, stream);
    // Proxies must not wait for the end of it.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
