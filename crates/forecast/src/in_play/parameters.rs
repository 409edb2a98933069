//! What was learned of how games go: when goals fall, what the score and a red card do to the
//! rates, how margins and totals spread. The figures are those that `examples/in_play` printed.

use domain::{SeasonType, Sport};
use serde::{Deserialize, Serialize};

use crate::in_play::chain::{LEAD, Rates};
use crate::in_play::state::{GameState, Phase};

use jiff::Timestamp;

const HALF_MINUTES: f64 = 45.0;
/// Minutes over which what is left of an announced stoppage fades out.
const WHISTLE_MINUTES: f64 = 0.5;
/// Red cards of one side that change the rates; with a fifth a game is given up.
const RED_CARDS_MAX: u8 = 4;

/// When the goals of a half fall, as shares of the goals of the whole game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Half {
    /// Share per minute at its beginning.
    pub start: f64,
    /// Share per minute at minute 45; between the two it changes linearly.
    pub end: f64,
    /// Share that falls after minute 45.
    pub stoppage: f64,
}

/// What a lead multiplies rates of goals by, as logarithms, of home and away; nothing while level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreEffect {
    /// Where home leads by one, and by more.
    pub home_leads: [[f64; 2]; 2],
    /// Where away leads by one, and by more.
    pub away_leads: [[f64; 2]; 2],
}

/// How much likelier leads are lost than the rates say, as logarithms of odds half way through
/// the goals of a game; less before and after, nothing at the start and at the end.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Regress {
    /// That a level game ends level, against a win of either side.
    pub level: f64,
    /// That a lead of one, and of more, ends level, against a win of the leader.
    pub drawn: [f64; 2],
    /// That it is turned round, against a win of the leader.
    pub lost: [f64; 2],
}

impl Regress {
    /// What home wins, draws and away wins are multiplied by, at a lead of home and with a share
    /// of the goals `left`.
    pub(crate) fn factors(&self, lead: i32, left: f64) -> [f64; 3] {
        let now = 4.0 * left * (1.0 - left);
        let index = usize::from(lead.abs() > 1);
        let [drawn, lost] = [self.drawn[index], self.lost[index]].map(|it| (now * it).exp());
        match lead.signum() {
            1 => [1.0, drawn, lost],
            -1 => [lost, drawn, 1.0],
            _ => [1.0, (now * self.level).exp(), 1.0],
        }
    }
}

/// How games of football go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FootballParameters {
    /// Number of this set of parameters; another set has another.
    pub version: u32,
    /// Both halves; their shares add up to one.
    pub halves: [Half; 2],
    /// What the score does in each half.
    pub effects: [ScoreEffect; 2],
    /// How much likelier leads are lost than the rates say.
    pub regress: Regress,
    /// Logarithm of what a red card multiplies the goals of the side that got it by, and those of
    /// the other side.
    pub red_card: [f64; 2],
}

impl Half {
    /// Share of the goals that falls in it.
    pub fn share(&self) -> f64 {
        0.5 * (self.start + self.end) * HALF_MINUTES + self.stoppage
    }

    /// Share still to fall at a minute of the half, `announced` minutes being added; falls
    /// steadily and never jumps with the clock.
    fn left(&self, minute: f64, announced: Option<f64>) -> f64 {
        let over = (minute - HALF_MINUTES).max(0.0);
        let added = match announced {
            // Half a minute more than announced is played, as a rule.
            Some(minutes) => {
                let left = (minutes + WHISTLE_MINUTES - over) / WHISTLE_MINUTES;
                self.end * WHISTLE_MINUTES * softplus(left)
            }
            // Nothing announced: the whistle may come at any time.
            None => self.stoppage * (-over * self.end / self.stoppage).exp(),
        };
        let until = minute.clamp(0.0, HALF_MINUTES);
        let now = self.start + (self.end - self.start) * until / HALF_MINUTES;
        0.5 * (now + self.end) * (HALF_MINUTES - until) + added
    }
}

fn softplus(x: f64) -> f64 {
    if x > 30.0 { x } else { x.exp().ln_1p() }
}

impl FootballParameters {
    /// Shares of the goals still to fall in the first and in the second half.
    pub fn left(&self, state: &GameState, now: Timestamp) -> [f64; 2] {
        let minute = state.seconds_at(now) / 60.0;
        let announced = state.stoppage.map(|it| f64::from(it) / 60.0);
        let whole = self.halves.map(|it| it.share());
        match (state.phase, state.period) {
            (Phase::Before, _) | (Phase::Playing, 0) => whole,
            (Phase::Playing, 1) => [self.halves[0].left(minute, announced), whole[1]],
            (Phase::Break, 0 | 1) => [0.0, whole[1]],
            (Phase::Playing, 2) => [0.0, self.halves[1].left(minute, announced)],
            _ => [0.0, 0.0],
        }
    }

    /// Goals per game of both sides in each half, by home's lead.
    pub(crate) fn rates(&self, goals: [f64; 2], red_cards: [u8; 2]) -> [Rates; 2] {
        let [home, away] = red_cards.map(|it| f64::from(it.min(RED_CARDS_MAX)));
        let [own, other] = self.red_card;
        let sent_off = [own * home + other * away, own * away + other * home];
        let base: [f64; 2] = std::array::from_fn(|side| goals[side] * sent_off[side].exp());
        self.effects.map(|effect| {
            Rates(std::array::from_fn(|index| {
                let lead = i32::try_from(index).expect("leads are few") - LEAD;
                let [home, away] = effect.factors(lead);
                [base[0] * home, base[1] * away]
            }))
        })
    }
}

impl ScoreEffect {
    /// What home's lead multiplies the rates of home and away by.
    fn factors(&self, lead: i32) -> [f64; 2] {
        let index = usize::from(lead.abs() > 1);
        match lead.signum() {
            1 => self.home_leads[index].map(f64::exp),
            -1 => self.away_leads[index].map(f64::exp),
            _ => [1.0, 1.0],
        }
    }
}

impl Default for FootballParameters {
    fn default() -> Self {
        Self {
            version: 2,
            halves: [
                Half {
                    start: 0.0078,
                    end: 0.01103,
                    stoppage: 0.0155,
                },
                Half {
                    start: 0.01023,
                    end: 0.01264,
                    stoppage: 0.04625,
                },
            ],
            effects: [ScoreEffect {
                home_leads: [[0.06, 0.2], [0.0, 0.26]],
                away_leads: [[0.2, 0.06], [0.26, 0.0]],
            }; 2],
            regress: Regress {
                level: -0.03,
                drawn: [0.07, 0.36],
                lost: [0.15, 0.16],
            },
            red_card: [-0.41, 0.22],
        }
    }
}

/// How games of many points go. Shares of a game are shares of its regular periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PointsParameters {
    /// Number of this set of parameters; another set has another.
    pub version: u32,
    /// How the margin goes on.
    pub margin: Course,
    /// How the total goes on.
    pub total: Course,
    /// What a tie after an overtime is.
    pub tied: Tied,
    /// Length of a regular period, seconds.
    pub period_seconds: f64,
    /// Length of an overtime, seconds.
    pub overtime_seconds: f64,
}

/// What a tie after an overtime is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tied {
    /// The end.
    Stays,
    /// Played on until somebody leads.
    PlayedOn,
}

/// How a number that grows through a game goes on from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Share of what it exceeds expectation by that goes on growing from half time to the end;
    /// below zero that is lost again. In proportion to the time left.
    pub momentum: f64,
    /// Logarithm of what its deviation is multiplied by beyond the root of the time left, at half
    /// time and at the end; nothing at the start.
    pub spread: [f64; 2],
}

impl Course {
    /// Mean and deviation of the end, where the number stands at `now` with `left` of the game to
    /// go and was expected to end at `mean` with a `deviation`.
    pub(crate) fn end(&self, now: f64, left: f64, [mean, deviation]: [f64; 2]) -> [f64; 2] {
        let surprise = now - (1.0 - left) * mean;
        let momentum = 2.0 * self.momentum * left;
        let [half, end] = self.spread;
        // The parabola through nothing at 1, `half` at 0.5 and `end` at 0.
        let spread = (1.0 - left) * (4.0 * half * left + end * (1.0 - 2.0 * left));
        [
            now + left * mean + momentum * surprise,
            deviation * left.sqrt() * spread.exp(),
        ]
    }
}

impl PointsParameters {
    /// The parameters of a sport of points in its regular season; `None` for football.
    pub fn of(sport: Sport) -> Option<Self> {
        match sport {
            Sport::Football => None,
            Sport::Basketball => Some(BASKETBALL),
            Sport::AmericanFootball => Some(AMERICAN_FOOTBALL),
        }
    }

    /// The same in a part of the season: after its regular part somebody has to win.
    #[must_use]
    pub fn within(self, season_type: SeasonType) -> Self {
        match season_type {
            SeasonType::Regular => self,
            SeasonType::Postseason => Self {
                tied: Tied::PlayedOn,
                ..self
            },
        }
    }

    /// Share of the game still to come in regular periods, or in the overtime under way; between
    /// them, in the one that comes. The clock alone does not end a game: its last second, in which
    /// free throws and extra points are taken, lasts until somebody says that it is over.
    pub(crate) fn left(&self, state: &GameState, now: Timestamp) -> f64 {
        let whole = f64::from(REGULAR) * self.period_seconds;
        let seconds = state.seconds_at(now);
        let (length, after) = if state.period > REGULAR {
            (self.overtime_seconds, 0.0)
        } else {
            let periods = f64::from(REGULAR - state.period.max(1));
            (self.period_seconds, periods * self.period_seconds)
        };
        let least = if after > 0.0 { 0.0 } else { LAST_SECONDS };
        let own = match state.phase {
            Phase::Before => length,
            Phase::Playing => (length - seconds).max(least),
            Phase::Break if state.period >= REGULAR => self.overtime_seconds,
            Phase::Break | Phase::Finished | Phase::Abandoned => 0.0,
        };
        (own + after) / whole
    }

    /// Length of an overtime as a share of the game.
    pub(crate) fn overtime(&self) -> f64 {
        self.overtime_seconds / (f64::from(REGULAR) * self.period_seconds)
    }
}

/// The least that is left of a last period until it is told to be over: clocks show whole seconds.
const LAST_SECONDS: f64 = 1.0;

/// Regular periods of sports of points.
pub(crate) const REGULAR: u8 = 4;

const BASKETBALL: PointsParameters = PointsParameters {
    version: 1,
    margin: Course {
        momentum: -0.3,
        spread: [0.15, 0.35],
    },
    total: Course {
        momentum: 0.075,
        spread: [0.05, 0.05],
    },
    tied: Tied::PlayedOn,
    period_seconds: 720.0,
    overtime_seconds: 300.0,
};

/// Not fitted: the data has no scores under way. Margins and totals go on as they began.
const AMERICAN_FOOTBALL: PointsParameters = PointsParameters {
    version: 2,
    margin: Course {
        momentum: 0.0,
        spread: [0.0, 0.0],
    },
    total: Course {
        momentum: 0.0,
        spread: [0.0, 0.0],
    },
    tied: Tied::Stays,
    period_seconds: 900.0,
    overtime_seconds: 600.0,
};
