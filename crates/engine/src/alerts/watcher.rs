//! Looks at fixtures that changed for the rules that watch them, and notes what fires.
//!
//! What changed is read off the store's own list of changes, whoever wrote it. Where nothing changed
//! nothing is looked at, but for games whose clock runs, and all of them when models are fitted anew.
//! A look is written where no other server has looked later; only that one fires.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use domain::{AlertCondition, AlertFired, AlertId, AlertWatch, Fixture, FixtureId};
use forecast::{Phase, next_cut};
use jiff::{SignedDuration, Timestamp};
use store::{AlertRecord, AlertState, AlertStep, CHANGES_MAX, Committed, NewFiring};

use super::{due::Due, figures::add, notice::Notice, rules::Rules};
use crate::{EdgeView, Engine, EngineError, board::Seen, chain, follow::NOWHERE, in_play::TICK};

/// Fixtures looked at together.
const TOGETHER: usize = 50;
/// What is remembered in memory of rules and fixtures; more is read from the store again.
const REMEMBERED_MAX: usize = 100_000;
/// How often a look that met another is tried.
const TRIES_MAX: usize = 3;
/// The version of what is not written down.
const UNWRITTEN: u64 = 0;
/// How long firings are kept, and what was seen of games that kicked off as long ago and will not be
/// played any more; how many firings of one rule, and how often older ones are deleted.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
const KEPT_MAX: u32 = 1_000;
/// What was seen is deleted in parts, so that nobody waits long for a write.
const TRIMMED_TOGETHER: u32 = 5_000;
const TRIM_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long to wait where nothing changes and no clock runs.
const IDLE: Duration = Duration::from_secs(30);
/// How long after a change others are waited for, so that what is made of it for those who follow
/// it comes first.
const GATHER: Duration = Duration::from_millis(5);
/// How long to leave a store alone that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks for rules that fire.
pub struct AlertWatcher {
    pub(super) engine: Arc<Engine>,
    pub(super) rules: Rules,
    /// Number of the last change that was looked at.
    position: u64,
    /// What is remembered of rules and fixtures, as it is and as it is written down.
    remembered: HashMap<(AlertId, FixtureId), Remembered>,
    /// Fixtures of which everything written down is remembered.
    read: HashSet<FixtureId>,
    /// Games whose clock runs.
    running: BTreeSet<FixtureId>,
    ticked_at: Timestamp,
    /// When models are fitted anew.
    cut_at: Timestamp,
    trimmed_at: Timestamp,
}

struct Remembered {
    /// As it is written down; [`UNWRITTEN`] where it may be no longer.
    kept: AlertState,
    /// As it is.
    watch: AlertWatch,
    /// Whether the game was under way then.
    in_play: bool,
}

/// A rule and a fixture it looked at, with what is to be written.
struct Look<'a> {
    alert: Arc<AlertRecord>,
    seen: &'a Seen,
    step: AlertStep,
}

impl AlertWatcher {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            rules: Rules::default(),
            position: NOWHERE,
            remembered: HashMap::new(),
            read: HashSet::new(),
            running: BTreeSet::new(),
            ticked_at: Timestamp::MIN,
            cut_at: Timestamp::MIN,
            trimmed_at: Timestamp::MIN,
        }
    }

    /// Looks for as long as it is polled; a store that fails is asked again.
    pub async fn keep(mut self) {
        let mut changed = self.engine.changed();
        let mut failing = false;
        loop {
            if self.engine.is_ready() {
                let outcome = self.look().await;
                if let (Err(error), false) = (&outcome, failing) {
                    tracing::warn!(error = chain(error), "alerts cannot be looked after");
                }
                failing = outcome.is_err();
            }
            let wait = if failing || !self.engine.is_ready() {
                PAUSE
            } else if self.running.is_empty() {
                IDLE
            } else {
                TICK.unsigned_abs()
            };
            if tokio::time::timeout(wait, changed.changed()).await.is_ok() {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    /// Looks once at what changed since the last time; returns how many rules fired.
    pub async fn look(&mut self) -> Result<usize, EngineError> {
        let (due, position, at) = self.due().await?;
        // What is looked at is not older than what was found to have changed.
        self.engine.see(position).await?;
        if due.rules {
            let records = self.engine.store.writing().alerts().await?;
            self.forget_changed(&records);
            self.rules = Rules::new(records);
            let active = &self.engine.alerting.active;
            active.store(self.rules.len() as u64, Ordering::Relaxed);
        }
        let fired = self.look_at(due, position).await?;
        // Only now: a look that fails is to be made again, with all that was due.
        self.position = position;
        if self.is_cut(at) {
            self.cut_at = next_cut(at);
        }
        if self.is_tick(at) {
            self.ticked_at = at;
        }
        self.trim().await?;
        Ok(fired)
    }

    /// Forgets what is remembered of rules that are gone or have begun anew.
    fn forget_changed(&mut self, records: &[AlertRecord]) {
        let now: HashMap<AlertId, u64> = records.iter().map(|it| (it.id, it.generation)).collect();
        let read = &mut self.read;
        self.remembered.retain(|(alert, fixture), it| {
            let holds = now.get(alert) == Some(&it.kept.generation);
            if !holds {
                read.remove(fixture);
            }
            holds
        });
    }

    /// Whether models have been fitted anew since everything was looked at.
    fn is_cut(&self, at: Timestamp) -> bool {
        at >= self.cut_at
    }

    /// Whether it is time to look at games whose clock runs.
    fn is_tick(&self, at: Timestamp) -> bool {
        at.duration_since(self.ticked_at) >= TICK
    }

    /// What there is to look at, the number of the change that it is known up to, and when.
    async fn due(&self) -> Result<(Due, u64, Timestamp), EngineError> {
        let (mut due, mut position) = (Due::default(), self.position);
        loop {
            let changes = self.engine.store.changes(position, CHANGES_MAX).await?;
            if position == NOWHERE || changes.missed {
                due.everything = true;
                due.rules = true;
            }
            for change in &changes.items {
                due.note(change);
            }
            position = changes.last;
            if changes.items.len() < CHANGES_MAX as usize {
                break;
            }
        }
        let now = self.engine.now();
        if self.is_cut(now) {
            due.everything = true;
        }
        if self.is_tick(now) {
            due.fixtures.extend(&self.running);
        }
        Ok((due, position, now))
    }

    async fn look_at(&mut self, due: Due, position: u64) -> Result<usize, EngineError> {
        let unprimed = self.rules.unprimed();
        if self.rules.is_empty() {
            self.running.clear();
            return Ok(0);
        }
        let fixtures = if due.everything || !unprimed.is_empty() {
            self.everything(due.fixtures, !unprimed.is_empty()).await?
        } else {
            self.fixtures(due.fixtures.into_iter().collect()).await?
        };
        let mut fired = 0;
        for some in fixtures.chunks(TOGETHER) {
            fired += self.look_together(some, position).await?;
        }
        if !unprimed.is_empty() {
            for it in unprimed {
                let store = &self.engine.store;
                store.prime_alert(it.id, it.generation).await?;
            }
            let records = self.engine.store.writing().alerts().await?;
            self.rules = Rules::new(records);
        }
        if fired > 0 {
            add(&self.engine.alerting.fired, fired as u64);
            self.engine.alerting.bell.notify_one();
            self.engine.tell_changed();
        }
        Ok(fired)
    }

    /// Looks at some fixtures for every rule that watches them.
    async fn look_together(
        &mut self,
        fixtures: &[Fixture],
        position: u64,
    ) -> Result<usize, EngineError> {
        let now = self.engine.now();
        let seen = self.engine.see_all(fixtures.to_vec()).await?;
        add(&self.engine.alerting.looked, seen.len() as u64);
        for it in &seen {
            self.note_running(it);
        }
        // A game that has begun and of which nothing is heard says what it said before.
        let seen: Vec<&Seen> = seen
            .iter()
            .filter(|it| now < it.fixture.fixture.kickoff || it.sight.play.is_some())
            .collect();
        let mut fired = 0;
        let mut left: Vec<(Arc<AlertRecord>, &Seen)> = seen
            .into_iter()
            .flat_map(|it| {
                let rules = self.rules.of(&it.fixture.fixture);
                rules.into_iter().map(move |rule| (rule, it))
            })
            .collect();
        for _ in 0..TRIES_MAX {
            if left.is_empty() {
                break;
            }
            self.read_states(&left).await?;
            let looks: Vec<Look<'_>> = left
                .drain(..)
                .filter_map(|(alert, seen)| self.step(alert, seen, (position, now)))
                .collect();
            let (written, lost) = self.commit(looks).await?;
            fired += written;
            left = lost;
        }
        Ok(fired)
    }

    fn note_running(&mut self, seen: &Seen) {
        let id = seen.fixture.fixture.id;
        let runs = seen.sight.play.as_ref();
        let runs = runs.is_some_and(|it| it.running && it.phase == Phase::Playing);
        if runs {
            self.running.insert(id);
        } else {
            self.running.remove(&id);
        }
    }

    /// Reads what is written down of fixtures that nothing is remembered of.
    async fn read_states(
        &mut self,
        looks: &[(Arc<AlertRecord>, &Seen)],
    ) -> Result<(), EngineError> {
        if self.remembered.len() > REMEMBERED_MAX {
            self.remembered.clear();
            self.read.clear();
        }
        let ids = looks.iter().map(|it| it.1.fixture.fixture.id);
        let ids: BTreeSet<FixtureId> = ids.filter(|it| !self.read.contains(it)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<FixtureId> = ids.into_iter().collect();
        for kept in self.engine.store.writing().alert_states(&ids).await? {
            let watch = kept.watch.clone();
            let key = (kept.alert, kept.fixture);
            let remembered = Remembered {
                kept,
                watch,
                in_play: false,
            };
            self.remembered.insert(key, remembered);
        }
        self.read.extend(ids);
        Ok(())
    }

    /// Looks at a fixture for a rule; what is to be written of it, if anything is.
    fn step<'a>(
        &mut self,
        alert: Arc<AlertRecord>,
        seen: &'a Seen,
        (position, now): (u64, Timestamp),
    ) -> Option<Look<'a>> {
        let fixture = seen.fixture.fixture.id;
        let edge = best_edge(&alert, seen);
        let value = match alert.rule.condition() {
            AlertCondition::Edge { .. } => edge.map(|it| it.expected_value),
            _ => probability(&alert, seen),
        };
        let known = self.remembered.get(&(alert.id, fixture));
        if known.is_some_and(|it| (it.kept.position, it.kept.seen_at) > (position, now)) {
            return None; // Another server has looked at what came later.
        }
        // What is no longer written down was trimmed at another server, where it may have fired.
        let same = known
            .filter(|it| it.kept.generation == alert.generation && it.kept.version != UNWRITTEN);
        // A game that was put off is before its kickoff again, which nobody's chances moved.
        let put_off = known.is_some_and(|it| it.in_play) && seen.sight.play.is_none();
        let (watch, fired) = match (same, known) {
            (Some(it), _) if put_off => (alert.rule.begin_again(&it.watch, value, now), None),
            (Some(it), _) => alert.rule.look(&it.watch, value, now),
            (None, Some(it)) => (alert.rule.begin_again(&it.watch, value, now), None),
            (None, None) if alert.primed => alert.rule.look_first(value, now),
            (None, None) => (alert.rule.begin(value, now), None),
        };
        let kept = same.map(|it| &it.kept);
        let worth = kept.is_none_or(|it| watch.is_worth_keeping(&it.watch));
        let state = AlertState {
            alert: alert.id,
            fixture,
            generation: alert.generation,
            version: known.map_or(UNWRITTEN, |it| it.kept.version),
            position,
            seen_at: now,
            watch,
        };
        if !worth && fired.is_none() {
            let known = self.remembered.get_mut(&(alert.id, fixture));
            let known = known.expect("what is not worth writing is known");
            (known.watch, known.in_play) = (state.watch, seen.sight.play.is_some());
            return None;
        }
        let firing = fired.map(|it| firing(&alert, seen, (&it, edge), now));
        let step = AlertStep { state, firing };
        Some(Look { alert, seen, step })
    }

    /// Writes looks; returns how many fired, and those that met another.
    async fn commit<'a>(
        &mut self,
        looks: Vec<Look<'a>>,
    ) -> Result<(usize, Vec<(Arc<AlertRecord>, &'a Seen)>), EngineError> {
        if looks.is_empty() {
            return Ok((0, Vec::new()));
        }
        let steps: Vec<AlertStep> = looks.iter().map(|it| it.step.clone()).collect();
        let done = self.engine.store.commit_alerts(&steps).await?;
        let (mut fired, mut lost) = (0, Vec::new());
        for (look, done) in looks.into_iter().zip(done) {
            let mut kept = look.step.state;
            match done {
                Committed::Written(firing) => {
                    fired += usize::from(firing.is_some());
                    kept.version += 1;
                    let watch = kept.watch.clone();
                    let key = (kept.alert, kept.fixture);
                    let remembered = Remembered {
                        kept,
                        watch,
                        in_play: look.seen.sight.play.is_some(),
                    };
                    self.remembered.insert(key, remembered);
                }
                Committed::Lost => {
                    add(&self.engine.alerting.lost, 1);
                    // Read again; where nothing is written down, this is all there is.
                    if let Some(it) = self.remembered.get_mut(&(kept.alert, kept.fixture)) {
                        it.kept.version = UNWRITTEN;
                    }
                    self.read.remove(&kept.fixture);
                    lost.push((look.alert, look.seen));
                }
            }
        }
        Ok((fired, lost))
    }

    async fn trim(&mut self) -> Result<(), EngineError> {
        let now = self.engine.now();
        if now.duration_since(self.trimmed_at) < TRIM_EVERY {
            return Ok(());
        }
        let before = now.saturating_sub(KEPT);
        let before = before.expect("a fixed span never overflows");
        let store = &self.engine.store;
        store.trim_firings(before, KEPT_MAX).await?;
        while store.trim_alert_states(before, TRIMMED_TOGETHER).await? >= TRIMMED_TOGETHER.into() {}
        // What is written down of any of these is read again when it is looked at again.
        let read = &mut self.read;
        self.remembered.retain(|(_, fixture), it| {
            let is_new = it.kept.seen_at >= before;
            if !is_new {
                read.remove(fixture);
            }
            is_new
        });
        self.trimmed_at = now;
        Ok(())
    }
}

/// The largest edge that a rule may look at.
fn best_edge<'a>(alert: &AlertRecord, seen: &'a Seen) -> Option<&'a EdgeView> {
    let AlertCondition::Edge { market, .. } = *alert.rule.condition() else {
        return None;
    };
    let mut edges = seen.edges.iter();
    edges.find(|it| it.flags.is_empty() && market.is_none_or(|kind| kind == it.market.kind()))
}

/// The probability a rule watches; `None` where nobody can say.
fn probability(alert: &AlertRecord, seen: &Seen) -> Option<f64> {
    let fixture = &seen.fixture.fixture;
    let (market, outcome) = alert.rule.watched([fixture.home, fixture.away])?;
    let (_, forecast) = seen.sight.forecast.as_ref().ok()?;
    let predicted = forecast.markets(&[market]).pop()?;
    let found = predicted.outcomes.iter().find(|it| it.outcome == outcome);
    found.map(|it| it.probability)
}

fn firing(
    alert: &AlertRecord,
    seen: &Seen,
    (fired, edge): (&AlertFired, Option<&EdgeView>),
    now: Timestamp,
) -> NewFiring {
    let score = seen.sight.play.as_ref().map(|it| it.score);
    let notice = Notice::fired(alert, (&seen.fixture, score), fired, edge, now);
    NewFiring {
        alert: alert.id,
        fixture: Some(seen.fixture.fixture.id),
        at: now,
        notice: notice.text(),
        receiver: super::receiver(alert),
    }
}
