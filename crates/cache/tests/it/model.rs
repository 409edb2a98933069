//! The protocol between replicas and the server, walked through exhaustively: fences, versions, the
//! bus with loss and reorder, leases, crashes of the server and of replicas. Each rule that is left
//! out gives a counterexample.

use std::collections::{HashSet, VecDeque};

/// The one that writes, and loads beside the other; what it may read itself follows from the other's
/// rules.
const WRITER: usize = 0;
/// The one that reads.
const READER: usize = 1;

/// The rules that can be left out.
#[derive(Clone, Copy)]
struct Protocol {
    /// What is stored is as good as the server's clock was when its load began, not when it ended.
    fence: bool,
    /// A tick proves memory only where nothing is missing, and fetches what is.
    gap_detection: bool,
    /// A change is acknowledged only when all have applied it or their lease is over.
    lease: bool,
    /// Whether memory is believed is asked before it is judged, not after.
    trust_first: bool,
    /// A server that lost its memory is another one.
    incarnations: bool,
    /// What a load made is not kept where a change came meanwhile.
    generations: bool,
}

const WHOLE: Protocol = Protocol {
    fence: true,
    gap_detection: true,
    lease: true,
    trust_first: true,
    incarnations: true,
    generations: true,
};

/// How large a world is walked through.
#[derive(Clone, Copy)]
struct Bounds {
    /// Whether the reader loads as well.
    reader_loads: bool,
    commits: u8,
    server_crashes: u8,
    replica_crashes: u8,
}

/// A value as the server keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Stored {
    value: u8,
    built: u8,
    incarnation: u8,
}

/// How far a load has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Load {
    clock: u8,
    incarnation: u8,
    value: Option<u8>,
    /// A change was heard since it began.
    outdated: bool,
}

/// A read of memory or of the server, in steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Read {
    /// What was acknowledged when it began.
    least: u8,
    /// What the server sent; `None` reads memory.
    stored: Option<Stored>,
    /// What the first step found: trust, or freshness.
    first: Option<bool>,
    outdated: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Replica {
    incarnation: u8,
    /// All changes up to this one were applied.
    applied: u8,
    /// The latest change heard of.
    known: u8,
    proven: bool,
    /// The clock that a question on its way was answered with; its lease runs already.
    asked: Option<u8>,
    memory: Option<u8>,
    load: Option<Load>,
    read: Option<Read>,
    /// Messages on their way, by clock.
    coming: u8,
}

/// How far a commit has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Commit {
    /// In the origin, not yet told.
    Told {
        value: u8,
    },
    Raised {
        value: u8,
        clock: u8,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct World {
    truth: u8,
    acknowledged: u8,
    clock: u8,
    slot: u8,
    incarnation: u8,
    entry: Option<Stored>,
    replicas: [Replica; 2],
    commits: Vec<Commit>,
    crashes: [u8; 2],
}

/// A reader got what was acknowledged as gone.
struct Wrong;

type Step = Result<World, Wrong>;

impl Replica {
    /// Hears of change `clock`.
    fn hear(&mut self, clock: u8) {
        self.known = self.known.max(clock);
        self.memory = None;
        if let Some(load) = &mut self.load {
            load.outdated = true;
        }
        if let Some(read) = &mut self.read {
            read.outdated = true;
        }
        if clock == self.applied + 1 {
            self.applied = clock;
        }
    }
}

impl World {
    fn with(&self, change: impl FnOnce(&mut Self)) -> Step {
        let mut next = self.clone();
        change(&mut next);
        Ok(next)
    }

    /// Every world that one step leads to.
    fn steps(&self, rules: Protocol, bounds: Bounds) -> Vec<Step> {
        let mut steps = Vec::new();
        self.commit_steps(rules, bounds, &mut steps);
        self.bus_steps(READER, rules, &mut steps);
        self.read_steps(READER, rules, &mut steps);
        self.load_steps(WRITER, rules, &mut steps);
        if bounds.reader_loads {
            self.load_steps(READER, rules, &mut steps);
        }
        self.crash_steps(rules, bounds, &mut steps);
        steps
    }

    fn commit_steps(&self, rules: Protocol, bounds: Bounds, steps: &mut Vec<Step>) {
        if self.replicas[WRITER].incarnation != self.incarnation {
            steps.push(self.with(|it| it.follow(WRITER)));
        }
        if self.truth < bounds.commits {
            steps.push(self.with(|it| {
                it.truth += 1;
                let value = it.truth;
                it.commits.push(Commit::Told { value });
            }));
        }
        for (place, commit) in self.commits.iter().enumerate() {
            match *commit {
                Commit::Told { value } => {
                    // Only over a connection to the server that is there.
                    if self.replicas[WRITER].incarnation == self.incarnation {
                        steps.push(self.with(|it| it.raise(place, value)));
                    }
                }
                Commit::Raised { value, clock } => {
                    let reader = &self.replicas[READER];
                    let early = reader.asked.is_some_and(|asked| asked < clock);
                    let same = reader.incarnation == self.incarnation;
                    let heard = same && reader.applied >= clock;
                    if !rules.lease || heard || (!reader.proven && !early) {
                        steps.push(self.with(|it| {
                            it.commits.remove(place);
                            it.acknowledged = it.acknowledged.max(value);
                        }));
                    }
                }
            }
        }
    }

    fn raise(&mut self, place: usize, value: u8) {
        self.clock += 1;
        self.slot = self.clock;
        let clock = self.clock;
        self.commits[place] = Commit::Raised { value, clock };
        let reader = &mut self.replicas[READER];
        if reader.incarnation == self.incarnation {
            reader.coming |= 1 << clock;
        }
    }

    /// Messages arrive in any order or never; leases end; ticks prove and catch up.
    fn bus_steps(&self, at: usize, rules: Protocol, steps: &mut Vec<Step>) {
        let replica = &self.replicas[at];
        for clock in (1..8).filter(|clock| replica.coming & (1 << clock) != 0) {
            steps.push(self.with(|it| {
                it.replicas[at].coming &= !(1 << clock);
                it.replicas[at].hear(clock);
            }));
            steps.push(self.with(|it| it.replicas[at].coming &= !(1 << clock)));
        }
        if replica.proven {
            steps.push(self.with(|it| it.replicas[at].proven = false));
        }
        match replica.asked {
            None => steps.push(self.with(|it| {
                let clock = it.clock;
                it.replicas[at].asked = Some(clock);
                let lost = it.replicas[at].incarnation != it.incarnation;
                if lost && rules.incarnations {
                    it.follow(at);
                }
            })),
            Some(asked) => {
                steps.push(self.with(|it| {
                    let latest = it.clock;
                    let replica = &mut it.replicas[at];
                    replica.asked = None;
                    if rules.gap_detection && replica.applied < asked {
                        // The log holds what was missed, and maybe more.
                        for clock in replica.applied + 1..=latest {
                            replica.hear(clock);
                        }
                    }
                    replica.proven = true;
                }));
                // The answer is lost, or too late.
                steps.push(self.with(|it| it.replicas[at].asked = None));
            }
        }
    }

    /// Follows the server that is there now; nothing from before is believed.
    fn follow(&mut self, at: usize) {
        let (incarnation, clock) = (self.incarnation, self.clock);
        let replica = &mut self.replicas[at];
        replica.hear(0);
        replica.incarnation = incarnation;
        (replica.applied, replica.known) = (clock, clock);
        (replica.proven, replica.coming) = (false, 0);
    }

    fn load_steps(&self, at: usize, rules: Protocol, steps: &mut Vec<Step>) {
        let replica = &self.replicas[at];
        match replica.load {
            None => steps.push(self.with(|it| {
                it.replicas[at].load = Some(Load {
                    clock: it.clock,
                    incarnation: it.incarnation,
                    value: None,
                    outdated: false,
                });
            })),
            Some(load) => match load.value {
                None => steps.push(self.with(|it| {
                    let value = Some(it.truth);
                    it.replicas[at].load = Some(Load { value, ..load });
                })),
                Some(value) => steps.push(self.with(|it| {
                    it.replicas[at].load = None;
                    if at == READER && !(load.outdated && rules.generations) {
                        it.replicas[at].memory = Some(value);
                    }
                    let same = load.incarnation == it.incarnation || !rules.incarnations;
                    let clock = if rules.fence { load.clock } else { it.clock };
                    if same && it.slot <= clock {
                        it.entry = Some(Stored {
                            value,
                            built: clock,
                            incarnation: load.incarnation,
                        });
                    }
                })),
            },
        }
    }

    fn read_steps(&self, at: usize, rules: Protocol, steps: &mut Vec<Step>) {
        let replica = &self.replicas[at];
        let Some(read) = replica.read else {
            let sources = [replica.memory.map(|_| None), self.entry.map(Some)];
            for stored in sources.into_iter().flatten() {
                steps.push(self.with(|it| {
                    it.replicas[at].read = Some(Read {
                        least: it.acknowledged,
                        stored,
                        first: None,
                        outdated: false,
                    });
                }));
            }
            return;
        };
        let fresh = match read.stored {
            None => replica.memory.is_some(),
            Some(it) => {
                let same = it.incarnation == replica.incarnation || !rules.incarnations;
                same && replica.known <= it.built
            }
        };
        let asked_now = if read.first.is_none() == rules.trust_first {
            replica.proven
        } else {
            fresh
        };
        let Some(first) = read.first else {
            let first = Some(asked_now);
            // Judged first, memory's value is in the reader's hands from then on.
            let held = read.stored.or(replica.memory.map(|value| Stored {
                value,
                built: u8::MAX,
                incarnation: replica.incarnation,
            }));
            let stored = if rules.trust_first { read.stored } else { held };
            let next = Read {
                first,
                stored,
                ..read
            };
            return steps.push(self.with(|it| it.replicas[at].read = Some(next)));
        };
        let value = read.stored.map(|it| it.value).or(replica.memory);
        steps.push(match value {
            Some(value) if first && asked_now => {
                if value < read.least {
                    Err(Wrong)
                } else {
                    self.with(|it| {
                        let replica = &mut it.replicas[at];
                        replica.read = None;
                        if read.stored.is_some() && !read.outdated {
                            replica.memory = Some(value);
                        }
                    })
                }
            }
            _ => self.with(|it| it.replicas[at].read = None),
        });
    }

    fn crash_steps(&self, rules: Protocol, bounds: Bounds, steps: &mut Vec<Step>) {
        if self.crashes[0] < bounds.server_crashes {
            // Back with the entries of before, but not the last versions: a failover.
            steps.push(self.with(|it| {
                it.crashes[0] += 1;
                (it.clock, it.slot) = (0, 0);
                it.incarnation += u8::from(rules.incarnations);
                for commit in &mut it.commits {
                    if let Commit::Raised { value, .. } = *commit {
                        // Not acknowledged: it is sent again.
                        *commit = Commit::Told { value };
                    }
                }
                for replica in &mut it.replicas {
                    (replica.coming, replica.asked) = (0, None);
                    if rules.incarnations {
                        // The connection breaks.
                        replica.proven = false;
                    }
                }
            }));
        }
        if self.crashes[1] < bounds.replica_crashes {
            for at in [WRITER, READER] {
                steps.push(self.with(|it| {
                    it.crashes[1] += 1;
                    it.replicas[at] = Replica::default();
                    it.follow(at);
                    if at == WRITER {
                        // What it had not yet told is told by nobody, and acknowledged to nobody.
                        it.commits.clear();
                    }
                }));
            }
        }
    }
}

/// Walks through everything that can happen; says how many worlds there are, or that in one of them
/// a reader gets something wrong.
fn walk(rules: Protocol, bounds: Bounds) -> Result<usize, Wrong> {
    let mut seen = HashSet::from([World::default()]);
    let mut open = VecDeque::from([World::default()]);
    while let Some(world) = open.pop_front() {
        for step in world.steps(rules, bounds) {
            let next = step?;
            if seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
        assert!(
            seen.len() < 40_000_000,
            "the world is too large to be walked through"
        );
    }
    Ok(seen.len())
}

const SMALL: Bounds = Bounds {
    reader_loads: true,
    commits: 1,
    server_crashes: 0,
    replica_crashes: 0,
};

#[test]
fn no_reader_ever_gets_what_was_acknowledged_as_gone() {
    let worlds = walk(WHOLE, SMALL);
    assert!(worlds.is_ok_and(|it| it > 1_000));
    let crash = Bounds {
        reader_loads: false,
        server_crashes: 1,
        ..SMALL
    };
    assert!(walk(WHOLE, crash).is_ok());
    let death = Bounds {
        replica_crashes: 1,
        ..SMALL
    };
    assert!(walk(WHOLE, death).is_ok());
}

#[test]
fn every_rule_is_needed() {
    let crash = Bounds {
        server_crashes: 1,
        ..SMALL
    };
    let without = |change: fn(&mut Protocol), bounds| {
        let mut rules = WHOLE;
        change(&mut rules);
        walk(rules, bounds).is_err()
    };
    assert!(without(|it| it.fence = false, SMALL), "fence");
    assert!(
        without(|it| it.gap_detection = false, SMALL),
        "gap detection"
    );
    assert!(without(|it| it.lease = false, SMALL), "lease");
    assert!(without(|it| it.trust_first = false, SMALL), "trust first");
    assert!(without(|it| it.generations = false, SMALL), "generations");
    assert!(without(|it| it.incarnations = false, crash), "incarnations");
}

#[test]
#[ignore = "takes minutes and some gigabytes; 11,820,620 worlds with two changes"]
fn nor_does_one_in_larger_worlds() {
    let crash = Bounds {
        server_crashes: 1,
        ..SMALL
    };
    assert!(walk(WHOLE, crash).is_ok_and(|it| it > 1_000_000));
    let bounds = Bounds {
        commits: 2,
        ..SMALL
    };
    assert!(walk(WHOLE, bounds).is_ok_and(|it| it > 10_000_000));
}
