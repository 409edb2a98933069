//! Random schedules of the real code over three replicas and a real server, against a reference map,
//! while proxies do harm and the server is flushed, restarted empty and replaced by its replica: a
//! bounded run with every test, a long one by `CACHE_SCHEDULES`, others by `CACHE_SEED`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cache::{CacheError, Hit, Loading, Target, Tier};
use testkit::{Chaos, Proxy, Redis, SplitMix};
use tokio::task::JoinSet;

use super::rig::{Ill, Joined, row, rules};

/// Schedules of a run where nothing else is asked for.
const SCHEDULES: u64 = 1_500;
/// Steps of harm from which on each kind of it is met but for one run in ten million.
const MET_FROM: usize = 200;
/// Schedules under way at a time.
const AT_ONCE: u64 = 24;
const REPLICAS: usize = 3;
/// Keys of a schedule, which no other one has.
const KEYS: u64 = 2;
/// Steps of each replica in a schedule.
const STEPS: usize = 7;

/// What one key's value is in the origin, and what readers may rely on.
#[derive(Default)]
struct Row {
    truth: AtomicU64,
    /// What every replica must have seen.
    everywhere: AtomicU64,
    /// Before what nothing may be shown, not even as stale.
    removed: AtomicU64,
    /// What a replica must have seen for having written it.
    here: [AtomicU64; REPLICAS],
    /// Loads that were told to fail.
    failures: AtomicUsize,
}

/// What a run has come across.
#[derive(Debug, Default)]
struct Seen {
    memory: AtomicUsize,
    shared: AtomicUsize,
    loader: AtomicUsize,
    stale: AtomicUsize,
    failed: AtomicUsize,
    acknowledged: AtomicUsize,
    queued: AtomicUsize,
}

/// One replica in one schedule.
struct Actor {
    at: Joined,
    replica: usize,
    rows: Arc<[Row; KEYS as usize]>,
    first: u64,
    dice: SplitMix,
    seen: Arc<Seen>,
}

/// A number below `end`.
fn below(dice: &mut SplitMix, end: u64) -> u64 {
    dice.next_u64() % end
}

impl Actor {
    fn below(&mut self, end: u64) -> u64 {
        below(&mut self.dice, end)
    }

    async fn run(mut self) {
        for _ in 0..STEPS {
            let key = self.below(KEYS);
            match self.below(10) {
                0..6 => self.read(key).await,
                6 => self.write(key, Write::Tag).await,
                7 => self.write(key, Write::Key).await,
                8 => self.write(key, Write::Gently).await,
                _ => {
                    let pause = Duration::from_micros(self.below(3_000));
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn read(&mut self, key: u64) {
        let place = key as usize;
        let least = self.rows[place].everywhere.load(Ordering::SeqCst);
        let least = least.max(self.rows[place].here[self.replica].load(Ordering::SeqCst));
        let removed = self.rows[place].removed.load(Ordering::SeqCst);
        let number = self.first + key;
        let (fails, pause) = (self.below(12) == 0, self.below(1_500));
        let rows = self.rows.clone();
        let load = move |loading: Loading| async move {
            let early = pause % 2 == 0;
            if early {
                loading.tag(&row(number));
            }
            let value = number << 32 | rows[place].truth.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_micros(pause)).await;
            if fails {
                rows[place].failures.fetch_add(1, Ordering::SeqCst);
                return Err(Ill);
            }
            if !early {
                loading.tag(&row(number));
            }
            Ok(value)
        };
        let asked = self.at.key(number);
        let asked = self.at.numbers.get_or_load(&asked, load).await;
        self.judge(place, (least, removed), asked);
    }

    fn judge(
        &self,
        place: usize,
        (least, removed): (u64, u64),
        asked: Result<Hit<u64>, CacheError<Ill>>,
    ) {
        let count = |it: &AtomicUsize| it.fetch_add(1, Ordering::Relaxed);
        match asked {
            Ok(hit) => {
                let most = self.rows[place].truth.load(Ordering::SeqCst);
                let (number, version) = (*hit >> 32, *hit & 0xffff_ffff);
                assert_eq!(
                    number,
                    self.first + place as u64,
                    "the value of another key"
                );
                assert!(version <= most, "{version} was never written");
                // What was expired may stand in where loading fails, and says so.
                assert!(
                    version >= least || (hit.is_stale() && version >= removed),
                    "replica {} read {version} of {number} after {least} was promised, from {:?}",
                    self.replica,
                    hit.tier()
                );
                count(match (hit.is_stale(), hit.tier()) {
                    (true, _) => &self.seen.stale,
                    (_, Tier::Front | Tier::Memory) => &self.seen.memory,
                    (_, Tier::Shared) => &self.seen.shared,
                    (_, Tier::Loader) => &self.seen.loader,
                });
            }
            Err(error) => {
                let failures = self.rows[place].failures.load(Ordering::SeqCst);
                let is_told = matches!(error, CacheError::Load(_) | CacheError::Elsewhere(_));
                assert!(failures > 0 && is_told, "{error}");
                count(&self.seen.failed);
            }
        };
    }

    async fn write(&mut self, key: u64, how: Write) {
        let (cache, row_of) = (&self.at.cache, &self.rows[key as usize]);
        let number = self.first + key;
        let now = row_of.truth.fetch_add(1, Ordering::SeqCst) + 1;
        let done = match how {
            Write::Tag => cache.remove(&[row(number).into()]).await,
            Write::Key => cache.remove(&[Target::from(&self.at.key(number))]).await,
            Write::Gently => cache.expire(&[row(number).into()]).await,
        };
        row_of.here[self.replica].fetch_max(now, Ordering::SeqCst);
        if done.queued {
            self.seen.queued.fetch_add(1, Ordering::Relaxed);
        } else {
            row_of.everywhere.fetch_max(now, Ordering::SeqCst);
            if !matches!(how, Write::Gently) {
                row_of.removed.fetch_max(now, Ordering::SeqCst);
            }
            self.seen.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Clone, Copy)]
enum Write {
    Tag,
    Key,
    Gently,
}

/// The server, one to take its place, and the way to it of each replica.
struct Harm {
    servers: [Redis; 2],
    proxies: Vec<Proxy>,
    dice: SplitMix,
    done: Arc<Harmed>,
}

/// What was done to all replicas at once.
#[derive(Debug, Default)]
struct Harmed {
    steps: AtomicUsize,
    restarts: AtomicUsize,
    promotions: AtomicUsize,
    flushes: AtomicUsize,
}

impl Harm {
    /// Does harm to one after the other until it is stopped, with time to heal in between.
    async fn run(mut self) {
        loop {
            let pause = Duration::from_millis(20 + below(&mut self.dice, 120));
            let place = below(&mut self.dice, REPLICAS as u64) as usize;
            let chaos = self.step(place);
            self.proxies[place].set(chaos);
            tokio::time::sleep(pause).await;
            self.proxies[place].set(Chaos::default());
            let pause = Duration::from_millis(50 + below(&mut self.dice, 400));
            tokio::time::sleep(pause).await;
        }
    }

    /// What the proxy at `place` does next; or something is done to the server.
    fn step(&mut self, place: usize) -> Chaos {
        self.done.steps.fetch_add(1, Ordering::Relaxed);
        let quiet = Chaos::default();
        match below(&mut self.dice, 12) {
            0 => {
                return Chaos {
                    silent: true,
                    ..quiet
                };
            }
            1 => {
                return Chaos {
                    deaf: true,
                    ..quiet
                };
            }
            2 => {
                return Chaos {
                    garbage: 0.05,
                    ..quiet
                };
            }
            3 => return Chaos { lost: 0.1, ..quiet },
            4 => {
                return Chaos {
                    reset: 0.05,
                    ..quiet
                };
            }
            5 => {
                let delay = Duration::from_millis(below(&mut self.dice, 20));
                return Chaos { delay, ..quiet };
            }
            6 => self.proxies[place].cut(),
            7 => self.command(&["CLIENT", "KILL", "TYPE", "pubsub"]),
            8 => {
                self.done.flushes.fetch_add(1, Ordering::Relaxed);
                self.command(&["FLUSHALL"]);
            }
            9 => {
                self.done.restarts.fetch_add(1, Ordering::Relaxed);
                tokio::task::block_in_place(|| self.servers[0].restart());
            }
            10 => tokio::task::block_in_place(|| self.promote()),
            _ => {
                let table = ["versions", "members", "log"][below(&mut self.dice, 3) as usize];
                self.command(&["DEL", &format!("{{sports-edge}}:{table}")]);
            }
        }
        quiet
    }

    fn command(&self, words: &[&str]) {
        tokio::task::block_in_place(|| self.servers[0].run(words));
    }

    /// The other server becomes a copy and takes the place of the first, which dies with whatever it
    /// had not yet passed on, and is there again, empty, for the next time.
    fn promote(&mut self) {
        self.done.promotions.fetch_add(1, Ordering::Relaxed);
        self.servers[1].follow(&self.servers[0]);
        self.servers[0].kill();
        self.servers[1].promote();
        for proxy in &self.proxies {
            proxy.lead_to(&self.servers[1].address());
        }
        self.servers.swap(0, 1);
        self.servers[1].restart();
    }
}

/// The number in an environment variable.
fn asked(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_schedule_reads_what_was_acknowledged_as_gone() {
    let (Some(redis), Some(beside)) = (Redis::start(), Redis::start()) else {
        return;
    };
    let (wanted, seed) = (asked("CACHE_SCHEDULES"), asked("CACHE_SEED").unwrap_or(0));
    let (mut proxies, mut replicas) = (Vec::new(), Vec::new());
    for number in 0..REPLICAS {
        let proxy = Proxy::start(&redis.address(), seed + number as u64).await;
        replicas.push(Joined::start(&proxy.url(), rules()).await);
        proxies.push(proxy);
    }
    let (seen, done) = <(Arc<Seen>, Arc<Harmed>)>::default();
    let harm = Harm {
        servers: [redis, beside],
        proxies,
        dice: SplitMix::new(seed + 1),
        done: done.clone(),
    };
    let harming = tokio::spawn(harm.run());
    let mut actors = JoinSet::new();
    for schedule in 0..wanted.unwrap_or(SCHEDULES) {
        let rows: Arc<[Row; KEYS as usize]> = Arc::default();
        for (replica, at) in replicas.iter().enumerate() {
            let actor = Actor {
                at: at.clone(),
                replica,
                rows: rows.clone(),
                first: schedule * KEYS,
                dice: SplitMix::new((seed << 32) + schedule * 31 + replica as u64),
                seen: seen.clone(),
            };
            actors.spawn(actor.run());
        }
        while actors.len() as u64 >= AT_ONCE * REPLICAS as u64 {
            actors.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = actors.join_next().await {
        done.unwrap();
    }
    harming.abort();
    let count = |it: &AtomicUsize| it.load(Ordering::Relaxed);
    let met = [&seen.memory, &seen.shared, &seen.loader, &seen.failed];
    let met = met.into_iter().chain([&seen.acknowledged, &seen.queued]);
    assert!(met.into_iter().all(|it| count(it) > 0), "{seen:?}");
    if count(&done.steps) >= MET_FROM {
        let met = [&done.restarts, &done.promotions, &done.flushes];
        assert!(met.into_iter().all(|it| count(it) > 0), "{done:?}");
    }
    if let Some(wanted) = wanted {
        tell(&format!(
            "{wanted} schedules from seed {seed}: {seen:?}, {done:?}"
        ));
    }
}

#[expect(
    clippy::print_stderr,
    reason = "who asks for a long run should know what it met"
)]
fn tell(text: &str) {
    eprintln!("{text}");
}
