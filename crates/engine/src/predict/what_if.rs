//! Who would win if a game stood otherwise: the forecast before it, moved to a score, a minute and
//! red cards that somebody supposes.

use domain::{FixtureId, Sport, summarise_quotes};
use forecast::{GameState, Phase};
use jiff::{SignedDuration, Timestamp};

use super::Glance;
use crate::{Engine, EngineError, Supposition, WhatIfView, in_play::Ground, knowledge::Serving};

/// The most goals of a side that can be supposed: as far as the grid of scores reaches.
const GOALS_MAX: u16 = 15;
/// The most points of a side that can be supposed.
const POINTS_MAX: u16 = 250;
/// With a fifth player sent off a game of football is given up.
const RED_CARDS_MAX: u8 = 4;
/// A game to come is forecast as of the beginning of a minute, so that many questions in a row
/// share what they are answered from.
const SHARED: SignedDuration = SignedDuration::from_secs(60);

impl Engine {
    /// Who would win a game if it stood as supposed, by what is known before it.
    pub async fn what_if(
        &self,
        id: FixtureId,
        supposed: Supposition,
    ) -> Result<WhatIfView, EngineError> {
        let (knowledge, glance) = self.glance_at(id, None).await?;
        let ready = std::sync::Arc::clone(&self.ready);
        let revision = knowledge.revision();
        let answer = move || {
            let serving = knowledge.serving()?;
            let state = state(glance.game.sport, supposed)?;
            let (ground, glance) = glance.ground(serving, revision);
            let as_of = ground.before;
            let ready = ready.ready(&glance.game, &glance.prices, serving, ground)?;
            let outlook = ready.outlook(&state, Timestamp::UNIX_EPOCH);
            let (scores, next_goal) = outlook.expect("a game that is played can be forecast");
            Ok(WhatIfView {
                fixture: id,
                version: serving.record.version.clone(),
                as_of,
                before: ready.before(),
                probabilities: scores.h2h(),
                next_goal,
            })
        };
        self.forecasting(answer).await?
    }
}

impl Glance {
    /// What the game is made ready from, with the prices of that moment.
    fn ground(mut self, serving: &Serving, revision: u64) -> (Ground, Self) {
        if let Some(under_way) = &self.under_way {
            return (under_way.ground(serving), self);
        }
        let before = if self.is_live {
            let past = self.as_of.as_second().rem_euclid(SHARED.as_secs());
            Timestamp::from_second(self.as_of.as_second() - past).expect("it lies in the past")
        } else {
            self.as_of
        };
        let priced_at = self.game.prices_at(before);
        self.prices = summarise_quotes(&self.quotes, priced_at, self.game.sport.has_draw());
        let ground = Ground {
            revision,
            version: serving.record.version.clone(),
            before,
        };
        (ground, self)
    }
}

/// A game that stands as supposed; its clock stands, too.
fn state(sport: Sport, supposed: Supposition) -> Result<GameState, EngineError> {
    let Supposition {
        minute,
        score,
        red_cards,
    } = supposed;
    let periods = u16::from(sport.regular_periods());
    let period_minutes = sport.period_minutes(1);
    let score_max = match sport {
        Sport::Football => GOALS_MAX,
        Sport::Basketball | Sport::AmericanFootball => POINTS_MAX,
    };
    let within = |field, value: u16, max: u16| {
        let detail = format!("must be at most {max}, not {value}");
        let refused = EngineError::BadSupposition { field, detail };
        if value <= max { Ok(()) } else { Err(refused) }
    };
    within("minute", minute, period_minutes * periods)?;
    within("home", score.home, score_max)?;
    within("away", score.away, score_max)?;
    let cards_max = if sport == Sport::Football {
        RED_CARDS_MAX
    } else {
        0
    };
    within("home_red", red_cards[0].into(), cards_max.into())?;
    within("away_red", red_cards[1].into(), cards_max.into())?;
    let before = (minute / period_minutes).min(periods - 1);
    Ok(GameState {
        phase: Phase::Playing,
        score,
        red_cards,
        period: u8::try_from(before + 1).expect("periods are few"),
        seconds: (minute - before * period_minutes) * 60,
        ..GameState::BEFORE
    })
}

#[cfg(test)]
mod tests {
    use domain::Score;

    use super::*;

    fn check(
        sport: Sport,
        minute: u16,
        score: [u16; 2],
        red_cards: [u8; 2],
    ) -> Result<[u16; 2], &'static str> {
        let [home, away] = score;
        let score = Score { home, away };
        match state(
            sport,
            Supposition {
                minute,
                score,
                red_cards,
            },
        ) {
            Ok(it) => Ok([it.period.into(), it.seconds]),
            Err(EngineError::BadSupposition { field, .. }) => Err(field),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn minutes_are_placed_in_periods() {
        let football = |minute| check(Sport::Football, minute, [1, 0], [0, 1]).unwrap();
        assert_eq!([football(0), football(44)], [[1, 0], [1, 2_640]]);
        assert_eq!([football(45), football(90)], [[2, 0], [2, 2_700]]);
        let basketball = |minute| check(Sport::Basketball, minute, [80, 90], [0, 0]).unwrap();
        assert_eq!([basketball(12), basketball(48)], [[2, 0], [4, 720]]);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let football = |minute, score, cards| check(Sport::Football, minute, score, cards);
        assert_eq!(football(91, [0, 0], [0, 0]), Err("minute"));
        assert_eq!(football(9, [16, 0], [0, 0]), Err("home"));
        assert_eq!(football(9, [0, 16], [0, 0]), Err("away"));
        assert_eq!(football(9, [0, 0], [5, 0]), Err("home_red"));
        assert_eq!(check(Sport::Basketball, 9, [0, 0], [0, 1]), Err("away_red"));
        assert_eq!(
            check(Sport::AmericanFootball, 61, [0, 0], [0, 0]),
            Err("minute")
        );
    }
}
