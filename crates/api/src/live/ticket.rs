//! Tickets: what lets a client in that cannot send a key, once and soon.
//!
//! A browser's `WebSocket` and `EventSource` carry no headers of a program's choice, and a key has
//! no place in an address. A ticket is kept as its hash, by the server that gave it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// How long a ticket is good for, in milliseconds.
pub(crate) const TICKET_MS: i64 = 30_000;
/// Tickets that were given out and not used, at most.
const TICKETS_MAX: usize = 4_096;

type Hash = [u8; 32];

/// The tickets that are out.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// What makes tickets impossible to guess.
    secret: [u8; 32],
    count: AtomicU64,
    out: Mutex<HashMap<Hash, Out>>,
}

#[derive(Debug)]
struct Out {
    principal: Option<String>,
    until_ms: i64,
}

impl Tickets {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self {
            secret,
            count: AtomicU64::new(0),
            out: Mutex::default(),
        }
    }

    /// A new ticket; `of_principal_max` are out of one principal at most.
    pub(crate) fn issue(
        &self,
        principal: Option<String>,
        now_ms: i64,
        of_principal_max: usize,
    ) -> Result<String, ApiError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.retain(|_, it| it.until_ms > now_ms);
        let same = out.values().filter(|it| it.principal == principal).count();
        if principal.is_some() && same >= of_principal_max {
            return Err(ApiError::TooManyStreams(of_principal_max));
        }
        if out.len() >= TICKETS_MAX {
            return Err(ApiError::Overloaded(TICKETS_MAX));
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let mut digest = Sha256::new();
        digest.update(self.secret);
        digest.update(number);
        let ticket = BASE64_URL_SAFE_NO_PAD.encode(digest.finalize());
        let until_ms = now_ms + TICKET_MS;
        let kept = Out {
            principal,
            until_ms,
        };
        out.insert(hash(&ticket), kept);
        Ok(ticket)
    }

    /// Takes a ticket back; returns the principal it was given to.
    pub(crate) fn redeem(&self, ticket: &str, now_ms: i64) -> Result<Option<String>, ApiError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let found = out.remove(&hash(ticket));
        let counts = found.filter(|it| it.until_ms > now_ms);
        counts.map(|it| it.principal).ok_or(ApiError::TicketRefused)
    }
}

fn hash(ticket: &str) -> Hash {
    Sha256::digest(ticket.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_counts_once_and_not_for_long() {
        let tickets = Tickets::new([7; 32]);
        let of = Some("ab12".to_owned());
        let issue = |now_ms| tickets.issue(of.clone(), now_ms, 2).unwrap();
        let (first, second) = (issue(0), issue(0));
        assert_ne!(first, second);
        assert!(matches!(
            tickets.issue(of.clone(), 0, 2),
            Err(ApiError::TooManyStreams(2))
        ));
        let redeem = |ticket: &str, now_ms| tickets.redeem(ticket, now_ms).ok();
        assert_eq!(redeem(&first, TICKET_MS - 1), Some(of.clone()));
        assert_eq!(redeem(&first, 1), None, "twice");
        assert_eq!(redeem(&second, TICKET_MS), None, "late");
        assert_eq!(redeem("x", 0), None, "made up");
        assert_ne!(issue(TICKET_MS), issue(TICKET_MS), "there is room again");
        let other = Tickets::new([8; 32]).issue(None, 0, 1).unwrap();
        assert_ne!(first, other, "another server's differ");
    }

    #[test]
    fn no_more_are_out_than_the_bound() {
        let tickets = Tickets::new([7; 32]);
        for _ in 0..TICKETS_MAX {
            tickets.issue(None, 0, 1).unwrap();
        }
        let full = tickets.issue(None, 0, 1);
        assert!(matches!(full, Err(ApiError::Overloaded(TICKETS_MAX))));
        tickets.issue(None, TICKET_MS, 1).unwrap();
    }
}
