//! What `cargo metadata` says of the workspace, as far as the checks need it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The packages of the workspace; those they come from elsewhere only as names in dependencies.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
}

/// An arrow from a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    #[serde(default)]
    pub(crate) kind: Option<String>,
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Metadata {
    /// Asks cargo about the workspace at a folder.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let answer = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(root)
            .output()
            .context("cannot run cargo")?;
        let complaint = String::from_utf8_lossy(&answer.stderr);
        ensure!(
            answer.status.success(),
            "cargo metadata failed: {complaint}"
        );
        serde_json::from_slice(&answer.stdout).context("cargo metadata is not as expected")
    }

    pub(crate) fn has_package(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_workspace_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Metadata::read(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("cargo metadata failed"),
            "{error}"
        );
    }
}
