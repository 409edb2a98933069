//! `GET /v1/fixtures/{id}`.

use axum::{Json, extract::State};
use domain::FixtureId;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::Fixture,
};

/// Get a fixture
///
/// The fixture with its sides, and its result once it is known.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}",
    operation_id = "getFixture",
    tag = "Fixtures",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000)),
    responses(
        (status = 200, description = "The fixture.", body = Fixture),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_fixture(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<Fixture>, ApiError> {
    let fixture = state.engine.fixture(FixtureId(id)).await?;
    Ok(Json(fixture.into()))
}
