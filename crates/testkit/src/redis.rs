//! Throw-away Redis: a server of a test's own, in a folder that goes with it, made to be paused,
//! killed, filled up and made a replica. Nothing it holds is written to disk.

mod client;
mod proxy;
mod tls;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use client::Reply;
pub use proxy::{Chaos, Proxy};
pub use tls::TlsRedis;

use client::Client;

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(10);

/// Times another free port is tried, should somebody else have taken it meanwhile.
const ATTEMPTS: usize = 5;

/// A running server, stopped when dropped.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    child: Child,
    port: u16,
    folder: TempDir,
    settings: Vec<String>,
    sentinel: bool,
}

impl Redis {
    /// Starts one; `None`, said aloud, where the machine has none.
    ///
    /// # Panics
    /// Where there is a program that does not start, or none although one is required.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with lines of settings of its own, such as `maxmemory 10mb`.
    ///
    /// # Panics
    /// Where there is a program that does not start, or none although one is required.
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        Self::launch(settings, false)
    }

    /// Starts a sentinel that watches `primary` under the name `service`, alone.
    ///
    /// # Panics
    /// Where there is a program that does not start, or none although one is required.
    pub fn sentinel(service: &str, primary: &Self) -> Option<Self> {
        let watch = format!("sentinel monitor {service} 127.0.0.1 {} 1", primary.port);
        let settings = [
            watch,
            format!("sentinel down-after-milliseconds {service} 500"),
            format!("sentinel failover-timeout {service} 2000"),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Self::launch(&settings, true)
    }

    fn launch(settings: &[&str], sentinel: bool) -> Option<Self> {
        let Some(program) = program() else {
            crate::skip("redis-server");
            return None;
        };
        let settings: Vec<String> = settings.iter().map(|it| (*it).to_owned()).collect();
        for _ in 0..ATTEMPTS {
            let folder = tempfile::tempdir().expect("a test can make a temporary folder");
            let port = free_port(&settings);
            let child = spawn(&program, &folder, port, &settings, sentinel);
            let mut server = Self {
                program: program.clone(),
                child,
                port,
                folder,
                settings: settings.clone(),
                sentinel,
            };
            if server.up_within(START_MAX) {
                return Some(server);
            }
        }
        panic!("{} does not start", program.display());
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    /// Runs a command and returns what it answers.
    ///
    /// # Panics
    /// Where the server cannot be reached or answers with an error.
    pub fn run(&self, words: &[&str]) -> Reply {
        match self.try_run(words) {
            Ok(Reply::Error(text)) => panic!("{words:?}: {text}"),
            Ok(reply) => reply,
            Err(error) => panic!("{words:?}: {error}"),
        }
    }

    /// Runs a command, which may fail.
    ///
    /// # Errors
    /// Where the server cannot be reached, or does not answer within two seconds.
    pub fn try_run(&self, words: &[&str]) -> std::io::Result<Reply> {
        Client::connect(&self.address())?.run(words)
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // Where it has ended already there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port, empty.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let (folder, settings) = (&self.folder, &self.settings);
        self.child = spawn(&self.program, folder, self.port, settings, self.sentinel);
        assert!(self.up_within(START_MAX), "the server does not start again");
    }

    /// Freezes it: connections stay, nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Makes it a copy of `primary`, and returns when it is one.
    ///
    /// # Panics
    /// Where that does not come about within ten seconds.
    pub fn follow(&self, primary: &Self) {
        self.run(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]);
        self.until("it follows", |it| {
            it.info("replication").contains("master_link_status:up")
        });
    }

    /// Makes it a primary.
    pub fn promote(&self) {
        self.run(&["REPLICAOF", "NO", "ONE"]);
    }

    /// A section of what it says of itself.
    pub fn info(&self, section: &str) -> String {
        self.run(&["INFO", section]).text()
    }

    /// Waits until something holds of it.
    ///
    /// # Panics
    /// Where it does not within ten seconds.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < START_MAX, "not within time: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn up_within(&mut self, time: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < time {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            if matches!(self.try_run(&["PING"]), Ok(Reply::Text(text)) if text == b"PONG") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a child has an id");
        kill_process(pid, signal).expect("the child is ours");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A cluster of primaries that share all keys, without replicas; `None`, said aloud, where the
/// machine has no server.
///
/// # Panics
/// Where it does not become whole within ten seconds.
pub fn cluster(nodes: u16) -> Option<Vec<Redis>> {
    const SLOTS: u16 = 16384;
    let settings = ["cluster-enabled yes", "cluster-node-timeout 1000"];
    let servers: Option<Vec<Redis>> = (0..nodes).map(|_| Redis::start_with(&settings)).collect();
    let servers = servers?;
    let share = SLOTS / nodes;
    for (node, server) in (0..nodes).zip(&servers) {
        let last = if node + 1 == nodes {
            SLOTS - 1
        } else {
            (node + 1) * share - 1
        };
        let (first, last) = ((node * share).to_string(), last.to_string());
        server.run(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        let epoch = (node + 1).to_string();
        server.run(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }
    for server in &servers[1..] {
        server.run(&["CLUSTER", "MEET", "127.0.0.1", &servers[0].port.to_string()]);
    }
    for server in &servers {
        server.until("the cluster is whole", |it| {
            let info = it.run(&["CLUSTER", "INFO"]).text();
            info.contains("cluster_state:ok")
                && info.contains(&format!("cluster_known_nodes:{nodes}"))
        });
    }
    Some(servers)
}

fn spawn(
    program: &Path,
    folder: &TempDir,
    port: u16,
    settings: &[String],
    sentinel: bool,
) -> Child {
    let mut text = format!("bind 127.0.0.1\ndir {}\n", folder.path().display());
    if !settings.iter().any(|line| line.starts_with("port ")) {
        writeln!(text, "port {port}").expect("a string takes everything");
    }
    if !sentinel {
        text.push_str("save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n");
    }
    for line in settings {
        writeln!(text, "{line}").expect("a string takes everything");
    }
    let file = folder.path().join("server.conf");
    std::fs::write(&file, text).expect("the folder is ours");
    let mut command = Command::new(program);
    command.arg(&file);
    if sentinel {
        command.arg("--sentinel");
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program is there")
}

/// A port that nobody listens on; a cluster's node takes one 10,000 above it too.
fn free_port(settings: &[String]) -> u16 {
    let cluster = settings.iter().any(|line| line.starts_with("cluster-"));
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let beside = port.checked_add(10_000);
        let fits = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if !cluster || beside.is_some_and(fits) {
            return port;
        }
    }
}

/// The server to test with: the one that `TESTKIT_REDIS_SERVER` names, else the one installed.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("TESTKIT_REDIS_SERVER");
    let installed = || find("redis-server").or_else(|| find("valkey-server"));
    named.map(PathBuf::from).or_else(installed)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
