//! The settings `docs/OPERATING.md` lists are those of the commented defaults file.

use std::collections::BTreeSet;

use anyhow::Context;
use toml::{Table, Value};

use crate::finding::Finding;
use crate::tree::Tree;

const DEFAULTS: &str = "crates/server/config.default.toml";
const DOCUMENT: &str = "docs/OPERATING.md";
const SECTION: &str = "## Settings";

/// Holds the table of settings against the defaults file.
pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let defaults: Table = tree
        .text(DEFAULTS)?
        .parse()
        .with_context(|| format!("{DEFAULTS} is not TOML"))?;
    Ok(compare(&tree.text(DOCUMENT)?, &defaults))
}

fn compare(document: &str, defaults: &Table) -> Vec<Finding> {
    let mut keys = BTreeSet::new();
    flatten("", defaults, &mut keys);
    let documented = documented(document);
    let lacking = keys
        .difference(&documented)
        .map(|key| format!("the settings lack `{key}`"));
    let gone = documented
        .difference(&keys)
        .map(|key| format!("`{key}` is no setting"));
    lacking
        .chain(gone)
        .map(|text| Finding::new(DOCUMENT, text))
        .collect()
}

/// Keys of a table with their sections before a dot.
fn flatten(section: &str, table: &Table, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let key = if section.is_empty() {
            key.clone()
        } else {
            format!("{section}.{key}")
        };
        match value {
            Value::Table(inner) => flatten(&key, inner, keys),
            _ => {
                keys.insert(key);
            }
        }
    }
}

/// First cells of the rows of the section's table, which are settings in backticks.
fn documented(document: &str) -> BTreeSet<String> {
    let section = document.split_once(SECTION).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or(section);
    let cell = |line: &str| {
        let (key, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(key.to_owned())
    };
    section.lines().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# O\n\n## Settings\n\n| setting | default |\n|---|---|\n\
        | `listen` | here |\n| `api.page_size_max` | 100 |\n\n## Files\n\n| `other` | no |\n";

    fn check(defaults: &str) -> Vec<String> {
        let defaults = defaults.parse().unwrap();
        compare(DOCUMENT, &defaults)
            .into_iter()
            .map(|finding| finding.text)
            .collect()
    }

    #[test]
    fn a_table_of_the_settings_there_are_passes() {
        assert!(check("listen = 'here'\n[api]\npage_size_max = 100").is_empty());
    }

    #[test]
    fn a_setting_that_is_not_documented_is_found() {
        let found = check("listen = 'here'\nmore = 1\n[api]\npage_size_max = 100");
        assert_eq!(found, ["the settings lack `more`"]);
    }

    #[test]
    fn a_setting_that_is_gone_is_found() {
        assert_eq!(
            check("listen = 'here'"),
            ["`api.page_size_max` is no setting"]
        );
    }

    #[test]
    fn a_document_without_the_section_documents_nothing() {
        assert!(documented("# O\n\n| `listen` | here |\n").is_empty());
    }
}
