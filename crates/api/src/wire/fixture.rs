//! Teams and fixtures on the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sport {
    /// Association football.
    Football,
    /// American football.
    AmericanFootball,
    /// Basketball.
    Basketball,
}

impl From<domain::Sport> for Sport {
    fn from(sport: domain::Sport) -> Self {
        match sport {
            domain::Sport::Football => Self::Football,
            domain::Sport::AmericanFootball => Self::AmericanFootball,
            domain::Sport::Basketball => Self::Basketball,
        }
    }
}

impl From<Sport> for domain::Sport {
    fn from(sport: Sport) -> Self {
        match sport {
            Sport::Football => Self::Football,
            Sport::AmericanFootball => Self::AmericanFootball,
            Sport::Basketball => Self::Basketball,
        }
    }
}

/// A club or national side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Team {
    /// Number of the team.
    #[schema(example = 1)]
    pub(crate) id: i64,
    /// What it plays.
    pub(crate) sport: Sport,
    /// Canonical name.
    #[schema(example = "Arsenal")]
    pub(crate) name: String,
    /// ISO 3166 country code; null where unknown.
    #[schema(example = "GB")]
    pub(crate) country: Option<String>,
}

impl From<domain::Team> for Team {
    fn from(team: domain::Team) -> Self {
        Self {
            id: team.id.0,
            sport: team.sport.into(),
            name: team.name,
            country: Some(team.country).filter(|it| !it.is_empty()),
        }
    }
}

/// Where a fixture stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FixtureStatus {
    /// To be played.
    Scheduled,
    /// Played; has a score.
    Finished,
    /// Moved to an unknown day.
    Postponed,
    /// Will not be played.
    Cancelled,
}

impl From<domain::FixtureStatus> for FixtureStatus {
    fn from(status: domain::FixtureStatus) -> Self {
        match status {
            domain::FixtureStatus::Scheduled => Self::Scheduled,
            domain::FixtureStatus::Finished => Self::Finished,
            domain::FixtureStatus::Postponed => Self::Postponed,
            domain::FixtureStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<FixtureStatus> for domain::FixtureStatus {
    fn from(status: FixtureStatus) -> Self {
        match status {
            FixtureStatus::Scheduled => Self::Scheduled,
            FixtureStatus::Finished => Self::Finished,
            FixtureStatus::Postponed => Self::Postponed,
            FixtureStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// The part of a season that a game belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeasonType {
    /// What tables are made of.
    Regular,
    /// What is played after it among the best: play-offs, with what leads to them.
    Postseason,
}

impl From<domain::SeasonType> for SeasonType {
    fn from(season_type: domain::SeasonType) -> Self {
        match season_type {
            domain::SeasonType::Regular => Self::Regular,
            domain::SeasonType::Postseason => Self::Postseason,
        }
    }
}

impl From<SeasonType> for domain::SeasonType {
    fn from(season_type: SeasonType) -> Self {
        match season_type {
            SeasonType::Regular => Self::Regular,
            SeasonType::Postseason => Self::Postseason,
        }
    }
}

/// How exactly a kickoff is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KickoffPrecision {
    /// Only the day: the moment given is noon in the competition's time zone.
    Day,
    /// To the minute.
    Minute,
}

impl From<domain::KickoffPrecision> for KickoffPrecision {
    fn from(precision: domain::KickoffPrecision) -> Self {
        match precision {
            domain::KickoffPrecision::Day => Self::Day,
            domain::KickoffPrecision::Minute => Self::Minute,
        }
    }
}

impl From<KickoffPrecision> for domain::KickoffPrecision {
    fn from(precision: KickoffPrecision) -> Self {
        match precision {
            KickoffPrecision::Day => Self::Day,
            KickoffPrecision::Minute => Self::Minute,
        }
    }
}

/// Goals or points of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Score {
    /// Home side.
    #[schema(example = 2)]
    pub(crate) home: u16,
    /// Away side.
    #[schema(example = 1)]
    pub(crate) away: u16,
}

impl From<domain::Score> for Score {
    fn from(score: domain::Score) -> Self {
        Self {
            home: score.home,
            away: score.away,
        }
    }
}

impl From<Score> for domain::Score {
    fn from(score: Score) -> Self {
        Self {
            home: score.home,
            away: score.away,
        }
    }
}

/// What is known of a game beyond its score; pairs are home and away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MatchStats {
    /// Score at half time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) half_time: Option<Score>,
    /// Shots.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([14, 9]))]
    pub(crate) shots: Option<[u16; 2]>,
    /// Shots on target.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([5, 3]))]
    pub(crate) shots_on_target: Option<[u16; 2]>,
    /// Corners.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([7, 4]))]
    pub(crate) corners: Option<[u16; 2]>,
    /// Yellow cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([1, 2]))]
    pub(crate) yellow_cards: Option<[u16; 2]>,
    /// Red cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([0, 0]))]
    pub(crate) red_cards: Option<[u16; 2]>,
    /// Expected goals, not negative.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "expected_goals"
    )]
    #[schema(value_type = Option<Vec<f64>>, min_items = 2, max_items = 2, example = json!([1.8, 0.9]))]
    pub(crate) expected_goals: Option<[f64; 2]>,
    /// Days of rest before the game.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<u16>>, min_items = 2, max_items = 2, example = json!([7, 6]))]
    pub(crate) rest_days: Option<[u16; 2]>,
}

fn expected_goals<'de, D>(input: D) -> Result<Option<[f64; 2]>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let goals = Option::<[f64; 2]>::deserialize(input)?;
    match goals {
        Some(goals) if goals.iter().any(|it| *it < 0.0) => {
            Err(serde::de::Error::custom("expected goals are not negative"))
        }
        goals => Ok(goals),
    }
}

impl From<domain::MatchStats> for MatchStats {
    fn from(stats: domain::MatchStats) -> Self {
        Self {
            half_time: stats.half_time.map(Score::from),
            shots: stats.shots,
            shots_on_target: stats.shots_on_target,
            corners: stats.corners,
            yellow_cards: stats.yellow_cards,
            red_cards: stats.red_cards,
            expected_goals: stats.expected_goals,
            rest_days: stats.rest_days,
        }
    }
}

impl From<MatchStats> for domain::MatchStats {
    fn from(stats: MatchStats) -> Self {
        Self {
            half_time: stats.half_time.map(domain::Score::from),
            shots: stats.shots,
            shots_on_target: stats.shots_on_target,
            corners: stats.corners,
            yellow_cards: stats.yellow_cards,
            red_cards: stats.red_cards,
            expected_goals: stats.expected_goals,
            rest_days: stats.rest_days,
        }
    }
}

/// A scheduled or played game.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fixture {
    /// Number of the fixture.
    #[schema(example = 8)]
    pub(crate) id: i64,
    /// Key of the competition.
    #[schema(example = "E0")]
    pub(crate) competition: String,
    /// Name of the competition.
    #[schema(example = "Premier League")]
    pub(crate) competition_name: String,
    /// Season, as its competition writes it.
    #[schema(example = "2023/24")]
    pub(crate) season: String,
    /// The part of the season.
    pub(crate) season_type: SeasonType,
    /// Start.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:00:00Z")]
    pub(crate) kickoff: Timestamp,
    /// How exactly the start is known.
    pub(crate) kickoff_precision: KickoffPrecision,
    /// Home side.
    pub(crate) home: Team,
    /// Away side.
    pub(crate) away: Team,
    /// Whether neither side is at home.
    pub(crate) neutral: bool,
    /// Where it stands.
    pub(crate) status: FixtureStatus,
    /// Final score; null until the fixture is finished.
    pub(crate) score: Option<Score>,
    /// What else is known of the game.
    pub(crate) stats: MatchStats,
}

impl From<engine::FixtureView> for Fixture {
    fn from(view: engine::FixtureView) -> Self {
        let fixture = view.fixture;
        Self {
            id: fixture.id.0,
            competition: fixture.competition.into(),
            competition_name: view.competition_name,
            season: fixture.season.into(),
            season_type: fixture.season_type.into(),
            kickoff: fixture.kickoff,
            kickoff_precision: fixture.kickoff_precision.into(),
            home: view.home.into(),
            away: view.away.into(),
            neutral: fixture.neutral,
            status: fixture.status.into(),
            score: fixture.score.map(Score::from),
            stats: fixture.stats.into(),
        }
    }
}
