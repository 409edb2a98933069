//! A file on its way in: written piece by piece beside the models, and gone unless it is pushed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ModelServer;
use crate::{
    InferenceError,
    repository::{UPLOADS, failed, unique},
};

/// Files on their way in at the same time; one more is refused.
const UPLOADS_MAX: usize = 4;
/// When to come again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Bounds files on their way in.
#[derive(Debug)]
pub(super) struct Uploads {
    places: Arc<Semaphore>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(UPLOADS_MAX)),
        }
    }
}

/// A file on its way in; deleted when dropped, unless a push has taken it over.
#[derive(Debug)]
pub struct Upload {
    file: File,
    path: PathBuf,
    bytes: u64,
    bytes_max: u64,
    hasher: Sha256,
    _place: OwnedSemaphorePermit,
}

impl ModelServer {
    /// Begins a file that will be pushed, in the folder's own filesystem. Blocks.
    pub fn upload(&self) -> Result<Upload, InferenceError> {
        let uploads = &self.uploads;
        let place = Arc::clone(&uploads.places).try_acquire_owned();
        let place = place.map_err(|_| InferenceError::ServerBusy {
            bound: UPLOADS_MAX,
            retry_after: RETRY_AFTER,
        })?;
        let folder = self.models.repository.folder().join(UPLOADS);
        let path = folder.join(format!("upload-{}", unique()));
        let made = File::create_new(&path).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir(&folder)?;
            File::create_new(&path)
        });
        Ok(Upload {
            file: made.map_err(|it| failed(&path, "made", it))?,
            path,
            bytes: 0,
            bytes_max: self.options.upload_bytes_max,
            hasher: Sha256::new(),
            _place: place,
        })
    }
}

impl Upload {
    /// Adds a piece. Blocks.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), InferenceError> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(InferenceError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        self.hasher.update(piece);
        let written = self.file.write_all(piece);
        written.map_err(|it| failed(&self.path, "written", it))
    }

    /// Refuses a file that is not the one that was meant; `sha256` is in hex.
    pub fn expect_sha256(&self, sha256: &str) -> Result<(), InferenceError> {
        let digest = self.hasher.clone().finalize();
        let found: String = digest.iter().map(|it| format!("{it:02x}")).collect();
        if found.eq_ignore_ascii_case(sha256) {
            return Ok(());
        }
        Err(InferenceError::BadModel(format!(
            "the file's SHA-256 is {found} where {sha256} is wanted"
        )))
    }

    /// Where it lies, for a push to take over.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // What a push took over is no longer there.
        let _ = fs::remove_file(&self.path);
    }
}
