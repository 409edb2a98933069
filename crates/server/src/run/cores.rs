//! Runtimes of one thread each: a connection stays on one of them, so that a request is read,
//! answered and written without waking another thread.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::runtime::{Builder, Handle, Runtime};

/// Runtimes for connections, one for each processor.
pub(super) struct Cores {
    all: Vec<Core>,
}

struct Core {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    connections: Arc<AtomicUsize>,
}

/// A connection's place on a core, until it is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cores {
    /// Starts as many as there are processors for this process.
    pub(super) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let all = (0..count).map(|_| Core::start());
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
        })
    }

    /// A place on the core with the fewest connections.
    pub(super) fn seat(&self) -> (Handle, Seat) {
        let connections = |it: &&Core| it.connections.load(Ordering::Relaxed);
        let core = self.all.iter().min_by_key(connections);
        let core = core.expect("there is at least one processor");
        core.connections.fetch_add(1, Ordering::Relaxed);
        let runtime = core.runtime.as_ref().expect("it is not dropped yet");
        (
            runtime.handle().clone(),
            Seat(Arc::clone(&core.connections)),
        )
    }
}

impl Core {
    fn start() -> io::Result<Self> {
        // The runtime of many threads with one of them: told of several answers from outside, it
        // is woken once, where the runtime of one thread is woken for each.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("core")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            connections: Arc::default(),
        })
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is forbidden where this is dropped; connections have ended before.
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_spread_over_cores_and_give_their_place_back() {
        let cores = Cores {
            all: vec![Core::start().unwrap(), Core::start().unwrap()],
        };
        let (first, held) = cores.seat();
        let (second, _other) = cores.seat();
        assert_ne!(first.id(), second.id());
        drop(held);
        let (third, _seat) = cores.seat();
        assert_eq!(first.id(), third.id());
        let name = third.spawn(async { thread::current().name().map(str::to_owned) });
        assert_eq!(name.await.unwrap().as_deref(), Some("core"));
    }
}
