//! `GET /v1/competitions/{key}/standings`: the table of a season.

use axum::{Json, extract::State};
use domain::{CompetitionKey, RankedBy, SeasonKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::{FieldError, Problem},
    wire::{Sport, Tally, Team},
};

/// Which season.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StandingsQuery {
    /// Season, as its competition writes it; where not given, that of the last game played or,
    /// before any, of the first to come.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "2023/24")]
    season: Option<SeasonKey>,
}

/// The table of a season.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standings {
    /// Key of the competition.
    #[schema(example = "E0")]
    competition: String,
    /// Name of the competition.
    #[schema(example = "Premier League")]
    name: String,
    /// What is played.
    sport: Sport,
    /// Which season.
    #[schema(example = "2023/24")]
    season: String,
    /// Every season of the competition, in order of key.
    #[schema(example = json!(["2022/23", "2023/24"]))]
    seasons: Vec<String>,
    /// What teams are ranked by: each in turn, where those before it are level. `points` are three
    /// for a win and one for a draw, `win_share` counts a draw as half a win. Games of those who are
    /// level among themselves, and points taken away, do not count.
    #[schema(example = json!(["points", "difference", "scored"]))]
    ranked_by: Vec<&'static str>,
    /// Number of the change that last touched a fixture of the season: the table has that one and
    /// all before.
    #[schema(example = 4711)]
    change: u64,
    /// Every team with a fixture of the regular season that is not cancelled, the first first.
    data: Vec<StandingRow>,
}

/// A team in a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingRow {
    /// Its place; teams level in everything share one, and the next places are left out.
    #[schema(example = 1)]
    position: u32,
    /// The team.
    team: Team,
    /// Points; null where the table goes by `win_share`.
    #[schema(example = 91)]
    points: Option<u32>,
    /// Share of games won, a draw counting half, 0 to 1; null before the first game.
    #[schema(example = 0.83)]
    win_share: Option<f64>,
    /// All its games of the regular season.
    total: Tally,
    /// Games in which it is named first, on neutral ground, too.
    home: Tally,
    /// Games in which it is named second.
    away: Tally,
}

impl From<engine::StandingsView> for Standings {
    fn from(view: engine::StandingsView) -> Self {
        let by_points = view.ranked_by.contains(&RankedBy::Points);
        let row = |(team, standing): (domain::Team, domain::Standing)| {
            let total = standing.record.total();
            StandingRow {
                position: standing.position,
                team: team.into(),
                points: by_points.then(|| total.points()),
                win_share: total.win_share(),
                total: total.into(),
                home: standing.record.home.into(),
                away: standing.record.away.into(),
            }
        };
        Self {
            competition: view.competition.key.into(),
            name: view.competition.name,
            sport: view.competition.sport.into(),
            season: view.season.into(),
            seasons: view.seasons.into_iter().map(String::from).collect(),
            ranked_by: view.ranked_by.iter().map(|it| it.as_str()).collect(),
            change: view.change,
            data: view.rows.into_iter().map(row).collect(),
        }
    }
}

/// Get the table of a season
///
/// The table of a competition's season as of now, home and away apart. Games of the regular season
/// count, from the moment their results are written, corrected or taken back; those of the postseason
/// do not.
#[utoipa::path(
    get,
    path = "/v1/competitions/{key}/standings",
    operation_id = "getStandings",
    tag = "Fixtures",
    params(
        ("key" = String, Path, description = "Key of the competition.", example = "E0"),
        StandingsQuery
    ),
    responses(
        (status = 200, description = "The table.", body = Standings),
        (status = 404, description = "The competition or its season is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_standings(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<StandingsQuery>,
) -> Result<Json<Standings>, ApiError> {
    let key = CompetitionKey::new(key)
        .map_err(|it| ApiError::BadPath(FieldError::of_parameter("key", it.to_string())))?;
    let table = state.engine.standings(&key, query.season.as_ref()).await?;
    Ok(Json(table.into()))
}
