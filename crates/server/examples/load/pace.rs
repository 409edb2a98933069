//! When requests are due, in an open loop: at random moments, so many a second.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, mpsc},
    task::LocalSet,
};

/// A request that is due.
#[derive(Clone, Copy)]
pub(super) struct Due {
    pub(super) number: usize,
    pub(super) moment: Instant,
}

/// Requests that are due and not sent yet.
pub(super) struct Line {
    due: RefCell<VecDeque<Due>>,
    told: Notify,
    ended: Cell<bool>,
}

impl Line {
    /// Starts a thread that keeps the time, and a task that takes what it says.
    pub(super) fn start(local: &LocalSet, rate: f64, time: Duration) -> Rc<Self> {
        let line = Rc::new(Self {
            due: RefCell::default(),
            told: Notify::new(),
            ended: Cell::new(false),
        });
        let (sender, mut receiver) = mpsc::unbounded_channel();
        thread::spawn(move || keep_time(rate, time, &sender));
        let filled = Rc::clone(&line);
        local.spawn_local(async move {
            while let Some(due) = receiver.recv().await {
                filled.due.borrow_mut().push_back(due);
                filled.told.notify_one();
            }
            filled.ended.set(true);
            filled.told.notify_waiters();
        });
        line
    }

    /// Waits for the next; `None` at the end.
    pub(super) async fn next(&self) -> Option<Due> {
        loop {
            let told = self.told.notified();
            if let Some(due) = self.due.borrow_mut().pop_front() {
                return Some(due);
            }
            if self.ended.get() {
                return None;
            }
            told.await;
        }
    }
}

fn keep_time(rate: f64, time: Duration, sender: &mpsc::UnboundedSender<Due>) {
    // A moment for the connections to be opened.
    let begun = Instant::now() + Duration::from_millis(200);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut offset = 0.0;
    for number in 0.. {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        offset -= (1.0 - share).ln() / rate;
        if offset > time.as_secs_f64() {
            return;
        }
        let moment = begun + Duration::from_secs_f64(offset);
        thread::sleep(moment.saturating_duration_since(Instant::now()));
        if sender.send(Due { number, moment }).is_err() {
            return;
        }
    }
}
