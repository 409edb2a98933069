//! Tries out what the tier does with its server, for whoever sets it up: a user that may connect may
//! still be refused a key, a script or a channel.

use std::sync::Arc;
use std::time::Duration;

use super::inner::Inner;
use super::keeper;
use super::link::Link;
use super::options::SharedOptions;
use super::sender;
use super::types::{Change, SharedError, Touched};

/// How often it is looked whether a change was heard of.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Joins in a part of the namespace that nobody else is in, and takes away what that left.
pub(crate) async fn try_out(options: &SharedOptions) -> Result<(), SharedError> {
    let name = u128::from_be_bytes(options.identity);
    let inner = Arc::new(Inner::new(SharedOptions {
        part: format!("trial-{name:x}"),
        ..options.clone()
    })?);
    let tried = async {
        let link = keeper::connect(&inner).await?;
        let limit = inner.keys.under("limit", b"trial");
        let done = take_part(&inner, &link, &limit).await;
        let mut unlink = redis::cmd("UNLINK");
        let keys = &inner.keys;
        unlink.arg(&[&keys.versions, &keys.log, &keys.members, &keys.span, &limit]);
        done.and(link.ask(&unlink).await.map(drop))
    };
    let bound = options.connect_timeout;
    let tried = tokio::time::timeout(bound, tried).await;
    tried.unwrap_or(Err(SharedError::TimedOut(bound)))
}

/// Reads and writes a key, makes a change known, and hears of it.
async fn take_part(inner: &Inner, link: &Link, limit: &[u8]) -> Result<(), SharedError> {
    let keys = [limit];
    let counted = link.run(&inner.scripts.limit, &keys, |cmd| {
        cmd.arg(1).arg(1).arg(1);
    });
    counted.await?;
    let change = Change {
        touched: Touched::Everything,
        gently: Vec::new(),
        position: None,
    };
    let raised = sender::call(inner, link, &change, None).await?;
    let (clock, _) = raised.ok_or(SharedError::Garbled("invalidate"))?;
    while inner.bus.followed().is_none_or(|it| it.1 < clock) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
