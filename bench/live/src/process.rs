//! What the kernel counts of a process.

use std::{fs, time::Duration};

use crate::Result;

/// Parts of a second in which the kernel tells processor time.
const TICKS: u64 = 100;

/// A process by its id.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Resident memory in kB.
    pub fn memory_kb(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find(|it| it.starts_with("VmRSS:"));
        let number = line.and_then(|it| it.split_whitespace().nth(1));
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }

    /// Processor time used so far, in user space and in the kernel.
    pub fn time(self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let (_, rest) = stat.rsplit_once(')').ok_or("no name")?;
        let field = |at: usize| rest.split_whitespace().nth(at).ok_or("too short");
        let ticks = field(11)?.parse::<u64>()? + field(12)?.parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS))
    }
}
