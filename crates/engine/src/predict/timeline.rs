//! The course of a game: what was said of it at every minute and at whatever happened, by what was
//! known at each of those moments, and what moved it most.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use domain::{FixtureId, Game, PlayEvent, PlayKind, Sport};
use forecast::{GameState, Phase, PlayLog};
use jiff::{SignedDuration, Timestamp};
use store::RecordedEvent;

use super::{Glance, sight::UnderWay};
use crate::{
    Engine, EngineError, PeriodView, Swing, TimelinePoint, TimelineView,
    in_play::{Ready, trust},
    knowledge::Serving,
};

/// How far apart points are while nothing happens, at least.
const STEP: SignedDuration = SignedDuration::from_secs(60);
/// Points that stand for time passing, at most.
const STEPS_MAX: i64 = 400;
/// Points in all; of more, some between the first and the last are left out.
const POINTS_MAX: usize = 1_200;
/// How long before something became known the point before it stands.
const JUST_BEFORE: SignedDuration = SignedDuration::from_millis(1);
/// How far back momentum looks, in seconds of play.
const MOMENTUM_SECONDS: f64 = 600.0;
/// Swings that are told.
const SWINGS_MAX: usize = 5;
/// The least probability that has to move for a swing.
const SWING_MIN: f64 = 0.01;

/// What is drawn of a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Time passed: left out while no clock runs.
    Step,
    /// Something became known then or right after.
    Change,
}

/// How a game stood at a moment, by what was known then.
struct Reading {
    at: Timestamp,
    state: GameState,
    clock_at: Timestamp,
    /// The last thing that became known since the reading before it.
    event: Option<PlayEvent>,
}

impl Engine {
    /// What was said of a game at every minute of it and at whatever happened, up to a moment
    /// (now, for `None`). Each point is what a prediction as of its moment says.
    pub async fn timeline(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<TimelineView, EngineError> {
        let (knowledge, glance) = self.glance_at(id, as_of).await?;
        let events = match glance.under_way {
            Some(_) => self.log(id).await?.events().to_vec(),
            None => Vec::new(),
        };
        let silence_max = self.options.silence_max;
        let course = move || glance.course(knowledge.serving(), events, silence_max);
        self.forecasting(course).await?
    }
}

impl Glance {
    /// The course of the game up to this glance; computes.
    fn course(
        self,
        serving: Result<&Serving, EngineError>,
        events: Vec<RecordedEvent>,
        silence_max: Duration,
    ) -> Result<TimelineView, EngineError> {
        let serving = serving?;
        let fixture = self.game.fixture;
        let (version, as_of) = (serving.record.version.clone(), self.as_of);
        let Some(under_way) = self.under_way else {
            return Ok(TimelineView {
                fixture,
                version,
                as_of,
                before: Vec::new(),
                periods: periods(self.game.sport, &[]),
                points: Vec::new(),
                moments: Vec::new(),
                swings: Vec::new(),
                moved: 0.0,
                silent: None,
            });
        };
        let ground = under_way.ground(serving);
        let UnderWay {
            standing, ready, ..
        } = under_way;
        let ready = ready.ready(&self.game, &self.prices, serving, ground)?;
        let mut readings = readings(&self.game, events, as_of, silence_max);
        if let Some(last) = readings.last_mut() {
            // A result that came another way ends the game, too.
            let reached = (last.state.period, last.state.seconds);
            (last.state, last.clock_at) = (standing.state, standing.clock_at);
            if last.state.phase != Phase::Playing && last.state.period == reached.0 {
                last.state.seconds = last.state.seconds.max(reached.1);
            }
        }
        let drawn: Vec<(Reading, TimelinePoint)> = readings
            .into_iter()
            .filter_map(|it| point(&ready, &it).map(|point| (it, point)))
            .collect();
        let (moved, swings) = swings(&drawn);
        let mut points: Vec<TimelinePoint> = drawn.into_iter().map(|it| it.1).collect();
        let periods = periods(self.game.sport, &points);
        set_momentum(&mut points, &periods, lead(&ready.before()));
        Ok(TimelineView {
            fixture,
            version,
            as_of,
            before: ready.before(),
            periods,
            points,
            moments: standing.moments.to_vec(),
            swings,
            moved,
            silent: standing.silent,
        })
    }
}

/// How the game stood at each moment worth drawing, up to `until`.
fn readings(
    game: &Game,
    mut events: Vec<RecordedEvent>,
    until: Timestamp,
    silence_max: Duration,
) -> Vec<Reading> {
    events.retain(|it| it.known_at <= until);
    events.sort_by_key(|it| it.known_at);
    let marks = marks(game.sport, &events, until);
    let (mut log, mut heard_at) = (PlayLog::new(game.sport), Timestamp::MIN);
    let mut coming = events.into_iter().peekable();
    let (mut event, mut reached) = (None, (0, 0));
    let mut readings = Vec::with_capacity(marks.len());
    for (at, mark) in marks {
        while let Some(it) = coming.next_if(|it| it.known_at <= at) {
            log.add(it.event);
            heard_at = it.known_at;
            if tells(&it.event.kind) {
                event = Some(it.event);
            }
        }
        let mut state = log.state();
        let (clock_at, _) = trust(&state, heard_at, at, silence_max);
        // A whistle is known a little after it came, when the clock had run on: no line runs back.
        if state.phase == Phase::Playing {
            let seconds = whole(state.seconds_at(clock_at).ceil());
            let seconds = u16::try_from(seconds).expect("a clock goes to two hours");
            reached = (state.period, seconds);
        } else if state.period == reached.0 {
            state.seconds = state.seconds.max(reached.1);
        }
        let moves = state.phase == Phase::Playing && state.running && clock_at == at;
        if state.phase != Phase::Before && (mark == Mark::Change || moves) {
            let event = event.take();
            readings.push(Reading {
                at,
                state,
                clock_at,
                event,
            });
        }
    }
    readings
}

/// The moments worth drawing, in order, [`POINTS_MAX`] at most.
fn marks(sport: Sport, events: &[RecordedEvent], until: Timestamp) -> BTreeMap<Timestamp, Mark> {
    let mut marks = BTreeMap::new();
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return marks;
    };
    let told = GameState::after(sport, events.iter().map(|it| &it.event));
    let end = match told.phase {
        Phase::Finished | Phase::Abandoned => last.known_at,
        Phase::Before | Phase::Playing | Phase::Break => until,
    };
    let span = end.duration_since(first.known_at);
    let step = STEP.max(SignedDuration::from_secs(span.as_secs() / STEPS_MAX + 1));
    let mut at = first.known_at;
    while at < end {
        marks.insert(at, Mark::Step);
        at = at
            .saturating_add(step)
            .expect("a fixed span never overflows");
    }
    for it in events.iter().filter(|it| tells(&it.event.kind)) {
        // Where there are few goals each is a step; where there are many the line is a slope.
        let before = it.known_at.saturating_sub(JUST_BEFORE);
        let before = before.expect("a fixed span never overflows");
        if sport == Sport::Football && before > first.known_at {
            marks.insert(before, Mark::Change);
        }
        marks.insert(it.known_at, Mark::Change);
    }
    marks.insert(end, Mark::Change);
    let surplus = marks.len().div_ceil(POINTS_MAX);
    let mut place = 0;
    marks.retain(|at, _| {
        place += 1;
        place % surplus == 0 || *at == end
    });
    marks
}

/// Whether an event moves more than a clock.
fn tells(kind: &PlayKind) -> bool {
    !matches!(kind, PlayKind::Clock { .. } | PlayKind::Stoppage { .. })
}

/// Who was to win; `None` where the game was given up.
fn point(ready: &Ready, reading: &Reading) -> Option<TimelinePoint> {
    let Reading {
        at,
        state,
        clock_at,
        ..
    } = reading;
    Some(TimelinePoint {
        at: *at,
        phase: state.phase,
        period: state.period,
        seconds: state.seconds_at(*clock_at),
        score: state.score,
        red_cards: state.red_cards,
        probabilities: ready.h2h(state, *clock_at)?,
        momentum: 0.0,
    })
}

/// Where the regular periods, and the overtimes there were, lie on the axis of time played.
fn periods(sport: Sport, points: &[TimelinePoint]) -> Vec<PeriodView> {
    let reached = points.iter().map(|it| it.period).max().unwrap_or(0);
    let mut start_seconds = 0;
    (1..=reached.max(sport.regular_periods()))
        .map(|period| {
            let nominal = 60 * u32::from(sport.period_minutes(period));
            let own = points.iter().filter(|it| it.period == period);
            let played = own.map(|it| whole(it.seconds.ceil())).max();
            let view = PeriodView {
                period,
                start_seconds,
                length_seconds: nominal.max(played.unwrap_or(0)),
            };
            start_seconds += view.length_seconds;
            view
        })
        .collect()
}

fn whole(seconds: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clock is bounded and never negative"
    )]
    let whole = seconds as u32;
    whole
}

/// Home's probability to win, less away's.
fn lead(probabilities: &[f64]) -> f64 {
    let ends = probabilities.first().zip(probabilities.last());
    ends.map_or(0.0, |(home, away)| home - away)
}

/// Sets how far the lead of each point is from that of ten minutes of play before it, `before` the
/// game where it is younger.
fn set_momentum(points: &mut [TimelinePoint], periods: &[PeriodView], before: f64) {
    let start = |period| periods.iter().find(|it| it.period == period);
    let played: Vec<f64> = points
        .iter()
        .map(|it| start(it.period).map_or(0.0, |it| f64::from(it.start_seconds)) + it.seconds)
        .collect();
    let leads: Vec<f64> = points.iter().map(|it| lead(&it.probabilities)).collect();
    let (mut past, mut base) = (0, before);
    for (at, point) in points.iter_mut().enumerate() {
        while past < at && played[past] <= played[at] - MOMENTUM_SECONDS {
            base = leads[past];
            past += 1;
        }
        point.momentum = leads[at] - base;
    }
}

/// How much moved in all, and the largest steps between neighbouring points.
fn swings(drawn: &[(Reading, TimelinePoint)]) -> (f64, Vec<Swing>) {
    let mut swings: Vec<Swing> = drawn
        .windows(2)
        .zip(1..)
        .map(|(pair, point)| {
            let [before, after] = [&pair[0].1, &pair[1].1].map(|it| &it.probabilities);
            let apart = before.iter().zip(after).map(|(a, b)| (a - b).abs());
            Swing {
                point,
                moved: apart.sum::<f64>() / 2.0,
                event: pair[1].0.event,
            }
        })
        .collect();
    let moved = swings.iter().map(|it| it.moved).sum();
    swings.retain(|it| it.moved >= SWING_MIN);
    let larger = |a: &Swing, b: &Swing| -> Ordering {
        b.moved.total_cmp(&a.moved).then(a.point.cmp(&b.point))
    };
    swings.sort_by(larger);
    swings.truncate(SWINGS_MAX);
    (moved, swings)
}
