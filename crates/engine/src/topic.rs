//! What answers are made from, named so that an answer can be forgotten when that changes.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::{self, Display},
};

use domain::{Competition, CompetitionKey, FixtureId, Sport, TeamId};
use jiff::Timestamp;

/// Something an answer can be made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Names of competitions and teams.
    Names,
    /// The trained model that serves.
    Model,
    /// Any fixture, with its result and quotes.
    Fixtures,
    /// The fixtures of a competition.
    Competition(CompetitionKey),
    /// The fixtures of a team.
    Team(TeamId),
    /// One fixture, with its result and quotes.
    Fixture(FixtureId),
    /// What models are fitted on: past games of competitions that share teams.
    History(Sport, String),
}

/// The most topics an answer names one by one; beyond it says that it was made from any fixture.
pub const TOPICS_MAX: usize = 16;

impl Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names => f.write_str("names"),
            Self::Model => f.write_str("model"),
            Self::Fixtures => f.write_str("fixtures"),
            Self::Competition(key) => write!(f, "competition:{key}"),
            Self::Team(id) => write!(f, "team:{id}"),
            Self::Fixture(id) => write!(f, "fixture:{id}"),
            Self::History(sport, pool) => write!(f, "history:{}:{pool}", sport.as_str()),
        }
    }
}

/// What an answer was made from, and how long it can hold even if nothing of it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    topics: BTreeSet<Topic>,
    until: Option<Timestamp>,
}

impl Reads {
    /// The topics; at most [`TOPICS_MAX`].
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter()
    }

    /// When time alone makes the answer another one.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Notes that the answer was made from this.
    fn read(&mut self, topic: Topic) {
        self.topics.insert(topic);
        if self.topics.len() > TOPICS_MAX || self.topics.contains(&Topic::Fixtures) {
            self.topics.retain(|it| !it.is_of_a_fixture());
            self.topics.insert(Topic::Fixtures);
        }
    }

    /// Notes that the answer holds until then at most.
    fn holds_until(&mut self, moment: Timestamp) {
        self.until = Some(self.until.map_or(moment, |it| it.min(moment)));
    }
}

impl Topic {
    /// Reads what [`Topic`]'s `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((family, rest)) = text.split_once(':') else {
            return match text {
                "names" => Some(Self::Names),
                "model" => Some(Self::Model),
                "fixtures" => Some(Self::Fixtures),
                _ => None,
            };
        };
        match family {
            "competition" => CompetitionKey::new(rest).ok().map(Self::Competition),
            "team" => rest.parse().ok().map(|it| Self::Team(TeamId(it))),
            "fixture" => rest.parse().ok().map(|it| Self::Fixture(FixtureId(it))),
            "history" => {
                let (sport, pool) = rest.split_once(':')?;
                Some(Self::History(Sport::parse(sport)?, pool.to_owned()))
            }
            _ => None,
        }
    }

    /// What models of a competition, and of those it shares teams with, are fitted on.
    pub(crate) fn history(competition: &Competition) -> Self {
        Self::History(competition.sport, competition.pool.clone())
    }

    /// Whether everything that changes this changes [`Topic::Fixtures`], too.
    fn is_of_a_fixture(&self) -> bool {
        match self {
            Self::Names | Self::Model | Self::Fixtures => false,
            Self::Competition(_) | Self::Team(_) | Self::Fixture(_) | Self::History(..) => true,
        }
    }
}

tokio::task_local! {
    static READS: RefCell<Reads>;
    static BACK: Timestamp;
}

/// Runs `work`, in its own task, as if it were a moment of the past: what is known is what was known
/// then, as far as the store still tells the one from the other.
pub async fn back_at<T>(moment: Timestamp, work: impl Future<Output = T>) -> T {
    BACK.scope(moment, work).await
}

/// The moment of the past that it is taken to be, where it is.
pub(crate) fn back() -> Option<Timestamp> {
    BACK.try_with(|it| *it).ok()
}

/// Runs `work` and tells what it read through the engine, in its own task.
pub async fn recorded<T>(work: impl Future<Output = T>) -> (T, Reads) {
    let scope = READS.scope(RefCell::default(), async {
        let done = work.await;
        (done, READS.with(RefCell::take))
    });
    scope.await
}

/// Notes that what is being answered was made from this; nothing where nobody records.
pub(crate) fn read(topic: Topic) {
    let _ = READS.try_with(|it| it.borrow_mut().read(topic));
}

/// Notes that what is being answered was made from the fixtures of these competitions; of all where
/// none is named.
pub(crate) fn read_competitions(competitions: &[CompetitionKey]) {
    if competitions.is_empty() {
        read(Topic::Fixtures);
    }
    for key in competitions {
        read(Topic::Competition(key.clone()));
    }
}

/// Notes that what is being answered holds until then at most.
pub(crate) fn holds_until(moment: Timestamp) {
    let _ = READS.try_with(|it| it.borrow_mut().holds_until(moment));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_read_back() {
        let topics = [
            Topic::Names,
            Topic::Model,
            Topic::Fixtures,
            Topic::Competition(CompetitionKey::new("eng.1").unwrap()),
            Topic::Team(TeamId(3)),
            Topic::Fixture(FixtureId(7)),
            Topic::History(Sport::Football, "england".to_owned()),
        ];
        for topic in topics {
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
        for text in ["", "fixture", "fixture:x", "history:curling:x", "weather:1"] {
            assert_eq!(Topic::parse(text), None);
        }
    }

    fn texts(reads: &Reads) -> Vec<String> {
        reads.topics().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn what_is_read_is_recorded_once_in_the_task_that_records() {
        read(Topic::Model); // Nobody records.
        let (answer, reads) = recorded(async {
            read(Topic::Fixture(FixtureId(7)));
            read(Topic::Team(TeamId(3)));
            read(Topic::Fixture(FixtureId(7)));
            holds_until(Timestamp::from_second(9).unwrap());
            holds_until(Timestamp::from_second(5).unwrap());
            holds_until(Timestamp::from_second(7).unwrap());
            "answer"
        })
        .await;
        assert_eq!(answer, "answer");
        assert_eq!(texts(&reads), ["team:3", "fixture:7"]);
        assert_eq!(reads.until(), Some(Timestamp::from_second(5).unwrap()));
    }

    #[tokio::test]
    async fn many_fixtures_are_any_fixture() {
        let ((), reads) = recorded(async {
            read(Topic::Names);
            for id in 0..100 {
                read(Topic::Fixture(FixtureId(id)));
            }
            read(Topic::History(Sport::Football, "england".to_owned()));
        })
        .await;
        assert_eq!(texts(&reads), ["names", "fixtures"]);
    }
}
