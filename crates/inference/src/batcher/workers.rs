//! The threads that run batches. Versions take turns: one batch of each that has requests waiting.
//! One that waits for more rows takes its turn when they are there or its time is up, and keeps no
//! thread from the others until then.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{Full, Queue, Ran, Waiting, lock, run};

/// Threads that run batches, of all versions; started when there is something for them.
#[derive(Debug)]
pub(crate) struct Workers {
    threads: usize,
    turns: Arc<Turns>,
    started: Mutex<Vec<JoinHandle<()>>>,
}

/// Queues that have their turn next.
#[derive(Debug, Default)]
struct Turns {
    line: Mutex<Line>,
    told: Condvar,
}

/// Queues that wait for a thread, or for more rows.
#[derive(Debug, Default)]
struct Line {
    ready: VecDeque<Arc<Queue>>,
    idle: usize,
    closed: bool,
}

impl Workers {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            turns: Arc::default(),
            started: Mutex::default(),
        }
    }

    /// Lets a request wait for its version; the receiver ends without an answer at a stop.
    pub(crate) fn enqueue(
        &self,
        queue: &Arc<Queue>,
        waiting: Waiting,
    ) -> Result<oneshot::Receiver<Ran>, Full> {
        let pushed = queue.push(waiting, self.threads)?;
        if pushed.more {
            self.turn(Arc::clone(queue));
        } else if pushed.full {
            // Under the lock, so that no thread is between its look and its wait.
            let _line = lock(&self.turns.line);
            self.turns.told.notify_one();
        }
        Ok(pushed.receiver)
    }

    /// Gives a queue a turn, on a new thread where none is idle and there may be one more.
    fn turn(&self, queue: Arc<Queue>) {
        let alone = {
            let mut line = lock(&self.turns.line);
            if line.closed {
                drop(line);
                return queue.clear();
            }
            line.ready.push_back(queue);
            line.ready.len() > line.idle
        };
        if alone {
            let mut started = lock(&self.started);
            if started.len() < self.threads {
                let turns = Arc::clone(&self.turns);
                let thread = thread::Builder::new().name("batches".to_owned());
                match thread.spawn(move || turns.work()) {
                    Ok(thread) => started.push(thread),
                    // Those there are take turns; the next request tries again.
                    Err(error) => tracing::error!(%error, "batch_thread_not_started"),
                }
            }
        }
        self.turns.told.notify_one();
    }

    /// Ends what waits, and waits for what runs.
    pub(crate) async fn close(&self) {
        let ready = {
            let mut line = lock(&self.turns.line);
            line.closed = true;
            std::mem::take(&mut line.ready)
        };
        self.turns.told.notify_all();
        ready.iter().for_each(|it| it.clear());
        let threads = std::mem::take(&mut *lock(&self.started));
        let ended = tokio::task::spawn_blocking(|| {
            for thread in threads {
                // A panic has been told by the thread itself.
                let _ = thread.join();
            }
        });
        // What fails here is a runtime that goes down.
        let _ = ended.await;
    }
}

impl Turns {
    /// Runs batches until there is a stop.
    fn work(&self) {
        while let Some(queue) = self.next() {
            let Some(batch) = queue.take() else {
                continue;
            };
            // It catches the model's panics; after another, callers see a stop.
            let _ = catch_unwind(AssertUnwindSafe(|| run(batch)));
            let mut line = lock(&self.line);
            if line.closed {
                drop(line);
                queue.clear();
                return;
            }
            line.ready.push_back(queue);
        }
    }

    fn next(&self) -> Option<Arc<Queue>> {
        let mut line = lock(&self.line);
        loop {
            if line.closed {
                return None;
            }
            let soonest = match line.due() {
                Ok(queue) => {
                    if line.idle > 0 && !line.ready.is_empty() {
                        // Somebody has to look after what waits for its time.
                        self.told.notify_one();
                    }
                    return Some(queue);
                }
                Err(soonest) => soonest,
            };
            line.idle += 1;
            line = match soonest {
                Some(wait) => {
                    let woken = self.told.wait_timeout(line, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.told.wait(line).unwrap_or_else(PoisonError::into_inner),
            };
            line.idle -= 1;
        }
    }
}

impl Line {
    /// The first queue that waits for nothing but a thread; else in how long there is one.
    fn due(&mut self) -> Result<Arc<Queue>, Option<Duration>> {
        let mut soonest = None;
        for at in 0..self.ready.len() {
            let delay = self.ready[at].delay();
            if delay.is_zero() {
                return Ok(self.ready.remove(at).expect("just looked at"));
            }
            soonest = Some(soonest.map_or(delay, |it: Duration| it.min(delay)));
        }
        Err(soonest)
    }
}

impl Drop for Workers {
    /// Ends the threads; does not wait for them.
    fn drop(&mut self) {
        lock(&self.turns.line).closed = true;
        self.turns.told.notify_all();
    }
}
