//! `sports-edge import`: brings files, folders and URLs into the store.

mod progress;
mod report;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use engine::import::{
    Catalogue, Connector, ImportOptions, ImportSummary, Importer, Input, Mapping,
};
use engine::{Clock, chain};
use serde::Serialize;
use store::{FetchState, Store};

use self::progress::Progress;
use super::Misuse;
use crate::source::{
    DECOMPRESSED_BYTES_MAX, FetchOptions, Fetched, Fetcher, Location, OpenedFile, locate,
    mapping_beside, remembered,
};

/// Reads fixtures, results and prices into the database.
///
/// Plain, gzip and zstd files are told apart by their first bytes. Importing the same file again
/// changes nothing; importing a corrected one corrects. A bad row is set aside and listed, the
/// rest goes in. Exit status: 0 when every row went in, 3 when rows were set aside, 2 when a
/// file was refused.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ImportArgs {
    /// Files, folders (searched for .csv and .json), http(s) URLs, or - for standard input.
    #[arg(required = true, value_name = "LOCATION")]
    pub locations: Vec<String>,
    /// What the files are: football-data, openfootball, nflverse or csv. Told by their content
    /// when left out.
    #[arg(long, value_name = "SOURCE", value_parser = parse_source)]
    pub source: Option<Connector>,
    /// A file that says what the columns of a CSV mean; by default NAME.mapping.toml beside
    /// NAME.csv.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Set rows aside whose teams are not known, instead of making new teams.
    #[arg(long)]
    pub strict_names: bool,
    /// Fetch URLs even where the server says they have not changed.
    #[arg(long)]
    pub force: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What the command works with.
pub struct ImportContext {
    /// Where everything goes.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Folder that may hold the user's own `competitions.toml` and `aliases.csv`.
    pub config_dir: Option<PathBuf>,
    /// The bounds of fetches.
    pub fetch: FetchOptions,
    /// Rows dealt with so far, of all files: they are in, or set aside.
    pub rows: Arc<AtomicU64>,
}

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// Every row went in.
    Done,
    /// Some rows were set aside.
    RowsRejected,
    /// Some file was refused.
    Refused,
}

impl ImportStatus {
    /// The exit status of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::RowsRejected => 3,
            Self::Refused => 2,
        }
    }
}

/// What became of one file.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum FileOutcome {
    Imported {
        #[serde(flatten)]
        summary: Box<ImportSummary>,
        seconds: f64,
    },
    Unchanged {
        location: String,
    },
    Refused {
        location: String,
        problem: String,
    },
}

/// Imports everything `args` names, reports to `out`, and tells how it ended.
pub async fn run(
    args: &ImportArgs,
    context: &ImportContext,
    out: &mut (dyn Write + Send),
) -> Result<ImportStatus> {
    let locations = locate(&args.locations);
    let locations = locations.map_err(|error| Misuse(chain(error.as_ref())))?;
    let mapping = args.mapping.as_deref().map(read_mapping).transpose()?;
    let catalogue = catalogue(context.config_dir.as_deref())?;
    let importer = Importer::new(
        Arc::clone(&context.store),
        Arc::clone(&context.clock),
        Arc::new(catalogue),
    );
    let fetcher = OnceLock::new();
    let mut outcomes = Vec::with_capacity(locations.len());
    for location in &locations {
        let started = Instant::now();
        let with = (context, &importer, &fetcher);
        let outcome = match import_one(location, args, mapping.as_ref(), with).await {
            Ok(Some(summary)) => FileOutcome::Imported {
                summary: Box::new(summary),
                seconds: started.elapsed().as_secs_f64(),
            },
            Ok(None) => FileOutcome::Unchanged {
                location: location.text(),
            },
            Err(error) => FileOutcome::Refused {
                location: location.text(),
                problem: chain(error.as_ref()),
            },
        };
        if !args.json {
            report::write(out, &outcome)?;
        }
        outcomes.push(outcome);
    }
    let status = outcomes.iter().map(FileOutcome::status).max();
    let status = status.unwrap_or(ImportStatus::Done);
    if args.json {
        report::write_json(out, status, &outcomes)?;
    } else {
        report::write_total(out, &outcomes)?;
    }
    Ok(status)
}

impl FileOutcome {
    fn status(&self) -> ImportStatus {
        match self {
            Self::Imported { summary, .. }
                if summary.rows_rejected + summary.quotes_rejected > 0 =>
            {
                ImportStatus::RowsRejected
            }
            Self::Imported { .. } | Self::Unchanged { .. } => ImportStatus::Done,
            Self::Refused { .. } => ImportStatus::Refused,
        }
    }
}

/// Imports one file or URL; `None` where a URL has not changed.
async fn import_one(
    location: &Location,
    args: &ImportArgs,
    mapping: Option<&Mapping>,
    (context, importer, fetcher): (&ImportContext, &Importer, &OnceLock<Arc<Fetcher>>),
) -> Result<Option<ImportSummary>> {
    let (file, state) = match location {
        Location::File(path) => {
            let path = path.clone();
            let open = move || OpenedFile::open(&path, DECOMPRESSED_BYTES_MAX);
            (blocking(open).await?, None)
        }
        Location::Piped => {
            if io::stdin().is_terminal() {
                anyhow::bail!("nothing is piped in: `sports-edge import - < FILE`");
            }
            let read = || OpenedFile::piped(io::stdin().lock(), DECOMPRESSED_BYTES_MAX);
            (blocking(read).await?, None)
        }
        Location::Url(url) => match fetch(url, args, (context, fetcher)).await? {
            None => return Ok(None),
            Some((file, state)) => (file, Some(state)),
        },
    };
    let beside = match (location, mapping, args.source) {
        (Location::File(path), None, None | Some(Connector::Csv)) => {
            let found = mapping_beside(path);
            found.as_deref().map(read_mapping).transpose()?
        }
        _ => None,
    };
    let options = ImportOptions {
        connector: args.source,
        mapping: mapping.cloned().or(beside),
        strict_names: args.strict_names,
    };
    let read = Arc::new(AtomicU64::new(0));
    let progress = Progress::start(&location.text(), file.size_bytes(), Arc::clone(&read));
    let input = Input {
        location: location.text(),
        content: file.into_content(read)?,
    };
    let before = context.rows.load(Relaxed);
    let count = |rows| {
        progress.rows(rows);
        context.rows.store(before + rows, Relaxed);
    };
    let summary = importer.import(input, &options, &count).await;
    progress.stop();
    let summary = summary?;
    if let Some(state) = state {
        context.store.put_fetch_state(&state).await?;
    }
    Ok(Some(summary))
}

/// Fetches a URL where it has changed; what to remember of it comes with it, for a failed import
/// must not make the next one believe that nothing has changed.
async fn fetch(
    url: &str,
    args: &ImportArgs,
    (context, fetcher): (&ImportContext, &OnceLock<Arc<Fetcher>>),
) -> Result<Option<(OpenedFile, FetchState)>> {
    let known = match args.force {
        true => None,
        false => context.store.fetch_state(&remembered(url)).await?,
    };
    // One for all, made where there is something to fetch: it reads the system's authorities.
    let fetcher = match fetcher.get() {
        Some(it) => Arc::clone(it),
        None => {
            let options = context.fetch.clone();
            let made = blocking(move || Fetcher::new(options)).await?;
            Arc::clone(fetcher.get_or_init(|| Arc::new(made)))
        }
    };
    let address = url.to_owned();
    let fetched = blocking(move || fetcher.fetch(&address, known.as_ref(), chance));
    match fetched.await? {
        Fetched::Unchanged => Ok(None),
        Fetched::Fresh {
            file,
            etag,
            last_modified,
            ..
        } => {
            let state = FetchState {
                url: remembered(url),
                etag,
                last_modified,
                fetched_at: context.clock.now(),
            };
            let file = blocking(move || OpenedFile::check(file, DECOMPRESSED_BYTES_MAX)).await?;
            Ok(Some((file, state)))
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("a worker was lost")?
}

/// A number in 0..1, only to keep many clients from trying again at the same moment.
fn chance() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let noise = std::hash::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(noise >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

fn read_mapping(path: &Path) -> Result<Mapping> {
    let name = path.display().to_string();
    let toml = std::fs::read_to_string(path)
        .with_context(|| Misuse(format!("mapping {name} cannot be read")))?;
    Mapping::parse(&toml, &name).map_err(|error| Misuse(error.to_string()).into())
}

/// The shipped tables, and the user's own beside the configuration.
fn catalogue(config_dir: Option<&Path>) -> Result<Catalogue> {
    let extra = |name: &str| -> Result<Option<String>> {
        let Some(path) = config_dir.map(|it| it.join(name)).filter(|it| it.is_file()) else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Some(text))
    };
    let (competitions, aliases) = (extra("competitions.toml")?, extra("aliases.csv")?);
    Ok(Catalogue::load(
        competitions.as_deref(),
        aliases.as_deref(),
    )?)
}

fn parse_source(text: &str) -> Result<Connector, String> {
    Connector::parse(text)
        .ok_or_else(|| "use football-data, openfootball, nflverse or csv".to_owned())
}

/// How long a plain line of progress waits for the next.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
