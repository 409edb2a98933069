//! Looks at the database now and then, and says when it is away and when it is back.

use std::{sync::Arc, time::Duration};

use engine::{Engine, chain};
use tracing::{error, info, warn};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches for as long as it is polled.
pub(super) async fn keep(engine: Arc<Engine>) {
    let mut is_away = false;
    loop {
        let looked = engine.ping().await;
        let was_away = std::mem::replace(&mut is_away, looked.is_err());
        match looked {
            Err(error) if error.is_database_replaced() && !was_away => {
                error!(error = chain(&error), "database replaced");
            }
            Err(error) if !was_away => {
                warn!(error = chain(&error), "database away");
            }
            Ok(()) if was_away => info!("database there"),
            _ => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
