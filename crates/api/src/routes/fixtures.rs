//! `GET /v1/fixtures`.

use axum::{Json, extract::State};
use domain::{SeasonKey, TeamId};
use engine::{FixtureFilter, Newest, PageRequest};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::Query,
    wire::{CompetitionList, Fixture, FixtureStatus, Limit, List, Moment, TeamNumber},
};

/// Which end of time a list starts from.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Earliest kickoff first.
    #[default]
    Oldest,
    /// Latest kickoff first.
    Newest,
}

/// Which fixtures, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FixturesQuery {
    /// Keys of competitions, separated by commas; all where not given.
    #[param(
        value_type = Option<String>,
        pattern = "^[A-Za-z0-9_./-]{1,64}(,[A-Za-z0-9_./-]{1,64}){0,49}$",
        example = "E0,SP1"
    )]
    competition: Option<CompetitionList>,
    /// Season, as its competition writes it.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "2023/24")]
    season: Option<SeasonKey>,
    /// Number of a team that plays at home or away.
    #[param(value_type = Option<i64>, example = 1)]
    team: Option<TeamNumber>,
    /// Where they stand.
    #[param(inline)]
    status: Option<FixtureStatus>,
    /// Kickoff at or after this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime, example = "2024-05-01T00:00:00Z")]
    from: Option<Moment>,
    /// Kickoff before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime, example = "2024-06-01T00:00:00Z")]
    until: Option<Moment>,
    /// Which end of time comes first; `oldest` where not given.
    #[param(inline)]
    order: Option<Order>,
    /// Entries of the page; 50 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, example = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// List fixtures
///
/// Fixtures that match every filter given, in order of kickoff.
#[utoipa::path(
    get,
    path = "/v1/fixtures",
    operation_id = "listFixtures",
    tag = "Fixtures",
    params(FixturesQuery),
    responses((status = 200, description = "A page of fixtures.", body = List<Fixture>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_fixtures(
    _reader: Reader,
    State(state): State<ApiState>,
    Query(query): Query<FixturesQuery>,
) -> Result<Json<List<Fixture>>, ApiError> {
    let filter = FixtureFilter {
        competitions: query.competition.unwrap_or_default().0,
        season: query.season,
        team: query.team.map(|it| TeamId(it.0)),
        status: query.status.map(domain::FixtureStatus::from),
        from: query.from.map(|it| it.0),
        until: query.until.map(|it| it.0),
        newest_first: match query.order.unwrap_or_default() {
            Order::Oldest => Newest::Last,
            Order::Newest => Newest::First,
        },
    };
    let page = PageRequest {
        cursor: query.cursor,
        limit: Limit::number(query.limit),
    };
    let fixtures = state.engine.fixtures(&filter, &page).await?;
    Ok(Json(List::of(fixtures, Fixture::from)))
}
