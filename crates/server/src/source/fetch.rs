//! Fetching a URL into a temporary file: bounded in time and size, tried again with growing pauses,
//! and only where it has changed.

mod redirect;

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use engine::chain;
use store::FetchState;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use ureq::{Agent, Body, Timeout};
use url::Url;

use super::shown::shown;
use crate::{Authorities, trust};
use redirect::REDIRECTS_MAX;

/// The longest pause a server may ask for between two attempts.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// The bounds of a fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the answer to begin, and for each next part of it.
    pub read_timeout: Duration,
    /// How long one attempt may take in all.
    pub total_timeout: Duration,
    /// How many times to try.
    pub attempts_max: u32,
    /// The pause before the second attempt; it doubles with each, and is stretched by up to a half
    /// at random.
    pub pause_first: Duration,
    /// The largest answer that is taken.
    pub bytes_max: u64,
    /// Whom to believe that a server is who it says it is.
    pub authorities: Authorities,
    /// What else to ask with.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(600),
            attempts_max: 4,
            pause_first: Duration::from_millis(500),
            bytes_max: 512 * 1024 * 1024,
            authorities: Authorities::default(),
            header: None,
        }
    }
}

/// What a fetch brought.
#[derive(Debug)]
pub enum Fetched {
    /// The content has not changed since it was fetched last.
    Unchanged,
    /// The content, and what to remember of it.
    Fresh {
        /// A temporary file, gone once closed.
        file: File,
        /// Entity tag and date, where the server gave them.
        etag: Option<String>,
        /// Date of change.
        last_modified: Option<String>,
        /// What the content is said to be.
        content_type: Option<String>,
    },
}

/// Fetches URLs.
#[derive(Debug)]
pub struct Fetcher {
    agent: Agent,
    options: FetchOptions,
}

/// Why an attempt failed, and whether another may help.
enum Failure {
    Passing {
        error: anyhow::Error,
        pause: Option<Duration>,
    },
    Lasting(anyhow::Error),
}

impl Fetcher {
    /// Prepares fetches within `options`; fails where authorities that they name cannot be read.
    pub fn new(options: FetchOptions) -> Result<Self> {
        let config = Agent::config_builder()
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.read_timeout))
            .timeout_per_read(Some(options.read_timeout))
            // They are followed by a rule of our own.
            .max_redirects(0)
            .tls_config(options.authorities.tls()?)
            .http_status_as_error(false)
            .user_agent(concat!("sports-edge/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            options,
        })
    }

    /// Fetches `url` unless it is as `known`; blocks. `chance` gives numbers in 0..1.
    pub fn fetch(
        &self,
        url: &str,
        known: Option<&FetchState>,
        mut chance: impl FnMut() -> f64,
    ) -> Result<Fetched> {
        let mut attempt = 1;
        loop {
            let (error, asked) = match self.attempt(url, known) {
                Ok(fetched) => return Ok(fetched),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing { error, pause }) => (error, pause),
            };
            if attempt >= self.options.attempts_max {
                return Err(error.context(format!("given up after {attempt} attempts")));
            }
            let doubled = self.options.pause_first * 2_u32.saturating_pow(attempt - 1);
            let stretched = doubled.mul_f64(1.0 + chance() / 2.0);
            let pause = asked.map_or(stretched, |it| it.max(stretched));
            tracing::warn!(
                url = shown(url),
                attempt,
                error = chain(error.as_ref()),
                "fetch failed, trying again"
            );
            std::thread::sleep(pause.min(RETRY_AFTER_MAX));
            attempt += 1;
        }
    }

    fn attempt(&self, url: &str, known: Option<&FetchState>) -> Result<Fetched, Failure> {
        let response = self.followed(url, known)?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        if status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT
        {
            return Err(Failure::Passing {
                pause: retry_after(response.headers()),
                error: anyhow!("the source answers {status}"),
            });
        }
        if status != StatusCode::OK {
            return Err(Failure::Lasting(anyhow!("the source answers {status}")));
        }
        self.take(response)
    }

    /// What is answered in the end, as far as the server leads to places of its own.
    fn followed(&self, url: &str, known: Option<&FetchState>) -> Result<Response<Body>, Failure> {
        let began = Instant::now();
        let at = Url::parse(url).context("the address cannot be read");
        let mut at = at.map_err(Failure::Lasting)?;
        for _ in 0..=REDIRECTS_MAX {
            let left = self.options.total_timeout.saturating_sub(began.elapsed());
            let response = self.ask(&at, known, left)?;
            if !redirect::is_redirect(response.status()) {
                return Ok(response);
            }
            at = redirect::target(&at, response.headers()).map_err(Failure::Lasting)?;
        }
        let error = anyhow!("the source leads on after {REDIRECTS_MAX} redirects");
        Err(Failure::Lasting(error))
    }

    fn ask(
        &self,
        url: &Url,
        known: Option<&FetchState>,
        time_max: Duration,
    ) -> Result<Response<Body>, Failure> {
        let request = self.agent.get(url.as_str());
        let mut request = request.config().timeout_global(Some(time_max)).build();
        if let Some((name, value)) = &self.options.header {
            request = request.header(name, value);
        }
        if let Some(etag) = known.and_then(|it| it.etag.as_deref()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = known.and_then(|it| it.last_modified.as_deref()) {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        request.call().map_err(|it| failure(it, &self.options))
    }

    fn take(&self, response: Response<Body>) -> Result<Fetched, Failure> {
        let text = |name: header::HeaderName| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        let content_type = text(header::CONTENT_TYPE);
        let bytes_max = self.options.bytes_max;
        if response
            .body()
            .content_length()
            .is_some_and(|it| it > bytes_max)
        {
            return Err(too_large(bytes_max));
        }
        let mut file = tempfile::tempfile()
            .context("no temporary file can be made")
            .map_err(Failure::Lasting)?;
        let body = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        let copied = copy(&mut body.take(bytes_max + 1), &mut file, &self.options)?;
        if copied > bytes_max {
            return Err(too_large(bytes_max));
        }
        Ok(Fetched::Fresh {
            file,
            etag,
            last_modified,
            content_type,
        })
    }
}

/// Copies an answer; failing to read may pass, failing to write lasts.
fn copy(body: &mut impl Read, file: &mut File, options: &FetchOptions) -> Result<u64, Failure> {
    let mut buffer = vec![0; 64 * 1024];
    let mut copied = 0;
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let cause = error.get_ref().and_then(|it| it.downcast_ref());
                let error = match cause.and_then(|it| overdue(it, options)) {
                    Some(overdue) => overdue,
                    None => anyhow::Error::new(error).context("the answer broke off"),
                };
                return Err(Failure::Passing { error, pause: None });
            }
        };
        file.write_all(&buffer[..read])
            .context("the temporary file cannot be written")
            .map_err(Failure::Lasting)?;
        copied += read as u64;
    }
}

fn too_large(bytes_max: u64) -> Failure {
    Failure::Lasting(anyhow!("the answer is larger than {bytes_max} bytes"))
}

fn failure(error: ureq::Error, options: &FetchOptions) -> Failure {
    if let Some(why) = trust::doubt(&error, "SPORTS_EDGE_CA_FILE") {
        return Failure::Lasting(anyhow!("the source is not believed: {why}"));
    }
    if let Some(error) = overdue(&error, options) {
        return Failure::Passing { error, pause: None };
    }
    let passing = matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_)
    );
    let error = anyhow::Error::new(error).context("the source cannot be reached");
    if passing {
        Failure::Passing { error, pause: None }
    } else {
        Failure::Lasting(error)
    }
}

/// How long was waited, where that is what ended an attempt.
fn overdue(error: &ureq::Error, options: &FetchOptions) -> Option<anyhow::Error> {
    let ureq::Error::Timeout(which) = error else {
        return None;
    };
    Some(match which {
        Timeout::Resolve | Timeout::Connect => {
            let waited = span(options.connect_timeout);
            anyhow!("the source gave no connection within {waited}")
        }
        Timeout::RecvResponse | Timeout::PerRead => {
            let waited = span(options.read_timeout);
            anyhow!("nothing came from the source for {waited}")
        }
        _ => {
            let waited = span(options.total_timeout);
            anyhow!("the source did not give its whole answer within {waited}")
        }
    })
}

/// A span of time in words.
fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

/// The pause a server asks for in seconds; dates are left to our own pauses.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
