//! `sports-edge serve`.

use std::{fs, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use api::Scope;
use clap::Args;
use engine::Engine;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::warn;

use super::{key, open_serving_store, output::say, serving_engine};
use crate::config::{Config, Settings};

/// Where to serve.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads are open on loopback; writes and changes of models need an API key, and the first run
makes one and prints it.
An address that others can reach needs a key, or the setting reads_public.

SIGTERM, SIGINT or SIGHUP stops: /health/ready says no, requests at work are finished within
limits.drain_seconds_max, a second signal stops at once.

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
    for name in &config.strangers {
        warn!(name, "environment variable names no setting");
    }
    let store = open_serving_store(settings).await?;
    let (engine, models) = serving_engine(Arc::clone(&store), settings).await?;
    let first_key = ensure_key(&engine, settings).await?;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| {
        let address = settings.listen;
        format!("{address} cannot be listened on; choose another with --listen")
    })?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    let mut hangup = hangup()?;
    say(format_args!(
        "Sports Edge: http://{}  (API: /docs)",
        listener.local_addr()?
    ))?;
    if let Some(key) = first_key {
        say(format_args!(
            "An API key for writing, shown this once: {key}"
        ))?;
    }
    let (told, stop) = tokio::sync::oneshot::channel::<()>();
    let serving = crate::run(settings, engine, listener, async {
        let _ = stop.await; // A lost sender is a reason to stop as well.
    });
    tokio::pin!(serving);
    let mut told = Some(told);
    loop {
        tokio::select! {
            ended = &mut serving => {
                ended?;
                models.close().await;
                store.close().await;
                return Ok(ExitCode::SUCCESS);
            }
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up(&mut hangup) => {}
        }
        if told.take().is_none_or(|it| it.send(()).is_err()) {
            bail!("stopped at once by a second signal");
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

/// Makes the first key of a server only this machine reaches; refuses to expose one without any.
async fn ensure_key(engine: &Engine, settings: &Settings) -> anyhow::Result<Option<String>> {
    let keys = engine.keys().await?;
    if settings.is_exposed() {
        let usable = keys.iter().any(|it| it.revoked_at.is_none());
        if !usable && !settings.reads_public {
            bail!(
                "{} can be reached from other machines and there is no API key, so nobody could \
                 read or write.\nMake one with `sports-edge key create --name NAME --scope \
                 read,write`, open reads to everybody with SPORTS_EDGE_READS_PUBLIC=true, or \
                 listen on 127.0.0.1.",
                settings.listen
            );
        }
        return Ok(None);
    }
    if !keys.is_empty() {
        return Ok(None);
    }
    let key = key::create(
        engine,
        "first run".to_owned(),
        vec![Scope::Write, Scope::Models],
    )
    .await?;
    Ok(Some(key.reveal().to_owned()))
}
