//! Tickets: what lets a client in that cannot send a key, once and soon.
//!
//! A browser's `WebSocket` and `EventSource` carry no headers of a program's choice, and a key has
//! no place in an address. A ticket says whose it is and until when, sealed (HMAC-SHA256, RFC 2104)
//! by the hash of that key, which every server reads in the store: each honours what another gave.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use engine::caching::shared::{Claim, Claims, Shared};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// How long a ticket is good for, in milliseconds.
pub(crate) const TICKET_MS: i64 = 30_000;
/// How long it is remembered that one was used: longer, as clocks of servers differ.
const USED_TIME: Duration = Duration::from_secs(120);
/// Bytes of a ticket before the name of its key: until when, which one, the seal.
const UNTIL: usize = 8;
const NUMBER: usize = 16;
const SEAL: usize = 32;
/// The name of a key in bytes, at most.
const PRINCIPAL_MAX: usize = 64;
/// Tells seals of tickets from other uses of the same secret.
const DOMAIN: &[u8] = b"sports-edge live ticket 1";

type Number = [u8; NUMBER];
/// What seals the tickets of a key.
pub(crate) type Secret = [u8; 32];

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The key it was given to; `None` where reads need none.
    pub(crate) principal: Option<String>,
    until_ms: i64,
    number: Number,
    seal: [u8; SEAL],
}

impl Ticket {
    fn mac(
        principal: Option<&str>,
        until_ms: i64,
        number: &Number,
        secret: &Secret,
    ) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
        mac.update(DOMAIN);
        mac.update(&until_ms.to_be_bytes());
        mac.update(number);
        mac.update(principal.unwrap_or_default().as_bytes());
        mac
    }

    fn text(&self) -> String {
        let mut bytes = self.until_ms.to_be_bytes().to_vec();
        bytes.extend(self.number);
        bytes.extend(self.seal);
        bytes.extend(self.principal.as_deref().unwrap_or_default().as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a ticket; whether it counts is another question.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let longest = UNTIL + NUMBER + SEAL + PRINCIPAL_MAX;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = Some(bytes).filter(|it| it.len() <= longest)?;
        let (until, rest) = bytes.split_first_chunk::<UNTIL>()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (seal, principal) = rest.split_first_chunk()?;
        let principal = std::str::from_utf8(principal).ok()?;
        Some(Self {
            principal: (!principal.is_empty()).then(|| principal.to_owned()),
            until_ms: i64::from_be_bytes(*until),
            number: *number,
            seal: *seal,
        })
    }

    fn is_sealed_by(&self, secret: &Secret) -> bool {
        let principal = self.principal.as_deref();
        let mac = Self::mac(principal, self.until_ms, &self.number, secret);
        mac.verify_slice(&self.seal).is_ok()
    }
}

/// Gives out tickets, and remembers those that were used.
pub(crate) struct Tickets {
    /// What makes numbers of tickets differ between servers.
    chance: [u8; 32],
    count: AtomicU64,
    /// Used ones: of all servers that share a cache.
    used: Claims,
}

impl Tickets {
    pub(crate) fn new(chance: [u8; 32], shared: Option<Shared>) -> Self {
        Self {
            chance,
            count: AtomicU64::new(0),
            used: Claims::new(shared),
        }
    }

    /// A new ticket. Nothing is kept of it: how many count at a time is bounded where they are used.
    pub(crate) fn issue(
        &self,
        (principal, secret): (Option<String>, &Secret),
        now_ms: i64,
    ) -> String {
        let (number, until_ms) = (self.number(), now_ms + TICKET_MS);
        let mac = Ticket::mac(principal.as_deref(), until_ms, &number, secret);
        let ticket = Ticket {
            principal,
            until_ms,
            number,
            seal: mac.finalize().into_bytes().into(),
        };
        ticket.text()
    }

    fn number(&self) -> Number {
        let count = self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let mut digest = Sha256::new();
        digest.update(self.chance);
        digest.update(count);
        let digest: [u8; 32] = digest.finalize().into();
        *digest.first_chunk().expect("a digest is longer")
    }

    /// Takes a ticket that any server gave, where `secret` is that of its key.
    pub(crate) async fn redeem(
        &self,
        ticket: &Ticket,
        secret: &Secret,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let is_timely = (now_ms + 1..=now_ms + 2 * TICKET_MS).contains(&ticket.until_ms);
        if !is_timely || !ticket.is_sealed_by(secret) {
            return Err(ApiError::TicketRefused);
        }
        if ticket.principal.is_none() {
            return Ok(()); // It lets in whom no ticket is needed for.
        }
        let name = BASE64_URL_SAFE_NO_PAD.encode(ticket.number);
        match self
            .used
            .claim(&format!("live-ticket:{name}"), USED_TIME)
            .await
        {
            Claim::Mine(_) => Ok(()),
            Claim::Running | Claim::Done(_) => Err(ApiError::TicketRefused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: Secret = [9; 32];

    async fn redeemed(tickets: &Tickets, text: &str, now_ms: i64) -> bool {
        let Some(ticket) = Ticket::read(text) else {
            return false;
        };
        tickets.redeem(&ticket, &SECRET, now_ms).await.is_ok()
    }

    #[tokio::test]
    async fn a_ticket_counts_once_and_not_for_long() {
        let tickets = Tickets::new([7; 32], None);
        let of = Some("ab12".to_owned());
        let issue = |of: &Option<String>| tickets.issue((of.clone(), &SECRET), 0);
        let (first, second) = (issue(&of), issue(&of));
        assert_ne!(first, second);
        assert_eq!(Ticket::read(&first).unwrap().principal, of);
        assert!(redeemed(&tickets, &first, TICKET_MS - 1).await);
        assert!(!redeemed(&tickets, &first, 1).await, "twice");
        assert!(!redeemed(&tickets, &second, TICKET_MS).await, "late");
        assert!(
            !redeemed(&tickets, &second, -2 * TICKET_MS).await,
            "from a far future"
        );
        assert!(!redeemed(&tickets, "x", 0).await, "made up");
        let nobodys = issue(&None);
        for _ in 0..2 {
            let counts = redeemed(&tickets, &nobodys, 1).await;
            assert!(counts, "what everybody may is not counted");
        }
    }

    #[tokio::test]
    async fn a_ticket_of_another_server_counts_and_one_that_was_changed_does_not() {
        let (one, two) = (Tickets::new([1; 32], None), Tickets::new([2; 32], None));
        let issue = || one.issue((Some("ab12".to_owned()), &SECRET), 0);
        assert!(redeemed(&two, &issue(), 1).await);
        let ticket = Ticket::read(&issue()).unwrap();
        let altered = [
            Ticket {
                principal: Some("ab13".to_owned()),
                ..ticket.clone()
            },
            Ticket {
                principal: None,
                ..ticket.clone()
            },
            Ticket {
                until_ms: ticket.until_ms + 1,
                ..ticket.clone()
            },
            Ticket {
                number: [0; NUMBER],
                ..ticket.clone()
            },
            Ticket {
                seal: [0; SEAL],
                ..ticket.clone()
            },
        ];
        for altered in altered {
            assert!(!redeemed(&two, &altered.text(), 1).await, "{altered:?}");
        }
        let other = one.issue((Some("ab12".to_owned()), &[8; 32]), 0);
        assert!(
            !redeemed(&two, &other, 1).await,
            "the key's secret is another"
        );
        assert!(redeemed(&two, &ticket.text(), 1).await);
        assert_eq!(Ticket::read(&BASE64_URL_SAFE_NO_PAD.encode([0; 200])), None);
    }
}
