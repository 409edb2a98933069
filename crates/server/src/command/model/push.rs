//! `sports-edge model push`.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use engine::{Progress, ProgressSink, serving::ModelConfig};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Name;
use crate::command::{
    client::{Client, Upload},
    progress,
};

/// What to upload.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct PushArgs {
    /// Name of the model; made where it is not there
    name: Name,
    /// Its file: LightGBM text, XGBoost JSON or UBJSON, ONNX with trees or a network, or the compact form
    file: PathBuf,
    /// Number of the version; the next free one without it
    #[arg(long)]
    version: Option<u64>,
    /// Rows with known answers (JSON with `inputs` and `outputs`) that the model must get right
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// What its trainer has to say (JSON)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Settings of a model that is not there yet, as its config.toml
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Uploads it; returns what the server says of the version.
pub(super) fn run(args: &PushArgs, client: &Client) -> anyhow::Result<Value> {
    let front = front(args)?;
    let config = format!("/v1/models/{}/config", args.name.0);
    if args.settings.is_some() && client.get(&config).is_ok() {
        tracing::warn!(
            model = %args.name.0,
            "settings passed over: the model is there already, its config.toml holds them"
        );
    }
    let open = || {
        let file = File::open(&args.file);
        file.with_context(|| format!("{} cannot be read", args.file.display()))
    };
    let sha256 = digest(open()?).with_context(|| format!("{}", args.file.display()))?;
    let file = open()?;
    let bytes = file.metadata().context("the file's length")?.len();
    let total = bytes + front.len() as u64;
    let version = args
        .version
        .map_or_else(String::new, |it| format!("&version={it}"));
    let path = format!(
        "/v1/models/{}/versions?sha256={sha256}{version}",
        args.name.0
    );
    let front_bytes = front.len();
    let body = Watched {
        inner: Cursor::new(front).chain(file),
        done: 0,
        total,
        sink: progress::sink(),
    };
    let upload = Upload {
        front_bytes,
        length: total,
        body,
    };
    client.upload(&path, upload)
}

/// The JSON in front of the file; empty where nothing lies beside the model.
fn front(args: &PushArgs) -> anyhow::Result<Vec<u8>> {
    let mut members = Map::new();
    for (name, path) in [("golden", &args.golden), ("report", &args.report)] {
        if let Some(path) = path {
            let value = serde_json::from_str(&text(path)?);
            let value = value.with_context(|| format!("{} is not JSON", path.display()))?;
            members.insert(name.to_owned(), value);
        }
    }
    if let Some(path) = &args.settings {
        let config: Result<ModelConfig, _> = toml::from_str(&text(path)?);
        let config = config.with_context(|| format!("{} is not settings", path.display()))?;
        members.insert("config".to_owned(), serde_json::to_value(config)?);
    }
    if members.is_empty() {
        return Ok(Vec::new());
    }
    Ok(serde_json::to_vec(&members)?)
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// SHA-256 of a file in hex.
fn digest(mut file: File) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    if file.metadata()?.len() == 0 {
        bail!("the file is empty");
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|it| format!("{it:02x}")).collect())
}

/// A reader that tells how far it is.
struct Watched<R> {
    inner: R,
    done: u64,
    total: u64,
    sink: ProgressSink,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.done += read as u64;
        (self.sink)(Progress {
            stage: "upload",
            done: self.done,
            total: self.total,
        });
        Ok(read)
    }
}
