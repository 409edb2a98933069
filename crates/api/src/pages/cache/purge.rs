//! What a purge would drop, asked by the page's form.

use serde::Deserialize;

use crate::{
    error::ApiError,
    pages::{Pages, figures, text},
    routes::cache_purge::{Purge, preview as dropped},
};

/// What the form asks for; all of it may be empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// A kind by its whole name.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) tag: String,
    #[serde(default)]
    pub(super) address: String,
    /// `1` for everything.
    #[serde(default)]
    pub(super) all: String,
}

/// What a purge would drop, ready to be written.
pub(super) struct Preview {
    /// What is wrong with what was asked for.
    pub(super) fault: Option<String>,
    /// What would be dropped, in a sentence.
    pub(super) words: String,
    pub(super) kinds: Vec<(String, String)>,
    /// The same on the command line.
    pub(super) command: String,
    /// What the purge sends.
    pub(super) body: String,
}

impl Asked {
    fn purge(&self) -> Option<Purge> {
        let some = |text: &str| {
            let text = text.trim();
            (!text.is_empty())
                .then(|| text.to_owned())
                .into_iter()
                .collect::<Vec<_>>()
        };
        let purge = Purge {
            kinds: some(&self.kind),
            tags: some(&self.tag),
            addresses: some(&self.address),
            everything: self.all == "1",
        };
        let named = purge.kinds.len() + purge.tags.len() + purge.addresses.len();
        (named > 0 || purge.everything).then_some(purge)
    }
}

/// Looks what the purge asked for would drop; nothing where none is.
pub(super) async fn preview(pages: &Pages, asked: &Asked) -> Option<Preview> {
    let purge = asked.purge()?;
    let command = command(&purge);
    let body = serde_json::json!({
        "kinds": purge.kinds,
        "tags": purge.tags,
        "addresses": purge.addresses,
        "everything": purge.everything,
    });
    let mut preview = Preview {
        fault: None,
        words: String::new(),
        kinds: Vec::new(),
        command,
        body: body.to_string(),
    };
    let cache = pages.engine.cache();
    match purge.targets(cache, &pages.kept) {
        Ok(targets) => {
            let drops = dropped(cache, targets).await;
            let count = usize::try_from(drops.entries).unwrap_or(usize::MAX);
            let answers = figures::counted(count, "answer");
            let bytes = figures::bytes(drops.bytes);
            preview.words = format!("{answers}, {bytes}");
            let kinds = drops.by_kind.into_iter();
            preview.kinds = kinds
                .map(|(kind, count)| (kind, text::count(count)))
                .collect();
        }
        Err(error) => preview.fault = Some(fault(&error)),
    }
    Some(preview)
}

/// What is wrong, in a sentence.
fn fault(error: &ApiError) -> String {
    let details: Vec<_> = error.errors().into_iter().map(|it| it.detail).collect();
    format!("{}.", details.join("; "))
}

/// The purge as a command, its words quoted for a shell.
fn command(purge: &Purge) -> String {
    if purge.everything {
        return "sports-edge cache purge --everything".to_owned();
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut command = "sports-edge cache purge".to_owned();
    for (flag, values) in [
        ("--kind", &purge.kinds),
        ("--tag", &purge.tags),
        ("--address", &purge.addresses),
    ] {
        for value in values {
            command.push_str(&format!(" {flag} {}", quoted(value)));
        }
    }
    command
}
