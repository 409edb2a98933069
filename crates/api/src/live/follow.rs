//! What a request to follow asks for, and the frames it begins with.

use engine::feeding::{Frame, Mode, Reader as FeedReader, Revision};
use serde_json::json;

use super::{Live, Place, Refusal};
use crate::{error::ApiError, problem::FieldError, rate::Verdict};

/// Keys that one stream may follow.
pub(crate) const KEYS_OF_STREAM_MAX: usize = 50;
/// How long a request may be held, in milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// What is to be followed, and what is held of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FollowQuery {
    /// Keys, in the order given.
    pub(crate) keys: Vec<String>,
    /// The revision held of each.
    pub(crate) since: Vec<Option<Revision>>,
    /// How long the request may be held.
    pub(crate) wait_ms: u64,
    /// Which revisions are wanted.
    pub(crate) mode: Mode,
}

impl FollowQuery {
    /// Reads a query, and `Last-Event-ID` where there is one.
    pub(crate) fn read(query: &str, last_id: Option<&str>) -> Result<Self, ApiError> {
        let (mut read, mut since) = (Self::default(), None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "k" => read.keys.push(value.into_owned()),
                "since" => since = Some(value.into_owned()),
                "wait_ms" => read.wait_ms = wait(&value)?,
                "mode" => read.mode = mode(&value)?,
                "ticket" => {} // It was looked at where the request was let in.
                other => return Err(bad(other, "unknown parameter".to_owned())),
            }
        }
        if read.keys.is_empty() || read.keys.len() > KEYS_OF_STREAM_MAX {
            let detail = format!(
                "given {} times; it must be given 1 to {KEYS_OF_STREAM_MAX} times",
                read.keys.len()
            );
            return Err(bad("k", detail));
        }
        read.since = match last_id.map(str::to_owned).or(since) {
            None => vec![None; read.keys.len()],
            Some(text) => revisions(&text, read.keys.len())?,
        };
        Ok(read)
    }

    /// Whether something is held already, so that this is not the first question.
    pub(crate) fn goes_on(&self) -> bool {
        self.since.iter().any(Option::is_some)
    }
}

fn bad(name: &str, detail: String) -> ApiError {
    ApiError::BadQuery(FieldError::of_parameter(name, detail))
}

fn wait(text: &str) -> Result<u64, ApiError> {
    let wait = text.parse().ok().filter(|it| *it <= WAIT_MS_MAX);
    let detail = || format!("{text:?} is no whole number up to {WAIT_MS_MAX}");
    wait.ok_or_else(|| bad("wait_ms", detail()))
}

fn mode(text: &str) -> Result<Mode, ApiError> {
    match text {
        "latest" => Ok(Mode::Latest),
        "all" => Ok(Mode::All),
        other => Err(bad("mode", format!("{other:?} is neither latest nor all"))),
    }
}

/// The revision held of each key, `-` for none.
fn revisions(text: &str, count: usize) -> Result<Vec<Option<Revision>>, ApiError> {
    let read = |it: &str| match it {
        "-" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|detail| bad("since", detail)),
    };
    let revisions: Vec<_> = text.split(',').map(read).collect::<Result<_, _>>()?;
    if revisions.len() == count {
        Ok(revisions)
    } else {
        let detail = format!("names {} revisions for {count} keys", revisions.len());
        Err(bad("since", detail))
    }
}

/// Lets a reader follow everything asked for; returns what could not be, as frames.
pub(crate) async fn follow(
    live: &Live,
    (reader, place): (&mut FeedReader, &mut Place),
    query: &FollowQuery,
) -> Vec<String> {
    let mut refused = Vec::new();
    for (key, since) in query.keys.iter().zip(&query.since) {
        let followed = match live.prepare(key, *since).await {
            Ok(since) => live.subscribe((reader, place), key, (since, query.mode)),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = followed {
            refused.push(refusal.frame(key));
        }
    }
    refused
}

impl From<Verdict> for Refusal {
    fn from(verdict: Verdict) -> Self {
        Self {
            code: "too-many-requests",
            detail: ApiError::TooManyRequests(verdict).to_string(),
        }
    }
}

impl Refusal {
    /// The frame that says it.
    pub(crate) fn frame(&self, key: &str) -> String {
        let Self { code, detail } = self;
        json!({"t": "err", "k": key, "code": code, "detail": detail}).to_string()
    }
}

/// What is held of each key, as `since` and the ids of events say it.
#[derive(Debug)]
pub(crate) struct Holding {
    keys: Vec<String>,
    held: Vec<Option<Revision>>,
}

impl Holding {
    pub(crate) fn new(query: FollowQuery) -> Self {
        Self {
            keys: query.keys,
            held: query.since,
        }
    }

    /// Notes what a frame brings.
    pub(crate) fn note(&mut self, frame: &Frame) {
        for (key, held) in self.keys.iter().zip(&mut self.held) {
            if **key == *frame.key && frame.id.is_some() {
                *held = frame.id;
            }
        }
    }

    pub(crate) fn text(&self) -> String {
        let texts = self.held.iter();
        let texts = texts.map(|it| it.map_or_else(|| "-".to_owned(), |it| it.to_string()));
        texts.collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let read = |query: &str, last_id| FollowQuery::read(query, last_id);
        let query = read("k=board&k=fixtures/8&since=-,7.3&wait_ms=10&mode=all", None).unwrap();
        assert_eq!(query.keys, ["board", "fixtures/8"]);
        let (moment, digest) = (7, 3);
        let held = Revision { moment, digest };
        assert_eq!(query.since, [None, Some(held)]);
        assert_eq!((query.wait_ms, query.mode), (10, Mode::All));
        assert!(query.goes_on() && !read("k=board&since=-", None).unwrap().goes_on());
        let resumed = read("k=board&since=1.1", Some("7.3")).unwrap();
        assert_eq!(resumed.since, [Some(held)], "the last id goes before");
        assert_eq!(Holding::new(query).text(), "-,7.000000000003");
        let many = "k=a&".repeat(51);
        for query in [
            "",
            "k=a&x=1",
            "k=a&since=1",
            "k=a&since=1.1,1.1",
            "k=a&wait_ms=30001",
            "k=a&wait_ms=x",
            "k=a&mode=none",
            &many,
        ] {
            assert!(
                matches!(read(query, None), Err(ApiError::BadQuery(_))),
                "{query}"
            );
        }
    }
}
