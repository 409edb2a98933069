//! `/v1/session`: signs a person in at a browser, by a key that is shown once, and out again.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use engine::ApiKeyRecord;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::{self, Session as Kept, SessionName},
    error::ApiError,
    extract::{JsonBody, read_object},
    problem::Problem,
};

/// Makes a browser forget answers that it kept and what pages kept on the device; over plain HTTP
/// browsers pass it over.
pub(crate) const FORGET: (HeaderName, HeaderValue) = (
    HeaderName::from_static("clear-site-data"),
    HeaderValue::from_static("\"cache\", \"storage\""),
);

/// A key to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The key, as it was shown when it was made.
    #[schema(example = "se_Ab3dEf9h_0123456789abcdefghijABCDEFGHIJ0vXk2Q")]
    key: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// The public start of the key.
    #[schema(example = "Ab3dEf9h")]
    key: String,
    /// The key's name for people.
    #[schema(example = "feed")]
    name: String,
    /// What it may do.
    #[schema(example = json!(["read", "write"]))]
    scopes: Vec<String>,
    /// When the session ends by itself.
    #[schema(value_type = String, format = DateTime, example = "2026-11-26T20:00:00Z")]
    expires_at: Timestamp,
}

/// What came of signing out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// Whether there was a session that had not ended before.
    ended: bool,
}

impl Session {
    fn of(session: &Kept, key: ApiKeyRecord) -> Self {
        Self {
            key: key.prefix,
            name: key.name,
            scopes: key.scopes,
            expires_at: session.until,
        }
    }
}

/// Sign in
///
/// For a person at a browser: the answer sets a cookie that no script can read, which then counts as
/// the key would, for as long as `limits.session_minutes_max` says. A session that the browser had
/// before ends. Taken from the server's own pages alone.
#[utoipa::path(
    post,
    path = "/v1/session",
    operation_id = "signIn",
    tag = "Sessions",
    request_body = SignIn,
    responses(
        (status = 201, description = "Signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session."))),
        (status = 401, description = "The key does not count.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(crate) async fn sign_in(
    State(state): State<ApiState>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let asked: SignIn = read_object(&body.bytes)?;
    let (session, key, cookies) = auth::sign_in(&state, &asked.key, &body.headers).await?;
    let said = Json(Session::of(&session, key));
    Ok((StatusCode::CREATED, cookies, said).into_response())
}

/// Get who is signed in
///
/// By the cookie of the request alone; a key in a header is not looked at.
#[utoipa::path(
    get,
    path = "/v1/session",
    operation_id = "getSession",
    tag = "Sessions",
    responses((status = 200, description = "The session.", body = Session)),
    security(("session" = []))
)]
pub(crate) async fn get_session(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Json<Session>, ApiError> {
    let name = SessionName::carried(&headers).ok_or(ApiError::SessionEnded)?;
    let (session, key) = auth::signed_in(&name, &state).await?;
    Ok(Json(Session::of(&session, key)))
}

/// Sign out
///
/// Ends the session at every server and has the browser forget its cookie, answers that it kept, and
/// what pages kept on the device. Streams that were opened by it end within 30 seconds.
#[utoipa::path(
    delete,
    path = "/v1/session",
    operation_id = "signOut",
    tag = "Sessions",
    responses((status = 200, description = "Signed out.", body = SignedOut)),
    security((), ("session" = []))
)]
pub(crate) async fn sign_out(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (ended, cookies) = auth::sign_out(&state, &headers).await?;
    Ok((cookies, [FORGET], Json(SignedOut { ended })).into_response())
}
