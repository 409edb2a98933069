//! What a rule remembers of a fixture, and what a new number makes of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AlertCondition, AlertRule, Direction};

/// Parts in which the time of a swing is kept; older ones go one by one.
const PARTS: i32 = 60;
/// Numbers are made of many: what differs by less is equal.
const EPSILON: f64 = 1e-9;
/// How far a number moves before it is worth writing down.
const WORTH: f64 = 0.005;
/// How old what is written down of a swing may get.
const WORTH_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Which way a number went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossing {
    /// Up.
    Up,
    /// Down.
    Down,
}

/// That a rule fired, with the numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertFired {
    /// Which way.
    pub crossing: Crossing,
    /// The number before: the last one seen, or for a swing the one it began from.
    pub before: Option<f64>,
    /// The number now.
    pub after: f64,
}

/// What a rule remembers of a fixture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertWatch {
    /// The number last seen; `None` where there was none.
    value: Option<f64>,
    /// Whether crossing the level up, and down, would count.
    armed: [bool; 2],
    /// When it last fired.
    fired_at: Option<Timestamp>,
    /// What was seen lately, for swings; oldest first.
    #[serde(default)]
    parts: Vec<Part>,
}

/// A stretch of time, and the least and the most that was seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Part {
    at: Timestamp,
    low: f64,
    high: f64,
}

impl AlertWatch {
    /// The number last seen.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// When the rule last fired on the fixture.
    pub fn fired_at(&self) -> Option<Timestamp> {
        self.fired_at
    }

    /// Whether what is written down as `kept` should be replaced by this.
    pub fn is_worth_keeping(&self, kept: &Self) -> bool {
        let moved = match (self.value, kept.value) {
            (Some(a), Some(b)) => (a - b).abs() >= WORTH,
            (a, b) => a.is_some() != b.is_some(),
        };
        let newest = |it: &Self| it.parts.last().map(|it| it.at);
        let old = match (newest(self), newest(kept)) {
            (Some(a), Some(b)) => a.duration_since(b) >= WORTH_AFTER,
            (a, b) => a.is_some() != b.is_some(),
        };
        moved || old || self.armed != kept.armed || self.fired_at != kept.fired_at
    }
}

impl AlertRule {
    /// Begins to watch a fixture: what is so already is no news.
    pub fn begin(&self, value: Option<f64>, now: Timestamp) -> AlertWatch {
        self.begin_again(&AlertWatch::default(), value, now)
    }

    /// Begins to watch anew after a time of not looking; when it last fired still counts.
    pub fn begin_again(
        &self,
        before: &AlertWatch,
        value: Option<f64>,
        now: Timestamp,
    ) -> AlertWatch {
        let armed = match (self.condition(), value) {
            (AlertCondition::Probability { level, .. }, Some(it)) => [it < *level, it > *level],
            (AlertCondition::Edge { level, .. }, it) => [it.is_none_or(|it| it < *level), false],
            _ => [false; 2],
        };
        let mut watch = AlertWatch {
            value,
            armed,
            fired_at: before.fired_at,
            parts: Vec::new(),
        };
        if let (AlertCondition::Swing { .. }, Some(value)) = (self.condition(), value) {
            watch.parts.push(Part::new(value, now));
        }
        watch
    }

    /// Looks at a fixture for the first time, though the rule has been watching: an edge that came
    /// with the fixture is news, a probability is not.
    pub fn look_first(
        &self,
        value: Option<f64>,
        now: Timestamp,
    ) -> (AlertWatch, Option<AlertFired>) {
        match self.condition() {
            AlertCondition::Edge { .. } => self.look(&self.begin(None, now), value, now),
            _ => (self.begin(value, now), None),
        }
    }

    /// Looks at the number as it is now.
    pub fn look(
        &self,
        before: &AlertWatch,
        value: Option<f64>,
        now: Timestamp,
    ) -> (AlertWatch, Option<AlertFired>) {
        let mut watch = before.clone();
        let fired = match (self.condition(), value) {
            (AlertCondition::Probability { level, .. }, Some(it)) => {
                if before.value.is_none() {
                    return (self.begin_again(before, value, now), None);
                }
                watch.cross(it, *level, self.hysteresis())
            }
            (AlertCondition::Edge { level, .. }, Some(it)) => {
                watch.cross(it, *level, self.hysteresis())
            }
            (AlertCondition::Edge { .. }, None) => {
                watch.armed[0] = true;
                None
            }
            (
                AlertCondition::Swing {
                    by, within_minutes, ..
                },
                Some(it),
            ) => watch.swing(it, (*by, *within_minutes), now),
            // What cannot be told for a moment is as it was.
            (_, None) => return (watch, None),
        };
        watch.value = value;
        let fired = fired.filter(|it| self.wants(it.crossing) && self.may_fire(before, now));
        if fired.is_some() {
            watch.fired_at = Some(now);
        }
        (watch, fired)
    }

    fn wants(&self, crossing: Crossing) -> bool {
        let direction = match self.condition() {
            AlertCondition::Probability { direction, .. } => *direction,
            AlertCondition::Edge { .. } => Direction::Up,
            AlertCondition::Swing { .. } => Direction::Either,
        };
        match direction {
            Direction::Up => crossing == Crossing::Up,
            Direction::Down => crossing == Crossing::Down,
            Direction::Either => true,
        }
    }

    /// Whether the quiet after the last firing is over.
    fn may_fire(&self, watch: &AlertWatch, now: Timestamp) -> bool {
        let Some(last) = watch.fired_at else {
            return true;
        };
        let Some(quiet) = self.quiet_minutes() else {
            return false;
        };
        now.duration_since(last) >= SignedDuration::from_mins(quiet.into())
    }
}

impl AlertWatch {
    /// Crosses a level, or not. Either way counts once, and again when the number has been back by
    /// the hysteresis.
    fn cross(&mut self, value: f64, level: f64, hysteresis: f64) -> Option<AlertFired> {
        let [up, down] = self.armed;
        let crossing = if up && value >= level {
            Some(Crossing::Up)
        } else if down && value <= level {
            Some(Crossing::Down)
        } else {
            None
        };
        let back = |is_back: bool, crossed: bool, armed: bool| !crossed && (is_back || armed);
        let (below, above) = (value <= level - hysteresis, value >= level + hysteresis);
        self.armed = [
            back(below, value >= level, up),
            back(above, value <= level, down),
        ];
        crossing.map(|crossing| AlertFired {
            crossing,
            before: self.value,
            after: value,
        })
    }

    /// Moves by so much within so many minutes, or not. What it fired for is not counted again.
    fn swing(
        &mut self,
        value: f64,
        (by, within_minutes): (f64, u16),
        now: Timestamp,
    ) -> Option<AlertFired> {
        let within = SignedDuration::from_mins(within_minutes.into());
        self.parts.retain(|it| now.duration_since(it.at) <= within);
        let low = self.parts.iter().map(|it| it.low).fold(value, f64::min);
        let high = self.parts.iter().map(|it| it.high).fold(value, f64::max);
        let (rise, fall) = (value - low, high - value);
        if rise.max(fall) >= by - EPSILON {
            self.parts = vec![Part::new(value, now)];
            let (crossing, before) = if rise >= fall {
                (Crossing::Up, low)
            } else {
                (Crossing::Down, high)
            };
            return Some(AlertFired {
                crossing,
                before: Some(before),
                after: value,
            });
        }
        match self.parts.last_mut() {
            Some(last) if now.duration_since(last.at) < within / PARTS => {
                last.low = last.low.min(value);
                last.high = last.high.max(value);
            }
            _ => self.parts.push(Part::new(value, now)),
        }
        None
    }
}

impl Part {
    fn new(value: f64, at: Timestamp) -> Self {
        Self {
            at,
            low: value,
            high: value,
        }
    }
}
