//! `POST /v1/fixtures`.

use axum::{extract::State, response::Response};
use domain::{CompetitionKey, FixtureId, SeasonKey, TeamId};
use engine::{FixtureCommand, TeamRef};
use serde::Deserialize;
use utoipa::ToSchema;

use super::written::{Batch, IdempotencyHeader, Written, written};
use crate::{
    ApiState,
    auth::Writer,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_batch},
    idempotency::once,
    problem::Problem,
    wire::{FixtureStatus, Moment, SeasonType},
};

/// A fixture to add or change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixtureEntry {
    /// Number of the fixture that is changed, as one that moves to another day; found by the other
    /// members where not given.
    fixture_id: Option<i64>,
    /// Key of the competition.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "E0")]
    competition: CompetitionKey,
    /// Season, as its competition writes it.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "2024/25")]
    season: SeasonKey,
    /// The part of the season; left as it is where not given, and `regular` for a new fixture.
    season_type: Option<SeasonType>,
    /// Start (RFC 3339).
    #[schema(value_type = String, format = DateTime, example = "2024-08-17T14:00:00Z")]
    kickoff: Moment,
    /// Home side.
    home: TeamName,
    /// Away side.
    away: TeamName,
    /// Whether neither side is at home.
    #[serde(default)]
    neutral: bool,
    /// Where it stands; left as it is where not given. A result, written as such, is what makes it
    /// `finished`: that is refused here, but for a fixture named by its number that has one.
    status: Option<FixtureStatus>,
}

/// A team by number, or by any of its names; a name never seen makes a new team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a team's number or its name")]
pub(crate) enum TeamName {
    /// Number of the team.
    Id(i64),
    /// A name of the team.
    #[schema(example = "Arsenal")]
    Name(String),
}

impl From<TeamName> for TeamRef {
    fn from(team: TeamName) -> Self {
        match team {
            TeamName::Id(id) => Self::Id(TeamId(id)),
            TeamName::Name(name) => Self::Name(name),
        }
    }
}

impl From<FixtureEntry> for FixtureCommand {
    fn from(entry: FixtureEntry) -> Self {
        Self {
            fixture: entry.fixture_id.map(FixtureId),
            competition: entry.competition,
            season: entry.season,
            season_type: entry.season_type.map(domain::SeasonType::from),
            kickoff: entry.kickoff.0,
            home: entry.home.into(),
            away: entry.away.into(),
            neutral: entry.neutral,
            status: entry.status.map(domain::FixtureStatus::from),
        }
    }
}

/// Write fixtures
///
/// Adds fixtures, or changes those already there: an entry is taken for a fixture known when
/// competition, season and teams agree (and the day, where teams meet more than once a season, as
/// those do that play on two days running). One that moves to another day there is named by its
/// number. A game that has a result is never moved to a day that is still to come. All entries are
/// written or none.
#[utoipa::path(
    post,
    path = "/v1/fixtures",
    operation_id = "putFixtures",
    tag = "Writing",
    params(IdempotencyHeader),
    request_body(content = Batch<FixtureEntry>, description = "1 to 1,000 fixtures.",
        example = json!({"data": [{"competition": "E0", "season": "2024/25", "kickoff": "2024-08-17T14:00:00Z",
            "home": "Arsenal", "away": "Wolves"}]})),
    responses(
        (status = 200, description = "All entries are written.", body = Written,
            headers(("sports-edge-position" = u64, description = "Makes a read see this write."))),
        (status = 422, description = "Entries cannot be taken; nothing was written.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn put_fixtures(
    writer: Writer,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    once(
        &state.engine,
        &writer,
        "POST /v1/fixtures",
        &body,
        |_| async {
            let entries: Vec<FixtureEntry> = read_batch(&body.bytes)?;
            let commands = entries.into_iter().map(FixtureCommand::from).collect();
            written(state.engine.put_fixtures(commands).await)
        },
    )
    .await
}
