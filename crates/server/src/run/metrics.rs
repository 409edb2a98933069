//! What the process takes, in the Prometheus text format; every name stands here once.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Name, type, help, value; left out where the system does not say.
type Metric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Process) -> Option<f64>,
);

/// Names are those of every Prometheus client library.
const METRICS: [Metric; 7] = [
    (
        "process_cpu_seconds_total",
        "counter",
        "Processor time taken, user and system, in s",
        Process::cpu_seconds,
    ),
    (
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory in bytes",
        |it| it.status_bytes("VmRSS:"),
    ),
    (
        "process_virtual_memory_bytes",
        "gauge",
        "Virtual memory in bytes",
        |it| it.status_bytes("VmSize:"),
    ),
    (
        "process_start_time_seconds",
        "gauge",
        "When the process started, in s since 1970",
        Process::started_at,
    ),
    (
        "process_open_fds",
        "gauge",
        "Open file descriptors",
        Process::open_files,
    ),
    (
        "process_max_fds",
        "gauge",
        "File descriptors that may be open",
        Process::open_files_max,
    ),
    (
        "sports_edge_threads",
        "gauge",
        "Threads of the process",
        |it| it.status_number("Threads:"),
    ),
];
/// Says which program this is.
const BUILD_INFO: &str = "sports_edge_build_info";
/// Clock ticks of `/proc` in a second: `USER_HZ`, which Linux keeps at 100 for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// What `/proc` says of this process.
struct Process {
    folder: PathBuf,
    stat: String,
    status: String,
    limits: String,
}

/// Everything about the process.
pub(super) fn text() -> String {
    let process = Process::read(Path::new("/proc"));
    let mut text = String::new();
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(
        text,
        "# HELP {BUILD_INFO} The program's version\n# TYPE {BUILD_INFO} gauge\n\
         {BUILD_INFO}{{version=\"{version}\"}} 1"
    );
    for (name, kind, help, value) in METRICS {
        if let Some(value) = value(&process) {
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
    }
    text
}

impl Process {
    fn read(folder: &Path) -> Self {
        let own = |name: &str| fs::read_to_string(folder.join("self").join(name));
        Self {
            stat: own("stat").unwrap_or_default(),
            status: own("status").unwrap_or_default(),
            limits: own("limits").unwrap_or_default(),
            folder: folder.to_owned(),
        }
    }

    /// A field of `stat` by its number in proc(5); the name before them may hold blanks.
    fn ticks(&self, field: usize) -> Option<f64> {
        let (_, rest) = self.stat.rsplit_once(')')?;
        rest.split_whitespace().nth(field - 3)?.parse().ok()
    }

    fn cpu_seconds(&self) -> Option<f64> {
        Some((self.ticks(14)? + self.ticks(15)?) / TICKS_PER_SECOND)
    }

    fn started_at(&self) -> Option<f64> {
        let stat = fs::read_to_string(self.folder.join("stat")).ok()?;
        let boot = stat.lines().find_map(|it| it.strip_prefix("btime "))?;
        Some(boot.trim().parse::<f64>().ok()? + self.ticks(22)? / TICKS_PER_SECOND)
    }

    fn open_files(&self) -> Option<f64> {
        let files = fs::read_dir(self.folder.join("self/fd")).ok()?;
        // The folder that is being read is open as well.
        Some(files.count().saturating_sub(1) as f64)
    }

    /// The soft limit; nothing where there is none.
    fn open_files_max(&self) -> Option<f64> {
        let mut lines = self.limits.lines();
        let limit = lines.find_map(|it| it.strip_prefix("Max open files"))?;
        limit.split_whitespace().next()?.parse().ok()
    }

    fn status_number(&self, name: &str) -> Option<f64> {
        let line = self.status.lines().find_map(|it| it.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn status_bytes(&self, name: &str) -> Option<f64> {
        self.status_number(name).map(|it| it * 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_name_with_blanks_and_brackets() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("self");
        fs::create_dir_all(own.join("fd")).unwrap();
        let fields: Vec<_> = (3..=30).map(|it| (it * 10).to_string()).collect();
        let stat = format!("7 (a) b) {}", fields.join(" "));
        fs::write(own.join("stat"), stat).unwrap();
        let status = "VmSize:\t    20 kB\nVmRSS:\t    10 kB\nThreads:\t3\n";
        fs::write(own.join("status"), status).unwrap();
        let limits = "Max processes  9  9  processes\nMax open files  1024  4096  files\n";
        fs::write(own.join("limits"), limits).unwrap();
        fs::write(folder.path().join("stat"), "cpu 1\nbtime 1000\n").unwrap();
        fs::write(own.join("fd/0"), "").unwrap();
        fs::write(own.join("fd/1"), "").unwrap();
        let process = Process::read(folder.path());
        let values: Vec<_> = METRICS.iter().map(|it| (it.3)(&process)).collect();
        let wanted = [2.9, 10_240.0, 20_480.0, 1_002.2, 1.0, 1_024.0, 3.0];
        assert_eq!(values, wanted.map(Some));
    }

    #[test]
    fn what_the_system_does_not_say_is_left_out() {
        let process = Process::read(Path::new("/nowhere"));
        assert!(METRICS.iter().all(|it| (it.3)(&process).is_none()));
        assert!(text().contains("sports_edge_build_info{version="));
    }
}
