//! The server that tests share, whichever processes they run in.
//!
//! Whoever uses it holds a shared lock on a file, which the system takes back however the process
//! ends. A guardian beside the server looks for users; when there have been none for some seconds
//! it kills the server and clears the folder.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::programs::{Life, Programs};
use super::server::{ServerOptions, answers, init, log, postgres, psql};

/// How long it may take to answer.
const START_MAX: Duration = Duration::from_secs(60);

/// Looks every second; three in a row that find nobody end it.
const GUARDIAN: &str = r#"
exec 9<"$1/users" || exit 1
idle=0
while sleep 1; do
	kill -0 "$2" 2>/dev/null || idle=9
	if flock -n -x 9; then
		idle=$((idle + 1))
		if [ "$idle" -ge 3 ]; then
			kill -KILL "$2" 2>/dev/null
			rm -rf "$1/server" || { sleep 1; rm -rf "$1/server"; }
			exit 0
		fi
		flock -u 9
	else
		idle=0
	fi
done
"#;

/// The shared server, held for as long as this process lives.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) programs: Programs,
    folder: PathBuf,
    _user: File,
}

impl Shared {
    /// Finds or starts it; `None` where PostgreSQL is not installed.
    pub(super) fn get() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Shared>> = OnceLock::new();
        SHARED.get_or_init(Self::join).as_ref()
    }

    fn join() -> Option<Self> {
        let programs = Programs::find()?;
        let folder = std::env::temp_dir().join("sports-edge-testkit");
        fs::create_dir_all(&folder).expect("a test can make a temporary folder");
        let open = |name: &str| {
            let mut options = File::options();
            options.create(true).append(true).read(true);
            let file = options.open(folder.join(name));
            file.expect("the folder is this user's")
        };
        let user = open("users");
        user.lock_shared().expect("a file can be locked");
        let starting = open("start");
        starting.lock().expect("a file can be locked");
        let server = folder.join("server");
        if !answers(&programs, &server) {
            start(&programs, &folder, &server);
        }
        Some(Self {
            programs,
            folder: server,
            _user: user,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs SQL in a database and returns what it prints.
    pub(super) fn sql(&self, database: &str, sql: &str) -> String {
        psql(&self.programs, &self.folder, database, sql)
    }

    /// Runs `make` with nobody else doing the same.
    pub(super) async fn alone<T>(&self, make: impl Future<Output = T>) -> T {
        let lock = self.folder.with_file_name("making");
        let lock = File::options().create(true).append(true).open(lock);
        let lock = lock.expect("the folder is this user's");
        lock.lock().expect("a file can be locked");
        make.await
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "both outlive this process, and the guardian ends both"
)]
fn start(programs: &Programs, folder: &Path, server: &Path) {
    // What a machine that lost its power left behind.
    let _ = fs::remove_dir_all(server);
    fs::create_dir_all(server).expect("the folder is this user's");
    programs.give(server);
    init(programs, &server.join("data"));
    let mut command = postgres(programs, server, &ServerOptions::default(), Life::Own);
    let mut child = command
        .process_group(0)
        .spawn()
        .expect("setpriv is part of the system");
    let mut guardian = Command::new("sh");
    guardian.args(["-c", GUARDIAN, "guardian"]);
    guardian.arg(folder).arg(child.id().to_string());
    guardian.stdin(Stdio::null()).stdout(Stdio::null());
    guardian.stderr(Stdio::null()).process_group(0);
    guardian.spawn().expect("a shell is part of the system");
    let began = Instant::now();
    while !answers(programs, server) {
        let ended = child.try_wait().expect("it is a child of ours");
        assert!(
            ended.is_none() && began.elapsed() < START_MAX,
            "{}",
            log(server)
        );
        sleep(Duration::from_millis(50));
    }
}
