//! Files that are there whole or not at all, after a crash too.

use std::{
    fs::{self, File, TryLockError},
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long it is waited for another process that is changing the folder, and how often it is looked.
const LOCKED_MAX: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(5);

/// Writes a file beside its place, makes it durable, and renames it into place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}-{}", unique()));
    let written = written(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is not there need not go.
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Keeps other processes on the folder from changing what this one is changing, until it is dropped.
/// Where the filesystem knows no locks there is none.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCKED_MAX => thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                let reason = "another process has been changing the models for 5 s";
                return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
            }
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// A part of a name that neither a crash left behind nor another process on the folder gives.
pub(crate) fn unique() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_writes_the_same_file_at_once_gets_it_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        thread::scope(|scope| {
            for writer in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..25 {
                        write_whole(path, &vec![writer; 10_000]).unwrap();
                        let read = fs::read(path).unwrap();
                        assert_eq!(read, vec![read[0]; 10_000]);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        write_whole(folder.path(), b"").unwrap_err();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
