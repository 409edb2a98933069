//! `sports-edge key …`.

use std::process::ExitCode;

use anyhow::Context;
use api::{KEY_RANDOM_BYTES, KeyText, NewKey, Scope};
use clap::Subcommand;
use engine::{ApiKeyRecord, Engine, KEY_BELIEVED};
use jiff::Timestamp;

use super::{engine, open_known_store, open_store, output::say};
use crate::{config::Config, run::fill_random};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Make a key and show it, once
    Create {
        /// A name for people, such as the program that will use it
        #[arg(long, value_parser = name)]
        name: String,
        /// What it may do: read, write, models, admin; may be given more than once
        #[arg(long, value_name = "SCOPE", required = true, value_delimiter = ',',
            value_parser = scope)]
        scope: Vec<Scope>,
    },
    /// List keys by their public prefix
    List,
    /// Make a key count no longer
    Revoke {
        /// The eight letters between `se_` and the next `_`
        prefix: String,
    },
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a name has letters, and no control characters".to_owned());
    }
    Ok(text.to_owned())
}

fn scope(text: &str) -> Result<Scope, String> {
    let names = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text).ok_or_else(|| format!("there are the scopes {names}"))
}

/// Does it.
pub(crate) async fn run(verb: KeyVerb, config: &Config) -> anyhow::Result<ExitCode> {
    let store = match verb {
        // A key may be there before anything else is.
        KeyVerb::Create { .. } => open_store(&config.settings).await?,
        _ => open_known_store(&config.settings).await?,
    };
    let engine = engine(store, &config.settings);
    match verb {
        KeyVerb::Create { name, scope } => {
            let key = create(&engine, name, scope).await?;
            say(key.reveal())?;
            say("This is shown once; only its hash is kept.")?;
        }
        KeyVerb::List => {
            for key in engine.keys().await? {
                say(line(&key))?;
            }
        }
        KeyVerb::Revoke { prefix } => revoke(&engine, &prefix).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a key count no longer, or says since when it does not.
async fn revoke(engine: &Engine, prefix: &str) -> anyhow::Result<()> {
    let already = match engine.revoke_key(prefix).await? {
        true => None,
        false => Some(revoked_at(engine, prefix).await?),
    };
    // Servers may take it for so long; once this has returned, none does.
    tokio::time::sleep(KEY_BELIEVED).await;
    match already {
        None => say(format_args!("{prefix} is revoked"))?,
        Some(at) => say(format_args!("{prefix} is revoked already, since {at:.0}"))?,
    }
    Ok(())
}

/// When a key was revoked that cannot be any more.
async fn revoked_at(engine: &Engine, prefix: &str) -> anyhow::Result<Timestamp> {
    let keys = engine.keys().await?;
    let known = keys.iter().find(|it| it.prefix == prefix);
    let at = known.and_then(|it| it.revoked_at);
    at.with_context(|| {
        format!("there is no key {prefix:?} to revoke; `sports-edge key list` shows keys")
    })
}

/// Makes a key and keeps its hash.
async fn create(engine: &Engine, name: String, scopes: Vec<Scope>) -> anyhow::Result<KeyText> {
    let (key, record) = made(engine, name, scopes)?;
    engine.put_key(&record).await?;
    Ok(key)
}

/// The same where there was never a key; nothing where there was.
pub(crate) async fn create_first(
    engine: &Engine,
    name: String,
    scopes: Vec<Scope>,
) -> anyhow::Result<Option<KeyText>> {
    let (key, record) = made(engine, name, scopes)?;
    Ok(engine.put_first_key(&record).await?.then_some(key))
}

fn made(
    engine: &Engine,
    name: String,
    scopes: Vec<Scope>,
) -> anyhow::Result<(KeyText, ApiKeyRecord)> {
    let mut random = [0; KEY_RANDOM_BYTES];
    fill_random(&mut random)?;
    let new = NewKey {
        name,
        scopes,
        created_at: engine.now(),
    };
    Ok(new.make(&random))
}

fn line(key: &ApiKeyRecord) -> String {
    let state = match (key.revoked_at, key.last_used_at) {
        (Some(at), _) => format!("revoked {at:.0}"),
        (None, Some(at)) => format!("used {at:.0}"),
        (None, None) => "never used".to_owned(),
    };
    let scopes = key.scopes.join(",");
    format!(
        "{}  {:<12} made {:.0}  {state}  {}",
        key.prefix, scopes, key.created_at, key.name
    )
}
