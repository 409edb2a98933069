//! The way of a file into the store: a reading thread, a short queue, one transaction a batch.

use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use domain::SourceKey;
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{ImportRecord, Recording, Store};
use tokio::sync::{mpsc, oneshot};

use crate::Clock;
use crate::import::names::{NewName, Resolver};
use crate::import::repeats::Results;
use crate::import::row::{Reason, RejectedRow, Row};
use crate::import::source::{Connector, Opened, Reading, open, parse};
use crate::import::{Catalogue, ImportError, Mapping};

/// How many rows are written in one transaction.
const BATCH_ROWS: usize = 2_000;
/// How many batches may wait for the store; reading stops meanwhile.
const BATCHES_WAITING_MAX: usize = 1;
/// How many of the rows, and of the quotes, set aside are listed; the rest is only counted.
const REJECTED_LISTED_MAX: usize = 1_000;
/// How much is read from the content at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Brings files into a store.
#[derive(Clone)]
pub struct Importer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalogue: Arc<Catalogue>,
}

/// The content of one file, decompressed.
pub struct Input {
    /// File or URL.
    pub location: String,
    /// The bytes.
    pub content: Box<dyn Read + Send>,
}

/// How a file is to be read.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The connector; `None` leaves it to the content.
    pub connector: Option<Connector>,
    /// What the columns mean, for [`Connector::Csv`].
    pub mapping: Option<Mapping>,
    /// Whether a row whose teams are not known is set aside rather than its teams made.
    pub strict_names: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportSummary {
    /// File or URL.
    pub location: String,
    /// The connector that read it.
    pub connector: Connector,
    /// Whose names and prices they are.
    pub source: SourceKey,
    /// Rows read, blank lines not counted.
    pub rows_read: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
    /// The rows set aside, the first 1 000 of them.
    pub rejected: Vec<RejectedRow>,
    /// Quotes set aside of rows that went in.
    pub quotes_rejected: u64,
    /// The quotes set aside, the first 1 000 of them.
    pub rejected_quotes: Vec<RejectedRow>,
    /// Fixtures that were new.
    pub fixtures_added: u64,
    /// Fixtures of which something changed.
    pub fixtures_changed: u64,
    /// Fixtures that were known as they are.
    pub fixtures_unchanged: u64,
    /// Single prices that were new.
    pub prices_added: u64,
    /// Single prices that took another's place.
    pub prices_changed: u64,
    /// Names never seen before.
    pub new_names: Vec<NewName>,
}

/// Rows on their way to the store.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    rejected: Vec<RejectedRow>,
}

/// What the reading thread finds out before the first row.
type Start = Result<(Connector, SourceKey), ImportError>;

impl Importer {
    /// Joins what an import needs.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, catalogue: Arc<Catalogue>) -> Self {
        Self {
            store,
            clock,
            catalogue,
        }
    }

    /// Reads a file to its end; `progress` hears the rows read so far after every batch.
    pub async fn import(
        &self,
        input: Input,
        options: &ImportOptions,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<ImportSummary, ImportError> {
        let started_at = self.clock.now();
        let location = input.location.clone();
        let digest = Arc::new(Mutex::new(Sha256::new()));
        let (start_sender, start) = oneshot::channel();
        let (sender, mut batches) = mpsc::channel(BATCHES_WAITING_MAX);
        let reader = {
            let (catalogue, options) = (Arc::clone(&self.catalogue), options.clone());
            let digest = Arc::clone(&digest);
            tokio::task::spawn_blocking(move || {
                read(input, digest, (&catalogue, &options), start_sender, &sender)
            })
        };
        let (connector, source) = start.await.map_err(|_| ImportError::Worker)??;
        let mut writing = Writing {
            store: &*self.store,
            clock: &*self.clock,
            resolver: Resolver::new(
                &*self.store,
                &self.catalogue,
                source.clone(),
                options.strict_names,
            ),
            import: None,
            record: ImportRecord {
                source: source.clone(),
                location: location.clone(),
                digest: String::new(),
                started_at,
                finished_at: None,
                rows_read: 0,
                rows_rejected: 0,
                rejected: "[]".to_owned(),
            },
            summary: ImportSummary::new(location, connector, source),
        };
        while let Some(batch) = batches.recv().await {
            writing.write(batch).await?;
            progress(writing.summary.rows_read);
        }
        let read = reader.await.map_err(|_| ImportError::Worker)?;
        if read.is_ok() || writing.import.is_some() {
            let digest = digest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            writing.finish(digest).await?;
        }
        read?;
        Ok(writing.summary)
    }
}

impl ImportSummary {
    fn new(location: String, connector: Connector, source: SourceKey) -> Self {
        Self {
            location,
            connector,
            source,
            rows_read: 0,
            rows_rejected: 0,
            rejected: Vec::new(),
            quotes_rejected: 0,
            rejected_quotes: Vec::new(),
            fixtures_added: 0,
            fixtures_changed: 0,
            fixtures_unchanged: 0,
            prices_added: 0,
            prices_changed: 0,
            new_names: Vec::new(),
        }
    }

    fn set_aside(&mut self, rejected: Vec<RejectedRow>) {
        self.rows_rejected += rejected.len() as u64;
        list(&mut self.rejected, rejected);
    }

    fn set_quotes_aside(&mut self, rejected: Vec<RejectedRow>) {
        self.quotes_rejected += rejected.len() as u64;
        list(&mut self.rejected_quotes, rejected);
    }
}

fn list(listed: &mut Vec<RejectedRow>, rejected: Vec<RejectedRow>) {
    let room = REJECTED_LISTED_MAX.saturating_sub(listed.len());
    listed.extend(rejected.into_iter().take(room));
}

/// An import under way.
struct Writing<'a> {
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    resolver: Resolver<'a>,
    import: Option<i64>,
    record: ImportRecord,
    summary: ImportSummary,
}

impl Writing<'_> {
    async fn write(&mut self, batch: Batch) -> Result<(), ImportError> {
        let import = self.begun().await?;
        self.summary.rows_read += (batch.rows.len() + batch.rejected.len()) as u64;
        self.summary.set_aside(batch.rejected);
        let now = self.clock.now();
        let (ahead, mut rows): (Vec<Row>, Vec<Row>) =
            batch.rows.into_iter().partition(|it| it.is_ahead(now));
        let ahead = ahead.iter().map(|it| RejectedRow {
            file: self.summary.location.clone(),
            line: it.line,
            column: None,
            reason: Reason::ResultAhead,
        });
        self.summary.set_aside(ahead.collect());
        let quotes = rows.iter_mut().flat_map(|it| it.rejected_quotes.drain(..));
        self.summary.set_quotes_aside(quotes.collect());
        let resolved = self.resolver.resolve(rows, &self.summary.location).await?;
        self.summary.set_aside(resolved.rejected);
        self.summary.new_names.append(&mut self.resolver.new_names);
        if resolved.records.is_empty() {
            return Ok(());
        }
        let recording = Recording {
            source: self.summary.source.clone(),
            import: Some(import),
            at: self.clock.now(),
        };
        let recorded = self.store.record(&recording, &resolved.records).await?;
        let summary = &mut self.summary;
        summary.fixtures_added += recorded.fixtures_added;
        summary.fixtures_changed += recorded.fixtures_changed;
        summary.fixtures_unchanged += (resolved.records.len() as u64)
            .saturating_sub(recorded.fixtures_added + recorded.fixtures_changed);
        summary.prices_added += recorded.prices_added;
        summary.prices_changed += recorded.prices_changed;
        Ok(())
    }

    /// The number of this import, which begins with its first batch: a file refused whole leaves
    /// no trace.
    async fn begun(&mut self) -> Result<i64, ImportError> {
        if let Some(import) = self.import {
            return Ok(import);
        }
        let import = self.store.begin_import(&self.record).await?;
        self.import = Some(import);
        Ok(import)
    }

    async fn finish(&mut self, digest: Sha256) -> Result<(), ImportError> {
        let import = self.begun().await?;
        self.record.digest = hex(&digest.finalize());
        self.record.finished_at = Some(self.clock.now());
        self.record.rows_read = self.summary.rows_read;
        self.record.rows_rejected = self.summary.rows_rejected;
        let rejected = self.summary.rejected.iter();
        let rejected: Vec<_> = rejected.chain(&self.summary.rejected_quotes).collect();
        self.record.rejected =
            serde_json::to_string(&rejected).expect("texts and numbers are JSON");
        self.store.finish_import(import, &self.record).await?;
        Ok(())
    }
}

/// The reading thread: tells what the file is, then sends its rows by the batch.
fn read(
    input: Input,
    digest: Arc<Mutex<Sha256>>,
    (catalogue, options): (&Catalogue, &ImportOptions),
    start: oneshot::Sender<Start>,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), ImportError> {
    let reading = Reading {
        location: &input.location,
        connector: options.connector,
        mapping: options.mapping.as_ref(),
        catalogue,
    };
    let hashing = Hashing {
        inner: input.content,
        digest,
    };
    let content = BufReader::with_capacity(BUFFER_BYTES, hashing);
    let opened: Opened<_> = match open(content, &reading) {
        Ok(opened) => opened,
        Err(error) => {
            // The receiver waits for exactly this; where it is gone, nobody wants to know.
            let _ = start.send(Err(error));
            return Ok(());
        }
    };
    if start
        .send(Ok((opened.connector(), opened.source())))
        .is_err()
    {
        return Ok(());
    }
    let (mut batch, mut results) = (Batch::default(), Results::default());
    parse(opened, &reading, |row| {
        match row.and_then(|it| results.compare(it, reading.location)) {
            Ok(row) => batch.rows.push(row),
            Err(rejected) => batch.rejected.push(rejected),
        }
        let full = batch.rows.len() + batch.rejected.len() >= BATCH_ROWS;
        !full || batches.blocking_send(std::mem::take(&mut batch)).is_ok()
    })?;
    if !batch.rows.is_empty() || !batch.rejected.is_empty() {
        // Refused only where the writer gave up, and it knows why.
        let _ = batches.blocking_send(batch);
    }
    Ok(())
}

/// A reader that adds what it reads to a digest.
struct Hashing {
    inner: Box<dyn Read + Send>,
    digest: Arc<Mutex<Sha256>>,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .update(&buffer[..count]);
        Ok(count)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
