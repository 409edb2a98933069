//! A home folder of its own for the binary, and ways to run it there.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A home folder that goes with the handle.
pub(crate) struct Home {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary with an environment of its own.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sports-edge"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear();
        command.env("HOME", self.folder.path()).stdin(Stdio::null());
        if let Some(profile) = option_env!("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Ended {
        let mut command = self.command(args);
        let Output {
            status,
            stdout,
            stderr,
        } = command.envs(environment.iter().copied()).output().unwrap();
        Ended {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Imports a small season of two teams that meet often enough to be predicted.
    pub(crate) fn import(&self) {
        self.import_with(&[]);
    }

    /// The same under an environment.
    pub(crate) fn import_with(&self, environment: &[(&str, &str)]) {
        let mut rows = String::from("Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A\n");
        for week in 0..12 {
            for pair in 0..4 {
                let (home, away) = ((week + pair) % 8, (week + pair + 1 + week % 5) % 8);
                if home != away {
                    rows.push_str(&format!(
                        "E0,{:02}/{:02}/2023,Team {home},Team {away},{},{},2.1,3.4,3.6\n",
                        1 + 2 * week,
                        9 + pair % 3,
                        (home + week) % 4,
                        (away + pair) % 3,
                    ));
                }
            }
        }
        let file = self.path("E0.csv");
        fs::write(&file, rows).unwrap();
        let ended = self.run_with(&["import", file.to_str().unwrap()], environment);
        assert!(ended.code == 0 || ended.code == 3, "{ended:?}");
    }
}
