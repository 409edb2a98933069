//! What a log comes to: made of all of it, or moved on by what comes next in the order of the source.

use std::sync::Arc;

use domain::{PlayEvent, PlayKind, Sport};
use forecast::{GameState, Phase, PlayLog};
use jiff::Timestamp;
use store::RecordedEvent;

use crate::{
    in_play::{moment_of, turns},
    view::MomentView,
};

/// What events of a game come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Where the game stands.
    pub(crate) state: GameState,
    /// What happened that counts.
    pub(crate) moments: Arc<Vec<MomentView>>,
    /// When something was first heard, and last.
    pub(crate) heard: [Timestamp; 2],
    /// When it was last changed by more than time, if it was.
    pub(crate) turned_at: Option<Timestamp>,
}

/// What events come to, and what makes more of them.
#[derive(Debug)]
pub(super) struct Sum {
    sport: Sport,
    log: PlayLog,
    pub(super) told: Told,
}

impl Sum {
    pub(super) fn of<'a>(sport: Sport, events: impl Iterator<Item = &'a RecordedEvent>) -> Self {
        let mut log = PlayLog::new(sport);
        let mut sum = Self {
            sport,
            log: PlayLog::new(sport),
            told: Told {
                state: GameState::BEFORE,
                moments: Arc::default(),
                heard: [Timestamp::MAX, Timestamp::MIN],
                turned_at: None,
            },
        };
        for it in events {
            sum.note(it);
            log.add(it.event);
        }
        for (event, state) in log.steps() {
            sum.tell(event, state);
        }
        for moment in Arc::make_mut(&mut sum.told.moments) {
            moment.cancelled = log.is_cancelled(moment.event.sequence);
        }
        sum.log = log;
        sum
    }

    /// Takes in an event later than all others by the order of the source. Returns whether it could:
    /// after one that takes back what is not simply undone all has to be made anew.
    pub(super) fn add(&mut self, it: &RecordedEvent) -> bool {
        if !self.log.goes_on_by(&it.event) {
            return false;
        }
        self.note(it);
        // It does not take it where there are as many as there may be.
        if self.log.add(it.event) {
            self.tell(&it.event, self.log.state());
            if let PlayKind::Cancelled { of } = it.event.kind {
                let all = Arc::make_mut(&mut self.told.moments).iter_mut();
                let cancelled = all.filter(|it| it.event.sequence == of);
                cancelled.for_each(|it| it.cancelled = true);
            }
        }
        true
    }

    /// Notes an event, the next by the order of the source, with what it and those before it leave.
    fn tell(&mut self, event: &PlayEvent, state: GameState) {
        let told = &mut self.told;
        let before = std::mem::replace(&mut told.state, state);
        if let Some(moment) = moment_of(self.sport, event, [&before, &state]) {
            Arc::make_mut(&mut told.moments).push(moment);
        }
    }

    /// Notes when an event was heard, and whether it turned the game.
    fn note(&mut self, it: &RecordedEvent) {
        let told = &mut self.told;
        let [first, last] = told.heard;
        told.heard = [first.min(it.known_at), last.max(it.known_at)];
        if turns(self.sport, &it.event.kind) {
            told.turned_at = told.turned_at.max(Some(it.event.at));
        }
    }

    /// What they come to; `None` where they do not begin the game.
    pub(super) fn told(&self) -> Option<Told> {
        (self.told.state.phase != Phase::Before).then(|| self.told.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::{FixtureId, GameClock, Period, Side, SourceKey};
    use proptest::prelude::*;

    use super::*;
    use crate::logs::Log;

    fn any_kind() -> impl Strategy<Value = PlayKind> {
        let period = |it| Period::new(it).unwrap();
        let side = prop_oneof![Just(Side::Home), Just(Side::Away)];
        prop_oneof![
            (1_u8..3).prop_map(move |it| PlayKind::PeriodStart { period: period(it) }),
            (1_u8..3).prop_map(move |it| PlayKind::PeriodEnd { period: period(it) }),
            any::<bool>().prop_map(|running| PlayKind::Clock { running }),
            side.clone().prop_map(|side| PlayKind::Scored {
                side,
                points: std::num::NonZeroU8::MIN,
            }),
            side.prop_map(|side| PlayKind::RedCard { side }),
            (0_u64..30).prop_map(|of| PlayKind::Cancelled { of }),
            (0_u16..4, 0_u16..4).prop_map(|(home, away)| PlayKind::Score { home, away }),
            (0_u16..600).prop_map(|seconds| PlayKind::Stoppage { seconds }),
            Just(PlayKind::Finished),
            Just(PlayKind::Abandoned),
        ]
    }

    fn any_event() -> impl Strategy<Value = RecordedEvent> {
        let numbers = (0_u64..30, 0_u16..3);
        let clock = proptest::option::of((1_u8..4, 0_u16..3000));
        let event = (numbers, any_kind(), clock, 0_i64..6000, 0_i64..6000);
        event.prop_map(|((sequence, revision), kind, clock, at, known_at)| {
            let event = PlayEvent {
                sequence,
                revision,
                at: Timestamp::from_second(at).unwrap(),
                clock: clock.map(|(period, seconds)| {
                    GameClock::new(Period::new(period).unwrap(), seconds).unwrap()
                }),
                kind,
            };
            let known_at = Timestamp::from_second(known_at).unwrap();
            RecordedEvent {
                number: 0,
                fixture: FixtureId(1),
                event,
                known_at,
                recorded_at: known_at,
                source: SourceKey::new("scores").unwrap(),
            }
        })
    }

    proptest! {
        #[test]
        fn what_moves_on_event_by_event_is_what_the_whole_comes_to(
            mut events in proptest::collection::vec(any_event(), 1..30),
            is_football in any::<bool>(),
        ) {
            let sport = if is_football { Sport::Football } else { Sport::Basketball };
            events.sort_by_key(|it| it.event.sequence);
            events.dedup_by_key(|it| it.event.sequence);
            let mut sum = Sum::of(sport, [].iter());
            for (index, event) in events.iter().enumerate() {
                let whole = Sum::of(sport, events[..=index].iter());
                if !sum.add(event) {
                    sum = Sum::of(sport, events[..=index].iter());
                }
                prop_assert_eq!(&sum.told, &whole.told);
            }
        }

        #[test]
        fn a_log_that_grows_in_any_parts_and_order_comes_to_what_its_events_do(
            mut events in proptest::collection::vec(any_event(), 1..30),
            parts in proptest::collection::vec(1_usize..6, 30),
        ) {
            for (number, it) in (1..).zip(&mut events) {
                it.number = number;
            }
            let (mut log, mut left) = (Log::default(), events.as_slice());
            for part in parts {
                let (new, rest) = left.split_at(part.min(left.len()));
                log.grow(new.to_vec());
                left = rest;
                let whole = Sum::of(Sport::Football, log.events().iter());
                prop_assert_eq!(log.told(Sport::Football, Timestamp::MAX), whole.told());
            }
            let order = |it: &RecordedEvent| (it.event.sequence, it.event.revision, it.number);
            events.sort_by_key(order);
            prop_assert_eq!(log.events(), events.as_slice());
        }
    }
}
