//! Why the store has no answer.

use thiserror::Error;

/// Why the store has no answer.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database was made by a newer release.
    #[error(
        "the database has schema {found}, newer than {known} which this release knows; run the newer release"
    )]
    SchemaTooNew {
        /// Version in the file.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// The database was made by an older release, and is to be read as it is.
    #[error(
        "the database has schema {found} and this release works on {known}; run `sports-edge db migrate`"
    )]
    SchemaTooOld {
        /// Version in the database.
        found: i64,
        /// Version this release works on.
        known: i64,
    },
    /// There is no database.
    #[error("there is no database at {0}")]
    Missing(String),
    /// The file at the path is not the one that is open.
    #[error(
        "{0} was deleted or replaced while it was open; what is written now is lost: start the server again"
    )]
    Replaced(String),
    /// Something would be written over.
    #[error("{0} is not empty; nothing was written")]
    NotEmpty(String),
    /// A file is in the way.
    #[error("{0} is there already; move it away, or name another place; nothing was written")]
    Taken(String),
    /// A file is no backup, or a damaged one.
    #[error("this is no backup of Sports Edge: {0}")]
    NotABackup(String),
    /// A SQLite file is damaged.
    #[error("{name} is damaged: {fault}; nothing was written")]
    Damaged {
        /// Which file.
        name: String,
        /// What SQLite says is wrong.
        fault: String,
    },
    /// A table did not come out as it went in.
    #[error("table {table} has {found}, not {expected}; nothing was written")]
    Differs {
        /// Which table.
        table: String,
        /// What it must add up to.
        expected: String,
        /// What it adds up to.
        found: String,
    },
    /// A file cannot be read or written.
    #[error("file {path} cannot be read or written")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server follows another one.
    #[error(
        "the server follows another one, so that nothing can be written: set database.url to the one \
         that leads"
    )]
    Follows,
    /// The database is not one of ours, or is damaged.
    #[error("{0} is not a Sports Edge database")]
    NotOurs(String),
    /// The file is a backup, which nobody is to write to.
    #[error("{0} is a backup: `sports-edge db restore` makes a database of it in another place")]
    Backup(String),
    /// A URL cannot be read.
    #[error("{0} is no URL of a PostgreSQL database, such as postgres://user:password@host/name")]
    Url(String),
    /// A part of a URL is wrong; which one, without what it says.
    #[error("the URL of the PostgreSQL database {0}")]
    UrlPart(String),
    /// What should be a path looks like the address of a server.
    #[error(
        "this looks like the address of a server and not like a file: a PostgreSQL database is \
         written postgres://user:password@host:5432/name, a file of such a name sqlite:NAME"
    )]
    NoFile,
    /// A record names something that is not there.
    #[error("{what} {key} is not known")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Which one.
        key: String,
    },
    /// A stored value makes no sense.
    #[error("column {column} holds {value:?}, which cannot be read")]
    Corrupt {
        /// Table and column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// A pooler gives each transaction another connection, and was not told of.
    #[error(
        "a pooler before the server gives each transaction another connection: set \
         database.pooler = \"transaction\""
    )]
    Pooled(#[source] sqlx::Error),
    /// A pooler refuses a parameter that connections begin with.
    #[error(
        "a pooler before the server refuses the parameter {parameter}: set \
         ignore_startup_parameters = {parameter} in pgbouncer, or database.pooler = \
         \"transaction\" where its pool_mode is that"
    )]
    RefusedParameter {
        /// Which parameter.
        parameter: String,
        /// What the pooler said.
        source: sqlx::Error,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The embedded database failed where logs of games are appended to.
    #[error("the database failed")]
    Append(#[from] rusqlite::Error),
}

/// PostgreSQL's codes for a prepared statement that is there already, or is not there: the connection
/// is not the one that it was prepared on.
const OF_ANOTHER: [&str; 2] = ["42P05", "26000"];

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        let said = source.as_database_error();
        let code = said.and_then(|it| it.code());
        let is_of_another = code.is_some_and(|it| OF_ANOTHER.contains(&&*it));
        let refused = said.and_then(|it| refused_parameter(it.message()));
        match refused.map(str::to_owned) {
            _ if is_of_another => Self::Pooled(source),
            Some(parameter) => Self::RefusedParameter { parameter, source },
            None => Self::Database(source),
        }
    }
}

/// The parameter that pgbouncer says it does not support.
fn refused_parameter(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unsupported startup parameter")?;
    rest.rsplit_once(": ").map(|(_, parameter)| parameter)
}

impl StoreError {
    /// Whether the server of the database was not reached, or is open to nobody for now.
    pub fn is_away(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            // Shut down, starting, or out of connections.
            sqlx::Error::Database(it) => it
                .code()
                .is_some_and(|it| it.starts_with("57P") || it.starts_with("08") || it == "53300"),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            _ => false,
        }
    }

    /// What failed, in one line for the log.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Database(error) => error.to_string(),
            other => other.to_string(),
        }
    }
}
