//! Every order in which callers, loads and changes can meet, over the real table and the real
//! versions: the steps of each are taken in all interleavings there are.

use super::*;
use crate::key::{Prefix, Scope};
use crate::versions::{Force, Slot, Verdict, Versions};

/// How the first load ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Value,
    Failure,
    /// Its task is dropped.
    Nothing,
}

/// What a caller is at.
enum Caller {
    Coming,
    Arrived {
        reader: Reader,
    },
    Loading {
        reader: Reader,
        ticket: Ticket<u64, &'static str>,
        value: Option<u64>,
    },
    Waiting {
        reader: Reader,
        began: u64,
        outcome: watch::Receiver<Option<Result<u64, &'static str>>>,
    },
    /// Waits for the end of a load from too early.
    Earlier {
        reader: Reader,
        outcome: watch::Receiver<Option<Result<u64, &'static str>>>,
    },
    Done,
}

/// What a caller knew when it came.
#[derive(Clone, Copy)]
struct Reader {
    clock: u64,
    loads: u64,
    /// What was acknowledged by then.
    least: u64,
}

struct World {
    flights: Arc<Flights<u64, &'static str>>,
    versions: Versions,
    key: Key,
    slot: Slot,
    callers: Vec<Caller>,
    /// Changes still to be made; a change that was begun has changed the origin, and no more.
    changes: usize,
    changing: bool,
    truth: u64,
    acknowledged: u64,
    /// Whether versions tell of all changes. Where not, they tell of none.
    trusted: bool,
    end: End,
    loads: u64,
    /// Loads under way, by the time they began.
    running: Vec<u64>,
}

impl World {
    fn new(callers: usize, changes: usize, trusted: bool, end: End) -> Self {
        let versions = Versions::new(1);
        let key = Prefix::new("kind", 0, 7).builder(Scope::Public).build();
        Self {
            flights: Flights::new(Arc::default()),
            slot: versions.of_key(&key),
            versions,
            key,
            callers: (0..callers).map(|_| Caller::Coming).collect(),
            changes,
            changing: false,
            truth: 0,
            acknowledged: 0,
            trusted,
            end,
            loads: 0,
            running: Vec::new(),
        }
    }

    /// Who can take a step; the number after the last caller makes changes.
    fn able(&self) -> Vec<usize> {
        let caller = |(at, it): (usize, &Caller)| {
            let able = match it {
                Caller::Done => false,
                Caller::Waiting { outcome, .. } | Caller::Earlier { outcome, .. } => {
                    outcome.borrow().is_some() || outcome.has_changed().is_err()
                }
                _ => true,
            };
            able.then_some(at)
        };
        let mut able: Vec<usize> = self.callers.iter().enumerate().filter_map(caller).collect();
        if self.changing || self.changes > 0 {
            able.push(self.callers.len());
        }
        able
    }

    fn step(&mut self, at: usize) {
        if at == self.callers.len() {
            return self.change();
        }
        let caller = std::mem::replace(&mut self.callers[at], Caller::Done);
        self.callers[at] = match caller {
            Caller::Coming => Caller::Arrived {
                reader: Reader {
                    clock: self.versions.now(),
                    loads: self.flights.begun.load(Ordering::SeqCst),
                    least: self.acknowledged,
                },
            },
            Caller::Arrived { reader } => self.join(reader),
            Caller::Loading {
                reader,
                ticket,
                value: None,
            } => Caller::Loading {
                reader,
                ticket,
                value: Some(self.truth),
            },
            Caller::Loading {
                reader,
                ticket,
                value: Some(value),
            } => self.land(reader, ticket, value),
            Caller::Waiting {
                reader,
                began,
                outcome,
            } => {
                let landed = *outcome.borrow();
                match landed {
                    Some(Ok(value)) if began >= reader.clock || self.is_fresh(began) => {
                        assert!(value >= reader.least, "{value} < {}", reader.least);
                        Caller::Done
                    }
                    Some(Ok(_)) => Caller::Arrived { reader },
                    // The real caller is told of a failure, or that there was no end.
                    Some(Err(_)) | None => Caller::Done,
                }
            }
            Caller::Earlier { reader, .. } => Caller::Arrived { reader },
            Caller::Done => unreachable!("it is not able"),
        };
    }

    fn is_fresh(&self, since: u64) -> bool {
        self.versions.judge([self.slot].into_iter(), since) == Verdict::Fresh
    }

    fn join(&mut self, reader: Reader) -> Caller {
        let fit = |began: Began| {
            let good = began.clock >= reader.clock || self.is_fresh(began.clock);
            match good {
                false => Fit::Replace,
                true if self.trusted || began.number > reader.loads => Fit::Join,
                true => Fit::Await,
            }
        };
        let now = (self.versions.now(), 0);
        match self.flights.join(&self.key, now, fit) {
            Joined::Other { began, outcome } => Caller::Waiting {
                reader,
                began,
                outcome,
            },
            Joined::Earlier(outcome) => Caller::Earlier { reader, outcome },
            Joined::Failed(_) => Caller::Done,
            Joined::Own(ticket) => {
                let fresh = |began: &&u64| self.is_fresh(**began);
                let beside = self.running.iter().filter(fresh).count();
                assert_eq!(beside, 0, "a load beside one whose value would do");
                self.running.push(ticket.began);
                Caller::Loading {
                    reader,
                    ticket,
                    value: None,
                }
            }
        }
    }

    fn land(&mut self, reader: Reader, ticket: Ticket<u64, &'static str>, value: u64) -> Caller {
        let place = self.running.iter().position(|it| *it == ticket.began);
        self.running.remove(place.unwrap());
        self.loads += 1;
        let end = if self.loads == 1 {
            self.end
        } else {
            End::Value
        };
        match end {
            End::Value => {
                assert!(value >= reader.least);
                ticket.land(Ok(value), 0, 0);
            }
            End::Failure => ticket.land(Err("ill"), 0, 5),
            End::Nothing => drop(ticket),
        }
        Caller::Done
    }

    /// In two steps: the origin, then the versions; acknowledged with the second.
    fn change(&mut self) {
        if !self.changing {
            self.changes -= 1;
            self.truth += 1;
            self.changing = true;
            return;
        }
        self.changing = false;
        if self.trusted {
            self.versions.change(&[self.slot], Force::Remove);
        }
        self.acknowledged = self.truth;
    }
}

/// Takes all interleavings of a world; says how many there are.
fn explore(world: impl Fn() -> World) -> usize {
    // The choice at each step, and among how many it was made.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut count = 0;
    loop {
        let mut it = world();
        let mut depth = 0;
        loop {
            let able = it.able();
            if able.is_empty() {
                break;
            }
            if depth == path.len() {
                path.push((0, able.len()));
            }
            it.step(able[path[depth].0]);
            depth += 1;
        }
        let ended = it.callers.iter().all(|it| matches!(it, Caller::Done));
        assert!(ended, "somebody waits for ever: {path:?}");
        let table = it.flights.table();
        let flying = |place: &Place<_, _>| matches!(place, Place::Flying { .. });
        assert!(
            !table.values().any(flying),
            "a load that ended is still shown"
        );
        drop(table);
        count += 1;
        while let Some((choice, among)) = path.pop() {
            if choice + 1 < among {
                path.push((choice + 1, among));
                break;
            }
        }
        if path.is_empty() {
            return count;
        }
    }
}

#[test]
fn in_every_order_each_caller_gets_what_is_new_enough_or_a_failure() {
    for end in [End::Value, End::Failure, End::Nothing] {
        for trusted in [true, false] {
            let count = explore(|| World::new(2, 2, trusted, end));
            assert!(count > 500, "{count} orders");
            let count = explore(|| World::new(3, 1, trusted, end));
            assert!(count > 5_000, "{count} orders");
        }
    }
}
