//! Everything the server answers to over HTTP, with a short way for inference and one for answers
//! that are at hand.
//!
//! The router and its layers take longer than a model of microseconds, so requests for inference
//! do not pass them: they meet the same checks here, one after the other. What is not plainly such
//! a request goes to the router, whose own route for inference gives the same answers.

mod begun;

use std::{
    any::Any,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    BoxError, Router,
    body::{Bytes, HttpBody},
    http::{HeaderValue, Method, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use self::begun::begun;
use super::{BODY_BYTES_MAX, Door, OipError, explained, models, room::Held};
use crate::{
    ApiState, auth::Reader, cors, error::ApiError, guard, host, kept, rate::Verdict, router,
};

/// Room made for a body before it is there, at most; what comes in makes more.
const ROOM_MAX: u64 = 1 << 20;

/// How long the rest of a body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// From so many bytes on a body is read where nobody else waits: as JSON it takes milliseconds.
pub(super) const LONG_BODY_BYTES: usize = 256 << 10;

/// Bytes of a refused request that are let by, about; with more its connection ends.
const PASSED_BY_MAX: usize = 1 << 20;

/// Everything the server answers to.
#[derive(Clone)]
pub struct Front {
    router: Router,
    door: Door,
    home: Handle,
    cors: Option<CorsLayer>,
}

/// Work on another runtime, which ends when nobody waits for it.
struct Elsewhere(JoinHandle<Response>);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The model and version that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    model: &'a str,
    version: Option<&'a str>,
}

impl Front {
    /// Puts the short way beside the router, whose work is done on the runtime at hand: it may
    /// take longer than the connections of another should wait.
    pub fn new(state: ApiState) -> Self {
        let door = Door::new(&state);
        Self {
            cors: cors::layer(&state.options.allowed_origins),
            router: router::joined(state, door.clone()),
            door,
            home: Handle::current(),
        }
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let mut answer = match &self.cors {
            None => self.same_origin(request).await,
            Some(cors) => {
                let answer = service_fn(async |request| Ok(self.same_origin(request).await));
                let answer = cors.layer(answer).oneshot(request).await;
                answer.unwrap_or_else(|never: Infallible| match never {})
            }
        };
        if self.door.state.is_draining() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            // The client's next request goes to another server, before this one closes its connections.
            let headers = answer.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn same_origin<B>(&self, mut request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        host::settle(&mut request);
        if request.method() == Method::POST && place(request.uri().path()).is_some() {
            return self.door.infer(request).await;
        }
        let (mut parts, body) = request.into_parts();
        let verdict = self.door.state.rates.judge(&self.door.state, &parts).await;
        if let Some(refusal) = verdict.filter(Verdict::is_refusal) {
            parts.extensions.insert(refusal);
        }
        let mut answer = self.counted(Request::from_parts(parts, body)).await;
        if let Some(verdict) = verdict {
            verdict.tell(&mut answer);
        }
        answer
    }

    /// Answers a request whose limit has spoken.
    async fn counted<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let (parts, body) = request.into_parts();
        if parts.extensions.get::<Verdict>().is_none() {
            // What panics there is left to the router, which answers for it.
            let at_hand = caught(kept::answer_at_hand(&self.door.state, &parts)).await;
            if let Ok(Some(answer)) = at_hand {
                return answer;
            }
        }
        let body = begun(&parts, body).await;
        let request = Request::from_parts(parts, body);
        let answer = self.router.clone().oneshot(request);
        let answer = async { answer.await.unwrap_or_else(|never| match never {}) };
        let mut answer = Elsewhere(self.home.spawn(answer));
        match (&mut answer.0).await {
            Ok(mut answer) => {
                if answer.status() == StatusCode::NOT_MODIFIED {
                    // The router says 0, which is not the length of what the client has (RFC 9110, 8.6).
                    answer.headers_mut().remove(header::CONTENT_LENGTH);
                }
                answer
            }
            // It panicked past the router's own care, or the server is stopping.
            Err(error) => guard::panicked(Box::new(error.to_string())),
        }
    }
}

/// Reads `/v2/models/NAME/infer` and the same with a version; `None` for any other path, and for
/// one with escapes.
fn place(path: &str) -> Option<Place<'_>> {
    let path = path.strip_prefix("/v2/models/")?.strip_suffix("/infer")?;
    if path.contains('%') {
        return None;
    }
    let (model, version) = match path.split_once('/') {
        None => (path, None),
        Some((model, rest)) => (model, Some(rest.strip_prefix("versions/")?)),
    };
    let whole = |it: &str| !it.is_empty() && !it.contains('/');
    (whole(model) && version.is_none_or(whole)).then_some(Place { model, version })
}

impl Door {
    async fn infer<B>(&self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let id = guard::request_id(&self.state, &parts.headers);
        let started = Instant::now();
        let response = match self.enter(&parts.headers) {
            Ok(_inside) => match caught(self.work(&parts, body)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => error.into_response(),
                Err(panic) => guard::panicked(panic),
            },
            Err(error) => OipError::from(&error).into_response(),
        };
        let took = started.elapsed();
        let failed = response.status().as_u16() >= 400;
        // Most is well and quick, and putting a line together would be a part of the work.
        let mut response = if guard::is_seen(failed, took) {
            let asked = (&parts.method, &parts.uri);
            let span = guard::span(
                &id,
                asked,
                (&parts.headers, parts.extensions.get().copied()),
            );
            span.in_scope(|| {
                let response = explained(response);
                guard::log(&response, took, None);
                response
            })
        } else {
            response
        };
        guard::name(&mut response, id);
        response
    }

    async fn work<B>(&self, parts: &Parts, body: B) -> Result<Response, ApiError>
    where
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<BoxError>,
    {
        Reader::of(&parts.headers, &self.state).await?;
        let place = place(parts.uri.path()).expect("the path was looked at before");
        if let Some(Err(error)) = self.state.engine.serving().map(|it| it.admit(place.model)) {
            return Ok(refuse(OipError::from(error), body).await);
        }
        let held = self.room.hold();
        let body = match whole(body, &held).await {
            Ok(body) => body,
            Err(Unread::NoRoom(error)) => return Ok(error.into_response()),
            Err(Unread::TooLong) => return Err(ApiError::BodyTooLarge(BODY_BYTES_MAX)),
            Err(Unread::Late) => return Ok(OipError::late(BODY_TIME_MAX).into_response()),
            Err(Unread::Broken(cause)) => {
                let text = format!("the body cannot be read: {cause}");
                return Ok(OipError::bad(text).into_response());
            }
        };
        let name = place.model.to_owned();
        if body.len() < LONG_BODY_BYTES {
            let answer = models::answer(&self.state, name, place.version, &parts.headers, body);
            return Ok(answer.await.into_response());
        }
        let (state, headers) = (self.state.clone(), parts.headers.clone());
        let version = place.version.map(str::to_owned);
        let answer = apart(async move {
            models::answer(&state, name, version.as_deref(), &headers, body).await
        });
        Ok(answer.await.into_response())
    }
}

/// Refuses a request; its body is let by, as the connection stays.
async fn refuse<B>(error: OipError, mut body: B) -> Response
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let passing_by = async {
        let mut passed = 0;
        while let Ok(Some(next)) = piece(&mut body).await
            && passed <= PASSED_BY_MAX
        {
            passed += next.len();
        }
    };
    // Who is too slow loses the connection.
    let _ = timeout(BODY_TIME_MAX, passing_by).await;
    error.into_response()
}

/// Does work that keeps a thread busy for long on one where nobody else waits; its panic is one here.
pub(super) async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let here = Handle::current();
    let done = tokio::task::spawn_blocking(move || here.block_on(work)).await;
    done.unwrap_or_else(|broken| match broken.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(cancelled) => panic!("{cancelled}"),
    })
}

/// Why there is no body.
#[derive(Debug)]
enum Unread {
    TooLong,
    Late,
    NoRoom(OipError),
    Broken(BoxError),
}

/// Reads a whole body, for which room is held; one that comes in one piece is not copied.
async fn whole<B>(body: B, held: &Held) -> Result<Bytes, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let declared = body.size_hint().lower();
    if declared > BODY_BYTES_MAX as u64 {
        return Err(Unread::TooLong);
    }
    held.fit(declared as usize).map_err(Unread::NoRoom)?;
    let gathered = gathered(declared, body, held);
    timeout(BODY_TIME_MAX, gathered)
        .await
        .unwrap_or(Err(Unread::Late))
}

/// Puts a body together that may come in pieces.
async fn gathered<B>(declared: u64, mut body: B, held: &Held) -> Result<Bytes, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let Some(first) = piece(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() {
        return bounded(first.len()).map(|()| first);
    }
    let room = declared.min(ROOM_MAX) as usize;
    let mut all = Vec::with_capacity(room.max(first.len()));
    all.extend_from_slice(&first);
    while let Some(next) = piece(&mut body).await? {
        bounded(all.len() + next.len())?;
        held.fit(all.len() + next.len()).map_err(Unread::NoRoom)?;
        all.extend_from_slice(&next);
    }
    bounded(all.len()).map(|()| all.into())
}

fn bounded(length: usize) -> Result<(), Unread> {
    (length <= BODY_BYTES_MAX)
        .then_some(())
        .ok_or(Unread::TooLong)
}

/// The next piece of a body; trailers are passed over.
async fn piece<B>(body: &mut B) -> Result<Option<Bytes>, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        match frame.await {
            None => return Ok(None),
            Some(Err(cause)) => return Err(Unread::Broken(cause.into())),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Does work whose panic is an error.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        // What panicked is dropped right after, half-changed or not.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

#[cfg(test)]
mod tests;
