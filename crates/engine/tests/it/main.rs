//! The engine through its door, on a real store.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod alerts;
mod away;
mod board;
mod boosted;
mod follow;
mod in_play;
mod lists;
mod predictions;
mod standings;
mod world;
mod writes;
