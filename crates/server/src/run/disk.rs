//! Looks at what is free on the disks that are written to: figures of it, and a line in the log while
//! there is little.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::Place;
use tracing::{field, info, warn};

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

/// The folders that are written to, by what lies there, and what was free when it was last looked.
#[derive(Debug, Clone)]
pub(super) struct Disks {
    folders: Vec<(&'static str, PathBuf)>,
    seen: Arc<Mutex<Vec<(&'static str, Space)>>>,
}

impl Disks {
    /// Those that settings name.
    pub(super) fn of(settings: &Settings) -> Self {
        let data = match settings.database() {
            Place::File(file) => file.parent().map(Path::to_owned),
            _ => None,
        };
        let data = data.unwrap_or_else(|| settings.data_dir.clone());
        Self::new(vec![("data", data), ("models", settings.models_folder())])
    }

    fn new(folders: Vec<(&'static str, PathBuf)>) -> Self {
        Self {
            folders,
            seen: Arc::default(),
        }
    }

    /// What was free, in the Prometheus text format; a folder that is not there is left out.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, value) in METRICS {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (folder, space) in self.seen().iter() {
                let _ = writeln!(text, "{name}{{folder=\"{folder}\"}} {}", value(space));
            }
        }
        text
    }

    /// Looks for as long as it is polled, and says in the log when there is little room and when there
    /// is enough again.
    pub(super) async fn keep(self) {
        loop {
            let disks = self.clone();
            // A disk that is far away may not answer: one thread waits for it, and nobody else.
            let looked = tokio::task::spawn_blocking(move || disks.look());
            for (folder, Space { free, .. }) in looked.await.unwrap_or_default() {
                let path = self.folders.iter().find(|it| it.0 == folder);
                let path = path.map(|it| field::display(it.1.display()));
                let free_mib = free >> 20;
                if free < FREE_BYTES_MIN {
                    warn!(folder, path, free_mib, "disk nearly full");
                } else {
                    info!(folder, path, free_mib, "disk has room");
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks; answers with the folders that have become short of room, or no longer are.
    fn look(&self) -> Vec<(&'static str, Space)> {
        let looked = self.folders.iter();
        let looked = looked.filter_map(|(name, path)| Some((*name, Space::at(path).ok()?)));
        let now: Vec<_> = looked.collect();
        let before = std::mem::replace(&mut *self.seen(), now.clone());
        let is_short = |it: &Space| it.free < FREE_BYTES_MIN;
        let was_short = |name| before.iter().any(|it| it.0 == name && is_short(&it.1));
        let mut changed = now;
        changed.retain(|(name, space)| is_short(space) != was_short(*name));
        changed
    }

    fn seen(&self) -> MutexGuard<'_, Vec<(&'static str, Space)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_told_by_folder_and_a_folder_that_is_gone_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let disks = Disks::new(vec![
            ("data", folder.path().to_owned()),
            ("models", "/nowhere/models".into()),
        ]);
        *disks.seen() = vec![("data", Space { free: 0, size: 1 })];
        let changed = disks.look();
        let text = disks.text();
        let value = |name: &str| -> u64 {
            let start = format!("{name}{{folder=\"data\"}} ");
            let line = text.lines().find_map(|it| it.strip_prefix(&start));
            line.unwrap().parse().unwrap()
        };
        let (free, size) = (value(METRICS[0].0), value(METRICS[1].0));
        assert!(0 < free && free <= size, "{text}");
        assert!(!text.contains("models"), "{text}");
        assert_eq!(changed.len() == 1, free >= FREE_BYTES_MIN, "{changed:?}");
    }

    #[test]
    fn a_filesystem_without_room_is_found_narrow_once() {
        // It has no blocks at all.
        let disks = Disks::new(vec![("data", "/proc".into())]);
        assert_eq!(disks.look(), [("data", Space { free: 0, size: 0 })]);
        assert_eq!(disks.look(), []);
    }
}
