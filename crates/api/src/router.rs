//! Joins endpoints, documentation and pages behind the front door.

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{HeaderValue, Request, header, request::Builder},
    middleware,
    response::Response,
};
use jiff::Timestamp;
use tower::ServiceExt;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate, SizeAbove},
    },
};

use crate::{
    ApiState,
    auth::{Back, Inside},
    docs,
    error::ApiError,
    guard, kept, oip, openapi, pages, position, routes,
};

/// Everything the server answers to.
pub fn router(state: ApiState) -> Router {
    let door = oip::Door::new(&state);
    joined(state, door)
}

/// Everything, models behind a front door that others use, too.
pub(crate) fn joined(state: ApiState, models: oip::Door) -> Router {
    let everything = state
        .reads()
        .layer(middleware::from_fn_with_state(
            state.clone(),
            position::honour,
        ))
        .merge(pages::router(&state))
        .merge(docs::router(openapi::openapi_json()));
    guarded(everything, state).merge(oip::router(models))
}

/// Endpoints without a front door, whose answers are kept; see [`ApiState::reads`].
pub(crate) fn kept_routes(state: &ApiState) -> Router {
    let (endpoints, _) = routes::endpoints().split_for_parts();
    let kept = middleware::from_fn_with_state(state.clone(), kept::keep);
    endpoints.layer(kept).with_state(state.clone())
}

/// What a `GET` of an address answers to the server itself, which needs no key; `etag` is what it
/// holds already. An address that is none is the error.
pub(crate) async fn ask(
    reads: Router,
    address: &str,
    etag: Option<&HeaderValue>,
) -> Result<Response, axum::http::Error> {
    let mut request = Request::builder().uri(address).extension(Inside);
    if let Some(etag) = etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    answer(reads, request).await
}

/// What it answered at a moment, as far as that can still be told.
pub(crate) async fn ask_back(
    reads: Router,
    address: &str,
    moment: Timestamp,
) -> Result<Response, axum::http::Error> {
    let request = Request::builder().uri(address).extension(Inside);
    answer(reads, request.extension(Back(moment))).await
}

async fn answer(reads: Router, request: Builder) -> Result<Response, axum::http::Error> {
    let Ok(response) = reads.oneshot(request.body(Body::empty())?).await;
    Ok(response)
}

/// Puts the front door before `routes`.
fn guarded(routes: Router, state: ApiState) -> Router {
    let worth_it = DefaultPredicate::new().and(SizeAbove::new(kept::COMPRESSED_FROM_BYTES));
    // The last layer added is the first a request passes.
    routes
        .fallback(|| async { ApiError::UnknownRoute })
        .layer(DefaultBodyLimit::max(state.options.body_bytes_max))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), guard::admit))
        .layer(middleware::from_fn(guard::explain))
        .layer(CompressionLayer::new().compress_when(worth_it))
        .layer(middleware::from_fn_with_state(state, guard::outside))
}

#[cfg(test)]
mod tests;
