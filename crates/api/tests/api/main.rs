//! The API through its widest door: requests in, answers out, on a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod app;
mod auth;
mod cache;
mod conditional;
mod cors;
mod document;
mod entries;
mod events;
mod front_door;
mod kept;
mod lists;
mod live;
mod models;
mod oip;
mod oip_log;
mod positions;
mod predictions;
mod problems;
mod proto;
mod rates;
mod resume;
mod sessions;
mod sockets;
mod standings;
mod writes;
