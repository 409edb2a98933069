//! What each verb does, and what they share: the runtime, the engine, the sign of progress.

pub(crate) mod alert;
pub(crate) mod backtest;
pub(crate) mod cache;
mod client;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod doctor;
pub mod import;
pub(crate) mod key;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod openapi;
mod output;
pub(crate) mod predict;
mod progress;
pub(crate) mod serve;
mod table;
mod target;
pub(crate) mod train;

use std::{
    fs,
    num::NonZeroUsize,
    process::ExitCode,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context, bail};
use engine::{
    BettingOptions, Engine, EngineOptions,
    serving::{ModelServer, ServerOptions},
};
use store::{
    Place, Pooler, PostgresOptions, PostgresStore, ReplicaOptions, ReplicatedStore, SqliteOptions,
    SqliteStore, Store,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    SystemClock,
    config::{Config, PoolerSetting, Settings},
    webhook::{WebhookOptions, Webhooks},
};

/// How long work left behind may hold up the end of the process.
const RUNTIME_STOP_MAX: Duration = Duration::from_secs(1);
/// Done, but something needs attention.
pub(crate) const EXIT_ATTENTION: u8 = 3;

/// What the command line asks for, or a file that it names, is wrong; the exit code says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Runs a verb to its end on a runtime of its own.
pub(crate) fn block_on(
    verb: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("the runtime cannot start")?;
    let code = runtime.block_on(verb);
    runtime.shutdown_timeout(RUNTIME_STOP_MAX);
    code
}

/// Imports what `args` names into the store.
pub(crate) async fn import_into(
    args: import::ImportArgs,
    config: &Config,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config.settings).await?;
    let context = import::ImportContext {
        store: Arc::clone(&store),
        clock: Arc::new(SystemClock),
        config_dir: config.personal_folder.clone(),
        fetch: crate::source::FetchOptions {
            authorities: config.authorities.clone(),
            ..crate::source::FetchOptions::default()
        },
        rows: Arc::default(),
    };
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    let mut out = output::Output;
    let importing = import::run(&args, &context, &mut out);
    let status = tokio::select! {
        status = importing => Some(status?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    store.close().await;
    let Some(status) = status else {
        let rows = context.rows.load(Relaxed);
        bail!("stopped by a signal; {rows} rows are done, and the same import again completes it");
    };
    Ok(ExitCode::from(status.exit_code()))
}

/// Opens the store in force.
pub(crate) async fn open_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    open_place(&settings.database(), settings).await
}

/// The same where it is there: a folder that was mistyped is not made, to be found empty.
pub(crate) async fn open_known_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let place = settings.database();
    if let Place::File(path) = &place
        && !path.exists()
    {
        bail!(
            "there is no database at {place}: name the folder of one with --data-dir, or import \
             something (`sports-edge import --help`)"
        );
    }
    open_store(settings).await
}

/// Opens the store in force with its replicas.
pub(crate) async fn open_serving_store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let place = settings.database();
    let replicas = &settings.database.replicas;
    if replicas.is_empty() {
        return open_place(&place, settings).await;
    }
    let Place::Server(primary) = &place else {
        bail!("database.replicas are of a PostgreSQL database"); // As settings they were refused.
    };
    let urls: Vec<String> = replicas
        .iter()
        .filter_map(|it| match it {
            Place::Server(url) => Some(url.clone()),
            Place::File(_) => None,
        })
        .collect();
    let bounds = (&postgres_options(settings), &ReplicaOptions::default());
    let store = ReplicatedStore::open(primary, &urls, bounds).await;
    Ok(Arc::new(
        store.with_context(|| format!("{place} cannot be opened"))?,
    ))
}

/// Opens a store, making its folder where it is a file and there is none.
pub(crate) async fn open_place(
    place: &Place,
    settings: &Settings,
) -> anyhow::Result<Arc<dyn Store>> {
    let cannot = || format!("{place} cannot be opened");
    match place {
        Place::File(path) => {
            let folder = path.parent().unwrap_or(&settings.data_dir);
            fs::create_dir_all(folder).with_context(|| {
                let setting = match settings.database.url {
                    None => "data_dir",
                    Some(_) => "of database.url",
                };
                format!("the folder {setting} {} cannot be made", folder.display())
            })?;
            let store = SqliteStore::open(path, &SqliteOptions::default()).await;
            Ok(Arc::new(store.with_context(cannot)?))
        }
        Place::Server(url) => {
            let store = PostgresStore::open(url, &postgres_options(settings)).await;
            Ok(Arc::new(store.with_context(cannot)?))
        }
    }
}

pub(crate) fn postgres_options(settings: &Settings) -> PostgresOptions {
    let database = &settings.database;
    PostgresOptions {
        connections_max: database.connections_max.get(),
        statement_timeout: Duration::from_secs(database.statement_seconds_max.get()),
        pooler: match database.pooler {
            PoolerSetting::None => Pooler::None,
            PoolerSetting::Transaction => Pooler::Transaction,
        },
        ..PostgresOptions::default()
    }
}

/// Builds the engine on a store.
pub(crate) fn engine(store: Arc<dyn Store>, settings: &Settings) -> Arc<Engine> {
    Arc::new(bare_engine(store, settings))
}

/// Builds the engine on a store and the folder of models.
pub(crate) async fn serving_engine(
    store: Arc<dyn Store>,
    settings: &Settings,
) -> anyhow::Result<(Arc<Engine>, Arc<ModelServer>)> {
    let models = ModelServer::open(model_options(settings)).await?;
    let webhooks = Webhooks::new(WebhookOptions {
        allowed: settings.alerts.allowed_networks.clone(),
        ..WebhookOptions::default()
    });
    let engine = bare_engine(store, settings)
        .with_serving(Arc::clone(&models))
        .with_courier(Arc::new(webhooks));
    Ok((Arc::new(engine), models))
}

/// Loads of models at the same time, on a machine that has the processors.
const LOADS_MAX: usize = 4;

pub(crate) fn model_options(settings: &Settings) -> ServerOptions {
    let models = &settings.models;
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    ServerOptions {
        folder: settings.models_folder(),
        poll_every: Some(Duration::from_secs(models.poll_seconds)).filter(|it| !it.is_zero()),
        budget_bytes: models.budget_bytes.get(),
        eviction: models.eviction,
        // A load keeps a processor busy, and takes several times its file while it does.
        loads_max: cores().min(LOADS_MAX),
        load_wait_max: Duration::from_secs(5),
        load_backoff: Duration::from_secs(1),
        load_backoff_max: Duration::from_secs(60),
        requests_max: models.requests_max.get(),
        threads: Some(models.threads)
            .filter(|it| *it > 0)
            .unwrap_or_else(cores),
        direct_max: Duration::from_micros(50),
        upload_bytes_max: models.upload_bytes_max.get(),
        results_bytes_max: models.results_bytes_max,
    }
}

fn bare_engine(store: Arc<dyn Store>, settings: &Settings) -> Engine {
    let forecast = &settings.forecast;
    let options = EngineOptions {
        betting: BettingOptions {
            kelly_share: forecast.kelly_share,
            ..BettingOptions::default()
        },
        threads: Some(forecast.threads).filter(|it| *it > 0),
        cache_bytes_max: settings.cache.memory_bytes_max,
        silence_max: Duration::from_secs(settings.live.silence_seconds_max.get()),
        ..EngineOptions::default()
    };
    Engine::new(store, Arc::new(SystemClock), options)
}
