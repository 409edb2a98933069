//! The server that tests share, whichever processes they run in.
//!
//! Whoever uses it holds a shared lock on a file, which the system takes back however the process
//! ends. A guardian beside the server looks for users; when there have been none for some seconds
//! it kills the server and clears the folder. A standby that streams from it is started with the
//! first test that wants one, and lives and goes in the same way.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::programs::{Life, Programs};
use super::server::{ServerOptions, answers, base_backup, init, log, postgres, psql, serves};

/// How long it may take to answer.
const START_MAX: Duration = Duration::from_secs(60);

/// How far behind the standby always is: longer than from a test's write to its next read, so that
/// whoever reads there what was written just now is found out.
const STANDBY_DELAY: &str = "recovery_min_apply_delay=100ms";

/// Looks every second; three in a row that find nobody end it. A server that ended by itself may have
/// been started anew in the same folder, with a guardian of its own: that is left alone, and so is
/// another process that has got the number by now.
const GUARDIAN: &str = r#"
exec 9<"$1/users" || exit 1
born() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null; }
since=$(born "$2")
lives() { kill -0 "$2" 2>/dev/null && [ "$(born "$2")" = "$since" ]; }
owns() { [ "$(cat "$3/guardian" 2>/dev/null)" = "$$" ]; }
echo "$$" >"$3/guardian" || exit 1
# A standby lies within, and would remove the socket of the next one there when it finds its files gone.
within() {
	for file in "$3"/*/data/postmaster.pid; do
		pid=$(head -n 1 "$file" 2>/dev/null)
		grep -qaF "$3" "/proc/$pid/cmdline" 2>/dev/null && kill -KILL "$pid" 2>/dev/null
	done
}
idle=0
while sleep 1; do
	lives "$@" || { idle=9; owns "$@" || exit 0; }
	if flock -n -x 9; then
		idle=$((idle + 1))
		if [ "$idle" -ge 3 ]; then
			lives "$@" && kill -KILL "$2" 2>/dev/null
			owns "$@" || exit 0
			within "$@"
			mv "$3" "$3.gone.$$"
			# A hundred thousand files take their time, which nobody need wait for.
			flock -u 9
			rm -rf "$3".gone.* || { sleep 1; rm -rf "$3".gone.*; }
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
        if !serves(&programs, &server) {
            // What a machine that lost its power left behind.
            let _ = fs::remove_dir_all(&server);
            fs::create_dir_all(&server).expect("the folder is this user's");
            programs.give(&server);
            init(&programs, &server.join("data"));
            start(&programs, (&folder, &server), &ServerOptions::default());
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

    /// Finds or starts the standby; returns its folder, which lies in the server's and goes with it.
    pub(super) async fn standby(&self) -> PathBuf {
        let standby = self.folder.join("standby");
        let find = async {
            if serves(&self.programs, &standby) {
                return;
            }
            let _ = fs::remove_dir_all(&standby);
            fs::create_dir_all(&standby).expect("the folder is this user's");
            self.programs.give(&standby);
            base_backup(&self.programs, &self.folder, &standby.join("data"));
            let options = ServerOptions {
                settings: vec![STANDBY_DELAY.to_owned()],
                port: None,
            };
            let users = self.folder.parent().expect("it was joined to one");
            start(&self.programs, (users, &standby), &options);
        };
        self.alone(find).await;
        standby
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
    reason = "it outlives this process, and the guardian ends it"
)]
fn start(programs: &Programs, (users, server): (&Path, &Path), options: &ServerOptions) {
    let mut command = postgres(programs, server, options, Life::Own);
    let mut child = command
        .process_group(0)
        .spawn()
        .expect("setpriv is part of the system");
    guard(users, child.id(), server);
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

/// Has a process that serves from a folder ended, and the folder cleared, when nobody uses it.
fn guard(users: &Path, process: u32, folder: &Path) -> Child {
    let mut guardian = Command::new("sh");
    guardian.args(["-c", GUARDIAN, "guardian"]);
    guardian.arg(users).arg(process.to_string()).arg(folder);
    guardian.stdin(Stdio::null()).stdout(Stdio::null());
    guardian.stderr(Stdio::null()).process_group(0);
    guardian.spawn().expect("a shell is part of the system")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that serves from a folder, and its guardian at work.
    fn guarded(users: &Path) -> (PathBuf, Child, Child) {
        File::create(users.join("users")).unwrap();
        let server = users.join("server");
        fs::create_dir(&server).unwrap();
        let process = Command::new("sleep").arg("600").spawn().unwrap();
        let guardian = guard(users, process.id(), &server);
        let began = Instant::now();
        while fs::read(server.join("guardian")).map_or(true, |it| it.is_empty()) {
            assert!(began.elapsed() < START_MAX, "it is not at work");
            sleep(Duration::from_millis(10));
        }
        (server, process, guardian)
    }

    #[test]
    fn a_server_that_nobody_uses_is_ended_and_its_folder_cleared() {
        let users = tempfile::tempdir().unwrap();
        let (server, mut process, mut guardian) = guarded(users.path());
        let data = server.join("standby/data");
        fs::create_dir_all(&data).unwrap();
        let file = data.join("postmaster.pid");
        fs::write(&file, "").unwrap();
        let mut standby = Command::new("tail").arg("-f").arg(&file).spawn().unwrap();
        fs::write(&file, format!("{}\n", standby.id())).unwrap();
        fs::create_dir(users.path().join("server.gone.1")).unwrap(); // By one that was killed.
        assert!(guardian.wait().unwrap().success());
        assert!(!process.wait().unwrap().success());
        let left = fs::read_dir(users.path())
            .unwrap()
            .map(|it| it.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["users"]);
        assert!(
            !standby.wait().unwrap().success(),
            "it is ended with its server"
        );
    }

    #[test]
    fn a_server_that_was_started_anew_is_left_to_its_own_guardian() {
        let users = tempfile::tempdir().unwrap();
        let (server, mut process, mut guardian) = guarded(users.path());
        process.kill().unwrap();
        process.wait().unwrap();
        fs::write(server.join("guardian"), "another").unwrap();
        guardian.wait().unwrap();
        assert!(server.exists(), "it is another's by now");
    }
}
