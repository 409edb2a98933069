//! `GET /v1/sources`.

use axum::{Json, extract::State};
use domain::SourceKey;
use engine::SourceView;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Watcher,
    error::ApiError,
    extract::{NoQuery, Query},
};

/// Who tells what is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourceQuery {
    /// Name of the source that tells it, by which `GET /v1/sources` shows how it does; `api` where
    /// not given.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "scores-a")]
    source: Option<SourceKey>,
}

impl SourceQuery {
    /// The source, given or not.
    pub(crate) fn key(self) -> SourceKey {
        let api = || SourceKey::new("api").expect("the text is a key");
        self.source.unwrap_or_else(api)
    }
}

/// Sources and how they do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// In order of name.
    data: Vec<Source>,
}

/// A source of events and prices, as this server heard it since it started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Source {
    /// Its name.
    #[schema(example = "scores-a")]
    source: String,
    /// `heard`, or `silent` where nothing came for `live.silence_seconds_max`.
    state: SourceState,
    /// When anything last came of it.
    #[schema(value_type = String, format = DateTime, example = "2026-05-01T15:10:02Z")]
    last_heard_at: Timestamp,
    /// Its events.
    events: SourceEvents,
    /// Quotes that came, known already or not.
    #[schema(example = 120)]
    quotes: u64,
    /// Over the last minute.
    last_minute: SourceMinute,
}

/// Whether a source is heard.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceState {
    /// It is.
    Heard,
    /// It is not.
    Silent,
}

/// What a source told of games.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceEvents {
    /// Events that were new.
    #[schema(example = 340)]
    new: u64,
    /// Events that were known already.
    #[schema(example = 2)]
    repeated: u64,
    /// New events that came after one of the same game with a higher number.
    #[schema(example = 1)]
    late: u64,
    /// Numbers that were jumped over and have not come since.
    #[schema(example = 0)]
    missing: u64,
    /// How long after they happened new ones came, on average, in ms, but for those with a `told_at`;
    /// null where there were none.
    #[schema(example = 820.5)]
    lag_ms: Option<f64>,
}

/// What a source did over the last minute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceMinute {
    /// Events and quotes that came.
    #[schema(example = 14)]
    told: u64,
    /// How long after they happened new events came, on average, in ms, but for those with a
    /// `told_at`; null where there were none.
    #[schema(example = 790.0)]
    lag_ms: Option<f64>,
    /// The longest of it; null where there were none.
    #[schema(example = 1_900.0)]
    lag_ms_max: Option<f64>,
}

/// List the sources of events and prices
///
/// How each source that told this server something is doing: lag, rate, what was told twice, late or
/// not at all, and when it was last heard. Counted since the server started. A server that others
/// can reach asks for a key with the scope `admin`.
#[utoipa::path(
    get,
    path = "/v1/sources",
    operation_id = "listSources",
    tag = "Writing",
    responses((status = 200, description = "The sources.", body = Sources)),
    security((), ("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn list_sources(
    _watcher: Watcher,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<Sources>, ApiError> {
    let now = state.engine.now();
    let silence = SignedDuration::try_from(state.engine.silence_max());
    let silence = silence.unwrap_or(SignedDuration::MAX);
    let views = state.engine.sources().into_iter();
    let data = views.map(|it| source(&it, now, silence)).collect();
    Ok(Json(Sources { data }))
}

fn source(view: &SourceView, now: Timestamp, silence: SignedDuration) -> Source {
    let (figures, recent) = (&view.figures, &view.recent);
    let ms = |micros: u64| micros as f64 / 1e3;
    let mean = |micros: u64, count: u64| (count > 0).then(|| ms(micros) / count as f64);
    Source {
        source: view.source.to_string(),
        state: if now.duration_since(figures.last_at) < silence {
            SourceState::Heard
        } else {
            SourceState::Silent
        },
        last_heard_at: figures.last_at,
        events: SourceEvents {
            new: figures.new,
            repeated: figures.repeated,
            late: figures.late,
            missing: figures.missing,
            lag_ms: mean(figures.lag_micros, figures.timed),
        },
        quotes: figures.quotes,
        last_minute: SourceMinute {
            told: recent.told,
            lag_ms: mean(recent.lag_micros, recent.timed),
            lag_ms_max: (recent.timed > 0).then(|| ms(recent.lag_micros_max)),
        },
    }
}
