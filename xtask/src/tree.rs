//! The files of the repository: those that are tracked, and those that would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// A folder and the paths of its files, relative to it, sorted.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    paths: Vec<String>,
}

impl Tree {
    /// The repository that this program was built from.
    pub(crate) fn of_repository() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent")?;
        Self::of_git(root)
    }

    fn of_git(root: &Path) -> anyhow::Result<Self> {
        let answer = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .output()
            .context("cannot run git")?;
        let complaint = String::from_utf8_lossy(&answer.stderr);
        ensure!(
            answer.status.success(),
            "git does not list the files of {root:?}: {complaint}"
        );
        let listed = String::from_utf8(answer.stdout).context("a file's name is not UTF-8")?;
        let paths = listed
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned);
        Ok(Self::new(root, paths.collect()))
    }

    /// A tree of the paths given that are files.
    fn new(root: &Path, mut paths: Vec<String>) -> Self {
        paths.retain(|path| root.join(path).is_file());
        paths.sort();
        paths.dedup();
        Self {
            root: root.to_owned(),
            paths,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// The text of a file, `None` where it is not text.
    pub(crate) fn text_if_any(&self, path: &str) -> anyhow::Result<Option<String>> {
        let bytes =
            fs::read(self.root.join(path)).with_context(|| format!("cannot read {path}"))?;
        Ok(String::from_utf8(bytes).ok())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree of throw-away files, and the folder that keeps them while it lives.
    pub(crate) fn planted(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let paths = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let tree = Tree::new(folder.path(), paths);
        (folder, tree)
    }

    #[test]
    fn the_repository_lists_this_file_once() {
        let tree = Tree::of_repository().unwrap();
        assert_eq!(
            tree.paths()
                .filter(|path| *path == "xtask/src/tree.rs")
                .count(),
            1
        );
        assert!(
            tree.text("xtask/src/tree.rs")
                .unwrap()
                .starts_with("//! The files")
        );
    }

    #[test]
    fn a_folder_outside_git_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Tree::of_git(folder.path()).unwrap_err();
        assert!(error.to_string().contains("git does not list"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_text_has_no_text() {
        let (folder, _) = planted(&[("a", "text")]);
        fs::write(folder.path().join("b"), [0xff, 0xfe]).unwrap();
        let tree = Tree::new(folder.path(), vec!["a".into(), "b".into(), "gone".into()]);
        assert_eq!(tree.paths().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(tree.text_if_any("a").unwrap().as_deref(), Some("text"));
        assert_eq!(tree.text_if_any("b").unwrap(), None);
        assert!(tree.text("gone").is_err());
        assert!(tree.text_if_any("gone").is_err());
    }
}
