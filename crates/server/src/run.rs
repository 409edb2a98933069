//! The server's life: listen at once, load, serve, drain, stop.
//!
//! The caller owns the socket and the reason to stop, so a test asks for port zero.

mod background;
mod beside;
mod cores;
pub(crate) mod disk;
mod http;
mod listener;
mod metrics;
mod origin;
pub(crate) mod shared;
mod unread;
mod warmth;
mod watch;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use api::{ApiOptions, ApiState, Hosts, LiveOptions, RateOptions, ReadAccess, SessionOptions};
use engine::{Engine, chain};
use tokio::{net::TcpListener, sync::watch::channel as watch_channel};
use tracing::{debug, error, info, warn};

use self::listener::{BoundedListener, CONNECTIONS_MAX, SILENCE_MAX};
use self::{background::Background, beside::Beside, cores::Cores, disk::Disks, warmth::Warmth};
use crate::config::{Settings, is_loopback};

/// After which time what watches and follows has run its first time, and what that needed can be
/// given back.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// Serves until `shutdown` is done, says for as long as that tells that it is about to stop, then
/// finishes requests at work within the bound set.
///
/// Answers `/health/live` from the first moment and `/health/ready` once games and model are
/// loaded.
pub async fn run(
    settings: &Settings,
    engine: Arc<Engine>,
    listener: TcpListener,
    shutdown: impl Future<Output = Duration> + Send + 'static,
) -> anyhow::Result<()> {
    shared::join(settings, &engine).await?;
    let state = ApiState::new(Arc::clone(&engine), options(settings)?);
    let address = listener.local_addr().context("the socket has no address")?;
    info!(%address, "listening");
    let cores = Arc::new(Cores::start().context("a runtime for connections cannot start")?);
    let disks = Disks::of(settings);
    let beside = Beside::start(settings, &state, &cores, &disks).await?;
    state.start_warming();
    let warmth = Warmth::new(settings, &state);
    let mut background = Background::default();
    start_all(&mut background, &state, &warmth);
    background.start("disks", disks.keep());
    let (broke, mut broken) = watch_channel(None);
    let background = tokio::spawn(async move {
        let part = background.broken().await;
        error!(part, "a part of the server broke off, and it stops");
        broke.send_replace(Some(part));
    });
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (draining, mut broke_off) = (state.clone(), broken.clone());
    let stopping = async move {
        let delay = tokio::select! {
            delay = shutdown => delay,
            Ok(_) = broke_off.changed() => Duration::ZERO,
        };
        start_draining(&draining, delay).await;
        let _ = stop.send(()); // Nobody listens any more only when the server has stopped.
    };
    let connections_max = CONNECTIONS_MAX + settings.live.connections_max.get();
    let listener = BoundedListener::new(listener, connections_max, SILENCE_MAX);
    let front = api::Front::new(state.clone());
    let mut serving = Box::pin(async {
        let proxies = &*settings.limits.trusted_proxies;
        http::serve(listener, &cores, (front, proxies), stopping).await;
        // Sockets outlive the requests they began with.
        state.live_ended().await;
        // So do writes, of clients that left.
        state.finished().await;
    });
    let bound = Duration::from_secs(settings.limits.drain_seconds_max.get());
    let finished = tokio::select! {
        () = &mut serving => true,
        () = async { let _ = stopped.await; tokio::time::sleep(bound).await } => false,
    };
    background.abort();
    warmth.remember().await;
    beside.stop(bound).await;
    if !finished {
        warn!(
            seconds = bound.as_secs(),
            "requests cut off: draining took too long"
        );
    }
    info!("stopped");
    if let Some(part) = *broken.borrow_and_update() {
        bail!("{part} broke off, as the log tells, and the server cannot go on without it");
    }
    Ok(())
}

/// Starts what runs beside the answers.
fn start_all(background: &mut Background, state: &ApiState, warmth: &Warmth) {
    let engine = || Arc::clone(state.engine());
    let (viewing, following, live) = (engine(), engine(), state.clone());
    let watcher = state.engine().alert_watcher();
    let watching = warmth.clone();
    background.start("views", async move { viewing.keep_views().await });
    background.start("database", watch::keep(engine()));
    background.start("changes", async move { following.keep_following().await });
    background.start("alerts", watcher.keep());
    background.start("webhooks", engine().keep_telling());
    background.start("live", async move { live.keep_live().await });
    background.start("loading", load(state.clone(), warmth.clone()));
    background.start("warmth", async move { watching.watch().await });
}

/// Has readiness say no, and after the delay ends what is followed.
async fn start_draining(state: &ApiState, delay: Duration) {
    state.announce_stop();
    if !delay.is_zero() {
        info!(
            seconds = delay.as_secs(),
            "not ready any more, stopping later"
        );
        tokio::time::sleep(delay).await;
    }
    state.start_draining();
    info!("draining");
}

async fn load(state: ApiState, warmth: Warmth) {
    match state.engine().load().await {
        Ok(found) => {
            warmth.warm().await;
            give_back().await;
            state.end_warming();
            info!(games = found.games, model = found.model, "ready");
            tokio::time::sleep(SETTLED_AFTER).await;
            give_back().await;
        }
        Err(error) => {
            error!(
                error = chain(&error),
                "loading failed; the server stays not ready"
            );
        }
    }
}

/// Locks the heap and walks all pages, so nobody waits for it.
async fn give_back() {
    let given_back = tokio::task::spawn_blocking(crate::memory::give_back_start).await;
    debug!(bytes = given_back.ok(), "pages of the program given back");
}

fn options(settings: &Settings) -> anyhow::Result<ApiOptions> {
    let limits = &settings.limits;
    let open = settings.reads_public || !settings.is_exposed();
    let hosts = if is_loopback(settings.listen) {
        Hosts::LoopbackAnd(settings.allowed_hosts.clone())
    } else {
        Hosts::Any
    };
    let (mut seed, mut ticket_secret, mut chance) = ([0; 4], [0; 32], [0; 32]);
    fill_random(&mut seed)?;
    fill_random(&mut ticket_secret)?;
    fill_random(&mut chance)?;
    Ok(ApiOptions {
        read_access: if open {
            ReadAccess::Open
        } else {
            ReadAccess::Keyed
        },
        hosts,
        allowed_origins: settings.allowed_origins.clone(),
        body_bytes_max: limits.body_bytes_max.get(),
        handler_time_max: Duration::from_secs(limits.handler_seconds_max.get()),
        concurrent_requests_max: limits.concurrent_requests_max.get(),
        request_id_seed: u32::from_le_bytes(seed),
        rates: RateOptions {
            per_key: NonZeroU32::new(limits.requests_per_minute_per_key),
            per_address: NonZeroU32::new(limits.requests_per_minute_per_address),
        },
        sessions: SessionOptions {
            time: Duration::from_secs(u64::from(limits.session_minutes_max.get()) * 60),
            chance,
        },
        live: LiveOptions {
            connections_max: settings.live.connections_max.get(),
            connections_per_key_max: settings.live.connections_per_key_max.get(),
            connections_per_address_max: NonZeroUsize::new(
                settings.live.connections_per_address_max,
            ),
            subscriptions_per_key_max: settings.live.subscriptions_per_key_max.get(),
            keys_max: settings.live.keys_max.get(),
            ticket_secret,
            ..LiveOptions::default()
        },
        take_over: Some(http::take_over),
    })
}

/// Fills `bytes` from the system's source of randomness.
pub(crate) fn fill_random(bytes: &mut [u8]) -> anyhow::Result<()> {
    if let Err(error) = getrandom::fill(bytes) {
        bail!("the system gives no random numbers: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
