//! What listens beside the API: models by gRPC, and metrics.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use api::{ApiState, Grpc};
use axum::{Router, http::header, routing::get};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tracing::{error, info};

use super::{
    cores::Cores,
    disk::Disks,
    http,
    listener::{BoundedListener, CONNECTIONS_MAX, SILENCE_MAX},
    metrics,
};
use crate::config::Settings;

/// How the Prometheus text format is named.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Servers beside the API, until they are stopped.
pub(super) struct Beside {
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Beside {
    /// Starts those that the settings ask for.
    pub(super) async fn start(
        settings: &Settings,
        state: &ApiState,
        cores: &Arc<Cores>,
        disks: &Disks,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        if let Some(address) = settings.grpc_listen {
            let listener = bind(address, "grpc_listen").await?;
            let listener = BoundedListener::new(listener, CONNECTIONS_MAX, SILENCE_MAX);
            let grpc = Grpc::new(state.clone());
            let (cores, stopped) = (Arc::clone(cores), until(stopped.clone()));
            servers.spawn(async move { http::serve_grpc(listener, &cores, grpc, stopped).await });
        }
        if let Some(address) = settings.metrics_listen {
            let listener = bind(address, "metrics_listen").await?;
            let (state, stopped) = (state.clone(), until(stopped.clone()));
            let disks = disks.clone();
            servers.spawn(async move {
                let serving = axum::serve(listener, router(state, disks));
                if let Err(cause) = serving.with_graceful_shutdown(stopped).await {
                    error!(error = %cause, "metrics are not served any more");
                }
            });
        }
        Ok(Self { stop, servers })
    }

    /// Lets them finish what is at work, for as long as `bound` at most.
    pub(super) async fn stop(mut self, bound: Duration) {
        self.stop.send_replace(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(bound, all).await.is_err() {
            self.servers.shutdown().await;
        }
    }
}

async fn bind(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; choose another with the setting {setting}")
    })?;
    let address = listener.local_addr().context("the socket has no address")?;
    info!(%address, setting, "listening");
    Ok(listener)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|it| *it).await; // A lost sender is a reason to stop as well.
}

fn router(state: ApiState, disks: Disks) -> Router {
    let text = move || async move {
        let models = state.engine().serving();
        let models = models.map_or_else(String::new, |it| it.metrics());
        let store = state.engine().store_metrics();
        let health = state.health_metrics().await;
        let process = metrics::text() + &disks.text();
        let figures = process + &health + &state.metrics() + &store + &models;
        ([(header::CONTENT_TYPE, METRICS_TYPE)], figures)
    };
    Router::new().route("/metrics", get(text))
}
