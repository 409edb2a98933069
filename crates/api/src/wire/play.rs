//! Games under way on the wire: events as sources tell them, and how a game stands.

use std::num::NonZeroU8;

use domain::{GameClock, Period, PlayEvent, PlayKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PlayMoment, Score};

/// Probabilities in brief are told in steps of one part in so many.
const STEPS: f64 = 100_000.0;

/// One of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// Home.
    Home,
    /// Away.
    Away,
}

impl From<domain::Side> for Side {
    fn from(side: domain::Side) -> Self {
        match side {
            domain::Side::Home => Self::Home,
            domain::Side::Away => Self::Away,
        }
    }
}

impl From<Side> for domain::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Home => Self::Home,
            Side::Away => Self::Away,
        }
    }
}

/// A place on a game's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {
    /// Which half, quarter or overtime, counted from one; at most 5 in football.
    #[schema(minimum = 1, maximum = 20, example = 1)]
    pub(crate) period: u8,
    /// Seconds played of it, stoppage time counted on.
    #[schema(minimum = 0, maximum = 7200, example = 600)]
    pub(crate) seconds: u16,
}

impl From<GameClock> for Clock {
    fn from(clock: GameClock) -> Self {
        Self {
            period: clock.period().number(),
            seconds: clock.seconds(),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// `period` begins; its clock runs.
    PeriodStart,
    /// `period` ends.
    PeriodEnd,
    /// The clock stands at `clock`, and is `running` or not. Sent now and then it says that the
    /// source is well, too.
    Clock,
    /// `seconds` are added to the period at least.
    Stoppage,
    /// `side` scores `points`.
    Scored,
    /// A player of `side` is sent off, in football.
    RedCard,
    /// What the event numbered `of` told did not count after all: a goal or a card no longer counts,
    /// anything else is as if it had not been told, another `cancelled`, too.
    Cancelled,
    /// The score is `home` to `away`, whatever was told before.
    Score,
    /// Nothing more is played, overtime included.
    Finished,
    /// The game was given up.
    Abandoned,
}

/// What happened in a game, with the members its kind has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventBody {
    /// What happened.
    pub(crate) kind: EventKind,
    /// Which period; of `period_start` and `period_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub(crate) period: Option<u8>,
    /// Whether the clock runs on; of `clock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running: Option<bool>,
    /// Seconds added; of `stoppage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u16>,
    /// Whose; of `scored` and `red_card`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) side: Option<Side>,
    /// What it counts, 1 where not given; of `scored`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 1)]
    pub(crate) points: Option<NonZeroU8>,
    /// The number of an earlier event; of `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<u64>,
    /// Home's goals or points; of `score`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) home: Option<u16>,
    /// Away's; of `score`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) away: Option<u16>,
}

/// What is wrong with an event: which member, and what.
pub(crate) type EventFault = (&'static str, String);

impl EventBody {
    /// The event as the platform knows it.
    pub(crate) fn kind(&self) -> Result<PlayKind, EventFault> {
        let kind = match self.kind {
            EventKind::PeriodStart => PlayKind::PeriodStart {
                period: self.period()?,
            },
            EventKind::PeriodEnd => PlayKind::PeriodEnd {
                period: self.period()?,
            },
            EventKind::Clock => PlayKind::Clock {
                running: due("running", self.running)?,
            },
            EventKind::Stoppage => PlayKind::Stoppage {
                seconds: due("seconds", self.seconds)?,
            },
            EventKind::Scored => PlayKind::Scored {
                side: due("side", self.side)?.into(),
                points: self.points.unwrap_or(NonZeroU8::MIN),
            },
            EventKind::RedCard => PlayKind::RedCard {
                side: due("side", self.side)?.into(),
            },
            EventKind::Cancelled => PlayKind::Cancelled {
                of: due("of", self.of)?,
            },
            EventKind::Score => PlayKind::Score {
                home: due("home", self.home)?,
                away: due("away", self.away)?,
            },
            EventKind::Finished => PlayKind::Finished,
            EventKind::Abandoned => PlayKind::Abandoned,
        };
        self.refuse_others(&kind)?;
        Ok(kind)
    }

    fn period(&self) -> Result<Period, EventFault> {
        let period = due("period", self.period)?;
        Period::new(period).map_err(|error| ("period", error.to_string()))
    }

    /// Refuses members that do not belong to the kind: they would be lost.
    fn refuse_others(&self, kind: &PlayKind) -> Result<(), EventFault> {
        let own = Self::from(*kind);
        let members = [
            ("period", self.period.is_some(), own.period.is_some()),
            ("running", self.running.is_some(), own.running.is_some()),
            ("seconds", self.seconds.is_some(), own.seconds.is_some()),
            ("side", self.side.is_some(), own.side.is_some()),
            ("points", self.points.is_some(), own.points.is_some()),
            ("of", self.of.is_some(), own.of.is_some()),
            ("home", self.home.is_some(), own.home.is_some()),
            ("away", self.away.is_some(), own.away.is_some()),
        ];
        match members.into_iter().find(|(_, given, own)| *given && !own) {
            Some((name, ..)) => Err((name, "does not belong to this kind of event".to_owned())),
            None => Ok(()),
        }
    }
}

fn due<T>(name: &'static str, value: Option<T>) -> Result<T, EventFault> {
    value.ok_or_else(|| (name, "is missing in this kind of event".to_owned()))
}

impl From<PlayKind> for EventBody {
    fn from(kind: PlayKind) -> Self {
        let bare = |kind| Self {
            kind,
            period: None,
            running: None,
            seconds: None,
            side: None,
            points: None,
            of: None,
            home: None,
            away: None,
        };
        match kind {
            PlayKind::PeriodStart { period } => Self {
                period: Some(period.number()),
                ..bare(EventKind::PeriodStart)
            },
            PlayKind::PeriodEnd { period } => Self {
                period: Some(period.number()),
                ..bare(EventKind::PeriodEnd)
            },
            PlayKind::Clock { running } => Self {
                running: Some(running),
                ..bare(EventKind::Clock)
            },
            PlayKind::Stoppage { seconds } => Self {
                seconds: Some(seconds),
                ..bare(EventKind::Stoppage)
            },
            PlayKind::Scored { side, points } => Self {
                side: Some(side.into()),
                points: Some(points),
                ..bare(EventKind::Scored)
            },
            PlayKind::RedCard { side } => Self {
                side: Some(side.into()),
                ..bare(EventKind::RedCard)
            },
            PlayKind::Cancelled { of } => Self {
                of: Some(of),
                ..bare(EventKind::Cancelled)
            },
            PlayKind::Score { home, away } => Self {
                home: Some(home),
                away: Some(away),
                ..bare(EventKind::Score)
            },
            PlayKind::Finished => bare(EventKind::Finished),
            PlayKind::Abandoned => bare(EventKind::Abandoned),
        }
    }
}

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not begun.
    Before,
    /// A period is under way, its clock running or not.
    Playing,
    /// Between two periods.
    Break,
    /// Nothing more is played.
    Finished,
    /// Given up.
    Abandoned,
}

impl From<engine::Phase> for Phase {
    fn from(phase: engine::Phase) -> Self {
        match phase {
            engine::Phase::Before => Self::Before,
            engine::Phase::Playing => Self::Playing,
            engine::Phase::Break => Self::Break,
            engine::Phase::Finished => Self::Finished,
            engine::Phase::Abandoned => Self::Abandoned,
        }
    }
}

impl From<Phase> for engine::Phase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Before => Self::Before,
            Phase::Playing => Self::Playing,
            Phase::Break => Self::Break,
            Phase::Finished => Self::Finished,
            Phase::Abandoned => Self::Abandoned,
        }
    }
}

/// A game under way as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Play {
    /// Where it stands.
    phase: Phase,
    /// Goals or points, without those of a shoot-out.
    score: Score,
    /// What was scored in the shoot-out; null before one.
    shootout: Option<Score>,
    /// Players sent off, home and away.
    #[schema(value_type = Vec<u8>, min_items = 2, max_items = 2, example = json!([0, 1]))]
    red_cards: [u8; 2],
    /// The clock; null before the first period.
    clock: Option<PlayClock>,
    /// When something was last heard of the game.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    heard_at: Timestamp,
    /// Why what is said may not hold any more; null while the source is heard.
    stale: Option<Stale>,
    /// What happened that counts, in order: whistles, cards and, in football, goals and scores
    /// that were told and are others than before. What was taken back stays listed.
    moments: Vec<PlayMoment>,
    /// What the next goal would be and do; null in sports of points and where there can be none.
    next_goal: Option<NextGoal>,
}

/// The clock of a game.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayClock {
    /// Which half, quarter or overtime, counted from one.
    #[schema(example = 1)]
    period: u8,
    /// Seconds played of it at `at`.
    #[schema(example = 600)]
    seconds: u16,
    /// When it stood there.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:00Z")]
    at: Timestamp,
    /// Whether it has run on since.
    running: bool,
    /// Seconds announced to be added; null before they are.
    #[schema(example = json!(null))]
    stoppage: Option<u16>,
}

/// A source that fell silent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stale {
    /// When it was last heard.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    since: Timestamp,
    /// A sentence for people.
    #[schema(example = "nothing was heard of the game for more than 5 min while the clock runs")]
    reason: String,
}

/// What the next goal would be and do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NextGoal {
    /// Probabilities that home scores it, that away does, and that there is none.
    #[schema(value_type = Vec<f64>, min_items = 3, max_items = 3, example = json!([0.5, 0.3, 0.2]))]
    probabilities: [f64; 3],
    /// Home, draw, away after a goal of home.
    #[schema(value_type = Vec<f64>, min_items = 3, max_items = 3, example = json!([0.8, 0.15, 0.05]))]
    after_home: [f64; 3],
    /// Home, draw, away after a goal of away.
    #[schema(value_type = Vec<f64>, min_items = 3, max_items = 3, example = json!([0.3, 0.3, 0.4]))]
    after_away: [f64; 3],
}

impl From<engine::PlayView> for Play {
    fn from(view: engine::PlayView) -> Self {
        Self {
            phase: view.phase.into(),
            score: view.score.into(),
            shootout: view.shootout.map(Score::from),
            red_cards: view.red_cards,
            clock: view.clock.map(|(clock, at)| PlayClock {
                period: clock.period().number(),
                seconds: clock.seconds(),
                at,
                running: view.running,
                stoppage: view.stoppage,
            }),
            heard_at: view.heard_at,
            stale: view.silent.map(Stale::from),
            moments: view.moments.into_iter().map(PlayMoment::from).collect(),
            next_goal: view.next_goal.map(NextGoal::from),
        }
    }
}

impl Play {
    /// The same in brief, for what is followed.
    pub(crate) fn brief(self) -> Self {
        let next_goal = self.next_goal.map(|it| NextGoal {
            probabilities: it.probabilities.map(brief),
            after_home: it.after_home.map(brief),
            after_away: it.after_away.map(brief),
        });
        Self { next_goal, ..self }
    }
}

/// A probability to five places, which are more than anybody is shown. What may yet happen is never told as
/// impossible, and what may not as certain: only 0 is 0, and 1 is 1.
pub(crate) fn brief(probability: f64) -> f64 {
    if probability <= 0.0 || probability >= 1.0 {
        return probability;
    }
    let step = 1.0 / STEPS;
    ((probability * STEPS).round() / STEPS).clamp(step, 1.0 - step)
}

impl From<engine::Silence> for Stale {
    fn from(silence: engine::Silence) -> Self {
        Self {
            since: silence.since,
            reason: silence.reason,
        }
    }
}

impl From<engine::NextGoal> for NextGoal {
    fn from(next: engine::NextGoal) -> Self {
        let [after_home, after_away] = next.after;
        Self {
            probabilities: next.probabilities,
            after_home,
            after_away,
        }
    }
}

/// Where the game's clock stood, as an event says it.
pub(crate) fn clock_of(event: &PlayEvent) -> Option<Clock> {
    event.clock.map(Clock::from)
}

/// Reads a clock.
pub(crate) fn game_clock(clock: Clock) -> Result<GameClock, EventFault> {
    let period = Period::new(clock.period);
    let period = period.map_err(|error| ("clock/period", error.to_string()))?;
    GameClock::new(period, clock.seconds).map_err(|error| ("clock/seconds", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_brief_only_what_is_certain_is_told_as_certain() {
        let told = [0.0, 1e-9, 0.123_444_9, 0.123_445_1, 0.999_999, 1.0].map(brief);
        assert_eq!(told, [0.0, 0.00001, 0.12344, 0.12345, 0.99999, 1.0]);
        for probabilities in [[0.2, 0.3, 0.5], [0.333_333, 0.333_333, 0.333_334]] {
            let sum: f64 = probabilities.map(brief).iter().sum();
            assert!((sum - 1.0).abs() <= 1.5 / STEPS, "{sum}");
        }
    }
}
