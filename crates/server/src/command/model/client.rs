//! Talks to a running server, and says what is wrong where it does not answer or refuses.

use std::{io::Read, time::Duration};

use anyhow::{Context, anyhow};
use serde_json::Value;
use ureq::{
    Agent, AsSendBody, Body, SendBody,
    http::{Method, Request, Response, header, request::Builder},
};

use super::target::Target;

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// Loading a large model takes its time.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(600);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A server that is talked to.
pub(crate) struct Client {
    agent: Agent,
    server: Target,
    key: Option<String>,
}

/// A file to upload and the JSON in front of it.
pub(crate) struct Upload<R> {
    pub(crate) front_bytes: usize,
    pub(crate) length: u64,
    pub(crate) body: R,
}

impl Client {
    pub(crate) fn new(server: Target, key: Option<String>) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_WAIT_MAX))
            .timeout_recv_response(Some(ANSWER_WAIT_MAX))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("sports-edge/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            server,
            key,
        }
    }

    /// Where the server is.
    pub(crate) fn server(&self) -> &Target {
        &self.server
    }

    /// The key in use.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What the server says at a path.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.request(Method::GET, path).body(());
        self.answer(request.context("the request cannot be made")?)
    }

    /// Sends JSON, or nothing.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let request = self.request(method, path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Vec::new, |it| it.to_string().into_bytes());
        self.answer(request.body(body).context("the request cannot be made")?)
    }

    /// Sends a file.
    pub(crate) fn upload(
        &self,
        path: &str,
        mut upload: Upload<impl Read>,
    ) -> anyhow::Result<Value> {
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, upload.length)
            .header("inference-header-content-length", upload.front_bytes);
        let request = request.body(SendBody::from_reader(&mut upload.body));
        self.answer(request.context("the request cannot be made")?)
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        match &self.key {
            Some(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        }
    }

    fn answer(&self, request: Request<impl AsSendBody>) -> anyhow::Result<Value> {
        let response = self.agent.run(request).map_err(|it| self.silence(it))?;
        self.read(response)
    }

    /// Why there is no answer.
    fn silence(&self, error: ureq::Error) -> anyhow::Error {
        let server = &self.server;
        match error {
            ureq::Error::Io(error) if error.kind() != std::io::ErrorKind::ConnectionRefused => {
                anyhow::Error::new(error).context(format!("the connection to {server} broke"))
            }
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => {
                anyhow!(
                    "no server answers at {server}: start it with `sports-edge serve`, or name \
                     another with --server"
                )
            }
            error => anyhow::Error::new(error).context(format!("{server} does not answer")),
        }
    }

    fn read(&self, mut response: Response<Body>) -> anyhow::Result<Value> {
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string();
        let text = text.with_context(|| format!("the answer of {} broke off", self.server))?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        match value {
            Some(value) if status.is_success() => Ok(value),
            Some(problem) if problem["title"].is_string() => Err(refusal(&problem)),
            Some(error) if error["error"].is_string() => {
                Err(anyhow!("{}", error["error"].as_str().unwrap_or_default()))
            }
            _ => Err(anyhow!(
                "{} answers {status} and is no Sports Edge server",
                self.server
            )),
        }
    }
}

/// A problem in words.
fn refusal(problem: &Value) -> anyhow::Error {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let mut words = format!("{}: {}", text("title").to_lowercase(), text("detail"));
    match problem["status"].as_u64() {
        Some(401) => words.push_str(
            "; give a key with --key or SPORTS_EDGE_KEY (`sports-edge key create --name NAME \
             --scope models` makes one)",
        ),
        Some(403) => {
            words
                .push_str("; `sports-edge key create --name NAME --scope models` makes such a key");
        }
        _ => {}
    }
    anyhow!(words)
}
