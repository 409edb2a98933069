//! Sessions: a person at a browser shows a key once, and a cookie says so from then on.
//!
//! The cookie is a secret that no script can read; kept under its hash is whose key it was. All
//! servers that share a Redis know a session, without one each knows its own. The key itself is
//! asked for with every request, so that a revoked one ends its sessions. A browser sends cookies
//! along with what other sites ask for, too: what changes anything must come from our own pages.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::AppendHeaders,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use engine::{ApiKeyRecord, caching::shared};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{ApiState, cookie, error::ApiError, host::Host};

/// The cookie that holds a session's secret.
pub(crate) const SECRET_COOKIE: &str = "sports-edge-session";
/// The cookie that says for pages and their program which key is signed in; it proves nothing.
const SHOWN_COOKIE: &str = "signed-in";
/// Tells secrets of sessions from other uses of the same chance.
const DOMAIN: &[u8] = b"sports-edge session 1";
/// Bytes of a kept session before the name of its key: until when, the key's hash.
const UNTIL: usize = 8;
const HASH: usize = 32;

/// Sessions that one key may begin in an hour: over all the time that one may last, fewer than a
/// server holds.
const SIGN_INS_MAX: u32 = 60;
const SIGN_INS: shared::Rate = shared::Rate {
    requests: SIGN_INS_MAX,
    per: Duration::from_secs(3600),
};

/// How people sign in.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// How long a session lasts.
    pub time: Duration,
    /// What makes secrets of sessions; chance of the server's start.
    pub chance: [u8; 32],
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(12 * 3600),
            chance: [0; 32],
        }
    }
}

/// What a session is kept under: the hash of its secret, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionName(String);

impl SessionName {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret)))
    }

    /// The session whose cookie a request carries; whether it counts is another question.
    pub(crate) fn carried(headers: &HeaderMap) -> Option<Self> {
        let text = cookie::own(headers, SECRET_COOKIE)?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        (secret.len() == HASH).then(|| Self::of(&secret))
    }
}

/// What a browser is told to keep, or to forget.
pub(crate) type Cookies = AppendHeaders<[(HeaderName, HeaderValue); 2]>;

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The public prefix of its key.
    pub(crate) prefix: String,
    /// The hash of that key.
    pub(crate) hash: [u8; HASH],
    /// When it ends by itself.
    pub(crate) until: Timestamp,
}

impl Session {
    fn bytes(&self) -> Bytes {
        let mut bytes = self.until.as_millisecond().to_be_bytes().to_vec();
        bytes.extend(self.hash);
        bytes.extend(self.prefix.as_bytes());
        bytes.into()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (until, rest) = bytes.split_first_chunk::<UNTIL>()?;
        let (hash, prefix) = rest.split_first_chunk::<HASH>()?;
        Some(Self {
            prefix: std::str::from_utf8(prefix).ok()?.to_owned(),
            hash: *hash,
            until: Timestamp::from_millisecond(i64::from_be_bytes(*until)).ok()?,
        })
    }
}

/// Everybody who is signed in.
pub(crate) struct Sessions {
    options: SessionOptions,
    kept: shared::Sessions,
    begun: shared::RateLimit,
    count: AtomicU64,
}

impl Sessions {
    /// Sessions of all servers where they share a cache.
    pub(crate) fn new(options: SessionOptions, shared: Option<shared::Shared>) -> Self {
        Self {
            options,
            begun: shared::RateLimit::new(shared.clone(), "sign-in", SIGN_INS),
            kept: shared::Sessions::new(shared),
            count: AtomicU64::new(0),
        }
    }

    /// Begins a session with a key that counts; returns it and the cookies it is known by.
    async fn begin(
        &self,
        key: &ApiKeyRecord,
        now: Timestamp,
        asked: &HeaderMap,
    ) -> (Session, Cookies) {
        let secret = self.secret(now);
        let time = self.options.time;
        let session = Session {
            prefix: key.prefix.clone(),
            hash: key.hash,
            until: now.checked_add(time).unwrap_or(Timestamp::MAX),
        };
        let SessionName(name) = SessionName::of(&secret);
        self.kept.put(&name, session.bytes(), time).await;
        let value = BASE64_URL_SAFE_NO_PAD.encode(secret);
        let cookies = cookies((&value, &key.prefix), time, asked);
        (session, cookies)
    }

    /// The session of this name, where it has not ended.
    pub(crate) async fn find(&self, name: &SessionName, now: Timestamp) -> Option<Session> {
        let session = Session::read(&self.kept.get(&name.0).await?)?;
        (now < session.until).then_some(session)
    }

    /// Ends the session whose cookie a request carries; whether there was one that had not ended.
    /// Nothing is kept of one that nobody knows: they are made up in any number.
    async fn end(&self, asked: &HeaderMap) -> bool {
        let Some(SessionName(name)) = SessionName::carried(asked) else {
            return false;
        };
        let is_known = self.kept.get(&name).await.is_some();
        if is_known {
            self.kept.remove(&name, self.options.time).await;
        }
        is_known
    }

    /// Whether a key may begin one more session now.
    async fn may_begin(&self, key: &ApiKeyRecord) -> Result<(), ApiError> {
        if self.begun.take(&key.prefix, 1).await.allowed {
            Ok(())
        } else {
            Err(ApiError::TooManySignIns(SIGN_INS_MAX))
        }
    }

    /// A secret that nobody can guess: chance, and what makes it differ from all before.
    fn secret(&self, now: Timestamp) -> [u8; HASH] {
        let mut digest = Sha256::new();
        digest.update(DOMAIN);
        digest.update(self.options.chance);
        digest.update(now.as_nanosecond().to_be_bytes());
        digest.update(self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        digest.finalize().into()
    }
}

/// What makes a browser forget a session.
pub(crate) fn forgotten(asked: &HeaderMap) -> Cookies {
    cookies(("", ""), Duration::ZERO, asked)
}

/// Signs in by the text of a key, in place of whoever was signed in before.
pub(crate) async fn sign_in(
    state: &ApiState,
    text: &str,
    asked: &HeaderMap,
) -> Result<(Session, ApiKeyRecord, Cookies), ApiError> {
    check_own_site(asked)?;
    let key = super::key_of(text.trim().as_bytes(), state).await?;
    let sessions = &state.sessions;
    sessions.may_begin(&key).await?;
    sessions.end(asked).await;
    let (session, cookies) = sessions.begin(&key, state.engine.now(), asked).await;
    Ok((session, key, cookies))
}

/// Signs out; returns whether anybody was signed in.
pub(crate) async fn sign_out(
    state: &ApiState,
    asked: &HeaderMap,
) -> Result<(bool, Cookies), ApiError> {
    check_own_site(asked)?;
    Ok((state.sessions.end(asked).await, forgotten(asked)))
}

/// The key that pages show as signed in, by its public prefix; it proves nothing.
pub(crate) fn shown(headers: &HeaderMap) -> Option<&str> {
    let is_sane = |it: &&str| it.len() <= 16 && it.bytes().all(|it| it.is_ascii_alphanumeric());
    cookie::own(headers, SHOWN_COOKIE)
        .filter(|it| !it.is_empty())
        .filter(is_sane)
}

/// What the cookie is called that says which key pages show, so that their program finds it.
pub(crate) fn shown_cookie(headers: &HeaderMap) -> String {
    cookie::own_name(headers, SHOWN_COOKIE)
}

/// The cookies of a session.
fn cookies((secret, prefix): (&str, &str), time: Duration, asked: &HeaderMap) -> Cookies {
    let seconds = time.as_secs();
    let both = [
        (SECRET_COOKIE, secret, "; HttpOnly"),
        (SHOWN_COOKIE, prefix, ""),
    ];
    AppendHeaders(both.map(|(name, value, hidden)| {
        let text = cookie::set_own(asked, (name, value), (seconds, hidden));
        let value = HeaderValue::try_from(text).expect("prefixes and base64 are visible ASCII");
        (header::SET_COOKIE, value)
    }))
}

/// Refuses what a browser sends for a page of another site. Browsers say so themselves by
/// `Sec-Fetch-Site`, older ones by `Origin`; whoever sends neither is none.
pub(crate) fn check_own_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let origin = text("origin");
    let is_own = match (text("sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => !headers.contains_key(header::ORIGIN),
        (None, Some(origin)) => {
            let of = origin.split_once("://").map(|it| it.1);
            of.zip(Host::of(headers))
                .is_some_and(|(of, host)| host.text.eq_ignore_ascii_case(of.as_bytes()))
        }
    };
    if is_own {
        Ok(())
    } else {
        let from = origin.unwrap_or("another site");
        Err(ApiError::OtherSite(from.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::tests::headers;

    #[test]
    fn what_other_sites_have_a_browser_send_is_told_apart() {
        let host = ("host", "edge.example:8080");
        for own in [
            vec![host],
            vec![host, ("sec-fetch-site", "same-origin")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, ("origin", "http://Edge.example:8080")],
            // The browser knows better than a proxy that changes the host's name.
            vec![
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://edge.example"),
            ],
        ] {
            assert!(check_own_site(&headers(&own)).is_ok(), "{own:?}");
        }
        for other in [
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![
                host,
                ("sec-fetch-site", "same-site"),
                ("origin", "http://edge.example:8080"),
            ],
            vec![host, ("origin", "http://edge.example")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "null")],
            vec![("origin", "http://edge.example")],
        ] {
            let refused = check_own_site(&headers(&other));
            assert!(matches!(refused, Err(ApiError::OtherSite(_))), "{other:?}");
        }
        let mut odd = headers(&[host]);
        odd.insert(
            header::ORIGIN,
            HeaderValue::from_bytes(b"http://\xff").unwrap(),
        );
        assert!(check_own_site(&odd).is_err());
    }

    #[test]
    fn a_session_reads_back_and_half_of_one_does_not() {
        let session = Session {
            prefix: "Ab3dEf9h".to_owned(),
            hash: [7; HASH],
            until: Timestamp::from_millisecond(1_790_000_000_123).unwrap(),
        };
        let bytes = session.bytes();
        assert_eq!(Session::read(&bytes), Some(session));
        assert_eq!(Session::read(&bytes[..UNTIL + HASH - 1]), None);
        assert_eq!(Session::read(&[0xff; UNTIL + HASH + 2]), None);
    }

    #[test]
    fn cookies_are_read_as_they_were_given_and_nothing_else_is() {
        let over_tls = headers(&[("host", "edge.example"), ("origin", "https://edge.example")]);
        let secret = BASE64_URL_SAFE_NO_PAD.encode([5; HASH]);
        let AppendHeaders([(_, kept), (_, shown_one)]) =
            cookies((&secret, "Ab3dEf9h"), Duration::from_secs(60), &over_tls);
        let kept = kept.to_str().unwrap();
        assert!(
            kept.ends_with("; Max-Age=60; SameSite=Lax; HttpOnly; Secure"),
            "{kept}"
        );
        let AppendHeaders(plain) = cookies(("", ""), Duration::ZERO, &HeaderMap::new());
        assert!(
            plain
                .iter()
                .all(|it| !it.1.to_str().unwrap().contains("Secure"))
        );
        let pair = |it: &str| it.split(';').next().unwrap().to_owned();
        let both = format!(
            "tz=UTC; {}; {}",
            pair(kept),
            pair(shown_one.to_str().unwrap())
        );
        let mut asked = HeaderMap::new();
        asked.insert(header::COOKIE, HeaderValue::try_from(both).unwrap());
        assert_eq!(
            SessionName::carried(&asked),
            Some(SessionName::of(&[5; HASH]))
        );
        assert_eq!(shown(&asked), Some("Ab3dEf9h"));
        for odd in [
            "sports-edge-session=AAAA; signed-in=",
            "sports-edge-session=*; signed-in=<b>",
        ] {
            let asked = headers(&[("cookie", odd)]);
            assert_eq!(
                (SessionName::carried(&asked), shown(&asked)),
                (None, None),
                "{odd}"
            );
        }
    }
}
