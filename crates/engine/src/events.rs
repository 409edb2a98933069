//! Events of games under way: taken in batches, kept as logs, listed as of a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use domain::{Fixture, FixtureId, Period, PlayEvent, PlayKind, SourceKey, Sport};
use forecast::{PlayLog, cancelled};
use jiff::{SignedDuration, Timestamp};
use store::{FixtureEvent, RecordedEvent, Recording};

use crate::{
    Engine, EngineError, Topic, topic,
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
        let names = self.names();
        for (index, command) in commands.iter().enumerate() {
            let Some(fixture) = fixtures.get(&command.fixture) else {
                problems.push(unknown_fixture(index, command.fixture));
                continue;
            };
            let sport = match names.competitions.get(&fixture.competition) {
                Some(competition) => competition.sport,
                None => self.fixture(fixture.id).await?.home.sport,
            };
            let fault = fault(command, fixture, now);
            let fault = fault.or_else(|| impossible(sport, &command.event));
            problems.extend(fault.map(|(field, detail)| problem(index, field, detail)));
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
            // Who follows is told before who told it is answered.
            tokio::task::yield_now().await;
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

/// Which member of an event is at fault, and why.
type Fault = (&'static str, String);

fn fault(command: &EventCommand, fixture: &Fixture, now: Timestamp) -> Option<Fault> {
    let event = &command.event;
    let early = fixture.kickoff.saturating_sub(EARLY_MAX);
    let ahead = now.saturating_add(AHEAD_MAX);
    let [early, ahead] = [early, ahead].map(|it| it.expect("a fixed span never overflows"));
    if event.sequence > SEQUENCE_MAX {
        let detail = format!("{} is more than {SEQUENCE_MAX}", event.sequence);
        Some(("sequence", detail))
    } else if event.at > ahead {
        Some(("at", format!("{} lies in the future", event.at)))
    } else if event.at < early {
        let detail = format!("{} is long before kickoff at {}", event.at, fixture.kickoff);
        Some(("at", detail))
    } else if command.told_at.is_some_and(|it| it > now) {
        Some(("told_at", "it was told in the future".to_owned()))
    } else {
        match event.kind {
            PlayKind::Cancelled { of } if of >= event.sequence => {
                Some(("of", format!("{of} is not an event before it")))
            }
            _ => None,
        }
    }
}

/// What never happens in a sport.
fn impossible(sport: Sport, event: &PlayEvent) -> Option<Fault> {
    let (name, periods_max, points_max) = match sport {
        // Two halves, two of extra time, penalties.
        Sport::Football => ("football", 5, 1),
        Sport::Basketball => ("basketball", Period::MAX, 3),
        // A touchdown and the two points after it told as one.
        Sport::AmericanFootball => ("American football", Period::MAX, 8),
    };
    let too_late = |field, period: Period| {
        let number = period.number();
        let detail = || format!("{number} is not a period of {name}: use 1 to {periods_max}");
        (number > periods_max).then(|| (field, detail()))
    };
    let clock = event.clock.map(|it| it.period());
    let fault = clock.and_then(|it| too_late("clock/period", it));
    fault.or_else(|| match event.kind {
        PlayKind::PeriodStart { period } | PlayKind::PeriodEnd { period } => {
            too_late("period", period)
        }
        PlayKind::Scored { points, .. } if points.get() > points_max => {
            let most = match points_max {
                1 => "1".to_owned(),
                most => format!("1 to {most}"),
            };
            let detail = format!("nothing counts {points} in {name}: use {most}");
            Some(("points", detail))
        }
        PlayKind::RedCard { .. } if sport != Sport::Football => {
            Some(("kind", format!("there are no red cards in {name}")))
        }
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use domain::{GameClock, Side};

    use super::*;

    /// The member at fault, and what it says.
    fn check(sport: Sport, kind: PlayKind, period: u8) -> Option<Fault> {
        let period = Period::new(period).unwrap();
        let event = PlayEvent {
            sequence: 1,
            revision: 0,
            at: Timestamp::UNIX_EPOCH,
            clock: Some(GameClock::new(period, 0).unwrap()),
            kind,
        };
        impossible(sport, &event)
    }

    #[test]
    fn each_sport_has_its_own_points_cards_and_periods() {
        let sides = Sport::ALL.map(|sport| {
            let scored = |points| PlayKind::Scored {
                side: Side::Home,
                points: NonZeroU8::new(points).unwrap(),
            };
            let most = (1..=255).take_while(|it| check(sport, scored(*it), 1).is_none());
            let red = PlayKind::RedCard { side: Side::Away };
            let running = PlayKind::Clock { running: true };
            let periods = (1..=Period::MAX).take_while(|it| check(sport, running, *it).is_none());
            (
                most.count(),
                check(sport, red, 1).is_none(),
                periods.count(),
            )
        });
        assert_eq!(sides, [(1, true, 5), (8, false, 20), (3, false, 20)]);
        let red = PlayKind::RedCard { side: Side::Away };
        let (field, detail) = check(Sport::AmericanFootball, red, 1).unwrap();
        assert_eq!(field, "kind");
        assert_eq!(detail, "there are no red cards in American football");
    }
}
