//! Small real models and folders of them, for tests.

use std::{fs, path::Path, time::Duration};

use tempfile::TempDir;
use trees::{
    Aggregate, Base, Ensemble, Link, Missing, Model, Node, Precision, Side, Split, Test, Tree,
};

use crate::{DataType, Eviction, ServerOptions, Tensor, Values};

/// A model in the compact form: its first of two features above zero gives `high`, else `low`.
pub(crate) fn stump(low: f64, high: f64, precision: Precision) -> Vec<u8> {
    let leaf = |value| Node::Leaf { value, cover: 1.0 };
    let root = Node::Split(Split {
        feature: 0,
        test: Test::AtMost(0.0),
        missing: Missing::Nan(Side::Left),
        left: 1,
        right: 2,
        cover: 2.0,
    });
    Model::new(Ensemble {
        feature_names: vec!["elo".to_owned(), "rest".to_owned()],
        outputs: 1,
        precision,
        base: Base::First(vec![0.0]),
        trees: vec![Tree {
            output: 0,
            nodes: vec![root, leaf(low), leaf(high)],
        }],
        aggregate: Aggregate::Sum,
        link: Link::Identity,
    })
    .to_compact()
}

/// Puts a version into a folder of models, in one step.
pub(crate) fn put(folder: &Path, name: &str, version: u64, model: &[u8]) {
    let path = folder.join(name).join(version.to_string());
    fs::create_dir_all(&path).unwrap();
    let beside = path.join("beside");
    fs::write(&beside, model).unwrap();
    fs::rename(beside, path.join("model.trees")).unwrap();
}

/// Options with room for everything and no poll.
pub(crate) fn options(folder: &TempDir) -> ServerOptions {
    ServerOptions {
        folder: folder.path().to_owned(),
        poll_every: None,
        budget_bytes: 1 << 30,
        eviction: Eviction::Lru,
        loads_max: 2,
        load_wait_max: Duration::from_secs(10),
        load_backoff: Duration::from_secs(1),
        load_backoff_max: Duration::from_secs(3),
        requests_max: 64,
        threads: 1,
        direct_max: Duration::from_micros(50),
        upload_bytes_max: 1 << 20,
        results_bytes_max: 1 << 20,
    }
}

/// One row for [`stump`].
pub(crate) fn row(elo: f64) -> Vec<Tensor> {
    vec![Tensor {
        name: "input".to_owned(),
        datatype: DataType::Fp64,
        shape: vec![1, 2],
        values: Values::Fp64(vec![elo, 0.0]),
    }]
}
