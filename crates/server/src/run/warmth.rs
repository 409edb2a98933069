//! Keeps watch over the cache, remembers which answers are hottest in a file of the data folder, and
//! makes them before the next start is ready. The file holds addresses, never an answer or a key.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use api::{ApiState, WATCH_EVERY, WarmBounds, Warmer};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::config::Settings;

/// The file in the data folder.
const FILE: &str = "hottest-answers.json";
/// A longer file is none of ours.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// What the file says it is.
const VERSION: u32 = 1;
/// The file is written after so many looks: every ten minutes.
const LOOKS_BETWEEN: u32 = 40;
/// Answers made at the same time at a start, which has nothing else to do.
const PARALLEL: usize = 4;

/// What is remembered from one run to the next.
#[derive(Debug, Serialize, Deserialize)]
struct Hottest {
    version: u32,
    addresses: Vec<String>,
}

/// Watches the cache of a server and warms it.
#[derive(Clone)]
pub(super) struct Warmth {
    state: ApiState,
    file: PathBuf,
    answers_max: usize,
    time_max: Duration,
}

impl Warmth {
    pub(super) fn new(settings: &Settings, state: &ApiState) -> Self {
        let cache = &settings.cache;
        let keeps = cache.memory_bytes_max > 0;
        Self {
            state: state.clone(),
            file: settings.data_dir.join(FILE),
            answers_max: if keeps {
                cache.warm_answers_max as usize
            } else {
                0
            },
            time_max: Duration::from_secs(cache.warm_seconds_max),
        }
    }

    /// Looks at the cache for as long as it is let, and remembers what is hot now and then.
    pub(super) async fn watch(&self) {
        let mut ticks = interval(WATCH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0;
        loop {
            ticks.tick().await;
            self.state.watch_cache().await;
            looks += 1;
            if looks % LOOKS_BETWEEN == 0 {
                self.write().await;
            }
        }
    }

    /// Makes the answers that were hottest in the run before, within bounds.
    pub(super) async fn warm(&self) {
        if self.answers_max == 0 {
            return;
        }
        let (file, answers_max) = (self.file.clone(), self.answers_max);
        let read = tokio::task::spawn_blocking(move || read(&file)).await;
        let mut addresses = match read {
            Ok(Ok(Some(hottest))) => hottest.addresses,
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(error)) => {
                let file = self.file.display();
                warn!(%file, %error, "the hottest answers are not known; none is made before");
                return;
            }
        };
        addresses.truncate(answers_max);
        let bounds = WarmBounds {
            time_max: self.time_max,
            parallel: PARALLEL,
        };
        let warmed = Warmer::new(&self.state).warm(addresses, bounds).await;
        info!(
            made = warmed.made,
            failed = warmed.failed,
            left = warmed.left,
            "cache warmed"
        );
    }

    /// Looks once more, and remembers what is hot for the next run.
    pub(super) async fn remember(&self) {
        self.state.watch_cache().await;
        self.write().await;
    }

    /// Writes the file anew, where anything is hot.
    async fn write(&self) {
        let hottest = Hottest {
            version: VERSION,
            addresses: self.state.hottest_answers(self.answers_max),
        };
        if hottest.addresses.is_empty() {
            return;
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || write(&file, &hottest)).await;
        if let Ok(Err(error)) = written {
            let file = self.file.display();
            warn!(%file, %error, "the hottest answers cannot be remembered");
        }
    }
}

/// What a run before remembered; `None` where there was none.
fn read(file: &Path) -> io::Result<Option<Hottest>> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let hottest: Hottest = serde_json::from_str(&text)?;
    if hottest.version != VERSION {
        let version = hottest.version;
        let text = format!("version {version} is not the version {VERSION} that is read here");
        return Err(io::Error::other(text));
    }
    Ok(Some(hottest))
}

/// Puts a new file in the place of the one before, in one step.
fn write(file: &Path, hottest: &Hottest) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(&serde_json::to_vec(hottest)?)?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_hot_is_read_back_and_what_is_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert!(read(&file).unwrap().is_none());
        let addresses = vec!["/v1/board".to_owned(), "/v1/teams".to_owned()];
        for count in [2, 1] {
            let addresses = addresses[..count].to_vec();
            let version = VERSION;
            write(&file, &Hottest { version, addresses }).unwrap();
            assert_eq!(read(&file).unwrap().unwrap().addresses, addresses_of(count));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for (text, words) in [
            ("{", "EOF"),
            (r#"{"version": 2, "addresses": []}"#, "version 2 is not"),
        ] {
            fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let nowhere = folder.path().join("no/file");
        let version = VERSION;
        assert!(write(&nowhere, &Hottest { version, addresses }).is_err());
    }

    fn addresses_of(count: usize) -> Vec<String> {
        ["/v1/board", "/v1/teams"][..count]
            .iter()
            .map(|it| (*it).to_owned())
            .collect()
    }
}
