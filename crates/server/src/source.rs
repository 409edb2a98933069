//! Opening what an import names: files, folders and URLs; plain, gzip or zstd.
//!
//! Whatever it is, it becomes a file that has been read to its end once: damaged or oversized
//! content is refused before a row of it is taken.

mod fetch;
mod open;
mod shown;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub use fetch::{FetchOptions, Fetched, Fetcher};
pub use open::{CountingReader, DECOMPRESSED_BYTES_MAX, OpenedFile};

/// How deep folders are searched.
const DEPTH_MAX: usize = 16;
/// How many files one folder may hold.
const FILES_MAX: usize = 100_000;

/// How standard input is named.
const PIPED: &str = "-";

/// Something to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    File(PathBuf),
    /// An `http` or `https` URL.
    Url(String),
    /// What is piped in.
    Piped,
}

impl Location {
    /// The location as it is shown, without what lets somebody in.
    pub fn text(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => shown::shown(url),
            Self::Piped => "standard input".to_owned(),
        }
    }
}

/// The name under which it is remembered what was fetched from a URL: it holds no secret.
pub(crate) fn remembered(url: &str) -> String {
    shown::remembered(url)
}

/// Files, URLs and standard input behind what was named; folders become the data files in them, in order.
pub fn locate(named: &[String]) -> Result<Vec<Location>> {
    let mut locations = Vec::new();
    for text in named {
        if text == PIPED {
            if locations.contains(&Location::Piped) {
                bail!("standard input ({PIPED}) can be read once");
            }
            locations.push(Location::Piped);
            continue;
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            locations.push(Location::Url(text.clone()));
            continue;
        }
        let path = Path::new(text);
        let kind = path
            .metadata()
            .with_context(|| format!("{text} cannot be opened"))?;
        if kind.is_dir() {
            let mut found = Vec::new();
            search(path, 0, &mut found)?;
            if found.is_empty() {
                bail!("{text} holds no .csv or .json file (plain, .gz or .zst)");
            }
            found.sort();
            locations.extend(found.into_iter().map(Location::File));
        } else {
            locations.push(Location::File(path.to_owned()));
        }
    }
    Ok(locations)
}

/// Adds the data files of a folder and those below it; links to folders are not followed.
fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if depth > DEPTH_MAX {
        bail!(
            "{} lies more than {DEPTH_MAX} folders deep",
            folder.display()
        );
    }
    let shown = || format!("{} cannot be listed", folder.display());
    for entry in folder.read_dir().with_context(shown)? {
        let entry = entry.with_context(shown)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(shown)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            search(&path, depth + 1, found)?;
        } else if is_data(&path) {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            bail!("{} holds more than {FILES_MAX} files", folder.display());
        }
    }
    Ok(())
}

fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let plain = without_compression(&name);
    [".csv", ".json"].iter().any(|it| plain.ends_with(it))
}

fn without_compression(name: &str) -> &str {
    [".gz", ".zst"]
        .iter()
        .find_map(|it| name.strip_suffix(it))
        .unwrap_or(name)
}

/// The mapping file that belongs to a data file: `games.mapping.toml` beside `games.csv.gz`.
pub fn mapping_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let plain = without_compression(name);
    let stem = plain.rsplit_once('.').map_or(plain, |(stem, _)| stem);
    let mapping = path.with_file_name(format!("{stem}.mapping.toml"));
    mapping.is_file().then_some(mapping)
}

#[cfg(test)]
mod tests;
