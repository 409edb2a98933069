//! What goes over the wire and more than one endpoint speaks of; apart from the engine's own
//! values, so that these can change without breaking a client.

mod edge;
mod fixture;
mod market;
mod prediction;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

pub(crate) use edge::Edge;
pub(crate) use fixture::{Fixture, FixtureStatus, MatchStats, Score, Sport, Team};
pub(crate) use market::{MarketKind, MarketView, QuoteStage};
pub(crate) use prediction::{Opinion, Prediction};

/// A list, or one page of it.
#[derive(Debug, Serialize, ToSchema)]
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
        let limit = u32::deserialize(input)?;
        let max = engine::PAGE_LIMIT_MAX;
        if (1..=max).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(D::Error::custom(format!(
                "a limit lies between 1 and {max}"
            )))
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

/// A moment in a query, in RFC 3339 with any offset.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(pub(crate) Timestamp);
