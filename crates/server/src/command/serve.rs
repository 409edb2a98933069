//! `sports-edge serve`.

use std::{fs, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use api::Scope;
use clap::Args;
use engine::{ApiKeyRecord, Engine};
use store::{Store, StoreError};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};
use tracing::warn;

use super::{key, open_serving_store, output::say, serving_engine};
use crate::config::{Config, Settings};

/// How long a database that is away is waited for at the start.
const OPEN_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long to wait before it is tried again: the first time, and at most.
const OPEN_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Where to serve.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads are open on loopback; writes and changes of models need an API key, and the first run
makes one and prints it.
An address that others can reach needs a key, or the setting reads_public.

SIGTERM, SIGINT or SIGHUP stops: /health/ready says no, requests at work are finished within
limits.drain_seconds_max, a second signal stops at once. After SIGTERM and SIGHUP everything is
still served for limits.drain_delay_seconds, so that a load balancer sees it first.

Examples:
  sports-edge serve
  sports-edge serve --listen 127.0.0.1:0        any free port, printed
  SPORTS_EDGE_LISTEN=0.0.0.0:80 sports-edge serve")]
pub(crate) struct ServeArgs {
    /// Address and port, in place of the setting `listen`
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

/// Serves until a signal says to stop.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let settings = &config.settings;
    let mut signals = Signals::catch()?;
    let store = tokio::select! {
        opened = opened(settings) => opened?,
        _ = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let (engine, models) = serving_engine(Arc::clone(&store), settings).await?;
    let first_key = ensure_key(&engine, settings).await?;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| {
        let address = settings.listen;
        format!("{address} cannot be listened on; choose another with --listen")
    })?;
    say(format_args!(
        "Sports Edge: http://{}  (API: /docs)",
        listener.local_addr()?
    ))?;
    if let Some(key) = first_key {
        say(format_args!(
            "An API key for writing, shown this once: {key}"
        ))?;
    }
    let (told, stop) = tokio::sync::oneshot::channel();
    let serving = crate::run(settings, engine, listener, async {
        stop.await.unwrap_or_default() // A lost sender is a reason to stop as well.
    });
    let later = Duration::from_secs(settings.limits.drain_delay_seconds);
    tokio::pin!(serving);
    let mut told = Some(told);
    loop {
        let delay = tokio::select! {
            ended = &mut serving => {
                ended?;
                models.close().await;
                store.close().await;
                return Ok(ExitCode::SUCCESS);
            }
            // Whoever sits at the terminal does not wait for a load balancer.
            is_interrupt = signals.next() => if is_interrupt { Duration::ZERO } else { later },
        };
        if told.take().is_none_or(|it| it.send(delay).is_err()) {
            bail!("stopped at once by a second signal");
        }
    }
}

/// Opens the store. A database that is away is waited for: after a start of the whole machine it may
/// come later than this.
async fn opened(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let (began, [mut pause, pause_max]) = (Instant::now(), OPEN_AGAIN);
    let mut is_told = false;
    loop {
        let error = match open_serving_store(settings).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        let is_away = error.downcast_ref().is_some_and(StoreError::is_away);
        if !is_away || began.elapsed() + pause > OPEN_WAIT_MAX {
            return Err(error);
        }
        if !std::mem::replace(&mut is_told, true) {
            warn!(
                error = format!("{error:#}"),
                patience = ?OPEN_WAIT_MAX,
                "database away, waited for"
            );
        }
        sleep(pause).await;
        pause = (pause * 2).min(pause_max);
    }
}

/// The signals that say to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?,
            interrupt: signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?,
            hangup: hangup()?,
        })
    }

    /// Waits for one of them, and says whether it was that of a terminal.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => true,
            () = hung_up(&mut self.hangup) => false,
        }
    }
}

/// SIGHUP, unless whoever started the server had it ignored, as `nohup` does.
fn hangup() -> anyhow::Result<Option<Signal>> {
    if ignores(&fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        return Ok(None);
    }
    let caught = signal(SignalKind::hangup()).context("SIGHUP cannot be caught")?;
    Ok(Some(caught))
}

/// Whether a process ignores SIGHUP, the first of its signals, by what Linux says of it.
fn ignores(status: &str) -> bool {
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    mask.is_some_and(|it| it & 1 == 1)
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Why nobody could read or write at an exposed server with these keys, and what helps; nothing where
/// somebody could.
pub(super) fn locked_out(settings: &Settings, keys: &[ApiKeyRecord]) -> Option<[String; 2]> {
    let exposing = settings.exposing();
    let usable = keys.iter().any(|it| it.revoked_at.is_none());
    if exposing.is_empty() || usable || settings.reads_public {
        return None;
    }
    let what = format!(
        "the server can be reached from other machines by its setting {} and there is no API key, \
         so nobody could read or write",
        exposing.join(" and ")
    );
    let private = exposing.iter().map(|setting| match *setting {
        "allowed_hosts" => "leave allowed_hosts empty".to_owned(),
        address => format!("set {address} to an address of 127.0.0.1"),
    });
    let private: Vec<_> = private.collect();
    let remedy = format!(
        "make one with `sports-edge key create --name NAME --scope read,write`, open reads to \
         everybody with SPORTS_EDGE_READS_PUBLIC=true, or {}",
        private.join(" and ")
    );
    Some([what, remedy])
}

/// Makes the first key of a server only this machine reaches; refuses to expose one without any.
async fn ensure_key(engine: &Engine, settings: &Settings) -> anyhow::Result<Option<String>> {
    let keys = engine.keys().await?;
    if settings.is_exposed() {
        return match locked_out(settings, &keys) {
            Some([what, remedy]) => bail!("{what}: {remedy}"),
            None => Ok(None),
        };
    }
    if !keys.is_empty() {
        return Ok(None);
    }
    let scopes = vec![Scope::Write, Scope::Models];
    let key = key::create_first(engine, "first run".to_owned(), scopes).await?;
    Ok(key.map(|it| it.reveal().to_owned()))
}
