//! A short way for answers that are at hand: past the router, its layers and their boxed futures,
//! which take longer than the answer does.
//!
//! It meets the same checks, one after the other. What is not plainly a read whose answer is kept
//! and fresh goes to the router, whose own way gives the same answer, or says what is wrong.

use axum::{
    http::{Method, request::Parts},
    response::Response,
};
use engine::caching::Glance;

use super::{ADDRESS_BYTES_MAX, Answer, Kept, respond};
use crate::{ApiState, auth::Reader, guard, position};

/// The answer to a request, where it is at hand.
pub(crate) async fn answer_at_hand(state: &ApiState, request: &Parts) -> Option<Response> {
    let (kept, address) = asked(state, request)?;
    guard::check_host(state, &request.headers).ok()?;
    let _permit = state.requests.try_acquire().ok()?;
    Reader::of(&request.headers, state).await.ok()?;
    guard::short(state, request, kept.read.route, || {
        let now = state.engine.now();
        let asked = respond::Asked::by(&request.method, &request.headers);
        let respond = |it: &Glance<'_, Answer>| {
            (it.holds(now) && it.is_ready(asked.coding)).then(|| {
                let given = respond::Given {
                    answer: it,
                    age: it.age(),
                    tier: it.tier(),
                    is_stale: false,
                };
                respond::with(&given, &asked, kept.cache_control(state))
            })
        };
        kept.kind.read(&kept.key(address), respond).flatten()
    })
}

/// The read that a request asks for; none where it brings a position, which is to be waited for.
fn asked<'a>(state: &'a ApiState, request: &'a Parts) -> Option<(&'a Kept, &'a str)> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return None;
    }
    let address = request.uri.path_and_query()?;
    let is_short = address.as_str().len() <= ADDRESS_BYTES_MAX;
    if !is_short || request.headers.contains_key(position::POSITION) {
        return None;
    }
    let path = address.path();
    let kept = state.kept.reads.iter().find(|it| it.is_of(path));
    kept.map(|it| (it, address.as_str()))
}

#[cfg(test)]
mod tests;
