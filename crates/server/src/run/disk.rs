//! Looks at what is free on the disks that are written to: figures of it, and a line in the log while
//! there is little.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use store::Place;
use tracing::{info, warn};

use crate::config::Settings;

/// With less than this free a disk is soon full: half a GiB.
pub(crate) const FREE_BYTES_MIN: u64 = 512 << 20;
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Name, help, and which of the two figures of a disk.
type Metric = (&'static str, &'static str, fn(&Space) -> u64);

const METRICS: [Metric; 2] = [
    (
        "sports_edge_disk_free_bytes",
        "Bytes that can still be written where a folder lies",
        |it| it.free,
    ),
    (
        "sports_edge_disk_size_bytes",
        "Size in bytes of the filesystem where a folder lies",
        |it| it.size,
    ),
];

/// The space of a filesystem, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) free: u64,
    pub(crate) size: u64,
}

impl Space {
    /// The space where a path lies, as far as the system says.
    pub(crate) fn at(path: &Path) -> std::io::Result<Self> {
        let space = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        Ok(Self {
            free: bytes(space.f_bavail),
            size: bytes(space.f_blocks),
        })
    }
}

/// The folders that are written to, by what lies there.
#[derive(Debug, Clone)]
pub(super) struct Disks(Vec<(&'static str, PathBuf)>);

impl Disks {
    /// Those that settings name.
    pub(super) fn of(settings: &Settings) -> Self {
        let data = match settings.database() {
            Place::File(file) => file.parent().map(Path::to_owned),
            _ => None,
        };
        let data = data.unwrap_or_else(|| settings.data_dir.clone());
        Self(vec![("data", data), ("models", settings.models_folder())])
    }

    fn spaces(&self) -> impl Iterator<Item = (&'static str, &Path, Space)> {
        let looked = self.0.iter().map(|(name, path)| {
            let space = Space::at(path).ok()?;
            Some((*name, path.as_path(), space))
        });
        looked.flatten()
    }

    /// What is free, in the Prometheus text format; a folder that is not there is left out.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, value) in METRICS {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (folder, _, space) in self.spaces() {
                let _ = writeln!(text, "{name}{{folder=\"{folder}\"}} {}", value(&space));
            }
        }
        text
    }

    /// Says in the log when there is little room and when there is enough again, for as long as it is
    /// polled.
    pub(super) async fn keep(self) {
        let mut narrow = Vec::new();
        loop {
            self.look(&mut narrow);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&self, narrow: &mut Vec<&'static str>) {
        for (name, path, Space { free, .. }) in self.spaces() {
            let is_known = narrow.contains(&name);
            let path = path.display();
            if free < FREE_BYTES_MIN && !is_known {
                warn!(folder = name, %path, free_mib = free >> 20, "disk nearly full");
                narrow.push(name);
            } else if free >= FREE_BYTES_MIN && is_known {
                info!(folder = name, %path, free_mib = free >> 20, "disk has room");
                narrow.retain(|it| *it != name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_told_by_folder_and_a_folder_that_is_gone_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let disks = Disks(vec![
            ("data", folder.path().to_owned()),
            ("models", "/nowhere/models".into()),
        ]);
        let text = disks.text();
        let value = |name: &str| -> u64 {
            let start = format!("{name}{{folder=\"data\"}} ");
            let line = text.lines().find_map(|it| it.strip_prefix(&start));
            line.unwrap().parse().unwrap()
        };
        let (free, size) = (value(METRICS[0].0), value(METRICS[1].0));
        assert!(0 < free && free <= size, "{text}");
        assert!(!text.contains("models"), "{text}");
        let mut narrow = vec!["data"];
        disks.look(&mut narrow);
        assert_eq!(narrow.is_empty(), free >= FREE_BYTES_MIN);
    }

    #[test]
    fn a_filesystem_without_room_is_found_narrow_once() {
        // It has no blocks at all.
        let disks = Disks(vec![("data", "/proc".into())]);
        let mut narrow = Vec::new();
        disks.look(&mut narrow);
        disks.look(&mut narrow);
        assert_eq!(narrow, ["data"]);
    }
}
