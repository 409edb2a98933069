//! Joins the cache to the tier that servers share, where the settings name one.

use std::{fs, path::Path, time::Duration};

use anyhow::Context;
use engine::{
    Engine,
    caching::shared::{Shared, SharedOptions},
};
use tracing::info;

use super::fill_random;
use crate::config::{RedisUrl, Settings};

/// Begins to connect; nothing waits for it.
pub(super) async fn join(settings: &Settings, engine: &Engine) -> anyhow::Result<()> {
    let Some((url, options)) = options(settings)? else {
        return Ok(());
    };
    let database = engine.identity().await;
    let options = SharedOptions {
        // Of two databases with the same numbers one's answers are not the other's.
        part: database.context("the database does not say which it is")?,
        ..options
    };
    let shared = Shared::connect(options).context("the setting redis cannot be used")?;
    engine
        .cache()
        .attach(shared)
        .context("the shared cache cannot be joined")?;
    info!(url = %url, prefix = settings.redis.prefix, "shared cache set up");
    Ok(())
}

/// Where the tier is and how it is spoken with; `None` where there is none.
pub(crate) fn options(settings: &Settings) -> anyhow::Result<Option<(&RedisUrl, SharedOptions)>> {
    let redis = &settings.redis;
    let Some(url) = &redis.url else {
        return Ok(None);
    };
    let mut identity = [0; 16];
    fill_random(&mut identity)?;
    let options = SharedOptions {
        namespace: redis.prefix.clone(),
        root_certificates: certificates(&redis.root_certificates)?,
        connect_timeout: Duration::from_millis(redis.connect_ms_max.get()),
        command_timeout: Duration::from_millis(redis.command_ms_max.get()),
        ..SharedOptions::new(url.reveal(), identity)
    };
    Ok(Some((url, options)))
}

fn certificates(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let pem = fs::read(path)
        .with_context(|| format!("redis.root_certificates: {} cannot be read", path.display()))?;
    Ok(Some(pem))
}
