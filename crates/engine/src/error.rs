//! Why the engine has no answer.

use domain::{AlertId, CompetitionKey, FixtureId, InvalidAlert, SeasonKey, TeamId};
use jiff::Timestamp;
use thiserror::Error;

/// Why the engine has no answer.
#[derive(Debug, Error)]
pub enum EngineError {
    /// Nobody has heard of this fixture.
    #[error("fixture {0} is not known")]
    UnknownFixture(FixtureId),
    /// Nobody has heard of this competition.
    #[error("competition {0} is not known")]
    UnknownCompetition(CompetitionKey),
    /// The competition has no fixture in this season.
    #[error("competition {0} has no fixture in the season {1}")]
    UnknownSeason(CompetitionKey, SeasonKey),
    /// Nobody has heard of this team.
    #[error("team {0} is not known")]
    UnknownTeam(TeamId),
    /// There is no such model.
    #[error("model {0:?} is not known")]
    UnknownModel(String),
    /// No model has been trained yet.
    #[error("no model has been trained: run `sports-edge train`")]
    NoModel,
    /// The fixture's teams have no history as of the moment asked for.
    #[error("fixture {fixture} cannot be predicted as of {as_of}: {reason}")]
    NotPredictable {
        /// Which fixture.
        fixture: FixtureId,
        /// Which moment.
        as_of: Timestamp,
        /// Why.
        reason: String,
    },
    /// A game cannot stand as was supposed.
    #[error("{field} {detail}")]
    BadSupposition {
        /// Which part of it.
        field: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// There is no such rule.
    #[error("alert {0} is not known")]
    UnknownAlert(AlertId),
    /// The rule was made with another key.
    #[error(
        "alert {0} was made with another API key; that one or one with the scope admin may change it"
    )]
    ForeignAlert(AlertId),
    /// A key has as many rules as it may.
    #[error("this API key has {0} alerts already; delete one first")]
    TooManyAlerts(u32),
    /// A rule that can never fire, or would all the time.
    #[error("{0}")]
    BadAlert(#[from] InvalidAlert),
    /// A cursor was not one of ours, or one of another list.
    #[error("the cursor {0:?} is not one this server gave out for this list")]
    BadCursor(String),
    /// A batch had entries that cannot be taken; nothing was written.
    #[error("{} of the batch's entries cannot be taken", .0.len())]
    BadBatch(Vec<BatchProblem>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::StoreError),
    /// The forecast failed.
    #[error("the forecast failed")]
    Forecast(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A worker was lost.
    #[error("a worker was lost")]
    Worker,
}

impl EngineError {
    /// Whether the database was deleted or replaced while it was open, so that writes are lost.
    pub fn is_database_replaced(&self) -> bool {
        matches!(self, Self::Store(store::StoreError::Replaced(_)))
    }
}

/// An error and its causes, for the log; a cause that the text before it ends with is not said again.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// What is wrong with one entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchProblem {
    /// Position in the batch, from 0.
    pub index: usize,
    /// Which field.
    pub field: String,
    /// What is wrong.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fmt};

    use super::chain;

    /// A text that may hold its cause already.
    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|it| it as _)
        }
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let cause = Told("connection refused", None);
        let driver = Told("cannot talk: connection refused", Some(Box::new(cause)));
        let store = Told("the database failed", Some(Box::new(driver)));
        assert_eq!(
            chain(&store),
            "the database failed: cannot talk: connection refused"
        );
    }
}
