//! Chores of the house, run as `cargo xtask …`.
//!
//! Every rule that can be checked is checked here, and `cargo nextest run -p xtask` checks the
//! repository itself by the same code.

#![expect(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]

mod code_map;
mod endpoints;
mod files;
mod finding;
mod layering;
mod links;
mod metadata;
mod readme;
mod settings;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::finding::Finding;
use crate::metadata::Metadata;
use crate::tree::Tree;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check      layers, fences, code map, settings, endpoints, files, generated marks, links
  lengths    hand-written files by length, longest first
  readme     runs every command README.md shows, in a copy of the repository; a program that is
             named is taken for the one that `make run` builds";

fn main() -> anyhow::Result<ExitCode> {
    let command = std::env::args().nth(1).unwrap_or_default();
    let tree = Tree::of_repository()?;
    match command.as_str() {
        "check" => Ok(report(&check(&tree)?)),
        "lengths" => {
            for (path, lines) in files::lengths(&tree)?.into_iter().take(20) {
                println!("{lines:>5}  {path}");
            }
            Ok(ExitCode::SUCCESS)
        }
        "readme" => {
            let program = std::env::args_os().nth(2).map(PathBuf::from);
            readme::rerun(&tree, program.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        "" | "help" | "--help" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("{other:?} is not a command\n\n{USAGE}"),
    }
}

/// Holds the repository against every rule of the house.
fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let metadata = Metadata::read(tree.root()).context("cannot read the workspace's metadata")?;
    let mut findings = layering::check(&metadata);
    let of_files = [
        code_map::check(tree, &metadata),
        settings::check(tree),
        endpoints::check(tree),
        files::check(tree),
        links::check(tree),
    ];
    for found in of_files {
        match found {
            Ok(found) => findings.extend(found),
            // What a check cannot read is a broken rule as well, and hides no other.
            Err(error) => findings.push(Finding::new("xtask", format!("{error:#}"))),
        }
    }
    Ok(findings)
}

fn report(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("the house is in order");
        return ExitCode::SUCCESS;
    }
    println!("{} rules are broken", findings.len());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_keeps_the_rules_of_the_house() {
        let tree = Tree::of_repository().unwrap();
        let findings = check(&tree).unwrap();
        assert!(findings.is_empty(), "{}", finding::list(&findings));
    }

    #[test]
    fn documents_that_are_gone_are_findings() {
        let workspace = ("Cargo.toml", "[workspace]\nresolver = \"3\"\n");
        let (_folder, tree) = tree::tests::planted(&[workspace]);
        let found = finding::list(&check(&tree).unwrap());
        for path in ["ARCHITECTURE.md", "config.default.toml", "openapi.json"] {
            assert!(found.contains(path), "{path} is not missed: {found}");
        }
    }

    #[test]
    fn findings_make_the_check_fail() {
        let finding = Finding::new("README.md", "is not what it was");
        assert_eq!(
            format!("{:?}", report(&[finding])),
            format!("{:?}", ExitCode::FAILURE)
        );
        assert_eq!(
            format!("{:?}", report(&[])),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }
}
