//! Joins the cache to the tier that servers share, where the settings name one.

use std::{fs, path::Path, time::Duration};

use anyhow::Context;
use engine::{
    Engine,
    caching::shared::{Shared, SharedOptions},
};
use tracing::info;

use super::fill_random;
use crate::config::Settings;

/// Begins to connect; nothing waits for it.
pub(super) async fn join(settings: &Settings, engine: &Engine) -> anyhow::Result<()> {
    let redis = &settings.redis;
    let Some(url) = &redis.url else {
        return Ok(());
    };
    let mut identity = [0; 16];
    fill_random(&mut identity)?;
    let database = engine.identity().await;
    let database = database.context("the database does not say which it is")?;
    let options = SharedOptions {
        namespace: redis.prefix.clone(),
        // Of two databases with the same numbers one's answers are not the other's.
        part: database,
        root_certificates: certificates(&redis.root_certificates)?,
        connect_timeout: Duration::from_millis(redis.connect_ms_max.get()),
        command_timeout: Duration::from_millis(redis.command_ms_max.get()),
        ..SharedOptions::new(url.reveal(), identity)
    };
    let shared = Shared::connect(options).context("the setting redis cannot be used")?;
    engine
        .cache()
        .attach(shared)
        .context("the shared cache cannot be joined")?;
    info!(url = %url, prefix = redis.prefix, "shared cache set up");
    Ok(())
}

fn certificates(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let pem = fs::read(path)
        .with_context(|| format!("redis.root_certificates: {} cannot be read", path.display()))?;
    Ok(Some(pem))
}
