//! `GET /v1/board`: what the dashboard's first page shows.

use axum::{Json, extract::State};
use engine::BoardFilter;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::Query,
    wire::{CompetitionList, Edge, Fixture, Limit, List, MarketView, Moment, Opinion, Play},
};

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardQuery {
    /// Keys of competitions, separated by commas; all where not given.
    #[param(
        value_type = Option<String>,
        pattern = "^[A-Za-z0-9_./-]{1,64}(,[A-Za-z0-9_./-]{1,64}){0,49}$",
        example = "E0,SP1"
    )]
    competition: Option<CompetitionList>,
    /// Kickoff at or after this moment (RFC 3339). Where not given: what comes next, or the
    /// newest day played where nothing does; three days before an `until` that lies before that.
    #[param(value_type = Option<String>, format = DateTime, example = "2024-05-19T00:00:00Z")]
    from: Option<Moment>,
    /// Kickoff before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime, example = "2024-05-20T00:00:00Z")]
    until: Option<Moment>,
    /// Rows at most; 50 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, example = 50)]
    limit: Option<Limit>,
}

impl BoardQuery {
    /// Which rows the engine is asked for.
    pub(crate) fn filter(self) -> BoardFilter {
        BoardFilter {
            competitions: self.competition.unwrap_or_default().0,
            from: self.from.map(|it| it.0),
            until: self.until.map(|it| it.0),
            limit: Limit::number(self.limit),
        }
    }
}

/// One row: a fixture with our view of it beside the market's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardRow {
    /// The fixture.
    fixture: Fixture,
    /// Our probabilities of who wins; null before a model is trained.
    prediction: Option<Opinion>,
    /// The moment whose knowledge the prediction used.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-05-19T14:00:00Z")]
    as_of: Option<Timestamp>,
    /// The market's view; null where nobody quotes.
    market: Option<MarketView>,
    /// The largest edge without a flag; null where there is none.
    edge: Option<Edge>,
    /// How the game stands; null before it is under way.
    play: Option<Play>,
}

impl BoardRow {
    /// The row as it stands at `now`.
    pub(crate) fn seen_at(row: engine::BoardRow, now: Timestamp) -> Self {
        Self {
            fixture: row.fixture.into(),
            prediction: row.prediction.map(Opinion::from),
            as_of: row.as_of,
            market: row.market.map(MarketView::from),
            edge: row.edge.map(|it| Edge::seen_at(it, now)),
            play: row.play.map(Play::from),
        }
    }
}

/// Get the board
///
/// Fixtures with probabilities, market and best edge side by side, in order of kickoff; always
/// one page.
#[utoipa::path(
    get,
    path = "/v1/board",
    operation_id = "getBoard",
    tag = "Predictions",
    params(BoardQuery),
    responses((status = 200, description = "The rows.", body = List<BoardRow>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_board(
    _reader: Reader,
    State(state): State<ApiState>,
    Query(query): Query<BoardQuery>,
) -> Result<Json<List<BoardRow>>, ApiError> {
    let rows = state.engine.board(&query.filter()).await?;
    let now = state.engine.now();
    Ok(Json(List::whole(rows, |it| BoardRow::seen_at(it, now))))
}
