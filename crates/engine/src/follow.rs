//! Forgets kept answers when what they were made from changes, here or in another process.

use std::{sync::atomic::Ordering, time::Duration};

use cache::{Tag, Target};
use domain::FixtureId;
use store::FixtureRecord;

use crate::{Engine, EngineError, Topic};

/// How often the store is asked whether another process wrote; what it wrote is served no later
/// than this after its commit, and the time of one question.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

impl Topic {
    /// The tag of entries made from this.
    pub fn tag(&self) -> Tag {
        Tag::new("topic", self.to_string().as_str())
    }
}

impl Engine {
    /// Forgets every answer made from one of these; who asks after this never gets it again.
    pub(crate) fn forget(&self, topics: impl IntoIterator<Item = Topic>) {
        let targets: Vec<Target> = topics.into_iter().map(|it| it.tag().into()).collect();
        self.cache().remove(&targets);
    }

    /// Forgets what was made from fixtures that have just been written, under the ids they got.
    pub(crate) fn forget_records(&self, records: &[FixtureRecord], ids: &[FixtureId]) {
        let names = self.names();
        let mut topics = vec![Topic::Fixtures, Topic::Names];
        for (record, id) in records.iter().zip(ids) {
            topics.push(Topic::Fixture(*id));
            topics.push(Topic::Team(record.home));
            topics.push(Topic::Team(record.away));
            topics.push(Topic::Competition(record.competition.clone()));
            // Models are fitted on games that have been played, and on their prices.
            if record.kickoff <= self.now() {
                let Some(competition) = names.competitions.get(&record.competition) else {
                    return self.cache().remove(&[Target::Everything]);
                };
                topics.push(Topic::history(competition));
            }
        }
        topics.sort();
        topics.dedup();
        self.forget(topics);
    }

    /// Forgets what other processes changed since this was last called.
    pub async fn follow(&self) -> Result<(), EngineError> {
        let revision = self.store.data_revision().await?;
        if self.followed.swap(revision, Ordering::AcqRel) != revision {
            self.cache().remove(&[Target::Everything]);
        }
        Ok(())
    }

    /// Follows what other processes write for as long as it is polled; a store that fails is asked
    /// again.
    pub async fn keep_following(&self) {
        let mut failing = false;
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            let outcome = self.follow().await;
            match &outcome {
                Err(error) if !failing => {
                    tracing::warn!(%error, "what other processes write cannot be followed");
                }
                Ok(()) if failing => tracing::info!("followed again"),
                _ => {}
            }
            failing = outcome.is_err();
        }
    }
}
