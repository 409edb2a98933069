//! Which reads are kept, how long, and what clients may do with their copies.

use std::time::Duration;

use axum::http::HeaderValue;

use crate::ReadAccess;

/// How an answer ages. Whatever it is made from makes it new at once when it changes; these times
/// are for what nobody announces, and for copies that clients keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Changes with results and prices: clients ask each time, and may show what they have while
    /// they do.
    Live,
    /// Changes with imports and trainings.
    Slow,
}

/// A read that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptRead {
    /// The route as the router knows it.
    pub(crate) route: &'static str,
    /// What its answers are called in statistics.
    pub(crate) kind: &'static str,
    pub(crate) freshness: Freshness,
}

/// Every read that is kept; what is not here is made anew for each request.
pub(crate) const KEPT_READS: [KeptRead; 18] = [
    kept("/v1/competitions", "competitions", Freshness::Slow),
    kept("/v1/teams", "teams", Freshness::Slow),
    kept("/v1/models/{name}/report", "report", Freshness::Slow),
    kept("/v1/fixtures", "fixtures", Freshness::Live),
    kept("/v1/fixtures/{id}", "fixture", Freshness::Live),
    kept(
        "/v1/fixtures/{id}/prediction",
        "prediction",
        Freshness::Live,
    ),
    kept("/v1/fixtures/{id}/insight", "insight", Freshness::Live),
    kept("/v1/fixtures/{id}/play", "play", Freshness::Live),
    kept("/v1/fixtures/{id}/timeline", "timeline", Freshness::Live),
    kept("/v1/fixtures/{id}/events", "events", Freshness::Live),
    kept("/v1/fixtures/{id}/quotes", "quotes", Freshness::Live),
    kept("/v1/fixtures/{id}/markets", "markets", Freshness::Live),
    kept(
        "/v1/competitions/{key}/standings",
        "standings",
        Freshness::Live,
    ),
    kept("/v1/teams/{id}/form", "form", Freshness::Live),
    kept("/v1/teams/{id}/meetings", "meetings", Freshness::Live),
    kept("/v1/board", "board", Freshness::Live),
    kept("/v1/scoreboard", "scoreboard", Freshness::Live),
    kept("/v1/edges", "edges", Freshness::Live),
];

const fn kept(route: &'static str, kind: &'static str, freshness: Freshness) -> KeptRead {
    KeptRead {
        route,
        kind,
        freshness,
    }
}

impl KeptRead {
    /// What its answers are called in the cache.
    pub(crate) fn kind_name(&self) -> String {
        format!("answer.{}", self.kind)
    }
}

impl Freshness {
    /// After how long an answer is made anew behind the one that is served.
    pub(crate) fn soft(self) -> Duration {
        match self {
            Self::Live => Duration::from_secs(20),
            Self::Slow => Duration::from_secs(60),
        }
    }

    /// After how long an answer is not served any more unless making another fails.
    pub(crate) fn hard(self) -> Duration {
        match self {
            Self::Live => Duration::from_secs(60),
            Self::Slow => Duration::from_secs(600),
        }
    }

    /// How much longer it is served, marked stale, while making another fails.
    pub(crate) fn stale_on_error(self) -> Duration {
        match self {
            Self::Live => Duration::from_secs(300),
            Self::Slow => Duration::from_secs(3600),
        }
    }

    /// What clients and caches on the way may do; private where reading takes a key.
    pub(crate) fn cache_control(self, access: ReadAccess) -> HeaderValue {
        HeaderValue::from_static(match (self, access) {
            (Self::Live, ReadAccess::Open) => {
                "public, max-age=0, stale-while-revalidate=5, stale-if-error=300"
            }
            (Self::Live, ReadAccess::Keyed) => {
                "private, max-age=0, stale-while-revalidate=5, stale-if-error=300"
            }
            (Self::Slow, ReadAccess::Open) => {
                "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600"
            }
            (Self::Slow, ReadAccess::Keyed) => {
                "private, max-age=60, stale-while-revalidate=300, stale-if-error=3600"
            }
        })
    }
}
