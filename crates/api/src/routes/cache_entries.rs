//! `GET /v1/cache/entries`.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    aside::aside,
    auth::Operator,
    error::ApiError,
    extract::Query,
    problem::FieldError,
    wire::{CacheEntry, List},
};

/// Entries, where the client does not say.
const LIMIT_DEFAULT: usize = 20;
/// Entries at most.
const LIMIT_MAX: usize = 1_000;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesQuery {
    /// `hits`, those answered most often first, or `bytes`, the largest first.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// How many, 1 to 1,000.
    #[param(example = 20, minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// What was answered most often since it was made.
    #[default]
    Hits,
    /// What takes most bytes.
    Bytes,
}

/// List the hottest or heaviest entries
///
/// What this server's memory holds and would serve, by how often it was answered since it was made
/// or by the bytes it takes; always one page.
#[utoipa::path(
    get,
    path = "/v1/cache/entries",
    operation_id = "listCacheEntries",
    tag = "Cache",
    params(EntriesQuery),
    responses((status = 200, description = "The entries.", body = List<CacheEntry>)),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn list_cache_entries(
    _operator: Operator,
    State(state): State<ApiState>,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<List<CacheEntry>>, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("{limit} does not lie between 1 and {LIMIT_MAX}");
        return Err(ApiError::BadQuery(FieldError::of_parameter(
            "limit", detail,
        )));
    }
    let cache = state.engine.cache().clone();
    let entries = aside(move || match query.order {
        Order::Hits => cache.hottest(limit),
        Order::Bytes => cache.heaviest(limit),
    });
    Ok(Json(List::whole(entries.await, CacheEntry::from)))
}
