//! `POST /v1/live/latency`: clients tell how long changes took to the screen, and learn the clock.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    problem::{FieldError, Problem},
};

/// Measurements of one report, at most.
const SAMPLES_MAX: usize = 100;
/// The longest that is believed, in milliseconds.
const SAMPLE_MS_MAX: f64 = 60_000.0;

/// What a client measured.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LatencyReport {
    /// From a change at the server to the pixel, each in milliseconds; 100 at most, none to learn the
    /// clock alone.
    #[schema(max_items = 100, example = json!([12.5, 17.1]))]
    samples_ms: Vec<f64>,
}

/// The server's clock, and how all clients fare.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatencyAnswer {
    /// The server's time when it answered, in milliseconds since 1970 with decimals.
    #[schema(example = 1_716_131_402_000.25)]
    now_ms: f64,
    /// Measurements of all clients since the server started.
    #[schema(example = 1200)]
    count: u64,
    /// What half of them is below, to the next bound of the histogram; null without any.
    #[schema(example = 20)]
    p50_ms: Option<u32>,
    /// What all but a hundredth is below.
    #[schema(example = 50)]
    p99_ms: Option<u32>,
}

/// Report latencies
///
/// How long changes took from the server to the screen, as the client measured it, added to the
/// histogram `sports_edge_live_latency_seconds` of `/metrics`. The answer tells the server's clock,
/// by which a client measures.
#[utoipa::path(
    post,
    path = "/v1/live/latency",
    operation_id = "reportLatencies",
    tag = "Games under way",
    request_body(content = LatencyReport, description = "What was measured."),
    responses(
        (status = 200, description = "It is counted.", body = LatencyAnswer),
        (status = 422, description = "A measurement is no time up to a minute, or there are too many.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn report_latencies(
    _reader: Reader,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<LatencyAnswer>, ApiError> {
    let report: LatencyReport = read_object(&body.bytes)?;
    check(&report)?;
    let latencies = &state.live.latencies;
    report.samples_ms.iter().for_each(|it| latencies.add(*it));
    let figures = latencies.figures();
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds are kept until 2255"
    )]
    let now_ms = state.engine.now().as_microsecond() as f64 / 1e3;
    Ok(Json(LatencyAnswer {
        now_ms,
        count: figures.count,
        p50_ms: figures.percentile_ms(50),
        p99_ms: figures.percentile_ms(99),
    }))
}

fn check(report: &LatencyReport) -> Result<(), ApiError> {
    let samples = &report.samples_ms;
    if samples.len() > SAMPLES_MAX {
        let detail = format!("has {} entries, over {SAMPLES_MAX}", samples.len());
        return Err(ApiError::InvalidEntries(vec![FieldError::at(
            "/samples_ms".to_owned(),
            detail,
        )]));
    }
    let is_bad = |it: &f64| !(0.0..=SAMPLE_MS_MAX).contains(it);
    let bad = samples.iter().position(is_bad);
    bad.map_or(Ok(()), |at| {
        let detail = format!("{} is no time up to {SAMPLE_MS_MAX} ms", samples[at]);
        let pointer = format!("/samples_ms/{at}");
        Err(ApiError::InvalidEntries(vec![FieldError::at(
            pointer, detail,
        )]))
    })
}
