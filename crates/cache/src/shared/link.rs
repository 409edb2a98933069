//! One live connection to the server: what is asked over it is answered in time or failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Notify;

use super::counters::Counters;
use super::epoch::Epoch;
use super::script::{Answer, Script};
use super::types::SharedError;

/// How many requests in a row may run out of time before the breaker opens.
const TIMEOUTS_MAX: u32 = 3;

/// A connection whose server is known, and which hears of changes.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    /// What is known of the server's versions.
    pub(crate) epoch: Arc<Epoch>,
    counters: Arc<Counters>,
    command_timeout: Duration,
    questions: AtomicU64,
    timeouts: AtomicU32,
    /// The server's clock less ours, milliseconds; ours began with `origin`.
    server_ms: AtomicI64,
    origin: Instant,
    broken: AtomicBool,
    failure: Notify,
}

/// What a link is made of.
pub(crate) struct Parts {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) command_timeout: Duration,
}

impl Link {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            connection: parts.connection,
            epoch: parts.epoch,
            counters: parts.counters,
            command_timeout: parts.command_timeout,
            questions: AtomicU64::new(1),
            timeouts: AtomicU32::new(0),
            server_ms: AtomicI64::new(0),
            origin: Instant::now(),
            broken: AtomicBool::new(false),
            failure: Notify::new(),
        }
    }

    /// Asks the server, and waits for the answer as long as a command may take.
    pub(crate) async fn ask(&self, cmd: &Cmd) -> Result<Value, SharedError> {
        let mut connection = self.connection.clone();
        let asked = connection.send_packed_command(cmd);
        match tokio::time::timeout(self.command_timeout, asked).await {
            Err(_) => {
                Counters::add(&self.counters.timeouts);
                if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= TIMEOUTS_MAX {
                    self.fail();
                }
                Err(SharedError::TimedOut(self.command_timeout))
            }
            Ok(answer) => {
                self.timeouts.store(0, Ordering::Relaxed);
                // An error inside an answer arrives as a value.
                answer
                    .and_then(Value::extract_error)
                    .map_err(|error| self.judge(error))
            }
        }
    }

    /// Runs a script; `fill` appends its arguments after the number of the question.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[&[u8]],
        fill: impl Fn(&mut Cmd),
    ) -> Result<Answer, SharedError> {
        let question = self.questions.fetch_add(1, Ordering::Relaxed);
        let mut cmd = script.call(keys, question);
        fill(&mut cmd);
        let value = match self.ask(&cmd).await {
            Err(SharedError::Refused(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.ask(&script.load()).await?;
                self.ask(&cmd).await?
            }
            other => other?,
        };
        let answer = Answer::read(script, question, value).map_err(|error| self.distrust(error))?;
        if answer.verdict() == "other" {
            self.fail();
            return Err(SharedError::Away);
        }
        Ok(answer)
    }

    /// Gives the connection up: an answer made no sense, so the next one may belong elsewhere.
    pub(crate) fn distrust(&self, error: SharedError) -> SharedError {
        Counters::add(&self.counters.garbage);
        self.fail();
        error
    }

    /// Gives the connection up; the keeper makes another one.
    pub(crate) fn fail(&self) {
        self.broken.store(true, Ordering::Release);
        self.failure.notify_one();
    }

    /// Whether it was given up.
    pub(crate) fn broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Returns when it was given up.
    pub(crate) async fn failed(&self) {
        if !self.broken() {
            self.failure.notified().await;
        }
    }

    /// Notes the server's time, as answered to a question sent at `sent`.
    pub(crate) fn set_clock(&self, server_ms: u64, sent: Instant) {
        let ours = ms(sent.saturating_duration_since(self.origin));
        let theirs = i64::try_from(server_ms).unwrap_or(i64::MAX);
        self.server_ms.store(theirs - ours, Ordering::Relaxed);
    }

    /// How long ago, by the server's clock, it stored something at `stored_ms`: at least that, and
    /// at most one round trip more. `None` where that lies ahead.
    pub(crate) fn since(&self, stored_ms: u64) -> Option<Duration> {
        let now = self.server_ms.load(Ordering::Relaxed) + ms(self.origin.elapsed());
        let stored = i64::try_from(stored_ms).ok()?;
        // A millisecond is lost by rounding.
        let since = now.checked_sub(stored)?.checked_add(1)?;
        u64::try_from(since).ok().map(Duration::from_millis)
    }

    /// Turns the client's error into ours; after some the connection is of no more use.
    fn judge(&self, error: RedisError) -> SharedError {
        match error.kind() {
            ErrorKind::Server(
                ServerErrorKind::ReadOnly
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading,
            ) => {
                self.fail();
                SharedError::Refused(error)
            }
            ErrorKind::Io => {
                self.fail();
                SharedError::Away
            }
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                self.distrust(SharedError::Garbled("a command"))
            }
            _ if error.code() == Some("OOM") => SharedError::Full,
            _ if matches!(error.code(), Some("NOREPLICAS" | "MISCONF" | "NOAUTH")) => {
                self.fail();
                SharedError::Refused(error)
            }
            _ if error.is_unrecoverable_error() => {
                self.fail();
                SharedError::Refused(error)
            }
            _ => SharedError::Refused(error),
        }
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
