//! `GET /v1/edges`.

use axum::{Json, extract::State};
use domain::BookmakerKey;
use engine::{EdgeFilter, Flagged, PageRequest};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::Query,
    problem::FieldError,
    wire::{CompetitionList, Edge, Limit, List, MarketKind, Moment},
};

/// Whether doubtful edges are listed.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FlaggedEdges {
    /// Sound edges only.
    #[default]
    Hidden,
    /// All.
    Shown,
}

/// Which edges, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EdgesQuery {
    /// Keys of competitions, separated by commas; all where not given.
    #[param(
        value_type = Option<String>,
        pattern = "^[A-Za-z0-9_./-]{1,64}(,[A-Za-z0-9_./-]{1,64}){0,49}$",
        example = "E0,SP1"
    )]
    competition: Option<CompetitionList>,
    /// Expected value of at least this; 0.02 is 2 %.
    #[serde(default, deserialize_with = "share")]
    #[param(minimum = -1, maximum = 100, example = 0.02)]
    min_edge: Option<f64>,
    /// Kind of market: `h2h`, the only one that has edges. Of others too little is known of what
    /// their prices turn out to be worth, and they are refused.
    #[param(inline)]
    market: Option<MarketKind>,
    /// Key of a bookmaker.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "bet365")]
    bookmaker: Option<BookmakerKey>,
    /// Whether doubtful edges are listed too; `hidden` where not given.
    #[param(inline)]
    flagged: Option<FlaggedEdges>,
    /// Kickoff at or after this moment (RFC 3339). Where not given: what comes next, or the
    /// newest day played where nothing does; three days before an `until` that lies before that.
    #[param(value_type = Option<String>, format = DateTime, example = "2024-05-01T00:00:00Z")]
    from: Option<Moment>,
    /// Kickoff before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime, example = "2024-06-01T00:00:00Z")]
    until: Option<Moment>,
    /// Entries of the page; 50 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, example = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

fn share<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f64>, D::Error> {
    let text = String::deserialize(input)?;
    match text.parse::<f64>() {
        Ok(number) if (-1.0..=100.0).contains(&number) => Ok(Some(number)),
        _ => Err(D::Error::custom(
            "an expected value lies between -1 and 100",
        )),
    }
}

/// List edges
///
/// Prices that pay more than they should, the largest expected value first. An edge is anchored
/// on the market and stated as what such edges were worth against the closing line; one against
/// a stale or impossible price is flagged, has no stake, and is listed only on request. Looked at
/// are the next 1,000 fixtures with prices, of the next 14 days where no `until` is given; postponed
/// and cancelled ones have no edges.
#[utoipa::path(
    get,
    path = "/v1/edges",
    operation_id = "listEdges",
    tag = "Prices",
    params(EdgesQuery),
    responses((status = 200, description = "A page of edges.", body = List<Edge>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_edges(
    _reader: Reader,
    State(state): State<ApiState>,
    Query(query): Query<EdgesQuery>,
) -> Result<Json<List<Edge>>, ApiError> {
    if let Some(kind) = query.market.map(domain::MarketKind::from)
        && kind != domain::MarketKind::H2h
    {
        let detail = format!("{} has no edges: only h2h has", kind.as_str());
        return Err(ApiError::BadQuery(FieldError::of_parameter(
            "market", detail,
        )));
    }
    let filter = EdgeFilter {
        competitions: query.competition.unwrap_or_default().0,
        min_edge: query.min_edge,
        bookmaker: query.bookmaker,
        flagged: match query.flagged.unwrap_or_default() {
            FlaggedEdges::Hidden => Flagged::Hidden,
            FlaggedEdges::Shown => Flagged::Shown,
        },
        from: query.from.map(|it| it.0),
        until: query.until.map(|it| it.0),
    };
    let page = PageRequest {
        cursor: query.cursor,
        limit: Limit::number(query.limit),
    };
    let edges = state.engine.edges(&filter, &page).await?;
    let now = state.engine.now();
    Ok(Json(List::of(edges, |it| Edge::seen_at(it, now))))
}
