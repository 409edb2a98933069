//! `grpc.health.v1.Health`: what orchestrators and proxies ask without knowing the protocol of models.

use std::{pin::Pin, time::Duration};

use tokio::{sync::mpsc, time::sleep};
use tonic::{
    Request, Response, Status, async_trait,
    codegen::tokio_stream::{Stream, StreamExt, once, wrappers::ReceiverStream},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server,
};

use super::super::is_ready;
use crate::ApiState;

/// Where its methods lie.
pub(super) const PATH: &str = "/grpc.health.v1.Health/";
/// Services that can be asked for: all there are, and the one of models.
const SERVICES: [&str; 2] = ["", "inference.GRPCInferenceService"];
/// How often whoever watches is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whether calls would be answered.
#[derive(Clone)]
pub(super) struct Health {
    state: ApiState,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Health")
    }
}

impl Health {
    pub(super) fn new(state: &ApiState) -> Self {
        Self {
            state: state.clone(),
        }
    }

    fn status(&self) -> ServingStatus {
        match is_ready(&self.state) {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        }
    }
}

fn said(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if SERVICES.contains(&service.as_str()) {
            Ok(Response::new(said(self.status())))
        } else {
            Err(Status::not_found(format!(
                "there is no service {service:?}"
            )))
        }
    }

    type WatchStream = Answers;

    /// Tells the status, and each change of it; ends when the server is about to.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Answers>, Status> {
        if !SERVICES.contains(&request.into_inner().service.as_str()) {
            let unknown = once(Ok(said(ServingStatus::ServiceUnknown)));
            return Ok(Response::new(Box::pin(unknown)));
        }
        let (sender, receiver) = mpsc::channel(1);
        let health = self.clone();
        tokio::spawn(async move {
            let mut told = None;
            loop {
                let status = health.status();
                if told != Some(status) {
                    told = Some(status);
                    if sender.send(status).await.is_err() {
                        return;
                    }
                }
                if health.state.is_draining() {
                    return;
                }
                tokio::select! {
                    () = sender.closed() => return,
                    () = sleep(LOOK_EVERY) => {}
                }
            }
        });
        let answers = ReceiverStream::new(receiver).map(|it| Ok(said(it)));
        Ok(Response::new(Box::pin(answers)))
    }
}
