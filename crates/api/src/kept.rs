//! Reads whose answers are kept: made once, sent to everybody who may read them, forgotten when
//! what they were made from changes.

mod address;
mod answer;
mod freshness;
mod heat;
mod respond;
mod short;
mod warm;
mod watch;

use std::{
    error::Error,
    fmt::{self, Display},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use engine::{
    Engine,
    caching::{Cache, CacheError, Hit, Key, Kind, KindOptions, Loading, Rules, Scope, Target},
    topic,
};

use crate::{
    ApiState,
    auth::{Back, Reader, Viewer},
    error::ApiError,
};

pub(crate) use address::{Place, address_of};
pub(crate) use answer::{Answer, COMPRESSED_FROM_BYTES};
use freshness::{Freshness, KEPT_READS, KeptRead};
pub(crate) use short::answer_at_hand;
pub use warm::{WarmBounds, Warmed, Warmer};
use watch::Watch;

/// Longer addresses are answered without being kept.
const ADDRESS_BYTES_MAX: usize = 900;
/// An answer of more bytes is sent without being kept.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Servers of one version share answers: another version may word them otherwise.
const SCHEMA: u32 = number_of(env!("CARGO_PKG_VERSION"));
/// The share of its life after which an answer that is asked for is made anew behind.
const EAGER: f64 = 0.8;
/// The share of its life by which an answer's is shortened, so that not all end together.
const JITTER: f64 = 0.1;

/// The reads that are kept, each with its place in the cache.
pub(crate) struct KeptReads {
    reads: Vec<Kept>,
    pub(crate) watch: Watch,
}

/// A read that is kept.
pub(crate) struct Kept {
    read: KeptRead,
    kind: Kind<Answer, Refusal>,
}

/// An answer that is not kept: what a handler said instead of 200.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// What the front door writes the problem from.
    error: Option<Arc<ApiError>>,
}

impl KeptReads {
    /// Registers every read that is kept with a cache.
    pub(crate) fn new(cache: &Cache) -> Self {
        let registered = |read: KeptRead| {
            let options = KindOptions::new(read.kind_name(), rules(read.freshness));
            let options = options.weigh(Answer::weight);
            let kind = cache.kind(options.share(SCHEMA, Answer::pack, Answer::unpack));
            Kept {
                read,
                kind: kind.expect("a cache serves one API"),
            }
        };
        Self {
            reads: KEPT_READS.into_iter().map(registered).collect(),
            watch: Watch::default(),
        }
    }

    fn of_route(&self, route: &str) -> Option<&Kept> {
        self.reads.iter().find(|it| it.read.route == route)
    }
}

/// A number that a text has to itself, as good as certainly (FNV-1a).
const fn number_of(text: &str) -> u32 {
    let (bytes, mut at, mut number) = (text.as_bytes(), 0, 0x811c_9dc5_u32);
    while at < bytes.len() {
        number = (number ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    number
}

fn rules(freshness: Freshness) -> Rules {
    let (soft, hard) = (freshness.soft(), freshness.hard());
    Rules {
        revalidate: hard.saturating_sub(soft),
        eager: EAGER,
        jitter: JITTER,
        error_hold: Duration::ZERO,
        ..Rules::new(soft, hard + freshness.stale_on_error())
    }
}

/// Answers a read from the cache, or makes the answer, once for all who ask meanwhile.
///
/// Whether the client may read is settled first; what is kept is the same for all who may.
pub(crate) async fn keep(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(Back(moment)) = request.extensions().get().copied() {
        return Ok(topic::back_at(moment, next.run(request)).await); // Nobody else asks for it.
    }
    let reads = *request.method() == Method::GET || *request.method() == Method::HEAD;
    let route = request.extensions().get::<MatchedPath>();
    let kept = route.and_then(|it| state.kept.of_route(it.as_str()));
    let address = request.uri().path_and_query();
    let address = address.map(|it| it.as_str().to_owned());
    let address = address.filter(|it| it.len() <= ADDRESS_BYTES_MAX);
    let (true, Some(kept), Some(address)) = (reads, kept, address) else {
        return Ok(next.run(request).await);
    };
    let (extensions, headers) = (request.extensions(), request.headers());
    if kept.read.route.starts_with("/v1/models/") {
        Viewer::of_request(extensions, headers, &state).await?;
    } else {
        Reader::of_request(extensions, headers, &state).await?;
    }
    let asked = respond::Asked::of(&request);
    let hit = kept.answer(&state.engine, &address, request, next).await;
    Ok(match hit {
        Ok(hit) => {
            let given = respond::Given::of(&hit);
            respond::with(&given, &asked, kept.cache_control(&state))
        }
        Err(CacheError::Load(refusal)) => refusal.response(),
        Err(CacheError::TimedOut(time)) => return Err(ApiError::TimedOut(time)),
        Err(CacheError::Busy(bound)) => return Err(ApiError::Overloaded(bound)),
        Err(CacheError::Panicked(text)) => return Err(ApiError::Panicked(text.to_string())),
        Err(error) => {
            tracing::error!(%error, "answer not kept");
            return Err(ApiError::Unexplained(StatusCode::INTERNAL_SERVER_ERROR));
        }
    })
}

impl Kept {
    async fn answer(
        &self,
        engine: &Arc<Engine>,
        address: &str,
        request: Request,
        next: Next,
    ) -> Result<Hit<Answer>, CacheError<Refusal>> {
        let key = self.key(address);
        let asked: Asked = Arc::new(Mutex::new(Some((request, next))));
        let hit = self.kind.get_or_load(&key, made(engine, &asked)).await?;
        let unmade = asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        if hit.holds(engine.now()) || !unmade {
            return Ok(hit);
        }
        // The clock has been moved on since: what is kept may be an answer of the past.
        engine.cache().remove(&[Target::Key(key.clone())]).await;
        self.kind.get_or_load(&key, made(engine, &asked)).await
    }

    /// Whether a path is one of its route's.
    fn is_of(&self, path: &str) -> bool {
        address::fits(self.read.route, path)
    }

    /// What the answer to an address is known by.
    fn key(&self, address: &str) -> Key {
        self.kind.key(Scope::Public).part(address).build()
    }

    fn cache_control(&self, state: &ApiState) -> HeaderValue {
        self.read.freshness.cache_control(state.options.read_access)
    }
}

/// A request on its way to its handler, until a load takes it there.
type Asked = Arc<Mutex<Option<(Request, Next)>>>;

/// The load of an answer to `asked`.
fn made(
    engine: &Arc<Engine>,
    asked: &Asked,
) -> impl FnOnce(Loading) -> Pin<Box<dyn Future<Output = Result<Answer, Refusal>> + Send>> + use<> {
    let (engine, asked) = (Arc::clone(engine), Arc::clone(asked));
    move |loading| {
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let (request, next) = asked.expect("one request makes one answer");
            handled(engine, loading, request, next).await
        })
    }
}

/// Runs the handler, once everything that was heard to have changed is followed, and notes what its
/// answer was made from.
async fn handled(
    engine: Arc<Engine>,
    loading: Loading,
    mut request: Request,
    next: Next,
) -> Result<Answer, Refusal> {
    if let Some(position) = loading.must_see() {
        let seen = engine.see(position).await;
        seen.map_err(|error| Refusal::of(error.into()))?;
    }
    *request.method_mut() = Method::GET;
    let headers = request.headers_mut();
    headers.remove(header::IF_NONE_MATCH);
    headers.remove(header::IF_MODIFIED_SINCE);
    let (response, reads) = topic::recorded(next.run(request)).await;
    for topic in reads.topics() {
        loading.tag(&topic.tag());
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    let error = parts.extensions.get::<Arc<ApiError>>().cloned();
    let refusal = |body| Refusal {
        status: parts.status,
        headers: parts.headers.clone(),
        body,
        error,
    };
    let body = match body {
        Ok(body) if parts.status == StatusCode::OK => body,
        Ok(body) => return Err(refusal(body)),
        Err(_) => {
            let error = ApiError::Unexplained(StatusCode::INTERNAL_SERVER_ERROR);
            return Err(Refusal::of(error));
        }
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let content_type = content_type.unwrap_or(HeaderValue::from_static("application/json"));
    let left = reads.until().map(|it| it.duration_since(engine.now()));
    // A moment that passed while the answer was made leaves it no time.
    let left = left.map(|it| Duration::try_from(it).unwrap_or(Duration::ZERO));
    let too_large = (body.len() > BODY_BYTES_MAX).then_some(Duration::ZERO);
    if let Some(left) = too_large.or(left) {
        let rules = loading.current_rules();
        loading.rules(Rules {
            soft: rules.soft.min(left),
            hard: rules.hard.min(left),
            ..rules
        });
    }
    let etag = parts.headers.get(header::ETAG).cloned();
    Ok(Answer::tagged(content_type, body, etag, reads.until()))
}

impl Refusal {
    fn of(error: ApiError) -> Self {
        Self {
            status: error.kind().status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            error: Some(Arc::new(error)),
        }
    }

    /// The answer, once more for each who waited.
    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        if let Some(error) = &self.error {
            response.extensions_mut().insert(Arc::clone(error));
        }
        response
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler answered {}", self.status)
    }
}

impl Error for Refusal {}
