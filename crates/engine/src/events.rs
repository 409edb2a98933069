//! Events of games under way: taken in batches, kept as logs, listed as of a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use domain::{Fixture, FixtureId, PlayEvent, PlayKind, SourceKey};
use forecast::{PlayLog, cancelled};
use jiff::{SignedDuration, Timestamp};
use store::{FixtureEvent, RecordedEvent, Recording};

use crate::{
    BatchProblem, Engine, EngineError, Topic, topic,
    write::{problem, refuse_if_any, unknown_fixture},
};

/// The highest number an event can have: the highest that every JSON reader holds exactly.
pub const SEQUENCE_MAX: u64 = (1 << 53) - 1;
/// Tellings that are kept of one game; more are refused.
pub const TELLINGS_MAX: usize = PlayLog::EVENTS_MAX;
/// How far the clock of a source may be ahead of ours.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);
/// How long before kickoff something may happen in a game.
pub(crate) const EARLY_MAX: SignedDuration = SignedDuration::from_hours(12);

/// An event of a game under way, as a source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCommand {
    /// Which game.
    pub fixture: FixtureId,
    /// What happened.
    pub event: PlayEvent,
    /// When it was told, for games recorded earlier; `None` means now.
    pub told_at: Option<Timestamp>,
}

/// What became of a batch of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsOutcome {
    /// The game of each entry and whether the event was new, in the order given.
    pub entries: Vec<(FixtureId, bool)>,
    /// The number of the change they made, where they made one.
    pub position: Option<u64>,
}

/// Whether an event of a log counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStanding {
    /// It does.
    Counts,
    /// It was told anew.
    Superseded,
    /// A later event took it back.
    Cancelled,
}

/// An event with its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// What happened.
    pub event: PlayEvent,
    /// The moment from which it counts as known.
    pub known_at: Timestamp,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// Who told it.
    pub source: SourceKey,
    /// Whether it counts, as of the moment asked for.
    pub standing: EventStanding,
}

impl Engine {
    /// Appends events that `source` tells to the logs of their games; all or none. Events may come
    /// late and in any order: the numbers of the source put them in order. What is known already is
    /// left alone.
    pub async fn put_events(
        &self,
        source: &SourceKey,
        commands: Vec<EventCommand>,
    ) -> Result<EventsOutcome, EngineError> {
        let ids = commands.iter().map(|it| it.fixture);
        let fixtures = self.held_fixtures(ids).await?;
        let now = self.now();
        let mut problems = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            match fixtures.get(&command.fixture) {
                None => problems.push(unknown_fixture(index, command.fixture)),
                Some(fixture) => problems.extend(fault(index, command, fixture, now)),
            }
        }
        refuse_if_any(problems)?;
        self.refuse_too_many(&commands).await?;
        let events: Vec<FixtureEvent> = commands
            .iter()
            .map(|it| FixtureEvent {
                fixture: it.fixture,
                event: it.event,
                known_at: it.told_at.unwrap_or(now),
            })
            .collect();
        let recording = Recording {
            source: source.clone(),
            import: None,
            at: now,
        };
        let asked = Instant::now();
        let appended = self.store.append_events(&recording, &events).await?;
        let (new, span) = (appended.were_new(), appended.span.clone());
        self.heard.note(source, (&events, &new), now);
        let mut changed: BTreeMap<FixtureId, Vec<RecordedEvent>> = BTreeMap::new();
        for it in appended.recorded.into_iter().flatten() {
            changed.entry(it.fixture).or_default().push(it);
        }
        if !changed.is_empty() {
            let topics = changed.keys().flat_map(|id| topics_of(&fixtures[id]));
            let topics: BTreeSet<Topic> = topics.collect();
            self.forget_events((changed, span.clone()), topics, asked)
                .await;
        } else if self.cache().shared().is_none() {
            // Who told them first may have left before what they changed was forgotten.
            self.follow().await?;
        }
        Ok(EventsOutcome {
            entries: commands.iter().map(|it| it.fixture).zip(new).collect(),
            position: (!span.is_empty()).then_some(span.end),
        })
    }

    /// Refuses a batch that would make a log longer than it may be.
    async fn refuse_too_many(&self, commands: &[EventCommand]) -> Result<(), EngineError> {
        let mut wanted: BTreeMap<FixtureId, usize> = BTreeMap::new();
        for command in commands {
            *wanted.entry(command.fixture).or_default() += 1;
        }
        for (id, wanted) in &mut wanted {
            let log = self.log_to_write(*id).await?;
            *wanted += log.events().len();
        }
        let mut problems = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            if wanted.remove(&command.fixture) > Some(TELLINGS_MAX) {
                let detail = format!(
                    "with these fixture {} would have more than {TELLINGS_MAX} events",
                    command.fixture
                );
                problems.push(problem(index, "fixture_id", detail));
            }
        }
        refuse_if_any(problems)
    }

    /// Every event of a fixture that was known at a moment (now, for `None`), in the order of the
    /// source, all revisions.
    pub async fn events(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<EventView>, EngineError> {
        self.fixture(id).await?;
        topic::read(Topic::Fixture(id));
        let log = self.log(id).await?;
        let known = |it: &&RecordedEvent| as_of.is_none_or(|moment| it.known_at <= moment);
        Ok(views(log.events().iter().filter(known).cloned().collect()))
    }
}

/// What is made of a fixture of which something was heard; no history, for models are fitted on
/// results alone.
pub(crate) fn topics_of(fixture: &Fixture) -> impl Iterator<Item = Topic> + use<> {
    [
        Topic::Fixtures,
        Topic::Fixture(fixture.id),
        Topic::Team(fixture.home),
        Topic::Team(fixture.away),
        Topic::Competition(fixture.competition.clone()),
    ]
    .into_iter()
}

fn fault(
    index: usize,
    command: &EventCommand,
    fixture: &Fixture,
    now: Timestamp,
) -> Option<BatchProblem> {
    let event = &command.event;
    let early = fixture.kickoff.saturating_sub(EARLY_MAX);
    let ahead = now.saturating_add(AHEAD_MAX);
    let [early, ahead] = [early, ahead].map(|it| it.expect("a fixed span never overflows"));
    let (field, detail) = if event.sequence > SEQUENCE_MAX {
        let detail = format!("{} is more than {SEQUENCE_MAX}", event.sequence);
        ("sequence", detail)
    } else if event.at > ahead {
        ("at", format!("{} lies in the future", event.at))
    } else if event.at < early {
        let detail = format!("{} is long before kickoff at {}", event.at, fixture.kickoff);
        ("at", detail)
    } else if command.told_at.is_some_and(|it| it > now) {
        ("told_at", "it was told in the future".to_owned())
    } else {
        let PlayKind::Cancelled { of } = event.kind else {
            return None;
        };
        if of < event.sequence {
            return None;
        }
        ("of", format!("{of} is not an event before it"))
    };
    Some(problem(index, field, detail))
}

/// Events with what became of them.
fn views(events: Vec<RecordedEvent>) -> Vec<EventView> {
    let mut newest: BTreeMap<u64, (u16, PlayEvent)> = BTreeMap::new();
    for it in &events {
        let told = (it.event.revision, it.event);
        let known = newest.entry(it.event.sequence).or_insert(told);
        *known = told.max(*known);
    }
    let cancelled = cancelled(newest.values().rev().map(|it| &it.1));
    let view = |it: RecordedEvent| EventView {
        standing: if newest[&it.event.sequence].1 != it.event {
            EventStanding::Superseded
        } else if cancelled.contains(&it.event.sequence) {
            EventStanding::Cancelled
        } else {
            EventStanding::Counts
        },
        event: it.event,
        known_at: it.known_at,
        recorded_at: it.recorded_at,
        source: it.source,
    };
    events.into_iter().map(view).collect()
}
