//! What every file of the repository keeps to: a length that can be read, a mark where it is
//! generated, and nothing of the machine it was written on.

use crate::finding::Finding;
use crate::tree::Tree;

const LINES_MAX: usize = 500;

const CODE: [&str; 9] = [
    ".rs", ".ts", ".tsx", ".css", ".js", ".mjs", ".sh", ".py", ".sql",
];

/// Files that a program writes and we commit; each has to say so where it opens, except JSON,
/// which has no room for remarks.
const GENERATED: &[&str] = &[
    "crates/api/src/oip/grpc/generated.rs",
    "docs/api/openapi.json",
    "sdk/typescript/src/facts.gen.ts",
    "sdk/typescript/src/schema.gen.ts",
    "web/src/schema.gen.ts",
];

/// Where `unsafe` may stand: what cannot be said without it, each beside a twin that can.
const UNSAFE: [&str; 6] = [
    "crates/trees/src/kernel/avx2",
    "crates/trees/src/kernel/avx512",
    "crates/trees/src/quantise/avx2",
    "crates/trees/src/quantise/avx512",
    "crates/inference/src/mapped.rs",
    "crates/server/src/memory.rs",
];

/// Lock files are written by package managers, which give no place for a mark.
const LOCKS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// The one source that Cargo.lock may name: the default registry, however it is reached.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Holds every file against the rules.
pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, lines) in lengths(tree)? {
        if lines > LINES_MAX {
            findings.push(Finding::new(
                path,
                format!("has {lines} lines, over {LINES_MAX}"),
            ));
        }
    }
    for path in tree.paths() {
        let Some(text) = tree.text_if_any(path)? else {
            continue;
        };
        findings.extend(origin(path, &text));
        if path.ends_with(".rs") && allows_unsafe(&text) && !may_be_unsafe(path) {
            findings.push(Finding::new(
                path,
                "allows unsafe code and is not in the list of xtask/src/files.rs",
            ));
        }
        if is_generated(path) && !path.ends_with(".json") && !is_marked(&text) {
            findings.push(Finding::new(
                path,
                "is generated and does not open by saying so",
            ));
        }
    }
    for path in GENERATED
        .iter()
        .filter(|path| !tree.paths().any(|there| there == **path))
    {
        findings.push(Finding::new(*path, "is generated and not there"));
    }
    Ok(findings)
}

/// Whether a file lifts the ban on `unsafe`.
fn allows_unsafe(text: &str) -> bool {
    let lifted = ["expect(", "allow("];
    text.match_indices(concat!("unsafe", "_code"))
        .any(|(at, _)| {
            let before = text[..at].trim_end();
            lifted.iter().any(|it| before.ends_with(it))
        })
}

fn may_be_unsafe(path: &str) -> bool {
    UNSAFE.iter().any(|place| path.starts_with(place))
}

/// Hand-written code with its number of lines, longest first.
pub(crate) fn lengths(tree: &Tree) -> anyhow::Result<Vec<(String, usize)>> {
    let mut lengths = Vec::new();
    for path in tree
        .paths()
        .filter(|path| is_code(path) && !is_generated(path))
    {
        lengths.push((path.to_owned(), tree.text(path)?.lines().count()));
    }
    lengths.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(lengths)
}

fn is_code(path: &str) -> bool {
    CODE.iter().any(|ending| path.ends_with(ending))
}

fn is_generated(path: &str) -> bool {
    GENERATED.contains(&path)
}

/// Whether one of the first lines says that the file is generated.
fn is_marked(text: &str) -> bool {
    let mut opening = text.lines().take(3);
    opening.any(|line| line.to_lowercase().contains("generated"))
}

/// Traces of a machine or of a mirror, by line.
fn origin(path: &str, text: &str) -> Vec<Finding> {
    let is_lock = LOCKS.iter().any(|lock| path.ends_with(lock));
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{path}:{}", index + 1);
        if is_lock {
            let strange = line
                .trim_start()
                .strip_prefix("source = ")
                .is_some_and(|source| source.trim_matches('"') != SOURCE);
            if strange || line.contains("\"resolved\": \"http") {
                findings.push(Finding::new(place(), "names the host a package came from"));
            }
        } else if let Some(trace) = machine_path(line) {
            findings.push(Finding::new(
                place(),
                format!("names a machine's path, {trace}"),
            ));
        }
    }
    findings
}

/// The first path in a line that only one machine has: below a home or a working folder.
fn machine_path(line: &str) -> Option<&str> {
    const FOLDERS: [&str; 3] = ["root", "work", "home"];
    let starts = line.match_indices('/').map(|(at, _)| at);
    starts
        .filter(|&at| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| matches!(c, ' ' | '"' | '\'' | '`' | '=' | '(' | ':' | '>'))
        })
        .map(|at| {
            line[at..]
                .split([' ', '"', '\'', '`', ')', '<', ':', ','])
                .next()
                .unwrap_or("")
        })
        .find(|path| {
            let mut parts = path.split('/').skip(1);
            let in_folder = parts.next().is_some_and(|first| FOLDERS.contains(&first));
            in_folder && parts.next().is_some_and(|second| !second.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::planted;

    const MARKS: [(&str, &str); 5] = [
        ("crates/api/src/oip/grpc/generated.rs", "// Generated.\n"),
        ("docs/api/openapi.json", "{}"),
        ("sdk/typescript/src/facts.gen.ts", "// Generated.\n"),
        ("sdk/typescript/src/schema.gen.ts", "// Generated.\n"),
        ("web/src/schema.gen.ts", "// Generated.\n"),
    ];

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut files: Vec<_> = MARKS
            .iter()
            .copied()
            .filter(|file| file.0 != path)
            .collect();
        files.push((path, text));
        let (_folder, tree) = planted(&files);
        check(&tree)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_ordinary_file_passes() {
        assert!(
            found(
                "crates/a/src/lib.rs",
                "//! Home and away.\nlet x = a / root / b;\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_file_too_long_to_read_is_found() {
        let found = found("crates/a/src/lib.rs", &"line\n".repeat(501));
        assert_eq!(found, ["crates/a/src/lib.rs: has 501 lines, over 500"]);
    }

    #[test]
    fn a_long_table_of_data_is_no_code() {
        assert!(found("crates/a/data/names.csv", &"line\n".repeat(501)).is_empty());
    }

    #[test]
    fn a_generated_file_without_its_mark_is_found() {
        let found = found("web/src/schema.gen.ts", "export type A = 1;\n");
        assert_eq!(
            found,
            ["web/src/schema.gen.ts: is generated and does not open by saying so"]
        );
    }

    #[test]
    fn a_generated_file_that_is_gone_is_found() {
        let (_folder, tree) = planted(&MARKS[..MARKS.len() - 1]);
        let found = check(&tree).unwrap();
        assert_eq!(
            found[0].to_string(),
            "web/src/schema.gen.ts: is generated and not there"
        );
    }

    #[test]
    fn unsafe_code_stands_only_where_it_is_listed() {
        let text = concat!("#![expect(unsafe", "_code, reason = \"\")]\n");
        assert_eq!(found("crates/a/src/lib.rs", text).len(), 1);
        assert!(found("crates/trees/src/kernel/avx2/block.rs", text).is_empty());
        let ban = concat!("unsafe", "_code = \"deny\"\n");
        assert!(found("crates/a/src/lib.rs", ban).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in ["home", "root", "work"] {
            for text in [format!("see '/{folder}/me'"), format!("x=/{folder}/y")] {
                assert_eq!(found("README.md", &text).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn addresses_and_ratios_are_no_paths_of_a_machine() {
        for text in [
            "GET https://example.org/home/teams",
            "home/away",
            "'/home/'",
            "/rooted/a",
        ] {
            assert!(found("README.md", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_lock_file_with_a_host_is_found() {
        let lock = "{\n  \"resolved\": \"https://mirror.example/a.tgz\"\n}";
        let expected = "web/package-lock.json:2: names the host a package came from";
        assert_eq!(found("web/package-lock.json", lock), [expected]);
    }

    #[test]
    fn a_crate_from_another_registry_is_found() {
        let ours = format!("source = \"{SOURCE}\"\n");
        assert!(found("Cargo.lock", &ours).is_empty());
        assert_eq!(
            found("Cargo.lock", "source = \"git+https://example.org/x\"\n").len(),
            1
        );
    }
}
