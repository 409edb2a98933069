//! The repository extension: the index of models, load and unload.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use engine::serving::{IndexEntry, LoadState, VersionRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{error::OipError, json, serving};
use crate::{
    ApiState,
    auth::{Keeper, Viewer},
};

pub(super) fn router() -> Router<ApiState> {
    Router::new()
        .route("/v2/repository/index", post(index))
        .route("/v2/repository/models/{name}/load", post(load))
        .route("/v2/repository/models/{name}/unload", post(unload))
}

/// What may be said with these requests; all of it may be left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    ready: bool,
    parameters: Map<String, Value>,
}

/// A line of the index, as Triton words it.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) state: &'static str,
    pub(super) reason: String,
}

impl Line {
    fn of(entry: IndexEntry) -> Self {
        let (state, otherwise) = match entry.state {
            LoadState::Ready => ("READY", ""),
            LoadState::Loading => ("LOADING", ""),
            LoadState::Available => ("UNAVAILABLE", "loads on first use"),
            LoadState::Failed => ("UNAVAILABLE", "failed to load"),
            LoadState::Unloaded => ("UNAVAILABLE", "unloaded"),
        };
        let reason = if entry.reason.is_empty() {
            otherwise.to_owned()
        } else {
            entry.reason
        };
        Self {
            name: entry.name,
            version: entry.version.to_string(),
            state,
            reason,
        }
    }
}

/// Every version of every model, or those that are ready.
pub(super) fn lines(state: &ApiState, ready_only: ReadyOnly) -> Result<Vec<Line>, OipError> {
    let mut entries = serving(&state.engine)?.index();
    if ready_only.0 {
        entries.retain(|it| it.state == LoadState::Ready);
    }
    Ok(entries.into_iter().map(Line::of).collect())
}

/// Whether only what is ready is wanted.
#[derive(Clone, Copy)]
pub(super) struct ReadyOnly(pub(super) bool);

fn read(body: &[u8]) -> Result<Asked, OipError> {
    if body.trim_ascii().is_empty() {
        return Ok(Asked::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| OipError::bad(format!("the request cannot be read: {error}")))
}

async fn index(
    _: Viewer,
    State(state): State<ApiState>,
    body: Bytes,
) -> Result<Response, OipError> {
    let asked = read(&body)?;
    Ok(json(&lines(&state, ReadyOnly(asked.ready))?))
}

async fn load(
    _: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, OipError> {
    let asked = read(&body)?;
    refuse_override(asked.parameters.keys().map(String::as_str))?;
    serving(&state.engine)?
        .load(&name, &VersionRef::Serving)
        .await?;
    Ok(json(&Map::new()))
}

/// A load may not bring a configuration or files; a model is pushed for that.
pub(super) fn refuse_override<'a>(
    mut names: impl Iterator<Item = &'a str>,
) -> Result<(), OipError> {
    let found = names.find(|it| *it == "config" || it.starts_with("file:"));
    found.map_or(Ok(()), |name| {
        Err(OipError::bad(format!(
            "parameter {name}: a load takes no configuration and no files"
        )))
    })
}

async fn unload(
    _: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, OipError> {
    read(&body)?;
    serving(&state.engine)?.unload(&name).await?;
    Ok(json(&Map::new()))
}
