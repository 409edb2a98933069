//! `docs/ARCHITECTURE.md` names exactly the crates there are, says what each never does, and
//! stays short enough to be read.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::metadata::Metadata;
use crate::tree::Tree;

const DOCUMENT: &str = "docs/ARCHITECTURE.md";
const SECTION: &str = "## Code map";
const LINES_MAX: usize = 200;

/// Holds the code map against the crates of the workspace.
pub(crate) fn check(tree: &Tree, metadata: &Metadata) -> anyhow::Result<Vec<Finding>> {
    let text = tree.text(DOCUMENT)?;
    let names = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    Ok(compare(&text, &names))
}

fn compare(text: &str, crates: &BTreeSet<&str>) -> Vec<Finding> {
    let entries = entries(text);
    let named: BTreeSet<&str> = entries.iter().map(|(name, _)| *name).collect();
    let mut findings = Vec::new();
    for name in crates.difference(&named) {
        findings.push(Finding::new(DOCUMENT, format!("the code map lacks {name}")));
    }
    for name in named.difference(crates) {
        findings.push(Finding::new(
            DOCUMENT,
            format!("the code map names {name}, which is gone"),
        ));
    }
    for (name, paragraph) in &entries {
        if !paragraph.contains("**Never**") {
            findings.push(Finding::new(
                DOCUMENT,
                format!("{name} has no **Never** line"),
            ));
        }
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(Finding::new(
            DOCUMENT,
            format!("has {lines} lines, over {LINES_MAX}"),
        ));
    }
    findings
}

/// Crates by name with their paragraphs: those of the section that begin with a bold name.
fn entries(text: &str) -> Vec<(&str, String)> {
    let section = text.split_once(SECTION).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut entries = Vec::new();
    for paragraph in section.split("\n\n") {
        let name = paragraph
            .trim_start()
            .strip_prefix("**`")
            .and_then(|rest| rest.split_once("`**"));
        if let Some((name, rest)) = name {
            entries.push((name, rest.to_owned()));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "# A\n\n## Code map\n\n**`a`** does it. **Never** more.\n\n\
        Some words.\n\n**`b`** does\nthat. **Never** this.\n\n## Next\n\n**`c`** is no entry.\n";

    fn check(text: &str, crates: &[&str]) -> Vec<String> {
        let crates = crates.iter().copied().collect();
        compare(text, &crates)
            .into_iter()
            .map(|finding| finding.text)
            .collect()
    }

    #[test]
    fn a_map_of_the_crates_there_are_passes() {
        assert!(check(MAP, &["a", "b"]).is_empty());
    }

    #[test]
    fn a_crate_missing_from_the_map_is_found() {
        assert_eq!(check(MAP, &["a", "b", "z"]), ["the code map lacks z"]);
    }

    #[test]
    fn a_crate_that_is_gone_is_found() {
        assert_eq!(check(MAP, &["a"]), ["the code map names b, which is gone"]);
    }

    #[test]
    fn a_paragraph_without_its_never_is_found() {
        let text = MAP.replace("**Never** this.", "");
        assert_eq!(check(&text, &["a", "b"]), ["b has no **Never** line"]);
    }

    #[test]
    fn a_long_document_is_found() {
        let text = MAP.replace("Some words.", &"Some words.\n".repeat(200));
        assert_eq!(check(&text, &["a", "b"]).len(), 1);
    }

    #[test]
    fn a_document_without_a_map_lacks_every_crate() {
        assert_eq!(check("# A\n", &["a"]), ["the code map lacks a"]);
    }
}
