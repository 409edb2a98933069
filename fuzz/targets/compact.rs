//! Its seeds are made anew each time, of recorded models, into the folder that `FUZZ_SEEDS` names,
//! as the format may change.

#![no_main]

use std::{env, fs, path::PathBuf, sync::Arc};

fn make_seeds() {
    let Some(to) = env::var_os("FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/trees/tests/golden");
    for folder in ["lightgbm", "xgboost", "onnx"] {
        let files = fs::read_dir(golden.join(folder)).expect("recorded models");
        for file in files.filter_map(Result::ok).step_by(5) {
            let bytes = fs::read(file.path()).expect("a file");
            if let Ok(model) = trees::Model::read(Arc::new(bytes)) {
                let name = file.file_name();
                fs::write(to.join(name), model.to_compact()).expect("a writable folder");
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(init: make_seeds(), |bytes: &[u8]| fuzz::open(bytes));
