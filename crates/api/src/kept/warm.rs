//! Answers made before they are asked for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, header},
    response::Response,
};
use tokio::{task::JoinSet, time::Instant};

use super::KeptReads;
use crate::{ApiState, error::ApiError, router::ask};

/// Failures that are told one by one.
const FAILURES_MAX: usize = 20;

/// Makes answers before they are asked for.
#[derive(Clone)]
pub struct Warmer {
    reads: Router,
    kept: Arc<KeptReads>,
}

/// Times that an answer is made at most: what is large is kept when it comes back.
const TRIES_MAX: usize = 2;

/// How much warming may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmBounds {
    /// Time in all; what is not made by then is left.
    pub time_max: Duration,
    /// Answers made at the same time.
    pub parallel: usize,
}

/// What warming came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Answers made, which are there now.
    pub made: usize,
    /// Answers that were there and fresh.
    pub kept: usize,
    /// Answers that could not be made, or are not kept once they are.
    pub failed: usize,
    /// Answers left for want of time.
    pub left: usize,
    /// Addresses that failed and why, the first of them.
    pub failures: Vec<(String, String)>,
}

impl Warmer {
    /// Asks what `state` serves, past its front door.
    pub fn new(state: &ApiState) -> Self {
        Self {
            reads: state.reads(),
            kept: Arc::clone(&state.kept),
        }
    }

    /// Makes the answers to addresses, the first ones first, within bounds.
    pub async fn warm(&self, addresses: Vec<String>, bounds: WarmBounds) -> Warmed {
        let until = Instant::now() + bounds.time_max;
        let count = addresses.len();
        let work = Arc::new(Mutex::new((VecDeque::from(addresses), Warmed::default())));
        let mut workers = JoinSet::new();
        for _ in 0..bounds.parallel.clamp(1, count.max(1)) {
            let (warmer, work) = (self.clone(), Arc::clone(&work));
            workers.spawn(async move { warmer.work(&work).await });
        }
        let all = async { while workers.join_next().await.is_some() {} };
        // Loads belong to the cache: those under way are finished there all the same.
        let _ = tokio::time::timeout_at(until, all).await;
        workers.shutdown().await;
        let (_, mut warmed) = std::mem::take(&mut *locked(&work));
        warmed.left = count - warmed.made - warmed.kept - warmed.failed;
        warmed
    }

    async fn work(&self, work: &Mutex<(VecDeque<String>, Warmed)>) {
        loop {
            let address = locked(work).0.pop_front();
            let Some(address) = address else { return };
            let done = self.ask(&address).await;
            let warmed = &mut locked(work).1;
            match done {
                Ok(true) => warmed.made += 1,
                Ok(false) => warmed.kept += 1,
                Err(reason) => {
                    warmed.failed += 1;
                    if warmed.failures.len() < FAILURES_MAX {
                        warmed.failures.push((address, reason));
                    }
                }
            }
        }
    }

    /// Asks for one; says whether it was made now.
    async fn ask(&self, address: &str) -> Result<bool, String> {
        let place = self.kept.place(address)?;
        for tried in 0..TRIES_MAX {
            let response = ask(self.reads.clone(), address, None).await;
            let response = response.map_err(|it| it.to_string())?;
            if response.status() != StatusCode::OK {
                return Err(reason(&response));
            }
            let headers = response.headers();
            let timing = headers.get("server-timing");
            if !timing.is_some_and(|it| it.as_bytes().ends_with(b"loader")) {
                return Ok(tried > 0);
            }
            let etag = headers.get(header::ETAG);
            if etag.is_some_and(|it| self.kept.marks(&place, it).is_some()) {
                return Ok(true);
            }
        }
        Err("it is made, but not kept: it is too large, or has changed already".to_owned())
    }
}

/// Why an answer is no answer.
fn reason(response: &Response) -> String {
    if let Some(error) = response.extensions().get::<Arc<ApiError>>() {
        return error.detail();
    }
    format!("it is answered {}", response.status())
}

fn locked<T>(work: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}
