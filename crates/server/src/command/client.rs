//! Talks to a running server, and says what is wrong where it does not answer or refuses.

use std::{io::Read, path::PathBuf, time::Duration};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value;
use ureq::{
    Agent, AsSendBody, Body, SendBody,
    http::{self, Method, Request, Response, header, request::Builder},
    tls::TlsConfig,
};

use super::{
    output::{put, say},
    table::Show,
    target::Target,
};
use crate::{
    Authorities,
    config::Config,
    live::{Door, Refusal},
    trust,
};

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// Loading a large model takes its time.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(600);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Which server is talked to, and how its answers are printed.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where the server is; without it the address of the setting `listen`
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// API key, in place of `SPORTS_EDGE_KEY`
    #[arg(long, value_name = "KEY", global = true)]
    key: Option<String>,
    /// File of further authorities (PEM) that a server's certificate may be by, in place of
    /// `SPORTS_EDGE_CA_FILE`
    #[arg(long, value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
    /// Print what the server says, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl ServerArgs {
    /// Whom to believe that a server is who it says it is.
    pub(crate) fn authorities(&self, config: &Config) -> Authorities {
        let mut authorities = config.authorities.clone();
        authorities.file = self.ca_file.clone().or(authorities.file);
        authorities
    }

    /// Prints an answer as JSON or as text.
    pub(crate) fn print(&self, answer: &Value, show: Show) -> anyhow::Result<()> {
        if self.json {
            say(serde_json::to_string_pretty(answer)?)?;
        } else {
            put(show(answer))?;
        }
        Ok(())
    }
}

/// A server that is talked to.
pub(crate) struct Client {
    agent: Agent,
    server: Target,
    key: Option<String>,
    tls: TlsConfig,
}

/// A file to upload and the JSON in front of it.
pub(crate) struct Upload<R> {
    pub(crate) front_bytes: usize,
    pub(crate) length: u64,
    pub(crate) body: R,
}

impl Client {
    /// The server of the arguments, or that of the settings.
    pub(crate) fn of(args: &ServerArgs, config: &Config) -> anyhow::Result<Self> {
        let key = args.key.clone();
        let key = key.or_else(|| config.api_key.clone().map(|it| it.0));
        if key
            .as_ref()
            .is_some_and(|it| !it.bytes().all(|it| it.is_ascii_graphic()))
        {
            return Err(anyhow!(
                "the API key has characters that no key has; give one as `sports-edge key create` \
                 prints it, with --key or SPORTS_EDGE_KEY"
            ));
        }
        let server = match &args.server {
            Some(url) => Target::parse(url)?,
            None => Target::of_setting(config.settings.listen),
        };
        let tls = match server.plain() {
            Some(_) => TlsConfig::default(),
            None => args.authorities(config).tls()?,
        };
        Ok(Self::new(server, (key, tls), ANSWER_WAIT_MAX))
    }

    /// The same, with answers that take no longer than this.
    pub(crate) fn waiting(self, answer_max: Duration) -> Self {
        Self::new(self.server, (self.key, self.tls), answer_max)
    }

    fn new(server: Target, (key, tls): (Option<String>, TlsConfig), answer_max: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_WAIT_MAX))
            .timeout_recv_response(Some(answer_max))
            // A key goes to no other server than the one that was named.
            .max_redirects(0)
            .tls_config(tls.clone())
            .http_status_as_error(false)
            .user_agent(concat!("sports-edge/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            server,
            key,
            tls,
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
            .header("inference-header-content-length", upload.front_bytes)
            // A server that refuses says so before the file is sent, and is heard.
            .header(header::EXPECT, "100-continue");
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
        if let Some(why) = trust::doubt(&error, "--ca-file or SPORTS_EDGE_CA_FILE") {
            return anyhow!("{server} is not believed: {why}");
        }
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
        if let Some(to) = response.headers().get(header::LOCATION)
            && status.is_redirection()
        {
            return Err(anyhow!(
                "{} answers {status} and leads to {to:?}, which is not asked: name it with --server \
                 if you trust it",
                self.server
            ));
        }
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

impl Client {
    /// What comes of a request, of which answers of these statuses are the last word, and no reason
    /// to end.
    fn verdict(
        &self,
        request: http::Result<Request<impl AsSendBody>>,
        last_words: &[u16],
    ) -> Result<Value, Refusal> {
        let request = request.map_err(|error| Refusal::Lasting(error.into()))?;
        let passing = |error, pause| Refusal::Passing { error, pause };
        let response = self.agent.run(request);
        let mut response = response.map_err(|it| passing(self.silence(it), None))?;
        let status = response.status();
        if status.is_success() {
            return self.read(response).map_err(|it| passing(it, None));
        }
        let pause = response.headers().get(header::RETRY_AFTER);
        let pause = pause.and_then(|it| it.to_str().ok()?.parse().ok());
        let pause = pause.map(Duration::from_secs);
        if status.is_server_error() || [408, 409, 425, 429].contains(&status.as_u16()) {
            let error = self.read(response).err();
            return Err(passing(error.unwrap_or_else(|| anyhow!("{status}")), pause));
        }
        if last_words.contains(&status.as_u16()) {
            let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
            let text = body.read_to_string();
            let text = text.map_err(|error| passing(error.into(), None))?;
            if let Ok(problem) = serde_json::from_str(&text) {
                return Err(Refusal::Entries(problem));
            }
        }
        let error = self.read(response).err();
        Err(Refusal::Lasting(error.unwrap_or_else(|| {
            anyhow!("{} answers {status}", self.server)
        })))
    }
}

impl Door for Client {
    fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        let request = self.request(Method::POST, path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(body.to_string().into_bytes());
        self.verdict(request, &[400, 413, 422])
    }

    fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.verdict(self.request(Method::GET, path).body(()), &[403, 404, 422])
    }
}

/// A problem in words.
fn refusal(problem: &Value) -> anyhow::Error {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let (title, detail) = (text("title").to_lowercase(), text("detail"));
    let mut words = if detail.to_lowercase().starts_with(&title) {
        detail.to_owned()
    } else {
        format!("{title}: {detail}")
    };
    if problem["status"] == 401 {
        words.push_str("; give a key with --key or SPORTS_EDGE_KEY");
    }
    let faults = problem["errors"].as_array().into_iter().flatten();
    for detail in faults.filter_map(|it| it["detail"].as_str()) {
        if words.contains(detail) {
            continue;
        }
        words.push_str("; ");
        words.push_str(detail);
    }
    anyhow!(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_says_nothing_twice() {
        for (problem, words) in [
            (
                json!({
                    "title": "There can be no such alert",
                    "detail": "there can be no such alert: /webhook: is no address",
                    "errors": [{"pointer": "/webhook", "detail": "is no address"}],
                }),
                "there can be no such alert: /webhook: is no address",
            ),
            (
                json!({
                    "title": "The server is at fault",
                    "detail": "the server is at fault; the log has more",
                }),
                "the server is at fault; the log has more",
            ),
            (
                json!({
                    "title": "Some entries cannot be taken",
                    "detail": "2 of them",
                    "errors": [{"detail": "no price"}, {"detail": "no team"}],
                }),
                "some entries cannot be taken: 2 of them; no price; no team",
            ),
        ] {
            assert_eq!(refusal(&problem).to_string(), words);
        }
    }
}
