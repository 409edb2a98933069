//! Reads a version's file into something that runs: hash, format, golden rows, warm-up. Blocks.
//!
//! What it refuses never takes traffic, and the reason names the file, row or value.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    ContentHash,
    backend::{
        Backend,
        onnx::{OnnxBackend, is_trees_alone},
        trees::TreesBackend,
    },
    model_cache::{Loaded, Source},
};

mod golden;
mod warm_up;

pub(crate) use warm_up::still_runs;

/// Reads, checks and warms a version.
pub(crate) fn read(source: &Source) -> Result<Loaded, String> {
    let started = Instant::now();
    let name = source.path.file_name().unwrap_or_default();
    let bytes = fs::read(&source.path).map_err(|it| format!("{}: {it}", name.display()))?;
    let content = ContentHash::of(&bytes);
    let kind = source.path.extension().and_then(|it| it.to_str());
    let kind = kind.unwrap_or("");
    let backend: Box<dyn Backend> = if kind == "onnx" && !is_trees_alone(&bytes) {
        Box::new(OnnxBackend::read(&bytes, &source.config)?)
    } else {
        Box::new(TreesBackend::read(bytes, kind, &source.config)?)
    };
    if let Some((golden, _)) = &source.golden {
        golden::compare(&*backend, golden)?;
    }
    let row_cost = warm_up::run(&*backend, source.config.warm_up_rows)?;
    Ok(Loaded {
        backend,
        row_cost,
        content,
        load_time: started.elapsed().max(Duration::from_nanos(1)),
    })
}

#[cfg(test)]
mod tests;
