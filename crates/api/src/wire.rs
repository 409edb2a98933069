//! What goes over the wire and more than one endpoint speaks of; apart from the engine's own
//! values, so that these can change without breaking a client.

mod alert;
mod cache;
mod cache_entry;
mod edge;
mod firing;
mod fixture;
mod market;
mod moment;
mod play;
mod prediction;
mod scoreboard;
mod served;
mod tally;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

pub(crate) use alert::{Alert, AlertCondition, AlertScope, Alerts};
pub(crate) use cache::{CacheKind, CacheStatus, SharedStatus};
pub(crate) use cache_entry::{CacheDrop, CacheEntry, CacheLook};
pub(crate) use edge::Edge;
pub(crate) use firing::{DeliveryList, Fired, FiringDeliveries, Firings};
pub(crate) use fixture::{
    Fixture, FixtureStatus, KickoffPrecision, MatchStats, Score, SeasonType, Sport, Team,
};
pub(crate) use market::{Against, MarketKind, MarketView, QuoteStage};
pub(crate) use moment::{PlayMoment, whole_seconds};
pub(crate) use play::{
    Clock, EventBody, EventFault, EventKind, NextGoal, Phase, Play, Side, Stale, brief, clock_of,
    game_clock,
};
pub(crate) use prediction::{Opinion, Prediction, Reason};
pub(crate) use scoreboard::{ScoreEdge, ScorePlay, ScoreRow, ScoreTeam};
pub(crate) use served::{Canary, ModelStatistics, ModelVersion, ServedModel, Shadow};
pub(crate) use tally::{GameCount, Tally};

/// A list, or one page of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct List<T> {
    /// The entries.
    pub(crate) data: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last.
    #[schema(example = json!(null))]
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    /// Turns a page of the engine into a page of the wire.
    pub(crate) fn of<U>(page: engine::Page<U>, wire: impl Fn(U) -> T) -> Self {
        Self {
            data: page.data.into_iter().map(wire).collect(),
            next_cursor: page.next_cursor,
        }
    }

    /// A list that fits one page.
    pub(crate) fn whole<U>(data: Vec<U>, wire: impl Fn(U) -> T) -> Self {
        Self {
            data: data.into_iter().map(wire).collect(),
            next_cursor: None,
        }
    }
}

/// Entries of a page, where the client says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(u32);

impl Limit {
    /// The engine's number for it: 0 asks for the default.
    pub(crate) fn number(limit: Option<Self>) -> u32 {
        limit.map_or(0, |it| it.0)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let max = engine::PAGE_LIMIT_MAX;
        match text.parse() {
            Ok(limit) if (1..=max).contains(&limit) => Ok(Self(limit)),
            _ => Err(D::Error::custom(format!(
                "a limit is a whole number from 1 to {max}"
            ))),
        }
    }
}

/// Competitions in one parameter, separated by commas; at most 50.
#[derive(Debug, Clone, Default)]
pub(crate) struct CompetitionList(pub(crate) Vec<domain::CompetitionKey>);

const COMPETITIONS_MAX: usize = 50;

impl<'de> Deserialize<'de> for CompetitionList {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let keys: Result<Vec<_>, _> = text.split(',').map(domain::CompetitionKey::new).collect();
        let keys = keys.map_err(D::Error::custom)?;
        if keys.len() > COMPETITIONS_MAX {
            let detail = format!("at most {COMPETITIONS_MAX} competitions can be listed");
            return Err(D::Error::custom(detail));
        }
        Ok(Self(keys))
    }
}

/// A moment in a query or a body, in RFC 3339 with any offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let moment = text.parse().map(Self);
        moment.map_err(|_| {
            // In a query a + that is not written as %2B is a space.
            let plus = if text.contains(' ') {
                " (a + is %2B)"
            } else {
                ""
            };
            let detail = "is not a moment of RFC 3339, such as 2024-05-19T14:00:00Z";
            D::Error::custom(format!("{text:?} {detail}{plus}"))
        })
    }
}

/// The number of a team in a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TeamNumber(pub(crate) i64);

impl<'de> Deserialize<'de> for TeamNumber {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let number = text.parse().map(Self);
        number.map_err(|_| D::Error::custom(format!("{text:?} is not a team's number")))
    }
}
