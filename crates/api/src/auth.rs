//! Who asks: API keys and sessions begun with one, and the values a handler must hold to read, to
//! write or to change models.
//!
//! A handler that takes a [`Reader`], a [`Writer`] or a [`Keeper`] cannot run for somebody who may
//! not. Only the hash of a key is ever stored; the key itself is never logged.

mod key;
mod session;
mod touch;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use engine::{AlertCaller, ApiKeyRecord, EngineError};
use jiff::Timestamp;

use crate::{ApiState, error::ApiError, live};

pub(crate) use key::START as KEY_START;
pub use key::{KEY_RANDOM_BYTES, KeyText, NewKey, ParseKeyError};
pub use session::SessionOptions;
pub(crate) use session::{
    SECRET_COOKIE, Session, SessionName, Sessions, check_own_site, forgotten, shown, shown_cookie,
    sign_in, sign_out,
};
pub(crate) use touch::Touches;

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
    /// The session that it came by.
    pub(crate) session: Option<SessionName>,
}

/// Proof that the request may see models: how they are set, and what they did.
#[derive(Debug)]
pub(crate) struct Viewer;

/// What a request brings to be known by.
#[derive(Debug)]
enum Proof {
    Key(Vec<u8>),
    Session(SessionName),
}

impl Proof {
    /// What a request brings that changes nothing, whoever has the browser send it. Where anybody may
    /// (`is_open`), a session is not looked for: one that ended is no reason to refuse.
    fn to_read(headers: &HeaderMap, is_open: bool) -> Option<Self> {
        let key = presented(headers).or_else(|| from_browser(headers));
        match key {
            Some(key) => Some(Self::Key(key)),
            None if is_open => None,
            None => SessionName::carried(headers).map(Self::Session),
        }
    }

    /// What a request brings that changes something: a key, or the session of one of our pages.
    fn to_change(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        if let Some(key) = presented(headers) {
            return Ok(Some(Self::Key(key)));
        }
        let Some(session) = SessionName::carried(headers) else {
            return Ok(None);
        };
        check_own_site(headers)?;
        Ok(Some(Self::Session(session)))
    }
}

/// Marks a request that the server makes of itself, for readers who were let in already. It is no
/// part of what comes over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside;

/// Marks a request that the server makes of itself for what the answer was at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Back(pub(crate) Timestamp);

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
        Self::with_any(&[Scope::Read], headers, state).await
    }

    /// Lets in whose key has one of these scopes, and everybody where reads are open.
    async fn with_any(
        scopes: &[Scope],
        headers: &HeaderMap,
        state: &ApiState,
    ) -> Result<Self, ApiError> {
        let open = state.options.read_access == ReadAccess::Open;
        let proof = Proof::to_read(headers, open);
        if open && proof.is_none() {
            return Ok(Self::anybody());
        }
        let session = match &proof {
            Some(Proof::Session(name)) => Some(name.clone()),
            _ => None,
        };
        let key = authenticate(proof, state, Scope::Read).await?;
        if !open && !scopes.iter().any(|it| require(&key, *it).is_ok()) {
            return Err(ApiError::ScopeMissing(Scope::Read));
        }
        Ok(Self {
            principal: Some(key.prefix),
            session,
        })
    }

    fn anybody() -> Self {
        Self {
            principal: None,
            session: None,
        }
    }

    /// Lets in who may read, or has a ticket to follow answers and sends no key.
    pub(crate) async fn of_follower(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        match live::ticket_in(&parts.uri) {
            Some(ticket) if presented(&parts.headers).is_none() => {
                let is_open = state.options.read_access == ReadAccess::Open;
                let principal = state.live.redeem(&ticket, is_open).await?;
                Ok(Self {
                    principal,
                    session: None,
                })
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
        Self::of_request_with_any(&[Scope::Read], extensions, headers, state).await
    }

    /// Lets in as [`Self::with_any`], and the server itself.
    async fn of_request_with_any(
        scopes: &[Scope],
        extensions: &Extensions,
        headers: &HeaderMap,
        state: &ApiState,
    ) -> Result<Self, ApiError> {
        if extensions.get::<Inside>().is_some() {
            return Ok(Self::anybody());
        }
        Self::with_any(scopes, headers, state).await
    }
}

impl Viewer {
    /// Of these one is enough: who may change models may see them.
    const SCOPES: [Scope; 2] = [Scope::Read, Scope::Models];

    /// Lets in who may read and who may change models, by the headers (or metadata) of a request.
    pub(crate) async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let reader = Reader::with_any(&Self::SCOPES, headers, state).await;
        reader.map(|_| Self)
    }

    /// Lets them in, and the server itself.
    pub(crate) async fn of_request(
        extensions: &Extensions,
        headers: &HeaderMap,
        state: &ApiState,
    ) -> Result<Self, ApiError> {
        let reader = Reader::of_request_with_any(&Self::SCOPES, extensions, headers, state).await;
        reader.map(|_| Self)
    }
}

impl Watcher {
    /// Lets in whoever reaches a server that only its own machine reaches, and otherwise who may
    /// operate it; a browser may send the key, as nothing is changed.
    async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let is_open = state.options.is_own_machine_only();
        let proof = Proof::to_read(headers, is_open);
        if is_open && proof.is_none() {
            return Ok(Self);
        }
        let key = authenticate(proof, state, Scope::Admin).await?;
        if is_open {
            return Ok(Self);
        }
        require(&key, Scope::Admin).map(|()| Self)
    }
}

impl Writer {
    /// Lets in who may write, by the headers (or metadata) of a request.
    pub(crate) async fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let key = authenticate(Proof::to_change(headers)?, state, Scope::Write).await?;
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
        let key = authenticate(Proof::to_change(headers)?, state, Scope::Models).await?;
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
        let key = authenticate(Proof::to_change(&parts.headers)?, state, Scope::Admin).await?;
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

impl FromRequestParts<ApiState> for Viewer {
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

/// Finds the key a request is known by and checks that it still counts.
async fn authenticate(
    proof: Option<Proof>,
    state: &ApiState,
    scope: Scope,
) -> Result<ApiKeyRecord, ApiError> {
    match proof {
        Some(Proof::Key(text)) => key_of(&text, state).await,
        Some(Proof::Session(name)) => signed_in(&name, state).await.map(|it| it.1),
        None => Err(ApiError::KeyMissing(scope)),
    }
}

/// The key of this text, where it counts.
async fn key_of(text: &[u8], state: &ApiState) -> Result<ApiKeyRecord, ApiError> {
    let malformed = || ApiError::KeyRefused("mistyped: its form or its checksum is wrong");
    let text = std::str::from_utf8(text).map_err(|_| malformed())?;
    let key = KeyText::parse(text).map_err(|_| malformed())?;
    let record = record_of(&key, state).await?;
    let record = record.ok_or(ApiError::KeyRefused("not known"))?;
    if record.revoked_at.is_some() {
        return Err(ApiError::KeyRefused("revoked"));
    }
    state.rates.proven(record.hash);
    touch::note(&record, state);
    Ok(record)
}

/// A session that has not ended, and its key, where that counts.
pub(crate) async fn signed_in(
    name: &SessionName,
    state: &ApiState,
) -> Result<(Session, ApiKeyRecord), ApiError> {
    let session = state.sessions.find(name, state.engine.now()).await;
    let session = session.ok_or(ApiError::SessionEnded)?;
    let record = state.engine.key(&session.prefix).await?;
    let counts = |it: &ApiKeyRecord| same(&it.hash, &session.hash) && it.revoked_at.is_none();
    let record = record.filter(counts).ok_or(ApiError::SessionEnded)?;
    touch::note(&record, state);
    Ok((session, record))
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
