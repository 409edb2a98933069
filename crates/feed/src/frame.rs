//! Frames as they go over the wire, encoded once.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    Change, Revision,
    websocket::{HEADER_BYTES_MAX, Kind, header},
};

/// A frame for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The key it is of.
    pub key: Arc<str>,
    /// What the reader holds of the key after it; `None` for frames that carry no state.
    pub id: Option<Revision>,
    /// The frame as JSON, shared by all who get it.
    pub bytes: Bytes,
    /// The same as a text message of a WebSocket, ready to send.
    pub message: Bytes,
    /// Whether it says something new, and not only that what is held still holds.
    pub is_news: bool,
}

impl Frame {
    pub(crate) fn snapshot(key: &Arc<str>, id: Revision, ts: i64, state: &Value) -> Self {
        let frame = json!({"t": "snap", "k": **key, "id": id.to_string(), "ts": ts, "d": state});
        Self::of(key, Some(id), &frame)
    }

    /// What leads from `base` to `id`, `folded` revisions on the way left out.
    pub(crate) fn delta(
        key: &Arc<str>,
        (base, folded): (Revision, u64),
        (id, ts): (Revision, i64),
        d: &[Change],
    ) -> Self {
        let d: Vec<Value> = d.iter().map(Change::json).collect();
        let mut frame = json!({
            "t": "d", "k": **key, "b": base.to_string(), "id": id.to_string(), "ts": ts, "d": d,
        });
        if folded > 0 {
            frame["cf"] = folded.into();
        }
        Self::of(key, Some(id), &frame)
    }

    pub(crate) fn same(key: &Arc<str>, id: Revision, ts: i64) -> Self {
        let frame = json!({"t": "same", "k": **key, "id": id.to_string(), "ts": ts});
        Self {
            is_news: false,
            ..Self::of(key, Some(id), &frame)
        }
    }

    pub(crate) fn gap(key: &Arc<str>, why: &str) -> Self {
        Self::of(key, None, &json!({"t": "gap", "k": **key, "why": why}))
    }

    pub(crate) fn stale(key: &Arc<str>, age_ms: u64) -> Self {
        Self::of(key, None, &json!({"t": "stale", "k": **key, "age": age_ms}))
    }

    fn of(key: &Arc<str>, id: Option<Revision>, frame: &Value) -> Self {
        // Room for the header is left before it is known how long that is.
        let mut whole = vec![0; HEADER_BYTES_MAX];
        serde_json::to_writer(&mut whole, frame).expect("a value can always be written");
        let (header, size) = header(Kind::Text, whole.len() - HEADER_BYTES_MAX);
        whole[..HEADER_BYTES_MAX].copy_from_slice(&header);
        let whole = Bytes::from(whole);
        Self {
            key: Arc::clone(key),
            id,
            bytes: whole.slice(HEADER_BYTES_MAX..),
            message: whole.slice(HEADER_BYTES_MAX - size..),
            is_news: true,
        }
    }
}
