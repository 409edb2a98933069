//! Has the crate built again when the dashboard's program was: its files stand in the binary.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let dist = Path::new("../../web/dist");
    // What is missing would count as changed at every build.
    fs::create_dir_all(dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    Ok(())
}
