//! The endpoints `docs/ARCHITECTURE.md` lists are those of the OpenAPI document.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;

use crate::finding::Finding;
use crate::tree::Tree;

const OPENAPI: &str = "docs/api/openapi.json";
const DOCUMENT: &str = "docs/ARCHITECTURE.md";
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Holds the table of endpoints against the OpenAPI document.
pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let openapi = serde_json::from_str(&tree.text(OPENAPI)?)
        .with_context(|| format!("{OPENAPI} is not JSON"))?;
    Ok(compare(&tree.text(DOCUMENT)?, &openapi))
}

fn compare(document: &str, openapi: &Value) -> Vec<Finding> {
    let served = served(openapi);
    let documented = documented(document);
    let lacking = served
        .difference(&documented)
        .map(|endpoint| format!("lacks `{endpoint}`"));
    let gone = documented
        .difference(&served)
        .map(|endpoint| format!("`{endpoint}` is not served"));
    lacking
        .chain(gone)
        .map(|text| Finding::new(DOCUMENT, text))
        .collect()
}

/// Method and path of every operation.
fn served(openapi: &Value) -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if item.get(method).is_some() {
                operations.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    operations
}

/// What stands in backticks in the first cell of a table's row and begins with a method.
fn documented(document: &str) -> BTreeSet<String> {
    let first = |line: &str| {
        line.strip_prefix("| `")?
            .split(" |")
            .next()
            .map(str::to_owned)
    };
    let is_endpoint = |text: &&str| {
        let method = text
            .split_once(' ')
            .map(|(method, _)| method.to_lowercase());
        method.is_some_and(|it| METHODS.contains(&it.as_str()))
    };
    let mut found = BTreeSet::new();
    for cell in document.lines().filter_map(first) {
        let endpoints = cell.split('`').filter(is_endpoint);
        found.extend(endpoints.map(str::to_owned));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# A\n\n| endpoint | for |\n|---|---|\n| `GET /v1/teams` | teams |\n\
        | `POST /v1/quotes` | prices |\n\n| `domain` | words |\n";

    fn check(openapi: &str) -> Vec<String> {
        let openapi = serde_json::from_str(openapi).unwrap();
        compare(DOCUMENT, &openapi)
            .into_iter()
            .map(|finding| finding.text)
            .collect()
    }

    #[test]
    fn a_table_of_what_is_served_passes() {
        let openapi = r#"{"paths": {
            "/v1/teams": {"get": {}, "parameters": []},
            "/v1/quotes": {"post": {}}
        }}"#;
        assert!(check(openapi).is_empty());
    }

    #[test]
    fn an_endpoint_that_is_not_documented_is_found() {
        let openapi = r#"{"paths": {
            "/v1/teams": {"get": {}, "delete": {}},
            "/v1/quotes": {"post": {}}
        }}"#;
        assert_eq!(check(openapi), ["lacks `DELETE /v1/teams`"]);
    }

    #[test]
    fn an_endpoint_that_is_gone_is_found() {
        let found = check(r#"{"paths": {"/v1/quotes": {"post": {}}}}"#);
        assert_eq!(found, ["`GET /v1/teams` is not served"]);
    }

    #[test]
    fn a_document_without_paths_serves_nothing() {
        assert_eq!(check("{}").len(), 2);
    }
}
