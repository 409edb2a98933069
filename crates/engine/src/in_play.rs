//! Games under way: what was heard of them as of a moment, and the forecast before the game moved
//! on by it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    FixtureId, FixtureStatus, Game, GameClock, Market, Period, PlayEvent, PlayKind, Prices, Quote,
    Score, Side, Sport, reference_taken_at, summarise_quotes,
};
use forecast::{Forecast, GameState, NextGoal, Phase, Play, Scores};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Engine, EngineError,
    events::EARLY_MAX,
    knowledge::Serving,
    logs::{Log, Told},
    topic,
    view::{MomentView, PlayView, Silence},
};

/// How often a game under way is forecast anew while nothing is heard of it: at the moments since
/// 1970 that this divides, so that every server forecasts it as of the same ones.
pub(crate) const TICK: SignedDuration = SignedDuration::from_secs(5);
/// How old a price may be to count in a game under way. While nothing happens a minute of football
/// moves probabilities by a percentage point or two towards its end, and bookmakers follow within
/// seconds: what was not confirmed for longer is not on offer any more.
const FOOTBALL_PRICE_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// The same where somebody scores every half minute.
const POINTS_PRICE_AGE_MAX: SignedDuration = SignedDuration::from_mins(2);
/// How many times longer a source may be silent while no clock runs.
const BREAK_FACTOR: u32 = 6;
/// Games kept ready to be forecast at any moment.
const READY_MAX: usize = 8_192;

/// What was heard of a game, as of a moment.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) state: GameState,
    pub(crate) moments: Arc<Vec<MomentView>>,
    /// The moment of which the forecast before the game is.
    pub(crate) before: Timestamp,
    /// The moment it is of.
    pub(crate) as_of: Timestamp,
    /// When something was last heard.
    heard_at: Timestamp,
    /// When the game was last changed by more than time: a goal where there are few, a card, a word
    /// taken back; its beginning before that.
    pub(crate) turned_at: Timestamp,
    pub(crate) silent: Option<Silence>,
    /// The moment the clock is read at: the present, unless the source fell silent before.
    pub(crate) clock_at: Timestamp,
}

impl Standing {
    /// What is known of `game` as of a moment from its log; `None` where it is not under way.
    fn of(game: &Game, log: &Log, asked: Asked, silence_max: Duration) -> Option<Self> {
        let now = asked.moment();
        let Told {
            state,
            moments,
            heard: [first, heard_at],
            turned_at,
        } = log.told(game.sport, now)?;
        let (mut clock_at, silent) = trust(&state, heard_at, now, silence_max);
        let mut as_of = now;
        if let Asked::Present { quoted_at, .. } = asked
            && silent.is_none()
            && is_timed(&state)
        {
            as_of = steady(now, heard_at.max(quoted_at));
            clock_at = as_of;
        }
        Some(Self {
            as_of,
            moments,
            before: game.kickoff.min(first),
            heard_at,
            turned_at: turned_at.unwrap_or(first),
            clock_at,
            silent,
            state,
        })
    }

    /// Notes until when an answer of the present made from this holds.
    fn note(&self, now: Timestamp, silence_max: Duration) {
        let (None, Some(patience)) = (&self.silent, patience(&self.state, silence_max)) else {
            return;
        };
        let limit = self.heard_at.saturating_add(patience);
        topic::holds_until(limit.unwrap_or(Timestamp::MAX));
        if is_timed(&self.state) {
            let next = last_tick(now).saturating_add(TICK);
            topic::holds_until(next.expect("a fixed span never overflows"));
        }
    }

    /// Ends the game with the result that was written of it.
    fn close(&mut self, sport: Sport, score: Score) {
        self.state.close(sport, score);
        self.silent = None;
    }

    /// The prices of who wins as they stood, of those that were taken since the game last turned and
    /// are not too old.
    pub(crate) fn offered(&self, quotes: &[Quote], sport: Sport) -> Option<Offered> {
        if matches!(self.state.phase, Phase::Finished | Phase::Abandoned) {
            return None; // It is held against what was said before it.
        }
        let has_draw = sport.has_draw();
        let current: Vec<Quote> = self.current(quotes, sport).cloned().collect();
        let prices = summarise_quotes(&current, self.as_of, has_draw);
        let taken_at = reference_taken_at(&current, Market::H2H, self.as_of, has_draw)?;
        Some(Offered { prices, taken_at })
    }

    /// Notes that an answer of the present made from these prices holds until one of them is too old.
    pub(crate) fn note_prices(&self, quotes: &[Quote], sport: Sport) {
        if self.silent.is_none() && is_timed(&self.state) {
            return; // It holds until the next tick only.
        }
        let oldest = self.current(quotes, sport).map(|it| it.taken_at).min();
        if let Some(oldest) = oldest {
            let gone_at = oldest.saturating_add(price_age_max(sport));
            topic::holds_until(gone_at.expect("a fixed span never overflows"));
        }
    }

    fn current<'a>(&self, quotes: &'a [Quote], sport: Sport) -> impl Iterator<Item = &'a Quote> {
        let (turned_at, as_of) = (self.turned_at, self.as_of);
        let is_current = move |it: &&Quote| {
            it.taken_at > turned_at
                && it.taken_at <= as_of
                && as_of.duration_since(it.taken_at) < price_age_max(sport)
        };
        quotes.iter().filter(is_current)
    }

    pub(crate) fn view(&self, next_goal: Option<NextGoal>) -> PlayView {
        let state = &self.state;
        let clock = Period::new(state.period).ok().map(|period| {
            GameClock::new(period, state.seconds).expect("a state's seconds were on a clock")
        });
        PlayView {
            phase: state.phase,
            score: state.score,
            shootout: state.shootout,
            red_cards: state.red_cards,
            clock: clock.map(|it| (it, state.heard_at)),
            running: state.running && self.silent.is_none(),
            stoppage: state.stoppage,
            heard_at: self.heard_at,
            silent: self.silent.clone(),
            moments: self.moments.to_vec(),
            next_goal,
        }
    }
}

/// The prices of a game under way, and when its reference prices were taken.
pub(crate) struct Offered {
    pub(crate) prices: Prices,
    pub(crate) taken_at: Timestamp,
}

fn price_age_max(sport: Sport) -> SignedDuration {
    match sport {
        Sport::Football => FOOTBALL_PRICE_AGE_MAX,
        Sport::Basketball | Sport::AmericanFootball => POINTS_PRICE_AGE_MAX,
    }
}

/// The moment a game is looked at.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// The present, and when the newest price of it was taken.
    Present {
        now: Timestamp,
        quoted_at: Timestamp,
    },
    /// Another one.
    At(Timestamp),
}

impl Asked {
    fn moment(self) -> Timestamp {
        match self {
            Self::Present { now, .. } => now,
            Self::At(moment) => moment,
        }
    }
}

/// Whether time alone moves the forecast of a game.
fn is_timed(state: &GameState) -> bool {
    state.running && state.phase == Phase::Playing
}

/// The moment of which a game that time moves is told at `now`, where nothing is known of it later
/// than `known_at`. The same log makes the same state at every server until the next tick.
fn steady(now: Timestamp, known_at: Timestamp) -> Timestamp {
    let moment = last_tick(now).max(known_at);
    whole_millisecond(moment).min(now)
}

/// The last tick at a moment.
fn last_tick(now: Timestamp) -> Timestamp {
    let second = now.as_second();
    let tick = second - second.rem_euclid(TICK.as_secs());
    Timestamp::from_second(tick).expect("a moment near another one")
}

/// A moment in whole milliseconds, the next ones: as the revisions of states name it.
pub(crate) fn whole_millisecond(moment: Timestamp) -> Timestamp {
    let below = Timestamp::from_millisecond(moment.as_millisecond());
    let below = below.expect("a moment near another one");
    if below >= moment {
        return below;
    }
    let above = below.saturating_add(SignedDuration::from_millis(1));
    above.expect("a fixed span never overflows")
}

/// The moment at which the clock is read, and since when the source has been silent, if it has:
/// past its patience the clock stands.
pub(crate) fn trust(
    state: &GameState,
    heard_at: Timestamp,
    now: Timestamp,
    silence_max: Duration,
) -> (Timestamp, Option<Silence>) {
    let patience = patience(state, silence_max);
    let limit = patience.map(|it| heard_at.saturating_add(it).unwrap_or(Timestamp::MAX));
    let silent = limit.filter(|it| *it <= now).map(|_| Silence {
        since: heard_at,
        reason: silence(state, patience.unwrap_or_default()),
    });
    (limit.map_or(now, |it| it.min(now)), silent)
}

/// How long a source may be silent; `None` once nothing more is expected of it.
fn patience(state: &GameState, silence_max: Duration) -> Option<Duration> {
    match state.phase {
        Phase::Finished | Phase::Abandoned => None,
        Phase::Playing if state.running => Some(silence_max),
        Phase::Before | Phase::Playing | Phase::Break => Some(silence_max * BREAK_FACTOR),
    }
}

fn silence(state: &GameState, patience: Duration) -> String {
    let minutes = patience.as_secs().div_ceil(60);
    let meanwhile = match (state.phase, state.running) {
        (Phase::Playing, true) => "while the clock runs",
        _ => "while the clock stands",
    };
    format!("nothing was heard of the game for more than {minutes} min {meanwhile}")
}

/// Whether prices taken before an event say nothing any more of the game after it.
pub(crate) fn turns(sport: Sport, kind: &PlayKind) -> bool {
    match kind {
        PlayKind::Scored { .. } => sport == Sport::Football,
        PlayKind::RedCard { .. } | PlayKind::Cancelled { .. } | PlayKind::Score { .. } => true,
        _ => false,
    }
}

/// What happened that counts: whistles and cards, and goals and other scores where there are few.
fn counts(sport: Sport, kind: &PlayKind, scores: [Score; 2]) -> bool {
    match kind {
        PlayKind::Scored { .. } => sport == Sport::Football,
        // Many sources tell the score again and again.
        PlayKind::Score { .. } => sport == Sport::Football && scores[0] != scores[1],
        PlayKind::PeriodStart { .. }
        | PlayKind::PeriodEnd { .. }
        | PlayKind::RedCard { .. }
        | PlayKind::Finished
        | PlayKind::Abandoned => true,
        PlayKind::Clock { .. } | PlayKind::Stoppage { .. } | PlayKind::Cancelled { .. } => false,
    }
}

/// Whose goal or card an event tells of.
fn side_of(kind: &PlayKind, [before, after]: [Score; 2]) -> Option<Side> {
    match kind {
        PlayKind::Scored { side, .. } | PlayKind::RedCard { side } => Some(*side),
        PlayKind::Score { .. } => {
            let home = (before.home + 1, before.away) == (after.home, after.away);
            let away = (before.home, before.away + 1) == (after.home, after.away);
            home.then_some(Side::Home).or(away.then_some(Side::Away))
        }
        _ => None,
    }
}

/// An event that counts, with where the game stood before it and what it and those before it left;
/// `None` for others.
pub(crate) fn moment_of(
    sport: Sport,
    event: &PlayEvent,
    [before, state]: [&GameState; 2],
) -> Option<MomentView> {
    let scores = [before.score, state.score];
    counts(sport, &event.kind, scores).then(|| MomentView {
        event: *event,
        side: side_of(&event.kind, scores),
        period: state.period,
        seconds: state.seconds_at(event.at),
        score: state.score,
        cancelled: false,
    })
}

/// A game made ready: the forecast before it, and what moves it.
pub(crate) struct Ready {
    before: Forecast,
    play: Play,
}

impl Ready {
    /// Who won, as it was forecast before the game.
    pub(crate) fn before(&self) -> Vec<f64> {
        self.before.h2h()
    }

    /// Who wins where the game stands like this; `None` where it was given up.
    pub(crate) fn h2h(&self, state: &GameState, clock_at: Timestamp) -> Option<Vec<f64>> {
        Some(self.play.scores(state, clock_at)?.h2h())
    }

    /// The scores at the end where the game stands like this, and what the next goal would be and
    /// do; `None` where it was given up.
    pub(crate) fn outlook(
        &self,
        state: &GameState,
        clock_at: Timestamp,
    ) -> Option<(Scores, Option<NextGoal>)> {
        self.play.outlook(state, clock_at)
    }
}

/// What a game was made ready from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ground {
    pub(crate) revision: u64,
    pub(crate) version: String,
    pub(crate) before: Timestamp,
}

/// Games kept ready, so that an event costs no forecast from the ground up.
#[derive(Default)]
pub(crate) struct ReadyGames(Mutex<HashMap<FixtureId, (Ground, Arc<Ready>)>>);

impl ReadyGames {
    /// The game made ready, by whoever comes first; computes.
    pub(crate) fn ready(
        &self,
        game: &Game,
        prices: &Prices,
        serving: &Serving,
        ground: Ground,
    ) -> Result<Arc<Ready>, EngineError> {
        let kept = self.lock().get(&game.fixture).cloned();
        if let Some((_, ready)) = kept.filter(|it| it.0 == ground) {
            return Ok(ready);
        }
        let as_of = ground.before;
        let before = serving.forecaster.predict(game, prices, as_of);
        let before = before.map_err(|error| EngineError::NotPredictable {
            fixture: game.fixture,
            as_of,
            reason: error.to_string(),
        })?;
        let play = Play::new(game.sport, game.season_type, &before.scores);
        let ready = Arc::new(Ready { before, play });
        let mut games = self.lock();
        if games.len() >= READY_MAX {
            games.clear();
        }
        games.insert(game.fixture, (ground, Arc::clone(&ready)));
        Ok(ready)
    }

    /// Whether a game is ready.
    pub(crate) fn is_ready(&self, id: FixtureId, ground: &Ground) -> bool {
        self.lock().get(&id).is_some_and(|it| it.0 == *ground)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<FixtureId, (Ground, Arc<Ready>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The forecast of a game as it stands at `as_of`, and what the next goal would do; computes.
    pub(crate) fn forecast(
        &self,
        (game, prices, standing): (&Game, &Prices, &Standing),
        serving: &Serving,
        ground: Ground,
        as_of: Timestamp,
    ) -> Result<(Forecast, Option<NextGoal>), EngineError> {
        let ready = self.ready(game, prices, serving, ground)?;
        let (state, clock_at) = (&standing.state, standing.clock_at);
        let outlook = ready.outlook(state, clock_at);
        let (scores, next) = outlook.ok_or_else(|| EngineError::NotPredictable {
            fixture: game.fixture,
            as_of,
            reason: "the game was given up".to_owned(),
        })?;
        Ok((ready.before.moved(scores, as_of), next))
    }
}

impl Engine {
    /// Whether a game may be under way at a moment (now, for `None`), so that its log must be read.
    pub(crate) fn may_be_under_way(&self, game: &Game, as_of: Option<Timestamp>) -> bool {
        let now = whole_millisecond(self.now());
        let moment = as_of.unwrap_or(now);
        let early = game.kickoff.saturating_sub(EARLY_MAX);
        moment >= early.expect("a fixed span never overflows") && moment <= now
    }

    /// How a game that may be under way stands at a moment (`now`, for `None`) by its log, the newest
    /// price of which was taken at `quoted_at`; `None` where it is not under way. One that is
    /// postponed or cancelled is not, whatever is told of it.
    pub(crate) fn standing(
        &self,
        game: &Game,
        log: &Log,
        as_of: Option<Timestamp>,
        (now, quoted_at): (Timestamp, Timestamp),
    ) -> Option<Standing> {
        let now = whole_millisecond(now);
        let asked = as_of.map_or(Asked::Present { now, quoted_at }, Asked::At);
        let silence_max = self.options.silence_max;
        let mut standing = Standing::of(game, log, asked, silence_max)?;
        if as_of.is_none() {
            if let FixtureStatus::Postponed | FixtureStatus::Cancelled = game.status {
                return None;
            }
            if let Some(score) = game.score {
                standing.close(game.sport, score);
            }
            standing.note(now, silence_max);
        }
        Some(standing)
    }
}
