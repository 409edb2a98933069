//! Puts requests to a busy version together: a batch is formed when a thread is free to run it, so
//! that batches grow with load and nobody waits for a timer.
//!
//! Bounded; urgent ones first; late ones and those nobody waits for any more are dropped.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::{
    InferRequest, ModelConfig, Tensor, backend::RunError, resident::Lease, statistics::Statistics,
};

mod parts;
mod work;
mod workers;

pub(crate) use work::{EXPLAINED_ROWS, run_request};
pub(crate) use workers::Workers;

use work::run_once;

/// What a run gave, and how long it waited and ran.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outputs: Result<Vec<Tensor>, Failure>,
    pub(crate) queue: Duration,
    pub(crate) compute: Duration,
}

/// Why a run gave nothing.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The model said so.
    Model(RunError),
    /// The model panicked, on rows of its warm-up too.
    Panic(String),
    /// Its deadline passed, or its caller left, before it was done.
    Late,
}

/// Why a request does not get into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many wait as may.
    Queue,
    /// What waits before it takes longer than it has.
    Deadline,
}

/// A request that got into the queue.
#[derive(Debug)]
struct Pushed {
    receiver: oneshot::Receiver<Ran>,
    /// Whether another thread is to look after the queue.
    more: bool,
    /// Whether a batch that waited for more rows has them now.
    full: bool,
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: Arc<InferRequest>,
    pub(crate) rows: u64,
    /// What it takes, as far as that is known.
    pub(crate) cost: Duration,
    pub(crate) since: Instant,
    pub(crate) deadline: Option<Instant>,
    pub(crate) lease: Lease,
    pub(crate) config: Arc<ModelConfig>,
    pub(crate) statistics: Arc<Statistics>,
}

type Entry = (Waiting, oneshot::Sender<Ran>);

/// Requests to one version that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<(u64, u64), Entry>,
    rows: u64,
    cost: Duration,
    runners: usize,
    next: u64,
}

impl Queue {
    /// Lets a request wait for its turn on one of so many threads.
    fn push(&self, waiting: Waiting, threads: usize) -> Result<Pushed, Full> {
        let settings = &waiting.config.batching;
        let (answer, receiver) = oneshot::channel();
        let mut line = lock(&self.line);
        if line.waiting.len() >= settings.queue_max as usize {
            line.waiting.retain(|_, (_, answer)| !answer.is_closed());
            line.rows = line.waiting.values().map(|(it, _)| it.rows).sum();
            line.cost = line.waiting.values().map(|(it, _)| it.cost).sum();
            if line.waiting.len() >= settings.queue_max as usize {
                return Err(Full::Queue);
            }
        }
        let cost = line.cost.saturating_add(waiting.cost);
        let wait = cost / threads as u32;
        if waiting.deadline.is_some_and(|it| waiting.since + wait > it) {
            return Err(Full::Deadline);
        }
        // Who names no priority comes after all who do.
        let priority = waiting.request.priority.wrapping_sub(1);
        let key = (priority, line.next);
        line.next += 1;
        line.rows += waiting.rows;
        line.cost = cost;
        let full = settings.delay_us > 0 && line.rows >= u64::from(settings.rows_max);
        line.waiting.insert(key, (waiting, answer));
        let more = line.runners < threads.min(line.waiting.len());
        line.runners += usize::from(more);
        Ok(Pushed {
            receiver,
            more,
            full,
        })
    }

    /// Lets all who wait go without an answer.
    fn clear(&self) {
        *lock(&self.line) = Line::default();
    }

    /// Requests that wait.
    #[cfg(test)]
    pub(crate) fn waits(&self) -> usize {
        lock(&self.line).waiting.len()
    }

    /// How long it waits for more rows yet.
    fn delay(&self) -> Duration {
        let line = lock(&self.line);
        let first = line.waiting.values().next();
        first.map_or(Duration::ZERO, |(it, _)| {
            let settings = &it.config.batching;
            let enough = line.rows >= u64::from(settings.rows_max);
            let age = it.since.elapsed();
            match enough {
                true => Duration::ZERO,
                false => Duration::from_micros(settings.delay_us).saturating_sub(age),
            }
        })
    }

    /// The next batch; `None` ends a runner.
    fn take(&self) -> Option<Vec<Entry>> {
        let mut line = lock(&self.line);
        let mut batch: Vec<Entry> = Vec::new();
        let mut rows = 0;
        while let Some((&key, (next, answer))) = line.waiting.first_key_value() {
            let dead = answer.is_closed();
            if let (false, Some((head, _))) = (dead, batch.first()) {
                let rows_max = u64::from(head.config.batching.rows_max);
                if rows + next.rows > rows_max || !parts::together(head, next) {
                    break;
                }
            }
            let entry = line.waiting.remove(&key).expect("just seen");
            line.rows -= entry.0.rows;
            line.cost = line.cost.saturating_sub(entry.0.cost);
            if !dead {
                rows += entry.0.rows;
                batch.push(entry);
            }
        }
        if batch.is_empty() {
            line.runners -= 1;
            return None;
        }
        Some(batch)
    }
}

/// Runs a batch; where it fails, each request alone, so that a bad one fails alone.
fn run(batch: Vec<Entry>) {
    let start = Instant::now();
    let (late, batch): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .partition(|(it, _)| it.deadline.is_some_and(|it| it <= start));
    for (waiting, answer) in late {
        send(
            answer,
            Err(Failure::Late),
            start - waiting.since,
            Duration::ZERO,
        );
    }
    if batch.len() > 1 {
        let inputs = parts::join(batch.iter().map(|(it, _)| it.request.inputs.as_slice()));
        let first = &batch[0].0;
        let rows: Vec<u64> = batch.iter().map(|(it, _)| it.rows).collect();
        let outputs = run_once(&first.lease, &inputs);
        first.statistics.ran(rows.iter().sum());
        if let Some(split) = outputs.ok().and_then(|it| parts::split(it, &rows)) {
            let compute = start.elapsed();
            for ((waiting, answer), outputs) in batch.into_iter().zip(split) {
                send(answer, Ok(outputs), start - waiting.since, compute);
            }
            return;
        }
    }
    for (waiting, answer) in batch {
        let begun = Instant::now();
        let is_awaited = || {
            let late = waiting.deadline.is_some_and(|it| it <= Instant::now());
            !late && !answer.is_closed()
        };
        let outputs = run_request(&waiting.lease, &waiting.request, is_awaited);
        waiting.statistics.ran(waiting.rows);
        send(answer, outputs, begun - waiting.since, begun.elapsed());
    }
}

fn send(
    answer: oneshot::Sender<Ran>,
    outputs: Result<Vec<Tensor>, Failure>,
    queue: Duration,
    compute: Duration,
) {
    // A caller that left wants no answer.
    let _ = answer.send(Ran {
        outputs,
        queue,
        compute,
    });
}

/// Locks; changes under it are whole even where a panic came by.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
