//! Whether the file of a database is still where it was opened.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;

/// The file that was opened, by what the system tells files apart.
#[derive(Debug, Clone)]
pub(super) struct Presence(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    file: (u64, u64),
}

impl Presence {
    /// Of a file that has just been opened.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let file = device_and_inode(path).map_err(|source| unreadable(path, source))?;
        let path = path.to_owned();
        Ok(Self(Arc::new(Opened { path, file })))
    }

    /// Complains where the file was deleted, or another one took its place: what is written goes to
    /// one that has no name any more, and is gone when it is closed.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let opened = Arc::clone(&self.0);
        let looked = tokio::task::spawn_blocking(move || device_and_inode(&opened.path));
        let Opened { path, file } = &*self.0;
        match looked.await.expect("a file is looked at without a panic") {
            Ok(found) if found == *file => Ok(()),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unreadable(path, error)),
            _ => Err(StoreError::Replaced(path.display().to_string())),
        }
    }
}

fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn unreadable(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        source,
    }
}
