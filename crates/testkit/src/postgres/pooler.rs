//! pgbouncer in front of the shared server, in transaction mode.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::PostgresDatabase;
use super::programs::{Life, Programs};

/// How long it may take to answer.
const START_MAX: Duration = Duration::from_secs(20);

/// A pgbouncer, killed with the handle.
#[derive(Debug)]
pub struct PostgresPooler {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl PostgresPooler {
    /// Starts one that shares so many connections to a database; `None`, which is said, where
    /// pgbouncer is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start(database: &PostgresDatabase, connections: u32) -> Option<Self> {
        Self::start_with(database, connections, "")
    }

    /// The same with more lines of settings.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start_with(database: &PostgresDatabase, connections: u32, more: &str) -> Option<Self> {
        const PROGRAM: &str = "/usr/sbin/pgbouncer";
        let programs = Programs::find()?;
        if fs::metadata(PROGRAM).is_err() {
            crate::skip("pgbouncer");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("se-pool-").tempdir();
        let folder = folder.expect("a test can make a temporary folder");
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host={} port=5432 user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             max_client_conn = 200\nserver_reset_query = DISCARD ALL\n\
             server_reset_query_always = 1\n{more}\n",
            database.socket().display()
        );
        let path = folder.path().join("pgbouncer.ini");
        fs::write(&path, settings).expect("the folder is this user's");
        programs.give(folder.path());
        let mut command = programs.command(PROGRAM, Life::OfTheStarter);
        command
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("setpriv is part of the system");
        let pooler = Self {
            folder,
            port,
            child,
        };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < START_MAX, "pgbouncer does not answer");
            sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://postgres@127.0.0.1:{port}/{database}?sslmode=disable")
    }
}

impl Drop for PostgresPooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

/// A port of loopback that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    let address = listener.local_addr();
    address.expect("a bound socket has an address").port()
}
