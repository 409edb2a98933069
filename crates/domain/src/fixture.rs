//! Competitions, teams and fixtures as they are remembered.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CompetitionKey, FixtureId, SeasonKey, TeamId};

/// What is played; decides which models apply and whether a draw is an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sport {
    /// Association football: home, draw, away.
    Football,
    /// American football (NFL): home, away; a tie settles as half.
    AmericanFootball,
    /// Basketball (NBA): home, away.
    Basketball,
}

impl Sport {
    /// Every sport, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Football, Self::AmericanFootball, Self::Basketball];

    /// The key used in files and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Football => "football",
            Self::AmericanFootball => "american_football",
            Self::Basketball => "basketball",
        }
    }

    /// Reads [`Sport::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sport| sport.as_str() == text)
    }

    /// Whether a draw is an outcome of `h2h`.
    pub fn has_draw(self) -> bool {
        self == Self::Football
    }

    /// The number of the period that is a shoot-out, whose goals decide who goes on and do not count.
    pub fn shootout(self) -> Option<u8> {
        (self == Self::Football).then_some(5)
    }

    /// Periods before overtime.
    pub fn regular_periods(self) -> u8 {
        match self {
            Self::Football => 2,
            Self::AmericanFootball | Self::Basketball => 4,
        }
    }

    /// Minutes of a period as scoreboards count them, of overtimes too.
    pub fn period_minutes(self, period: u8) -> u16 {
        match (self, period <= self.regular_periods()) {
            (Self::Football, true) => 45,
            (Self::Football, false) | (Self::AmericanFootball, true) => 15,
            (Self::AmericanFootball, false) => 10,
            (Self::Basketball, true) => 12,
            (Self::Basketball, false) => 5,
        }
    }

    /// How long after kickoff a result is taken to be known, at the latest.
    pub fn result_delay(self) -> SignedDuration {
        match self {
            Self::Football => SignedDuration::from_hours(3),
            Self::AmericanFootball => SignedDuration::from_hours(5),
            Self::Basketball => SignedDuration::from_hours(4),
        }
    }
}

/// A league or cup whose fixtures are predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Competition {
    /// Stable key, such as `E0`.
    pub key: CompetitionKey,
    /// Name for people.
    pub name: String,
    /// What is played.
    pub sport: Sport,
    /// ISO 3166 country code, or `INT`.
    pub country: String,
    /// Competitions of one pool share teams (promotion and relegation), hence ratings.
    pub pool: String,
    /// IANA time zone of kickoff times in sources that give local times.
    pub time_zone: String,
    /// Whether each ordered pair of teams meets at most once a season, so that a fixture that
    /// moves to another day is still the same fixture.
    pub single_round: bool,
}

/// A club or national side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Number in the store.
    pub id: TeamId,
    /// What it plays.
    pub sport: Sport,
    /// Canonical name.
    pub name: String,
    /// ISO 3166 country code, or empty where unknown.
    pub country: String,
}

/// How exactly a kickoff is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KickoffPrecision {
    /// Only the day: the instant stored is noon in the competition's time zone.
    Day,
    /// To the minute.
    Minute,
}

/// Where a fixture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixtureStatus {
    /// To be played.
    Scheduled,
    /// Played; has a score.
    Finished,
    /// Moved to an unknown day.
    Postponed,
    /// Will not be played.
    Cancelled,
}

/// The part of a season that a game belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeasonType {
    /// What tables are made of.
    #[default]
    Regular,
    /// What is played after it among the best: play-offs, with what leads to them.
    Postseason,
}

impl SeasonType {
    /// Every part, in the order of declaration.
    pub const ALL: [Self; 2] = [Self::Regular, Self::Postseason];

    /// The key used in files and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Postseason => "postseason",
        }
    }

    /// Reads [`SeasonType::as_str`] back, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let is = |it: &Self| it.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(is)
    }
}

/// Goals or points of both sides at the end (overtime included where the sport counts it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Score {
    /// Home side.
    pub home: u16,
    /// Away side.
    pub away: u16,
}

/// What happened beyond the score, where a source says.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MatchStats {
    /// Score at half time.
    pub half_time: Option<Score>,
    /// Shots, home and away.
    pub shots: Option<[u16; 2]>,
    /// Shots on target, home and away.
    pub shots_on_target: Option<[u16; 2]>,
    /// Corners, home and away.
    pub corners: Option<[u16; 2]>,
    /// Yellow cards, home and away.
    pub yellow_cards: Option<[u16; 2]>,
    /// Red cards, home and away.
    pub red_cards: Option<[u16; 2]>,
    /// Expected goals, home and away.
    pub expected_goals: Option<[f64; 2]>,
    /// Days of rest before the game, home and away.
    pub rest_days: Option<[u16; 2]>,
}

/// A scheduled or played game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fixture {
    /// Number in the store.
    pub id: FixtureId,
    /// Competition it belongs to.
    pub competition: CompetitionKey,
    /// Season it belongs to.
    pub season: SeasonKey,
    /// The part of the season; tables count the regular one.
    pub season_type: SeasonType,
    /// Start, in UTC.
    pub kickoff: Timestamp,
    /// How exactly the start is known.
    pub kickoff_precision: KickoffPrecision,
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Where it stands.
    pub status: FixtureStatus,
    /// Final score, present exactly when the status is finished.
    pub score: Option<Score>,
    /// What else is known of the game.
    pub stats: MatchStats,
}

impl FixtureStatus {
    /// Whether the game was or is to be played at the kickoff that is given.
    pub fn has_kickoff(self) -> bool {
        matches!(self, Self::Scheduled | Self::Finished)
    }
}

impl KickoffPrecision {
    /// The moment from which a result counts as known: kickoff plus the length of the game, or
    /// where only the day is known, and noon stands for it, two in the morning after, when the
    /// latest games have ended (of a league dated by the clocks of its east coast, those in the
    /// west).
    pub fn result_known_at(self, kickoff: Timestamp, sport: Sport) -> Timestamp {
        let delay = match self {
            Self::Minute => sport.result_delay(),
            Self::Day => SignedDuration::from_hours(14),
        };
        kickoff
            .saturating_add(delay)
            .expect("a signed duration never overflows when saturating")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sport_reads_back_what_it_writes() {
        for sport in Sport::ALL {
            assert_eq!(Sport::parse(sport.as_str()), Some(sport));
            let json = serde_json::to_string(&sport).unwrap();
            assert_eq!(json, format!("\"{}\"", sport.as_str()));
        }
        assert_eq!(Sport::parse("curling"), None);
    }

    #[test]
    fn only_football_ends_in_draws() {
        assert_eq!(Sport::ALL.map(Sport::has_draw), [true, false, false]);
    }

    #[test]
    fn a_result_is_known_after_the_game_or_after_the_night_where_only_the_day_is_known() {
        let kickoff: Timestamp = "2022-08-06T15:00:00Z".parse().unwrap();
        let known = |precision: KickoffPrecision, sport| {
            precision.result_known_at(kickoff, sport).to_string()
        };
        assert_eq!(
            known(KickoffPrecision::Minute, Sport::Football),
            "2022-08-06T18:00:00Z"
        );
        assert_eq!(
            known(KickoffPrecision::Minute, Sport::AmericanFootball),
            "2022-08-06T20:00:00Z"
        );
        assert_eq!(
            known(KickoffPrecision::Minute, Sport::Basketball),
            "2022-08-06T19:00:00Z"
        );
        assert_eq!(
            known(KickoffPrecision::Day, Sport::Football),
            "2022-08-07T05:00:00Z"
        );
    }
}
