//! Who may use whom, and which library only which crate may name.
//!
//! The table is the architecture. An arrow that is not in it fails; so does a crate that has no
//! row. Rows may name crates that are not built yet.

use crate::finding::Finding;
use crate::metadata::{Dependency, Metadata, Package};

/// A crate of the workspace, the floor it stands on and the crates it may build on.
struct Row {
    name: &'static str,
    floor: u8,
    uses: &'static [&'static str],
}

/// Libraries that only some crates may name.
struct Fence {
    /// Names; one that ends in `*` stands for every name that begins so.
    libraries: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Helps tests only.
const DEV_ONLY: &str = "testkit";

/// Stands on every floor at once: chores, which no crate uses.
const CHORES: &str = "xtask";

const EVERY: &[&str] = &[
    "api",
    "cache",
    "domain",
    "engine",
    "feed",
    "forecast",
    "inference",
    "monitor",
    "store",
    "trees",
];

const ROWS: &[Row] = &[
    Row {
        name: "domain",
        floor: 1,
        uses: &[],
    },
    Row {
        name: "trees",
        floor: 1,
        uses: &[],
    },
    Row {
        name: "cache",
        floor: 1,
        uses: &[],
    },
    Row {
        name: "feed",
        floor: 1,
        uses: &[],
    },
    Row {
        name: "inference",
        floor: 2,
        uses: &["trees"],
    },
    Row {
        name: "forecast",
        floor: 2,
        uses: &["domain", "trees"],
    },
    Row {
        name: "store",
        floor: 2,
        uses: &["domain"],
    },
    Row {
        name: "engine",
        floor: 3,
        uses: &["domain", "forecast", "store", "cache", "feed", "inference"],
    },
    Row {
        name: "monitor",
        floor: 3,
        uses: &["domain", "store"],
    },
    Row {
        name: "api",
        floor: 4,
        uses: &["domain", "engine", "monitor"],
    },
    Row {
        name: "server",
        floor: 5,
        uses: EVERY,
    },
    Row {
        name: DEV_ONLY,
        floor: 6,
        uses: EVERY,
    },
    Row {
        name: CHORES,
        floor: 6,
        uses: &[],
    },
];

const FENCES: &[Fence] = &[
    Fence {
        libraries: &["sqlx*", "rusqlite", "libsqlite3-sys"],
        crates: &["store"],
    },
    Fence {
        libraries: &["axum*", "hyper*", "tonic*", "tower*"],
        crates: &["api", "server"],
    },
    Fence {
        libraries: &["utoipa*", "rust-embed"],
        crates: &["api"],
    },
    Fence {
        libraries: &["clap*", "anyhow"],
        crates: &["server", CHORES],
    },
    Fence {
        libraries: &["ureq", "reqwest", "indicatif"],
        crates: &["server"],
    },
    Fence {
        libraries: &["redis", "fred"],
        crates: &["cache", "feed"],
    },
    Fence {
        libraries: &["gbdt", "lightgbm*", "xgboost*", "perpetual", "forust*"],
        crates: &["forecast"],
    },
    Fence {
        libraries: &["prost*"],
        crates: &["api", "inference", "trees"],
    },
    Fence {
        libraries: &["ort", "tract*", "onnxruntime*"],
        crates: &["inference"],
    },
    Fence {
        libraries: &["argmin*", "nalgebra", "libm", "rayon"],
        crates: &["forecast"],
    },
    // What has no runtime at hand can neither read a socket nor wait for a clock.
    Fence {
        libraries: &["tokio*", "tracing*"],
        crates: &[
            "api",
            "cache",
            "engine",
            "feed",
            "inference",
            "monitor",
            "server",
            "store",
            DEV_ONLY,
        ],
    },
    // Chance arrives as a seed, in an argument.
    Fence {
        libraries: &["getrandom", "fastrand"],
        crates: &["server", "api"],
    },
];

/// Holds every arrow of the workspace against the table.
pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Some(row) = row(&package.name) else {
            findings.push(Finding::new(
                &package.name,
                "has no row in xtask/src/layering.rs",
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let ours =
                metadata.has_package(&dependency.name) || self::row(&dependency.name).is_some();
            let problem = if ours {
                arrow(row, dependency)
            } else {
                fence(package, dependency)
            };
            findings.extend(problem.map(|text| Finding::new(&package.name, text)));
        }
    }
    findings
}

fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// What is wrong with an arrow between two of our crates.
fn arrow(from: &Row, to: &Dependency) -> Option<String> {
    let name = &to.name;
    if to.is_dev() {
        // Tests build the real thing from below; what stands beside or above stays out of sight.
        let below = row(name).is_some_and(|to| to.floor < from.floor);
        let fine = below || name == DEV_ONLY;
        return (!fine).then(|| format!("may not use {name} in tests: it stands no lower"));
    }
    if name == DEV_ONLY {
        return Some(format!("may use {name} only as a dev-dependency"));
    }
    let fine = from.uses.contains(&name.as_str());
    (!fine).then(|| format!("may not use {name}"))
}

/// What is wrong with an arrow to a library.
fn fence(package: &Package, library: &Dependency) -> Option<String> {
    let fence = FENCES.iter().find(|fence| fence.holds(&library.name))?;
    let inside = fence.crates.contains(&package.name.as_str());
    (!inside).then(|| {
        format!(
            "may not name {}: only {} may",
            library.name,
            fence.crates.join(" and ")
        )
    })
}

impl Fence {
    fn holds(&self, library: &str) -> bool {
        self.libraries
            .iter()
            .any(|name| match name.strip_suffix('*') {
                Some(start) => library.starts_with(start),
                None => *name == library,
            })
    }
}

#[cfg(test)]
mod tests;
