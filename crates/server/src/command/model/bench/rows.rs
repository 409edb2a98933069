//! Requests to send: rows of a file, or random ones that fit the model's inputs.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BenchArgs, Client};

/// Different requests made beforehand, sent in turn.
const REQUESTS: usize = 64;
/// Numbers made beforehand, at most.
const NUMBERS_MAX: usize = 8 << 20;

/// An input of the model, as its metadata has it.
#[derive(Debug, Deserialize)]
struct Input {
    name: String,
    datatype: String,
    shape: Vec<i64>,
}

/// Rows like those of golden.json; `null` is not a number.
#[derive(Debug, Deserialize)]
struct Golden {
    inputs: Vec<Vec<Option<f64>>>,
}

/// Whole requests, head and body.
pub(super) fn requests(
    args: &BenchArgs,
    client: &Client,
    metadata: &Value,
    host: &str,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let inputs = Vec::<Input>::deserialize(&metadata["inputs"]);
    let inputs = inputs.context("the model's metadata cannot be read")?;
    let [input] = inputs.as_slice() else {
        bail!(
            "bench takes models with one input; this has {}",
            inputs.len()
        );
    };
    let width: i64 = input.shape.get(1..).unwrap_or_default().iter().product();
    let width = usize::try_from(width).ok().filter(|it| *it > 0);
    let width = width.context("an input whose rows differ in length cannot be made up")?;
    let rows = args.rows as usize;
    let count = REQUESTS.min(NUMBERS_MAX / (rows * width).max(1)).max(1);
    let mut source = match &args.golden {
        Some(path) => Source::Golden(read(path, width)?, 0),
        None => Source::Random(args.seed),
    };
    Ok((0..count)
        .map(|_| {
            let data: Vec<_> = (0..rows).flat_map(|_| source.row(width)).collect();
            let mut shape = input.shape.clone();
            shape[0] = i64::from(args.rows);
            let body = json!({"inputs": [{"name": input.name, "datatype": input.datatype,
                "shape": shape, "data": data}]});
            request(args, client, host, &body.to_string())
        })
        .collect())
}

fn request(args: &BenchArgs, client: &Client, host: &str, body: &str) -> Vec<u8> {
    let name = &args.name.0;
    let length = body.len();
    let key = client
        .key()
        .map_or_else(String::new, |it| format!("authorization: Bearer {it}\r\n"));
    let head = format!(
        "POST /v2/models/{name}/infer HTTP/1.1\r\nhost: {host}\r\n{key}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn read(path: &Path, width: usize) -> anyhow::Result<Vec<Vec<Option<f64>>>> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
    let golden: Result<Golden, _> = serde_json::from_str(&text);
    let rows = golden
        .with_context(|| format!("{} has no rows in `inputs`", path.display()))?
        .inputs;
    ensure!(!rows.is_empty(), "{} has no rows", path.display());
    let other = rows.iter().position(|it| it.len() != width);
    if let Some(row) = other {
        bail!(
            "row {row} of {} has {} numbers where the model takes {width}",
            path.display(),
            rows[row].len()
        );
    }
    Ok(rows)
}

/// Where rows come from.
enum Source {
    Golden(Vec<Vec<Option<f64>>>, usize),
    /// The state of a generator (splitmix64).
    Random(u64),
}

impl Source {
    fn row(&mut self, width: usize) -> Vec<Option<f64>> {
        match self {
            Self::Golden(rows, next) => {
                let row = rows[*next % rows.len()].clone();
                *next += 1;
                row
            }
            Self::Random(state) => (0..width).map(|_| Some(number(state))).collect(),
        }
    }
}

/// A number between −3 and 3, where features that were scaled lie, with three digits.
fn number(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut it = *state;
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^= it >> 31;
    ((it % 6_001) as f64 - 3_000.0) / 1_000.0
}
