use super::*;

/// Findings for one package of the name given with one dependency.
fn findings(package: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
    let json = serde_json::json!({
        "packages": [{
            "name": package,
            "dependencies": [{ "name": dependency, "kind": kind }],
        }],
    });
    let metadata: Metadata = serde_json::from_value(json).unwrap();
    check(&metadata).iter().map(ToString::to_string).collect()
}

#[test]
fn the_workspace_keeps_to_the_table() {
    let tree = crate::tree::Tree::of_repository().unwrap();
    let metadata = Metadata::read(tree.root()).unwrap();
    let arrows: usize = metadata
        .packages
        .iter()
        .map(|package| package.dependencies.len())
        .sum();
    assert!(arrows > 40, "metadata names only {arrows} dependencies");
    let findings = check(&metadata);
    assert!(findings.is_empty(), "{}", crate::finding::list(&findings));
}

#[test]
fn an_arrow_of_the_table_passes() {
    assert!(findings("engine", "store", None).is_empty());
}

#[test]
fn a_library_without_a_fence_passes() {
    assert!(findings("domain", "serde", None).is_empty());
}

#[test]
fn an_arrow_upwards_is_found() {
    assert_eq!(
        findings("domain", "store", None),
        ["domain: may not use store"]
    );
}

#[test]
fn an_arrow_over_a_floor_is_found() {
    assert_eq!(findings("api", "store", None), ["api: may not use store"]);
}

#[test]
fn a_build_dependency_counts_like_any_other() {
    assert_eq!(
        findings("engine", "api", Some("build")),
        ["engine: may not use api"]
    );
}

#[test]
fn tests_may_build_on_lower_floors() {
    assert!(findings("api", "store", Some("dev")).is_empty());
}

#[test]
fn tests_may_not_look_up() {
    assert_eq!(
        findings("store", "engine", Some("dev")),
        ["store: may not use engine in tests: it stands no lower"]
    );
}

#[test]
fn testkit_helps_tests() {
    assert!(findings("domain", "testkit", Some("dev")).is_empty());
}

#[test]
fn testkit_helps_only_tests() {
    assert_eq!(
        findings("server", "testkit", None),
        ["server: may use testkit only as a dev-dependency"]
    );
}

#[test]
fn a_fenced_library_is_found_outside_its_fence() {
    assert_eq!(
        findings("engine", "sqlx", None),
        ["engine: may not name sqlx: only store may"]
    );
}

#[test]
fn a_fence_holds_the_family_of_a_library() {
    assert_eq!(
        findings("engine", "axum-extra", None),
        ["engine: may not name axum-extra: only api and server may"]
    );
}

#[test]
fn a_fence_holds_in_tests_too() {
    assert_eq!(
        findings("domain", "tokio", Some("dev")).len(),
        1,
        "a pure crate has nothing to wait for"
    );
}

#[test]
fn a_crate_without_a_row_is_found() {
    assert_eq!(
        findings("utils", "serde", None),
        ["utils: has no row in xtask/src/layering.rs"]
    );
}

#[test]
fn a_crate_without_a_row_is_no_way_around_the_table() {
    let json = serde_json::json!({
        "packages": [
            { "name": "engine", "dependencies": [{ "name": "utils" }] },
            { "name": "utils" },
        ],
    });
    let findings = check(&serde_json::from_value(json).unwrap());
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0].to_string(), "engine: may not use utils");
}

#[test]
fn every_row_builds_on_lower_floors() {
    for from in ROWS {
        for name in from.uses {
            let to = row(name).unwrap();
            assert!(to.floor < from.floor, "{} may not use {name}", from.name);
        }
    }
}
