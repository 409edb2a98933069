//! The HTTP face of the platform: routes, wire types, authentication, problems, the `OpenAPI`
//! document and the pages.
//!
//! Knows the engine and the domain only; never the store, a clock or a source of chance.

mod aside;
mod auth;
mod cookie;
mod cors;
mod docs;
mod error;
mod extract;
mod guard;
mod host;
mod idempotency;
mod kept;
mod live;
mod metrics;
mod oip;
mod openapi;
mod pages;
mod position;
mod problem;
mod rate;
mod router;
mod routes;
mod state;
mod wire;

pub use auth::{
    KEY_RANDOM_BYTES, KeyText, NewKey, ParseKeyError, ReadAccess, Scope, SessionOptions,
};
pub use kept::{WarmBounds, Warmed, Warmer};
pub use live::{Line, LiveOptions, TakeOver};
pub use oip::{Front, Grpc};
pub use openapi::{openapi, openapi_json};
pub use pages::{FIRST_STEPS, backtest_report_html};
pub use problem::{PROBLEM_KINDS, PROBLEMS_PATH, ProblemKind};
pub use rate::{Peer, RateOptions};
pub use router::router;
pub use state::{ApiOptions, ApiState, Hosts, WATCH_EVERY};
