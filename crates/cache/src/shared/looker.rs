//! Looks that wait together are asked together: many callers, one command.

use std::sync::Arc;

use bytes::Bytes;
use redis::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::inner::Inner;
use super::types::SharedError;

/// Keys of one command, at most.
const KEYS_MAX: usize = 128;

/// Commands under way at a time; meanwhile looks collect.
const COMMANDS_MAX: usize = 4;

/// A key to look for and who waits for what is there.
pub(crate) struct Look {
    pub(crate) key: Vec<u8>,
    pub(crate) found: oneshot::Sender<Result<Option<Bytes>, SharedError>>,
}

/// Asks for what callers look for until the task is ended.
pub(crate) async fn look(inner: Arc<Inner>, mut looks: mpsc::Receiver<Look>) {
    let permits = Arc::new(Semaphore::new(COMMANDS_MAX));
    let mut asking = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let mut batch = Vec::with_capacity(KEYS_MAX);
        if looks.recv_many(&mut batch, KEYS_MAX).await == 0 {
            return;
        }
        let inner = inner.clone();
        asking.spawn(async move {
            ask(&inner, batch).await;
            drop(permit);
        });
        while asking.try_join_next().is_some() {}
    }
}

async fn ask(inner: &Inner, batch: Vec<Look>) {
    let values = match inner.link() {
        None => Err(SharedError::Away),
        Some(link) => {
            let mut cmd = redis::cmd("MGET");
            for look in &batch {
                cmd.arg(&look.key);
            }
            match link.ask(&cmd).await {
                Ok(Value::Array(values)) if values.len() == batch.len() => Ok(values),
                Ok(_) => Err(link.distrust(SharedError::Garbled("MGET"))),
                Err(error) => Err(error),
            }
        }
    };
    match values {
        Ok(values) => {
            for (look, value) in batch.into_iter().zip(values) {
                let found = match value {
                    Value::Nil => Ok(None),
                    Value::BulkString(bytes) => Ok(Some(Bytes::from(bytes))),
                    _ => Err(SharedError::Garbled("MGET")),
                };
                let _ = look.found.send(found);
            }
        }
        Err(error) => {
            for look in batch {
                let _ = look.found.send(Err(again(&error)));
            }
        }
    }
}

/// The same error for one more caller.
fn again(error: &SharedError) -> SharedError {
    match error {
        SharedError::TimedOut(time) => SharedError::TimedOut(*time),
        SharedError::Garbled(what) => SharedError::Garbled(what),
        SharedError::Refused(error) => SharedError::Refused(error.clone()),
        SharedError::Full => SharedError::Full,
        _ => SharedError::Away,
    }
}
