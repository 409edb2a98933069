//! The protocol's gRPC service, on a listener of its own.

mod bounds;
mod convert;
#[expect(
    unused_qualifications,
    unreachable_pub,
    clippy::all,
    clippy::doc_markdown,
    clippy::too_many_lines,
    clippy::allow_attributes_without_reason,
    reason = "written by a program"
)]
#[rustfmt::skip]
mod generated;
mod health;

use std::{collections::HashMap, fmt, pin::Pin, time::Duration};

use axum::{
    BoxError,
    body::{Bytes, HttpBody},
    http::{self, HeaderMap, Method, Uri},
};
use tokio::time::Instant;
use tonic::{
    Code, Request, Response, Status, Streaming, async_trait,
    codegen::{
        Service as _,
        tokio_stream::{Stream, StreamExt},
    },
    metadata::MetadataMap,
};
use tonic_health::pb::health_server::HealthServer;

use self::bounds::Bounded;
use self::generated::{
    ModelConfigRequest, ModelConfigResponse, ModelInferRequest, ModelInferResponse,
    ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse,
    ModelStatisticsRequest, ModelStatisticsResponse, ModelStreamInferResponse,
    RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
    RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
    ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
    grpc_inference_service_server::{GrpcInferenceService, GrpcInferenceServiceServer},
};
use super::{
    BODY_BYTES_MAX, Door, EXTENSIONS, NAME,
    error::OipError,
    front::{LONG_BODY_BYTES, apart},
    is_ready,
    models::{Config, views},
    repository::{self, ReadyOnly, lines},
    request::version_of,
    serving,
};
use crate::{
    ApiState, Peer,
    auth::{Keeper, Reader, Viewer},
    error::ApiError,
    guard, host,
};

/// `inference.GRPCInferenceService` and `grpc.health.v1.Health`, for connections that its owner
/// accepts.
#[derive(Clone)]
pub struct Grpc {
    service: GrpcInferenceServiceServer<Service>,
    health: HealthServer<health::Health>,
    door: Door,
}

/// Marks a call whose caller may read: it was asked before the message was taken in.
#[derive(Debug, Clone, Copy)]
struct LetIn;

impl fmt::Debug for Grpc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Grpc")
    }
}

impl Grpc {
    /// A service over what the API knows.
    pub fn new(state: ApiState) -> Self {
        let door = Door::new(&state);
        let health = HealthServer::new(health::Health::new(&state));
        let service = GrpcInferenceServiceServer::new(Service { state })
            .max_decoding_message_size(BODY_BYTES_MAX)
            .max_encoding_message_size(BODY_BYTES_MAX);
        Self {
            service,
            health,
            door,
        }
    }

    /// Answers a call.
    pub async fn answer<B>(&self, mut call: http::Request<B>) -> http::Response<tonic::body::Body>
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send + 'static,
    {
        host::settle(&mut call);
        let asked = Asked::of(&call);
        let answer = self.answered(call, &asked).await;
        // That of a good answer comes after its message.
        let status = Status::from_header_map(answer.headers());
        let said = status.as_ref().map(|it| (it.code(), it.message()));
        asked.log(&self.door.state, said.unwrap_or((Code::Ok, "")));
        answer
    }

    async fn answered<B>(
        &self,
        mut call: http::Request<B>,
        asked: &Asked,
    ) -> http::Response<tonic::body::Body>
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send + 'static,
    {
        let _inside = match self.door.one_more() {
            Ok(inside) => inside,
            Err(error) => return refused(error).into_http(),
        };
        if call.uri().path().starts_with(health::PATH) {
            let answer = self.health.clone().call(call.map(Bounded::small)).await;
            return answer.unwrap_or_else(|never| match never {});
        }
        let method = call.uri().path().rsplit('/').next();
        // Until the answer is made: what was read is no smaller than its message.
        let held = self.door.room.hold();
        // A message is taken in whole before its method is asked: a large one not from anybody.
        let call = match method {
            Some("ModelInfer") => {
                if let Err(status) = let_in(call.headers(), &self.door.state).await {
                    return status.into_http();
                }
                call.extensions_mut().insert(LetIn);
                call.map(|it| Bounded::large(it, held.clone()))
            }
            Some("ModelStreamInfer") => {
                call.extensions_mut().insert(asked.clone());
                call.map(|it| Bounded::many(it, held.clone()))
            }
            _ => call.map(Bounded::small),
        };
        let answer = self.service.clone().call(call).await;
        answer.unwrap_or_else(|never| match never {})
    }
}

/// What is logged of a call, and since when it is there.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<Peer>,
    since: Instant,
}

impl Asked {
    fn of<B>(call: &http::Request<B>) -> Self {
        Self {
            method: call.method().clone(),
            uri: call.uri().clone(),
            headers: call.headers().clone(),
            peer: call.extensions().get().copied(),
            since: Instant::now(),
        }
    }

    /// Logs how it was answered: for all to see where it was refused, failed or took long.
    fn log(&self, state: &ApiState, (code, reason): (Code, &str)) {
        let took = self.since.elapsed();
        if !guard::is_seen(code != Code::Ok, took) {
            return;
        }
        let id = guard::request_id(state, &self.headers);
        let asked = (&self.method, &self.uri);
        let span = guard::span(&id, asked, (&self.headers, self.peer));
        span.in_scope(|| guard::log_call(code, reason, took));
    }
}

/// The service's methods; each lets in who may call it first.
#[derive(Clone)]
struct Service {
    state: ApiState,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Service")
    }
}

impl Service {
    async fn reader(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let_in(metadata.as_ref(), &self.state).await
    }

    async fn viewer(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let viewer = Viewer::of(metadata.as_ref(), &self.state).await;
        viewer.map(|_| ()).map_err(refused)
    }

    async fn keeper(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let keeper = Keeper::of(metadata.as_ref(), &self.state).await;
        keeper.map(|_| ()).map_err(refused)
    }

    async fn infer(
        &self,
        asked: ModelInferRequest,
        deadline: Option<Instant>,
    ) -> Result<ModelInferResponse, OipError> {
        let models = serving(&self.state.engine)?;
        let id = asked.id.clone();
        let mut request = convert::request(asked)?;
        request.deadline = match (request.deadline, deadline) {
            (Some(own), Some(call)) => Some(own.min(call)),
            (own, call) => own.or(call),
        };
        let reply = models.infer(request).await?;
        Ok(convert::reply(reply, id))
    }
}

async fn let_in(headers: &HeaderMap, state: &ApiState) -> Result<(), Status> {
    let reader = Reader::of(headers, state).await;
    reader.map(|_| ()).map_err(refused)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature `map_err` asks for"
)]
fn refused(error: ApiError) -> Status {
    OipError::from(&error).into()
}

/// The moment `grpc-timeout` sets.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    let wait = match unit {
        "H" => Duration::from_secs(count.checked_mul(3_600)?),
        "M" => Duration::from_secs(count.checked_mul(60)?),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Instant::now().checked_add(wait)
}

fn refuse_override<V>(parameters: &HashMap<String, V>) -> Result<(), OipError> {
    repository::refuse_override(parameters.keys().map(String::as_str))
}

type Answers = Pin<Box<dyn Stream<Item = Result<ModelStreamInferResponse, Status>> + Send>>;

#[async_trait]
impl GrpcInferenceService for Service {
    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        let ready = is_ready(&self.state);
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        self.viewer(request.metadata()).await?;
        let asked = request.into_inner();
        let models = serving(&self.state.engine)?;
        let ready = models
            .is_ready(&asked.name, &version_of(Some(&asked.version)))
            .map_err(OipError::from)?;
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        request: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        self.viewer(request.metadata()).await?;
        Ok(Response::new(ServerMetadataResponse {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        self.viewer(request.metadata()).await?;
        let asked = request.into_inner();
        let found = serving(&self.state.engine)?
            .metadata(&asked.name, &version_of(Some(&asked.version)))
            .await
            .map_err(OipError::from)?;
        Ok(Response::new(convert::metadata(found)))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        if request.extensions().get::<LetIn>().is_none() {
            self.reader(request.metadata()).await?;
        }
        let deadline = deadline(request.metadata().as_ref());
        let asked = request.into_inner();
        let bytes: usize = asked.raw_input_contents.iter().map(Bytes::len).sum();
        let answer = if bytes < LONG_BODY_BYTES {
            self.infer(asked, deadline).await?
        } else {
            let service = self.clone();
            apart(async move { service.infer(asked, deadline).await }).await?
        };
        Ok(Response::new(answer))
    }

    type ModelStreamInferStream = Answers;

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<Answers>, Status> {
        self.reader(request.metadata()).await?;
        let service = self.clone();
        let call = request.extensions().get::<Asked>().cloned();
        let answers = request.into_inner().then(move |asked| {
            let (service, call) = (service.clone(), call.clone());
            async move {
                let asked = asked?;
                let id = asked.id.clone();
                let since = Instant::now();
                let answer = service.infer(asked, None).await;
                if let Some(call) = call {
                    let said = answer.as_ref().err().map(|it| (it.code, &*it.text));
                    let said = said.unwrap_or((Code::Ok, ""));
                    Asked { since, ..call }.log(&service.state, said);
                }
                Ok(match answer {
                    Ok(answer) => ModelStreamInferResponse {
                        error_message: String::new(),
                        infer_response: Some(answer),
                    },
                    Err(error) => ModelStreamInferResponse {
                        error_message: error.text,
                        infer_response: Some(ModelInferResponse {
                            id,
                            ..ModelInferResponse::default()
                        }),
                    },
                })
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Result<Response<ModelConfigResponse>, Status> {
        self.viewer(request.metadata()).await?;
        let asked = request.into_inner();
        let models = serving(&self.state.engine)?;
        let found = models
            .metadata(&asked.name, &version_of(Some(&asked.version)))
            .await
            .map_err(OipError::from)?;
        let config = models.config(&asked.name).map_err(OipError::from)?;
        let config = convert::config(Config::of(&found, &config));
        Ok(Response::new(ModelConfigResponse {
            config: Some(config),
        }))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Result<Response<ModelStatisticsResponse>, Status> {
        self.viewer(request.metadata()).await?;
        let asked = request.into_inner();
        let name = Some(asked.name.as_str()).filter(|it| !it.is_empty());
        let found = views(&self.state, name, Some(&asked.version))?;
        let now = self.state.engine.now();
        let model_stats = found.into_iter().map(|it| convert::statistics(it, now));
        let model_stats = model_stats.collect();
        Ok(Response::new(ModelStatisticsResponse { model_stats }))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<Response<RepositoryIndexResponse>, Status> {
        self.viewer(request.metadata()).await?;
        let found = lines(&self.state, ReadyOnly(request.into_inner().ready))?;
        let models = found.into_iter().map(convert::line).collect();
        Ok(Response::new(RepositoryIndexResponse { models }))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<Response<RepositoryModelLoadResponse>, Status> {
        self.keeper(request.metadata()).await?;
        let asked = request.into_inner();
        refuse_override(&asked.parameters)?;
        serving(&self.state.engine)?
            .load(&asked.model_name, &version_of(None))
            .await
            .map_err(OipError::from)?;
        Ok(Response::new(RepositoryModelLoadResponse {}))
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<Response<RepositoryModelUnloadResponse>, Status> {
        self.keeper(request.metadata()).await?;
        serving(&self.state.engine)?
            .unload(&request.into_inner().model_name)
            .await
            .map_err(OipError::from)?;
        Ok(Response::new(RepositoryModelUnloadResponse {}))
    }
}

#[cfg(test)]
mod tests;
