//! Makes the file of a new database its owner's alone, for it holds hashes of keys and secrets of
//! webhooks. SQLite gives the files beside it the same mode.

use std::path::Path;

/// Makes an empty file where there is none; where it cannot, SQLite says why, or makes it itself.
///
/// The file gets its name when it is closed: to close it under its name would let go of the locks
/// that this process may have on it by then.
pub(super) fn make(path: &Path) {
    if path.exists() {
        return;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made = tempfile::NamedTempFile::new_in(folder)
        .and_then(|it| Ok(it.into_temp_path().persist_noclobber(path)?));
    tracing::debug!(?made, "a new file");
}
