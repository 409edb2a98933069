//! Links between our own documents lead somewhere.

use std::path::Path;

use crate::finding::Finding;
use crate::tree::Tree;

/// Follows every relative link of every Markdown file.
pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in tree.paths().filter(|path| path.ends_with(".md")) {
        for (line, target) in links(&tree.text(path)?) {
            if let Some(text) = problem(tree, path, &target)? {
                findings.push(Finding::new(format!("{path}:{line}"), text));
            }
        }
    }
    Ok(findings)
}

/// Targets in round brackets after square ones, outside code, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        for after in prose.split("](").skip(1) {
            if let Some((target, _)) = after.split_once(')') {
                links.push((index + 1, target.to_owned()));
            }
        }
    }
    links
}

/// What is wrong with a link; nothing with one that leaves the repository.
fn problem(tree: &Tree, from: &str, target: &str) -> anyhow::Result<Option<String>> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(None);
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    let found = if file.is_empty() {
        Path::new(from).to_owned()
    } else {
        folder.join(file)
    };
    if !tree.root().join(&found).exists() {
        return Ok(Some(format!("leads to {target}, which is not there")));
    }
    if anchor.is_empty() {
        return Ok(None);
    }
    let text = tree.text(&found.to_string_lossy())?;
    let there = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| slug(line) == anchor);
    Ok((!there).then(|| format!("leads to {target}, a heading that is not there")))
}

/// The anchor of a heading: lower case, words joined by hyphens, punctuation left out.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::planted;

    fn found(text: &str) -> Vec<String> {
        let files = [
            ("docs/a.md", text),
            ("README.md", "# Read me\n\n## Five minutes, please\n"),
        ];
        let (_folder, tree) = planted(&files);
        check(&tree)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "# A\n[up](../README.md) [part](../README.md#five-minutes-please) [here](#a)\n\
            [out](https://example.org/none) ![folder](../docs)\n";
        assert!(found(text).is_empty());
    }

    #[test]
    fn a_link_to_nowhere_is_found_with_its_line() {
        assert_eq!(
            found("\n[x](b.md)\n"),
            ["docs/a.md:2: leads to b.md, which is not there"]
        );
    }

    #[test]
    fn a_heading_that_is_gone_is_found() {
        assert_eq!(
            found("[x](../README.md#gone)"),
            ["docs/a.md:1: leads to ../README.md#gone, a heading that is not there"]
        );
    }

    #[test]
    fn code_holds_no_links() {
        assert!(found("`a[0](b)`\n```rust\nx[1](gone)\n```\n").is_empty());
    }
}
