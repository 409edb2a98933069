//! A cache of several levels: memory, a tier that replicas share, and the caller's loader.

pub mod shared;
