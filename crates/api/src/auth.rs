//! Who asks: API keys, and the values a handler must hold to read, to write or to change models.
//!
//! A handler that takes a [`Reader`], a [`Writer`] or a [`Keeper`] cannot run for somebody who may
//! not. Only the hash of a key is ever stored; the key itself is never logged.

mod key;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use engine::{AlertCaller, ApiKeyRecord, EngineError};
use jiff::SignedDuration;

use crate::{ApiState, error::ApiError, live};

pub use key::{KEY_RANDOM_BYTES, KeyText, NewKey, ParseKeyError};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read, where reads are not open to everybody.
    Read,
    /// Write fixtures, results and quotes.
    Write,
    /// Add, load, promote and delete models of the repository.
    Models,
    /// Everything.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Models, Self::Admin];

    /// The scope's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Models => "models",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Scope::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Who may read without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAccess {
    /// Everybody who reaches the server.
    Open,
    /// Holders of a key with the scope `read`.
    Keyed,
}

/// Proof that the request may read.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The public prefix of the key, where one was needed.
    pub(crate) principal: Option<String>,
}

/// Marks a request that the server makes of itself, for readers who were let in already. It is no
/// part of what comes over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside;

/// Proof that the request may write, and in whose name.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The public prefix of the key.
    pub(crate) principal: String,
    /// Whether the key may do everything.
    operates: bool,
}

/// Proof that the request may change models, and in whose name.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// The public prefix of the key.
    pub(crate) principal: String,
    /// The key's name for people.
    pub(crate) name: String,
}

/// Proof that the request may see how the server does.
#[derive(Debug)]
pub(crate) struct Watcher;

/// Proof that the request may operate the server, and in whose name.
#[derive(Debug)]
pub(crate) struct Operator {
    /// The public prefix of the key.
    pub(crate) principal: String,
    /// The key's name for people.
    pub(crate) name: String,
}

impl Reader {
    /// Lets in who may read, by the headers (or metadata) of a request.
    pub(crate) async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let open = state.options.read_access == ReadAccess::Open;
        let presented = presented(headers).or_else(|| from_browser(headers));
        if open && presented.is_none() {
            return Ok(Self { principal: None });
        }
        let key = authenticate(presented, state, Scope::Read).await?;
        if !open {
            require(&key, Scope::Read)?;
        }
        Ok(Self {
            principal: Some(key.prefix),
        })
    }

    /// Lets in who may read, or has a ticket to follow answers and sends no key.
    pub(crate) async fn of_follower(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        match live::ticket_in(&parts.uri) {
            Some(ticket) if presented(&parts.headers).is_none() => {
                let is_open = state.options.read_access == ReadAccess::Open;
                let principal = state.live.redeem(&ticket, is_open).await?;
                Ok(Self { principal })
            }
            _ => Self::of(&parts.headers, state).await,
        }
    }

    /// Lets in who may read, and the server itself.
    pub(crate) async fn of_request(
        extensions: &Extensions,
        headers: &HeaderMap,
        state: &ApiState,
    ) -> Result<Self, ApiError> {
        if extensions.get::<Inside>().is_some() {
            return Ok(Self { principal: None });
        }
        Self::of(headers, state).await
    }
}

impl Watcher {
    /// Lets in whoever reaches a server that only its own machine reaches, and otherwise who may
    /// operate it; a browser may send the key, as nothing is changed.
    async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let presented = presented(headers).or_else(|| from_browser(headers));
        if presented.is_none() && state.options.is_own_machine_only() {
            return Ok(Self);
        }
        let key = authenticate(presented, state, Scope::Admin).await?;
        if state.options.is_own_machine_only() {
            return Ok(Self);
        }
        require(&key, Scope::Admin).map(|()| Self)
    }
}

impl Writer {
    /// Lets in who may write, by the headers (or metadata) of a request.
    pub(crate) async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let key = authenticate(presented(headers), state, Scope::Write).await?;
        require(&key, Scope::Write)?;
        Ok(Self {
            operates: require(&key, Scope::Admin).is_ok(),
            principal: key.prefix,
        })
    }

    /// As who makes or changes alerts.
    pub(crate) fn caller(&self) -> AlertCaller {
        AlertCaller {
            principal: self.principal.clone(),
            operates: self.operates,
        }
    }
}

impl Keeper {
    /// Lets in who may change models, by the headers (or metadata) of a request.
    pub(crate) async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let key = authenticate(presented(headers), state, Scope::Models).await?;
        require(&key, Scope::Models)?;
        Ok(Self {
            principal: key.prefix,
            name: key.name,
        })
    }
}

impl FromRequestParts<ApiState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let key = authenticate(presented(&parts.headers), state, Scope::Admin).await?;
        require(&key, Scope::Admin)?;
        Ok(Self {
            principal: key.prefix,
            name: key.name,
        })
    }
}

impl FromRequestParts<ApiState> for Keeper {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::of(&parts.headers, state).await
    }
}

impl FromRequestParts<ApiState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::of_request(&parts.extensions, &parts.headers, state).await
    }
}

impl FromRequestParts<ApiState> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::of(&parts.headers, state).await
    }
}

impl FromRequestParts<ApiState> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Self::of(&parts.headers, state).await
    }
}

/// The key a request carries, in either header.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    if let Some(value) = headers.get("x-api-key") {
        return Some(value.as_bytes().to_vec());
    }
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked(7)?;
    let bearer = scheme.eq_ignore_ascii_case(b"bearer ");
    bearer.then(|| rest.trim_ascii().to_vec())
}

/// The key a browser sends as a password after asking its user. Good for reading only: a browser
/// sends it along with requests another site makes, too.
fn from_browser(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = BASE64_STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = pair.iter().position(|it| *it == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// The key a request carries, where it has the form of one.
pub(crate) fn carried(headers: &HeaderMap) -> Option<KeyText> {
    let bytes = presented(headers).or_else(|| from_browser(headers))?;
    KeyText::parse(std::str::from_utf8(&bytes).ok()?).ok()
}

/// Whether a key is one that was given out and not revoked.
pub(crate) async fn counts(key: &KeyText, state: &ApiState) -> Result<bool, EngineError> {
    let record = record_of(key, state).await?;
    Ok(record.is_some_and(|it| it.revoked_at.is_none()))
}

/// What is kept of a key, revoked or not; nothing where it is another one of the same prefix.
async fn record_of(key: &KeyText, state: &ApiState) -> Result<Option<ApiKeyRecord>, EngineError> {
    let record = state.engine.key(key.prefix()).await?;
    Ok(record.filter(|it| same(&it.hash, &key.hash())))
}

/// Finds the key a request carries and checks that it still counts.
async fn authenticate(
    presented: Option<Vec<u8>>,
    state: &ApiState,
    scope: Scope,
) -> Result<ApiKeyRecord, ApiError> {
    let bytes = presented.ok_or(ApiError::KeyMissing(scope))?;
    let malformed = || ApiError::KeyRefused("mistyped: its form or its checksum is wrong");
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let key = KeyText::parse(text).map_err(|_| malformed())?;
    let record = record_of(&key, state).await?;
    let record = record.ok_or(ApiError::KeyRefused("not known"))?;
    if record.revoked_at.is_some() {
        return Err(ApiError::KeyRefused("revoked"));
    }
    state.rates.proven(record.hash);
    let now = state.engine.now();
    let minute = SignedDuration::from_mins(1);
    if record
        .last_used_at
        .is_none_or(|used| now.duration_since(used) >= minute)
    {
        state.engine.touch_key(&record.prefix).await?;
    }
    Ok(record)
}

fn require(key: &ApiKeyRecord, scope: Scope) -> Result<(), ApiError> {
    let holds = |scope: Scope| key.scopes.iter().any(|it| it == scope.as_str());
    if holds(scope) || holds(Scope::Admin) {
        Ok(())
    } else {
        Err(ApiError::ScopeMissing(scope))
    }
}

/// Compares without stopping at the first difference.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}
