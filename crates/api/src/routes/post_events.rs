//! `POST /v1/events`.

use std::num::NonZeroU8;

use axum::{extract::State, response::Response};
use domain::{FixtureId, PlayEvent};
use engine::{BatchProblem, EventCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    sources::SourceQuery,
    written::{Batch, IdempotencyHeader, commands, refused},
};
use crate::{
    ApiState,
    auth::Writer,
    error::ApiError,
    extract::{JsonBody, Query, read_batch},
    idempotency::{Answer, once},
    problem::Problem,
    wire::{Clock, EventBody, EventFault, EventKind, Moment, Side, game_clock},
};

/// An event of a game under way.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventEntry {
    /// Number of the fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// The source's number, growing within a game: it puts events in order, whenever they arrive.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64, example = 12)]
    sequence: u64,
    /// How often the source has told this event anew; of two with the same number the higher
    /// revision counts. Which of two that differ in the same revision does is not said by their
    /// order of arrival.
    #[serde(default)]
    revision: u16,
    /// When it happened (RFC 3339).
    #[schema(value_type = String, format = DateTime, example = "2024-08-17T14:10:00Z")]
    at: Moment,
    /// When it was told (RFC 3339), for games recorded earlier: from then on it counts as known.
    /// Now where not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    told_at: Option<Moment>,
    /// Where the game's clock stood, where the source says. A game is under way once that or one of
    /// its whistles was told.
    clock: Option<Clock>,
    /// What happened.
    kind: EventKind,
    /// Which period; of `period_start` and `period_end`. At most 5 in football.
    #[schema(minimum = 1, maximum = 20)]
    period: Option<u8>,
    /// Whether the clock runs on; of `clock`.
    running: Option<bool>,
    /// Seconds added; of `stoppage`.
    seconds: Option<u16>,
    /// Whose; of `scored` and `red_card`.
    side: Option<Side>,
    /// What it counts, 1 where not given; of `scored`. 1 in football, at most 3 in basketball and
    /// 8 in American football.
    #[schema(value_type = Option<u8>, minimum = 1)]
    points: Option<NonZeroU8>,
    /// The number of an earlier event; of `cancelled`.
    of: Option<u64>,
    /// Home's goals or points; of `score`.
    home: Option<u16>,
    /// Away's; of `score`.
    away: Option<u16>,
}

/// What a batch of events did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsWritten {
    /// What became of each entry, in the order given.
    data: Vec<EventWritten>,
    /// Events that were new.
    #[schema(example = 1)]
    events_added: u64,
    /// The number of the change they made, which goes into a header.
    #[serde(skip)]
    position: Option<u64>,
}

impl Answer for EventsWritten {
    fn position(&self) -> Option<u64> {
        self.position
    }
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventWritten {
    /// Number of its fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Whether it was new; false where it was known in the same words.
    #[schema(example = true)]
    added: bool,
}

impl EventEntry {
    fn body(&self) -> EventBody {
        EventBody {
            kind: self.kind,
            period: self.period,
            running: self.running,
            seconds: self.seconds,
            side: self.side,
            points: self.points,
            of: self.of,
            home: self.home,
            away: self.away,
        }
    }

    fn command(&self, index: usize) -> Result<EventCommand, BatchProblem> {
        let problem = |(field, detail): EventFault| BatchProblem {
            index,
            field: field.to_owned(),
            detail,
        };
        Ok(EventCommand {
            fixture: FixtureId(self.fixture_id),
            event: PlayEvent {
                sequence: self.sequence,
                revision: self.revision,
                at: self.at.0,
                clock: self.clock.map(game_clock).transpose().map_err(problem)?,
                kind: self.body().kind().map_err(problem)?,
            },
            told_at: self.told_at.map(|it| it.0),
        })
    }
}

/// Write events of games under way
///
/// Appends what happened to the logs of fixtures. Nothing is overwritten: an event told anew comes
/// with the same number and a higher `revision`, one that did not count is taken back by a
/// `cancelled` event, and one that is known in the same words changes nothing. All entries are
/// written or none.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "putEvents",
    tag = "Writing",
    params(SourceQuery, IdempotencyHeader),
    request_body(content = Batch<EventEntry>, description = "1 to 1,000 events.",
        example = json!({"data": [{"fixture_id": 7000, "sequence": 1, "at": "2024-02-18T20:00:03Z",
            "told_at": "2024-02-18T20:00:04Z", "kind": "period_start", "period": 1}]})),
    responses(
        (status = 200, description = "All entries are written.", body = EventsWritten,
            headers(("sports-edge-position" = u64, description = "Makes a read see this write."))),
        (status = 422, description = "Entries cannot be taken; nothing was written.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn put_events(
    writer: Writer,
    State(state): State<ApiState>,
    Query(query): Query<SourceQuery>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let source = query.key();
    once(
        &state.engine,
        &writer,
        "POST /v1/events",
        &body,
        |_| async {
            let entries: Vec<EventEntry> = read_batch(&body.bytes)?;
            let outcome = match commands(entries, |index, it: EventEntry| it.command(index)) {
                Ok(commands) => state.engine.put_events(&source, commands).await,
                Err(error) => Err(error),
            };
            let outcome = outcome.map_err(refused)?;
            let written = |(fixture, added): (FixtureId, bool)| EventWritten {
                fixture_id: fixture.0,
                added,
            };
            let data: Vec<EventWritten> = outcome.entries.into_iter().map(written).collect();
            let events_added = data.iter().filter(|it| it.added).count() as u64;
            Ok(EventsWritten {
                data,
                events_added,
                position: outcome.position,
            })
        },
    )
    .await
}
