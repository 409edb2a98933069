//! The binary's insides: reads configuration, builds every part, starts and stops them, and the
//! command line around it.

mod cli;
mod clock;
pub mod command;
pub mod config;
mod live;
mod log;
mod memory;
mod network;
mod run;
pub mod source;
mod trust;
pub mod webhook;

use std::process::ExitCode;

pub use clock::SystemClock;
pub use config::{Config, Settings};
pub use network::{InvalidNetwork, Network};
pub use run::run;
pub use trust::Authorities;

/// Runs the command line.
pub fn main() -> ExitCode {
    cli::main()
}
