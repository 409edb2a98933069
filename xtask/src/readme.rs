//! Runs what `README.md` shows, in a copy of the repository, so that it stays true.
//!
//! Every `sh` block is one shell. A line that serves (`make run`, `… serve`) is started beside the
//! others and replaces the one before it; `make test` is left out, for it is what runs this.
//! With a program that was built already, everything is as a reader has it but the compiling, which
//! takes longer than all the rest.

mod blocks;
mod server;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::readme::blocks::{Step, steps};
use crate::readme::server::Server;
use crate::tree::Tree;

/// The address the README shows.
const ADDRESS: &str = "127.0.0.1:8080";

/// Where the README finds what `make run` built.
const PROGRAM: &str = "release/sports-edge";

/// Building everything from nothing takes minutes on a small machine.
const FIRST_START_MAX: Duration = Duration::from_secs(30 * 60);

/// With everything in place nothing is left to do but look.
const SECOND_START_MAX: Duration = Duration::from_secs(60);

/// Runs every command of the README, then `make run` once more, which has to be quick. A program
/// that is given is taken for the one that `make run` would build.
pub(crate) fn rerun(tree: &Tree, program: Option<&Path>) -> anyhow::Result<()> {
    let steps = steps(&tree.text("README.md")?);
    ensure!(
        steps.contains(&Step::Serve("make run".into())),
        "README.md does not show `make run`"
    );
    let copy = copy(tree)?;
    let target = copy.path().join("target");
    match program {
        Some(program) => put_program(&target, program)?,
        None => keep_target(tree, &target)?,
    }
    let data = tempfile::tempdir().context("cannot make a folder")?;
    let place = Place {
        folder: copy.path().to_owned(),
        data: data.path().to_owned(),
        address: free_address()?,
        program: program.map(|_| target.join(PROGRAM)),
    };
    run_all(&place, &steps)?;
    let started = Instant::now();
    let server = place.start("make run", SECOND_START_MAX)?;
    say(&format!(
        "a second `make run` was ready after {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    server.stop()
}

/// Where commands run, and where they serve.
struct Place {
    folder: PathBuf,
    /// The database's folder, so that nobody's own is touched.
    data: PathBuf,
    address: String,
    /// What is run instead of what `make run` would build.
    program: Option<PathBuf>,
}

impl Place {
    /// A command as the README shows it, at the address that is free here.
    fn command(&self, text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-euc", &text.replace(ADDRESS, &self.address)]);
        for (name, _) in std::env::vars_os() {
            if is_of_this_build(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.folder);
        // Build scripts write down where they are, and this folder is gone the next time.
        if let Ok(target) = fs::canonicalize(self.folder.join("target")) {
            command.env("CARGO_BUILD_TARGET_DIR", target);
        }
        if let Some(program) = &self.program {
            command.env("PROGRAM", program);
        }
        command.env("SPORTS_EDGE_LISTEN", &self.address);
        command.env("SPORTS_EDGE_DATA_DIR", &self.data);
        command
    }

    fn start(&self, text: &str, patience: Duration) -> anyhow::Result<Server> {
        Server::start(self.command(text), &self.address, patience)
            .with_context(|| format!("README.md: `{text}` did not come up"))
    }
}

fn run_all(place: &Place, steps: &[Step]) -> anyhow::Result<()> {
    let mut server: Option<Server> = None;
    for step in steps {
        match step {
            Step::Serve(text) => {
                if let Some(before) = server.take() {
                    before.stop()?;
                }
                say(text);
                server = Some(place.start(text, FIRST_START_MAX)?);
            }
            Step::Run(text) => {
                say(text);
                let status = place.command(text).status().context("cannot run sh")?;
                ensure!(
                    status.success(),
                    "README.md: this ended with {status}:\n{text}"
                );
            }
        }
    }
    server.map_or(Ok(()), Server::stop)
}

/// Variables that steer the build this runs in, and must not leak into a stranger's.
fn is_of_this_build(name: &str) -> bool {
    const STARTS: [&str; 5] = [
        "CARGO_LLVM_COV",
        "__CARGO_LLVM_COV",
        "LLVM_",
        "RUSTC_",
        "SPORTS_EDGE_",
    ];
    const NAMES: [&str; 7] = [
        "PROGRAM",
        "CARGO_TARGET_DIR",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
    ];
    NAMES.contains(&name) || STARTS.iter().any(|start| name.starts_with(start))
}

/// The files of the repository in a folder of their own.
fn copy(tree: &Tree) -> anyhow::Result<tempfile::TempDir> {
    let copy = tempfile::tempdir().context("cannot make a folder")?;
    for path in tree.paths() {
        let to = copy.path().join(path);
        fs::create_dir_all(to.parent().unwrap_or(Path::new("")))?;
        fs::copy(tree.root().join(path), &to).with_context(|| format!("cannot copy {path}"))?;
    }
    Ok(copy)
}

/// Keeps what is compiled in the copy for the next time.
fn keep_target(tree: &Tree, target: &Path) -> anyhow::Result<()> {
    let kept = tree.root().join("target/readme");
    fs::create_dir_all(&kept)?;
    symlink(&kept, target).context("cannot share target")
}

/// Puts a program where the README expects it.
fn put_program(target: &Path, program: &Path) -> anyhow::Result<()> {
    let program = fs::canonicalize(program)
        .with_context(|| format!("there is no program {}", program.display()))?;
    let place = target.join(PROGRAM);
    fs::create_dir_all(place.parent().unwrap_or(target))?;
    symlink(program, place).context("cannot put the program in its place")
}

fn free_address() -> anyhow::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.to_string())
}

#[expect(clippy::print_stdout, reason = "a chore says what it does")]
fn say(text: &str) {
    for line in text.lines() {
        println!("readme$ {line}");
    }
}

#[cfg(test)]
mod tests;
