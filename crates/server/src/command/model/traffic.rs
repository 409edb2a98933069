//! Who gets which share of a model's traffic, and by which names versions are asked for.

use clap::Args;
use serde_json::{Value, json};
use ureq::http::Method;

use super::{Name, of};
use crate::command::client::Client;

/// A version that answers a share.
#[derive(Debug, Args)]
pub(super) struct CanaryArgs {
    /// Name of the model
    name: Name,
    /// Number of the version
    #[arg(required_unless_present = "end", requires = "share")]
    version: Option<u64>,
    /// Its share, 0 to 1
    #[arg(long)]
    share: Option<f64>,
    /// End the canary
    #[arg(long, conflicts_with_all = ["version", "share"])]
    end: bool,
}

/// A version that is given copies.
#[derive(Debug, Args)]
pub(super) struct ShadowArgs {
    /// Name of the model
    name: Name,
    /// Number of the version
    #[arg(required_unless_present = "end")]
    version: Option<u64>,
    /// Its share, 0 to 1
    #[arg(long, default_value_t = 1.0)]
    share: f64,
    /// Rows to compare before it may be promoted
    #[arg(long, default_value_t = 0)]
    rows_min: u64,
    /// Mean absolute difference up to which it may be promoted
    #[arg(long)]
    difference_max: Option<f64>,
    /// Promote it by itself once both hold
    #[arg(long)]
    promote: bool,
    /// End the shadow
    #[arg(long, conflicts_with_all = ["version", "difference_max", "promote"])]
    end: bool,
}

/// A name of a version.
#[derive(Debug, Args)]
pub(super) struct LabelArgs {
    /// Name of the model
    name: Name,
    /// The label
    label: Name,
    /// Number of the version
    #[arg(required_unless_present = "remove")]
    version: Option<u64>,
    /// Take the label away
    #[arg(long, conflicts_with = "version")]
    remove: bool,
}

impl CanaryArgs {
    pub(super) fn run(&self, client: &Client) -> anyhow::Result<Value> {
        let canary = |version| json!({"version": version, "share": self.share});
        put(client, &of(&self.name, "/canary"), self.version.map(canary))
    }
}

impl ShadowArgs {
    pub(super) fn run(&self, client: &Client) -> anyhow::Result<Value> {
        let shadow = |version| {
            json!({"version": version, "share": self.share, "rows_min": self.rows_min,
                "difference_max": self.difference_max, "promote": self.promote})
        };
        put(client, &of(&self.name, "/shadow"), self.version.map(shadow))
    }
}

impl LabelArgs {
    pub(super) fn run(&self, client: &Client) -> anyhow::Result<Value> {
        let path = of(&self.name, &format!("/labels/{}", self.label.0));
        let target = |version| json!({"version": version});
        put(client, &path, self.version.map(target))
    }
}

/// Sets what stands at a path, or ends it where there is nothing to set.
fn put(client: &Client, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
    let method = body.as_ref().map_or(Method::DELETE, |_| Method::PUT);
    client.send(method, path, body.as_ref())
}
