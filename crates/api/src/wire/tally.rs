//! Games won, drawn and lost on the wire.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

/// Games won, drawn and lost, and the goals or points in them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tally {
    /// Games played.
    #[schema(example = 38)]
    played: u32,
    /// Of these, won.
    #[schema(example = 28)]
    won: u32,
    /// Ended level.
    #[schema(example = 7)]
    drawn: u32,
    /// Lost.
    #[schema(example = 3)]
    lost: u32,
    /// Goals or points of the team.
    #[schema(example = 96)]
    scored: u32,
    /// Goals or points of those it played.
    #[schema(example = 34)]
    conceded: u32,
    /// The first less the second.
    #[schema(example = 62)]
    difference: i64,
}

impl From<domain::Tally> for Tally {
    fn from(tally: domain::Tally) -> Self {
        Self {
            played: tally.played(),
            won: tally.won,
            drawn: tally.drawn,
            lost: tally.lost,
            scored: tally.scored,
            conceded: tally.conceded,
            difference: tally.difference(),
        }
    }
}

/// How many of a team's last games are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GameCount(u32);

/// The most games that can be asked for.
const GAMES_MAX: u32 = 50;

impl GameCount {
    /// The number, or what is given where the client does not say.
    pub(crate) fn or(count: Option<Self>, default: u32) -> u32 {
        count.map_or(default, |it| it.0)
    }
}

impl<'de> Deserialize<'de> for GameCount {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        match text.parse() {
            Ok(count) if (1..=GAMES_MAX).contains(&count) => Ok(Self(count)),
            _ => Err(D::Error::custom(format!(
                "a limit here is a whole number from 1 to {GAMES_MAX}"
            ))),
        }
    }
}
