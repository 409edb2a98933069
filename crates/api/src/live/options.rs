//! Bounds of what is followed.

use std::{num::NonZeroUsize, time::Duration};

/// Bounds of what is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOptions {
    /// Streams at a time.
    pub connections_max: usize,
    /// Streams at a time with the same API key.
    pub connections_per_key_max: usize,
    /// Streams at a time of one address without a key, and of IPv6 one network; any number for
    /// `None`, and from the server's own machine.
    pub connections_per_address_max: Option<NonZeroUsize>,
    /// Subscriptions at a time with the same API key, or of one address without a key, over all its
    /// streams.
    pub subscriptions_per_key_max: usize,
    /// Addresses followed at a time.
    pub keys_max: usize,
    /// How often a client hears at least that the server is there, and is looked at in turn.
    pub beat: Duration,
    /// What makes numbers of tickets differ between servers; chance of the server's start.
    pub ticket_secret: [u8; 32],
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            connections_max: 1_000,
            connections_per_key_max: 100,
            connections_per_address_max: NonZeroUsize::new(100),
            subscriptions_per_key_max: 1_000,
            keys_max: 2_000,
            beat: Duration::from_secs(15),
            ticket_secret: [0; 32],
        }
    }
}
