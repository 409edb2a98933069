//! What happened in a game and counts, on the wire. Its members are its own and not put together
//! with those of [`EventBody`], of which two have the same name and another meaning.

use std::num::NonZeroU8;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{EventBody, EventKind, Score, Side};

/// Something that happened and counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayMoment {
    /// The source's number of it.
    #[schema(example = 12)]
    sequence: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:00Z")]
    at: Timestamp,
    /// The period it fell in; zero before the first.
    #[schema(example = 1)]
    period: u8,
    /// Seconds played of the period.
    #[schema(example = 600)]
    seconds: u32,
    /// What happened.
    kind: EventKind,
    /// Whether the clock runs on; of `clock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<bool>,
    /// Whose; of `scored` and `red_card`.
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<Side>,
    /// What it counts; of `scored`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 1)]
    points: Option<NonZeroU8>,
    /// The number of an earlier event; of `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
    /// Home's goals or points; of `score`.
    #[serde(skip_serializing_if = "Option::is_none")]
    home: Option<u16>,
    /// Away's; of `score`.
    #[serde(skip_serializing_if = "Option::is_none")]
    away: Option<u16>,
    /// The score after it.
    score: Score,
    /// Whether it was taken back.
    cancelled: bool,
}

/// Seconds of a game's clock, as they are told.
pub(crate) fn whole_seconds(seconds: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clock is bounded and never negative"
    )]
    let whole = seconds as u32;
    whole
}

impl From<engine::MomentView> for PlayMoment {
    fn from(view: engine::MomentView) -> Self {
        let what = EventBody::from(view.event.kind);
        Self {
            sequence: view.event.sequence,
            at: view.event.at,
            period: view.period,
            seconds: whole_seconds(view.seconds),
            kind: what.kind,
            running: what.running,
            side: what.side,
            points: what.points,
            of: what.of,
            home: what.home,
            away: what.away,
            score: view.score.into(),
            cancelled: view.cancelled,
        }
    }
}
