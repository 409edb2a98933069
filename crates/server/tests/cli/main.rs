//! The real binary, by its command line and its sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod apart;
mod away;
mod cache;
mod databases;
mod doctor;
mod home;
mod inference;
mod keys;
mod live;
mod models;
mod moved;
mod operated;
mod polled;
mod rates;
mod serve;
mod sessions;
mod settings;
mod shared;
mod tls;
mod unread;
mod verbs;
