use std::sync::Arc;

use engine::{Engine, EngineOptions, FixedClock};
use jiff::Timestamp;
use tonic::Code;

use super::{generated::model_infer_request::InferInputTensor, *};
use crate::{ApiOptions, ReadAccess};

async fn service(read_access: ReadAccess) -> Service {
    let store = store::SqliteStore::temporary().await.unwrap();
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
    let options = ApiOptions {
        read_access,
        ..ApiOptions::default()
    };
    Service {
        state: ApiState::new(Arc::new(engine), options),
    }
}

fn input() -> InferInputTensor {
    InferInputTensor {
        name: "x".to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![1, 2],
        ..InferInputTensor::default()
    }
}

fn asked(input: InferInputTensor, raw: Vec<Vec<u8>>) -> ModelInferRequest {
    ModelInferRequest {
        model_name: "m".to_owned(),
        model_version: "3".to_owned(),
        inputs: vec![input],
        raw_input_contents: raw.into_iter().map(Into::into).collect(),
        ..ModelInferRequest::default()
    }
}

#[tokio::test]
async fn who_may_not_read_learns_only_that_the_server_lives() {
    let service = service(ReadAccess::Keyed).await;
    assert!(
        service
            .server_live(Request::new(ServerLiveRequest {}))
            .await
            .is_ok()
    );
    let metadata = Request::new(ServerMetadataRequest {});
    let status = service.server_metadata(metadata).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn without_a_server_of_models_inference_is_not_found() {
    let service = service(ReadAccess::Open).await;
    let request = Request::new(asked(input(), vec![vec![0; 8]]));
    let status = service.model_infer(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn who_may_not_read_is_refused_before_the_message_is_here() {
    let grpc = Grpc::new(service(ReadAccess::Keyed).await.state);
    let endless = tonic::codegen::tokio_stream::pending::<Result<Bytes, BoxError>>();
    let call = http::Request::post("/inference.GRPCInferenceService/ModelInfer")
        .header("content-type", "application/grpc")
        .body(axum::body::Body::from_stream(endless));
    let answer = grpc.answer(call.unwrap()).await;
    assert_eq!(answer.headers()["grpc-status"], "16");
}

#[tokio::test]
async fn a_call_too_many_is_refused() {
    let grpc = Grpc::new(service(ReadAccess::Open).await.state);
    let full: Vec<_> = std::iter::from_fn(|| grpc.door.one_more().ok()).collect();
    let live = || {
        let call = http::Request::post("/inference.GRPCInferenceService/ServerLive")
            .header("content-type", "application/grpc")
            .body(axum::body::Body::from(vec![0; 5]));
        grpc.answer(call.unwrap())
    };
    assert_eq!(live().await.headers()["grpc-status"], "14");
    drop(full);
    assert!(live().await.headers().get("grpc-status").is_none());
}

#[tokio::test]
async fn a_call_is_found_by_its_path() {
    let grpc = Grpc::new(service(ReadAccess::Open).await.state);
    let of = async |method: &str| {
        let call = http::Request::post(format!("/inference.GRPCInferenceService/{method}"))
            .header("content-type", "application/grpc")
            .body(axum::body::Body::from(vec![0; 5]));
        let answer = grpc.answer(call.unwrap()).await;
        let status = answer.headers().get("grpc-status");
        status.map(|it| it.to_str().unwrap().to_owned())
    };
    // A good answer's status comes after its message.
    assert_eq!(of("ServerLive").await, None);
    assert_eq!(of("Strange").await.as_deref(), Some("12"));
}

#[test]
fn raw_and_typed_contents_give_the_same_tensor() {
    let raw: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|it| it.to_le_bytes())
        .collect();
    let by_raw = convert::request(asked(input(), vec![raw.clone()])).unwrap();
    let mut typed = input();
    typed.contents = Some(generated::InferTensorContents {
        fp32_contents: vec![1.5, -2.0],
        ..generated::InferTensorContents::default()
    });
    let by_type = convert::request(asked(typed.clone(), Vec::new())).unwrap();
    assert_eq!(by_raw, by_type);
    assert!(convert::request(asked(typed, vec![raw.clone()])).is_err());
    assert!(convert::request(asked(input(), vec![raw[..4].to_vec()])).is_err());
    assert!(convert::request(asked(input(), vec![raw.clone(), raw])).is_err());
}

#[test]
fn classification_is_refused_as_over_http() {
    use generated::{
        InferParameter, infer_parameter::ParameterChoice,
        model_infer_request::InferRequestedOutputTensor,
    };
    let classes = |count| {
        let mut asked = asked(input(), vec![vec![0; 8]]);
        let parameter = InferParameter {
            parameter_choice: Some(ParameterChoice::Int64Param(count)),
        };
        asked.outputs = vec![InferRequestedOutputTensor {
            name: "y".to_owned(),
            parameters: HashMap::from([("classification".to_owned(), parameter)]),
        }];
        convert::request(asked)
    };
    assert!(classes(0).is_ok());
    let refused = classes(2).unwrap_err();
    let told = "output y: the classification extension is not there";
    assert_eq!(
        (refused.text.as_str(), refused.code),
        (told, Code::InvalidArgument)
    );
}

#[test]
fn the_timeout_of_a_call_is_its_deadline() {
    let of = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        deadline(&headers)
    };
    assert!(of("10S").unwrap() > Instant::now() + Duration::from_secs(8));
    assert!(of("5m").unwrap() < Instant::now() + Duration::from_secs(1));
    for strange in ["", "S", "10", "10x"] {
        assert!(of(strange).is_none(), "{strange}");
    }
}

/// The status that a call of the health service was given, or its gRPC code.
async fn health(grpc: &Grpc, method: &str, service: &str) -> Result<i32, String> {
    use http_body::Body as _;
    let message = tonic_health::pb::HealthCheckRequest {
        service: service.to_owned(),
    };
    let message = prost::Message::encode_to_vec(&message);
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend(message);
    let call = http::Request::post(format!("/grpc.health.v1.Health/{method}"))
        .header("content-type", "application/grpc")
        .body(axum::body::Body::from(body));
    let mut answer = grpc.answer(call.unwrap()).await;
    if let Some(code) = answer.headers().get("grpc-status") {
        return Err(code.to_str().unwrap().to_owned());
    }
    let frame = std::future::poll_fn(|context| Pin::new(answer.body_mut()).poll_frame(context));
    let frame = frame.await.unwrap().unwrap().into_data().unwrap();
    let said: tonic_health::pb::HealthCheckResponse = prost::Message::decode(&frame[5..]).unwrap();
    Ok(said.status)
}

#[tokio::test]
async fn whoever_knows_grpc_alone_learns_whether_calls_are_answered() {
    const NOT_SERVING: i32 = 2;
    const SERVICE_UNKNOWN: i32 = 3;
    let grpc = Grpc::new(service(ReadAccess::Keyed).await.state);
    // There is no server of models here.
    for service in ["", "inference.GRPCInferenceService"] {
        assert_eq!(health(&grpc, "Check", service).await, Ok(NOT_SERVING));
        assert_eq!(health(&grpc, "Watch", service).await, Ok(NOT_SERVING));
    }
    assert_eq!(health(&grpc, "Check", "strange").await, Err("5".to_owned()));
    assert_eq!(health(&grpc, "Watch", "strange").await, Ok(SERVICE_UNKNOWN));
    assert_eq!(health(&grpc, "List", "").await, Err("12".to_owned()));
}
