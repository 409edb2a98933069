//! Reads a version's file into something that runs: hash, format, golden rows, warm-up. Blocks.
//!
//! What it refuses never takes traffic, and the reason names the file, row or value.

use std::{
    fs,
    sync::Arc,
    thread,
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
    let bytes = Arc::new(bytes);
    let (content, backend) = thread::scope(|scope| {
        let content = scope.spawn(|| ContentHash::of(&bytes));
        let backend = backend(source, Arc::clone(&bytes));
        (content.join().expect("hashing does not panic"), backend)
    });
    drop(bytes);
    let backend = backend?;
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

fn backend(source: &Source, bytes: Arc<Vec<u8>>) -> Result<Box<dyn Backend>, String> {
    let kind = source.path.extension().and_then(|it| it.to_str());
    let kind = kind.unwrap_or("");
    Ok(if kind == "onnx" && !is_trees_alone(&bytes) {
        Box::new(OnnxBackend::read(&bytes, &source.config)?)
    } else {
        Box::new(TreesBackend::read(bytes, kind, &source.config)?)
    })
}

#[cfg(test)]
mod tests;
