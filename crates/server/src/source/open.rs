//! A file, told by its first bytes to be plain, gzip or zstd, and checked to its end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

/// The most that compressed content may unpack to.
pub const DECOMPRESSED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// The largest window of zstd that is unpacked, as a power of two: 64 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;
const BUFFER_BYTES: usize = 64 * 1024;

/// A file that can be read to its end.
#[derive(Debug)]
pub struct OpenedFile {
    file: File,
    compression: Compression,
    size_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Plain,
    Gzip,
    Zstd,
}

impl OpenedFile {
    /// Opens a file, and unpacks it once where it is compressed, so that damage is found now.
    pub fn open(path: &Path, unpacked_bytes_max: u64) -> Result<Self> {
        let file = File::open(path).context("the file cannot be opened")?;
        Self::check(file, unpacked_bytes_max)
    }

    /// Keeps what is piped in, as it comes, in a file of its own that is gone with it, and takes that
    /// as [`OpenedFile::open`] does.
    pub fn piped(mut input: impl Read, unpacked_bytes_max: u64) -> Result<Self> {
        let mut file = tempfile::tempfile().context("no file can be made for it")?;
        let mut within = input.by_ref().take(unpacked_bytes_max);
        io::copy(&mut within, &mut file).context("it cannot be kept")?;
        let is_more = input.read(&mut [0]).context("it cannot be read")? > 0;
        anyhow::ensure!(!is_more, "it has more than {unpacked_bytes_max} bytes");
        Self::check(file, unpacked_bytes_max)
    }

    /// Takes an open file as [`OpenedFile::open`] does.
    pub fn check(mut file: File, unpacked_bytes_max: u64) -> Result<Self> {
        let size_bytes = file.metadata().context("the file cannot be read")?.len();
        let compression = Compression::of(&mut file).context("the file cannot be read")?;
        let mut opened = Self {
            file,
            compression,
            size_bytes,
        };
        if compression != Compression::Plain {
            let mut content = opened.unpack()?.take(unpacked_bytes_max + 1);
            let unpacked = io::copy(&mut content, &mut io::sink())
                .with_context(|| format!("the {} is damaged or cut short", compression.name()))?;
            anyhow::ensure!(
                unpacked <= unpacked_bytes_max,
                "it unpacks to more than {unpacked_bytes_max} bytes"
            );
        }
        opened.rewind()?;
        Ok(opened)
    }

    /// How large the file is as it lies there.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Its content, unpacked; `read` counts the bytes of the file as it lies there.
    pub fn into_content(self, read: Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let counting = CountingReader {
            inner: self.file,
            count: read,
        };
        self.compression.decoder(counting)
    }

    fn unpack(&mut self) -> Result<Box<dyn Read + Send>> {
        self.rewind()?;
        let again = self.file.try_clone().context("the file cannot be read")?;
        self.compression.decoder(again)
    }

    fn rewind(&mut self) -> Result<()> {
        self.file.rewind().context("the file cannot be read twice")
    }
}

impl Compression {
    /// Told by the first four bytes.
    fn of(file: &mut File) -> io::Result<Self> {
        let mut start = Vec::with_capacity(4);
        file.seek(SeekFrom::Start(0))?;
        file.take(4).read_to_end(&mut start)?;
        Ok(match start.as_slice() {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD] => Self::Zstd,
            _ => Self::Plain,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "file",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn decoder(self, input: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>> {
        let input = BufReader::with_capacity(BUFFER_BYTES, input);
        Ok(match self {
            Self::Plain => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)
                    .context("the zstd decoder cannot be started")?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .context("the zstd decoder cannot be bounded")?;
                Box::new(decoder)
            }
        })
    }
}

/// A reader that counts what it reads.
#[derive(Debug)]
pub struct CountingReader<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
