//! `GET /v1/fixtures/{id}/timeline`: how a game went, for charts and replays.

use axum::{Json, extract::State};
use domain::FixtureId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::prediction::AsOfQuery;
use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{EventBody, Phase, PlayMoment, Score, Stale, whole_seconds},
};

/// How a game went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// The fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Version of the trained model.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: String,
    /// The moment whose knowledge was used: nothing later was read.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    as_of: Timestamp,
    /// Probabilities before the game of home, draw (where there is one), away; empty before the
    /// game is under way.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    before: Vec<f64>,
    /// Where each period lies on the axis of time played; the regular ones, and overtimes there
    /// were.
    periods: Vec<TimelinePeriod>,
    /// How the game stood at every minute of it and at whatever happened, oldest first; empty
    /// before the game is under way.
    points: Vec<TimelinePoint>,
    /// What happened that counts, as of `as_of`, in order: whistles, cards and, in football,
    /// goals and scores that were told and are others than before. What was taken back stays
    /// listed.
    moments: Vec<PlayMoment>,
    /// What moved the game most, the largest first; at most five.
    swings: Vec<Swing>,
    /// How much probability moved from some outcomes to others in all: the swing of the game.
    #[schema(example = 1.43)]
    moved: f64,
    /// Why the last point may not hold any more; null while the source is heard.
    stale: Option<Stale>,
}

/// Where a period lies on the axis of time played.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelinePeriod {
    /// Which half, quarter or overtime, counted from one.
    #[schema(example = 2)]
    period: u8,
    /// Seconds played before it.
    #[schema(example = 2880)]
    start_seconds: u32,
    /// How long it is, or was: stoppage time counts once it is played.
    #[schema(example = 2700)]
    length_seconds: u32,
}

/// How a game stood at a moment by what was known then; what `play?as_of=` says of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelinePoint {
    /// The moment.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    at: Timestamp,
    /// Where it stood.
    phase: Phase,
    /// The period that was, or was last, under way; zero before the first.
    #[schema(example = 1)]
    period: u8,
    /// Seconds played of it.
    #[schema(example = 600)]
    seconds: u32,
    /// Goals or points.
    score: Score,
    /// Players sent off, home and away.
    #[schema(value_type = Vec<u8>, min_items = 2, max_items = 2, example = json!([0, 1]))]
    red_cards: [u8; 2],
    /// Probabilities of home, draw (where there is one), away.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    probabilities: Vec<f64>,
    /// Momentum: how far home's probability to win, less away's, has moved over the last ten minutes
    /// of play; since before the game where it is younger.
    #[schema(example = 0.12)]
    momentum: f64,
}

/// A step from a point to the next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Swing {
    /// Which of `points` it led to, counted from zero; it came from the one before.
    #[schema(example = 12)]
    point: usize,
    /// How much probability moved from some outcomes to others.
    #[schema(example = 0.31)]
    moved: f64,
    /// The last thing that was told in it; null where only time passed.
    event: Option<SwingEvent>,
}

/// What moved a game.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwingEvent {
    /// The source's number of it.
    #[schema(example = 12)]
    sequence: u64,
    /// What.
    #[serde(flatten)]
    what: EventBody,
}

impl From<engine::TimelineView> for Timeline {
    fn from(view: engine::TimelineView) -> Self {
        Self {
            fixture_id: view.fixture.0,
            version: view.version,
            as_of: view.as_of,
            before: view.before,
            periods: view.periods.into_iter().map(TimelinePeriod::from).collect(),
            points: view.points.into_iter().map(TimelinePoint::from).collect(),
            moments: view.moments.into_iter().map(PlayMoment::from).collect(),
            swings: view.swings.into_iter().map(Swing::from).collect(),
            moved: view.moved,
            stale: view.silent.map(Stale::from),
        }
    }
}

impl From<engine::PeriodView> for TimelinePeriod {
    fn from(view: engine::PeriodView) -> Self {
        Self {
            period: view.period,
            start_seconds: view.start_seconds,
            length_seconds: view.length_seconds,
        }
    }
}

impl From<engine::TimelinePoint> for TimelinePoint {
    fn from(point: engine::TimelinePoint) -> Self {
        Self {
            at: point.at,
            phase: point.phase.into(),
            period: point.period,
            seconds: whole_seconds(point.seconds),
            score: point.score.into(),
            red_cards: point.red_cards,
            probabilities: point.probabilities,
            momentum: point.momentum,
        }
    }
}

impl From<engine::Swing> for Swing {
    fn from(swing: engine::Swing) -> Self {
        Self {
            point: swing.point,
            moved: swing.moved,
            event: swing.event.map(|it| SwingEvent {
                sequence: it.sequence,
                what: it.kind.into(),
            }),
        }
    }
}

/// See how a game went
///
/// Who was to win it at every minute and at whatever happened, each by what was known at that
/// moment, and what moved it most. Games recorded earlier have one where their events were written
/// with `told_at`.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/timeline",
    operation_id = "getFixtureTimeline",
    tag = "Games under way",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), AsOfQuery),
    responses(
        (status = 200, description = "How it went.", body = Timeline),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The fixture cannot be predicted as of this moment.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_fixture_timeline(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<Timeline>, ApiError> {
    let as_of = query.as_of.map(|it| it.0);
    let timeline = state.engine.timeline(FixtureId(id), as_of).await?;
    Ok(Json(timeline.into()))
}
