//! A server of a test's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::programs::{Life, Programs};

/// How long a server may take to answer.
const START_MAX: Duration = Duration::from_secs(60);

/// The port in the name of the socket; each server has a folder for it.
const PORT: u16 = 5432;

/// Settings that no throw-away server does without.
const SETTINGS: [&str; 9] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=300",
    "shared_buffers=64MB",
    "log_min_messages=fatal",
    "max_wal_size=2GB",
    "max_locks_per_transaction=256",
];

/// What a server is to be like.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Settings as `name=value`.
    pub settings: Vec<String>,
    /// A port of loopback to listen on as well.
    pub port: Option<u16>,
}

/// A PostgreSQL server in a temporary folder, killed with the handle.
#[derive(Debug)]
pub struct PostgresServer {
    programs: Programs,
    folder: TempDir,
    options: ServerOptions,
    child: Child,
}

impl PostgresServer {
    /// Starts a server with an empty database `postgres`; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start(options: ServerOptions) -> Option<Self> {
        let programs = Programs::find()?;
        let folder = folder(&programs);
        init(&programs, &folder.path().join("data"));
        Some(Self::run(programs, folder, options))
    }

    /// Starts a replica that streams from this server.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn replica(&self, options: ServerOptions) -> Self {
        let folder = folder(&self.programs);
        base_backup(&self.programs, self.socket(), &folder.path().join("data"));
        Self::run(self.programs.clone(), folder, options)
    }

    fn run(programs: Programs, folder: TempDir, options: ServerOptions) -> Self {
        let mut command = postgres(&programs, folder.path(), &options, Life::OfTheStarter);
        let child = command.spawn().expect("setpriv is part of the system");
        let server = Self {
            programs,
            folder,
            options,
            child,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let began = Instant::now();
        while !answers(&self.programs, self.folder.path()) {
            assert!(began.elapsed() < START_MAX, "{}", log(self.folder.path()));
            sleep(Duration::from_millis(50));
        }
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        url(self.folder.path(), database)
    }

    /// Folder of the socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Runs SQL in a database and returns what `psql` prints of it.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        psql(&self.programs, self.folder.path(), database, sql)
    }

    /// Kills it as a failing machine would.
    pub fn kill(&mut self) {
        // SIGKILL to the first process ends the others as they notice.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again after it was killed.
    ///
    /// # Panics
    /// Where it does not come back.
    pub fn restart(&mut self) {
        let began = Instant::now();
        // Processes of the old life may still hold its memory for a moment.
        loop {
            let folder = self.folder.path();
            let mut command = postgres(&self.programs, folder, &self.options, Life::OfTheStarter);
            self.child = command.spawn().expect("setpriv is part of the system");
            while self
                .child
                .try_wait()
                .expect("it is a child of ours")
                .is_none()
            {
                if answers(&self.programs, folder) {
                    return;
                }
                sleep(Duration::from_millis(50));
            }
            assert!(began.elapsed() < START_MAX, "{}", log(folder));
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        // Its other processes leave the folder within moments.
        for _ in 0..40 {
            if fs::remove_dir_all(self.folder.path()).is_ok() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
    }
}

fn folder(programs: &Programs) -> TempDir {
    let folder = tempfile::Builder::new().prefix("se-pg-").tempdir();
    let folder = folder.expect("a test can make a temporary folder");
    programs.give(folder.path());
    folder
}

/// Makes the files of a server in `data`.
pub(super) fn init(programs: &Programs, data: &Path) {
    let mut command = programs.command("initdb", Life::Own);
    command.arg("-D").arg(data);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
    command.args(["--no-sync", "--no-instructions"]);
    expect(command.output(), "initdb");
}

/// Makes in `data` the files of a standby of the server over `primary`.
pub(super) fn base_backup(programs: &Programs, primary: &Path, data: &Path) {
    let (host, port) = (primary.display(), port(primary));
    let primary = format!("host={host} port={port} user=postgres dbname=postgres");
    let mut command = programs.command("pg_basebackup", Life::Own);
    command.arg("-D").arg(data).args(["-d", &primary]);
    command.args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
    expect(command.output(), "pg_basebackup");
}

/// The server over `folder`, ready to be started.
pub(super) fn postgres(
    programs: &Programs,
    folder: &Path,
    options: &ServerOptions,
    life: Life,
) -> Command {
    let mut command = programs.command("postgres", life);
    command.arg("-D").arg(folder.join("data"));
    command
        .arg("-k")
        .arg(folder)
        .args(["-p", &PORT.to_string()]);
    if let Some(port) = options.port {
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    } else {
        command.args(["-h", ""]);
    }
    for setting in SETTINGS
        .iter()
        .copied()
        .chain(options.settings.iter().map(String::as_str))
    {
        command.args(["-c", setting]);
    }
    let log = fs::File::create(folder.join("log")).expect("the folder can be written");
    let copy = log.try_clone().expect("a file can be shared");
    command.stdout(Stdio::from(log)).stderr(Stdio::from(copy));
    command
}

/// Whether a server serves from a folder: one that lives and does not answer yet, or is too busy to,
/// is waited for, and ended where it never does.
pub(super) fn serves(programs: &Programs, folder: &Path) -> bool {
    let began = Instant::now();
    while !answers(programs, folder) {
        let Some(process) = serving(folder) else {
            return false;
        };
        if began.elapsed() > START_MAX {
            let mut kill = Command::new("kill");
            let _ = kill.arg("-KILL").arg(process).status(); // It may end by itself just now.
            return false;
        }
        sleep(Duration::from_millis(50));
    }
    true
}

/// The number of the process that says it serves from a folder, where it is there.
fn serving(folder: &Path) -> Option<String> {
    let said = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
    let number = said.lines().next()?;
    // Another process may have got the number by now.
    let words = fs::read_to_string(format!("/proc/{number}/cmdline")).ok()?;
    words
        .contains(&*folder.to_string_lossy())
        .then(|| number.to_owned())
}

pub(super) fn answers(programs: &Programs, folder: &Path) -> bool {
    let mut command = programs.command("pg_isready", Life::Own);
    command
        .arg("-h")
        .arg(folder)
        .args(["-p", &port(folder).to_string(), "-q"]);
    command.status().is_ok_and(|it| it.success())
}

/// Runs SQL and returns what it prints.
pub(super) fn psql(programs: &Programs, folder: &Path, database: &str, sql: &str) -> String {
    let mut command = programs.command("psql", Life::Own);
    command.args([
        "-X",
        "-A",
        "-t",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        "postgres",
    ]);
    command
        .arg("-h")
        .arg(folder)
        .args(["-p", &port(folder).to_string()]);
    command.args(["-d", database, "-c", sql]);
    let output = expect(command.output(), sql);
    String::from_utf8(output.stdout)
        .expect("the server speaks UTF-8")
        .trim_end()
        .to_owned()
}

/// The port in the name of the socket that lies in `folder`.
fn port(folder: &Path) -> u16 {
    let name = |it: fs::DirEntry| it.file_name().into_string().ok();
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(name)
        .find_map(|it| it.strip_prefix(".s.PGSQL.")?.parse().ok())
        .unwrap_or(PORT)
}

/// The URL of a database of the server over `folder`.
pub(super) fn url(folder: &Path, database: &str) -> String {
    let port = port(folder);
    let host = folder.display();
    format!("postgres://postgres@localhost:{port}/{database}?host={host}&sslmode=disable")
}

/// What the server over `folder` said.
pub(super) fn log(folder: &Path) -> String {
    let path: PathBuf = folder.join("log");
    let said = fs::read_to_string(&path).unwrap_or_default();
    format!("PostgreSQL does not answer: {said}")
}

fn expect(output: io::Result<Output>, what: &str) -> Output {
    let output = output.expect("setpriv is part of the system");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_serves_from_a_folder_is_told_from_who_has_its_number_by_chance() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/postmaster.pid");
        assert!(serving(folder.path()).is_none(), "nothing was ever started");
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert!(serving(folder.path()).is_none(), "that is another process");
        let mut served = Command::new("tail").arg("-f").arg(&file).spawn().unwrap();
        fs::write(&file, format!("{}\n{}\n", served.id(), file.display())).unwrap();
        // The system may be about to say what it runs.
        let began = Instant::now();
        while serving(folder.path()).is_none() && began.elapsed() < START_MAX {
            sleep(Duration::from_millis(5));
        }
        let lived = serving(folder.path());
        served.kill().unwrap();
        served.wait().unwrap();
        assert_eq!(lived, Some(served.id().to_string()));
        assert!(serving(folder.path()).is_none(), "it has ended");
    }
}
