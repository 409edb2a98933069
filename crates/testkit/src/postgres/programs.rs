//! Finds PostgreSQL's programs and the user they may run as, for they refuse to run as root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian puts them, by version.
const FOLDER: &str = "/usr/lib/postgresql";

/// PostgreSQL's programs, and who they run as.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
    /// User and group, where this process is root.
    pub(super) user: Option<(u32, u32)>,
}

impl Programs {
    /// The newest version here.
    pub(super) fn find() -> Option<Self> {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(FOLDER)
            .ok()?
            .flatten()
            .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path())))
            .filter(|(_, path)| path.join("bin/postgres").exists())
            .collect();
        versions.sort();
        let user = match is_root() {
            true => Some(unprivileged()?),
            false => None,
        };
        Some(Self {
            folder: versions.pop()?.1.join("bin"),
            user,
        })
    }

    /// A program that runs as the user, ends with whoever started it where `mortal` is set, and
    /// inherits nothing.
    pub(super) fn command(&self, name: &str, life: Life) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((user, group)) = self.user {
            command.args([format!("--reuid={user}"), format!("--regid={group}")]);
            command.arg("--clear-groups");
        }
        if life == Life::OfTheStarter {
            command.arg("--pdeathsig=KILL");
        }
        command.arg(self.folder.join(name));
        command.stdin(Stdio::null());
        command
    }

    /// Gives a folder to the user.
    pub(super) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(path, Some(user), Some(group))
                .expect("root can give a folder away");
        }
    }
}

/// How long a program lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It ends by itself, or is stopped.
    Own,
    /// It is killed when the thread that started it is gone.
    OfTheStarter,
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Number and group of `postgres`, or else of `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of = |name: &str| {
        let line = users
            .lines()
            .find(|it| it.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}
