//! The kinds of problems, in the order of their status.

use axum::http::StatusCode;

use super::ProblemKind;

/// A query parameter is unknown, twice there, or out of range.
pub(crate) const BAD_QUERY: ProblemKind = ProblemKind {
    slug: "bad-query",
    status: StatusCode::BAD_REQUEST,
    title: "The query cannot be read",
    help: "A query parameter is unknown, given twice, of the wrong form or out of range. `errors` \
           names it. Unknown parameters are refused so that a misspelt filter never passes \
           unnoticed.",
};

/// A cursor was not given out here.
pub(crate) const BAD_CURSOR: ProblemKind = ProblemKind {
    slug: "bad-cursor",
    status: StatusCode::BAD_REQUEST,
    title: "The cursor is not one of ours",
    help: "Pass `next_cursor` of the page before exactly as it came, with the same filters, or \
           leave `cursor` out to start again.",
};

/// A part of the path cannot be read.
pub(crate) const BAD_PATH: ProblemKind = ProblemKind {
    slug: "bad-path",
    status: StatusCode::BAD_REQUEST,
    title: "The path cannot be read",
    help: "A part of the path has the wrong form, such as letters where a fixture's number is due.",
};

/// A header cannot be read.
pub(crate) const BAD_HEADER: ProblemKind = ProblemKind {
    slug: "bad-header",
    status: StatusCode::BAD_REQUEST,
    title: "A header cannot be read",
    help: "`Idempotency-Key` has 1 to 255 visible ASCII characters.",
};

/// The body is not JSON.
pub(crate) const MALFORMED_BODY: ProblemKind = ProblemKind {
    slug: "malformed-body",
    status: StatusCode::BAD_REQUEST,
    title: "The body is not the JSON that is due",
    help: "The body must be a JSON object with the one member `data`, a list of 1 to 1,000 \
           entries; a few endpoints take members beside it, or an object of their own. `errors` says \
           where the fault lies.",
};

/// The upload broke off.
pub(crate) const UPLOAD_BROKEN: ProblemKind = ProblemKind {
    slug: "upload-broken",
    status: StatusCode::BAD_REQUEST,
    title: "The upload broke off",
    help: "Nothing was kept. Send the file again.",
};

/// There is no key.
pub(crate) const KEY_MISSING: ProblemKind = ProblemKind {
    slug: "key-missing",
    status: StatusCode::UNAUTHORIZED,
    title: "An API key is needed",
    help: "Send `Authorization: Bearer se_…` or `X-API-Key: se_…`. Make a key with \
           `sports-edge key create --name NAME --scope write` (`models` to change models).",
};

/// The key does not count.
pub(crate) const KEY_REFUSED: ProblemKind = ProblemKind {
    slug: "key-refused",
    status: StatusCode::UNAUTHORIZED,
    title: "The API key is not valid",
    help: "The key is mistyped, unknown or revoked. `sports-edge key list` shows which keys there \
           are.",
};

/// The session does not count.
pub(crate) const SESSION_ENDED: ProblemKind = ProblemKind {
    slug: "session-ended",
    status: StatusCode::UNAUTHORIZED,
    title: "The session has ended",
    help: "Sessions end by signing out, after `limits.session_minutes_max`, when their key is revoked, \
           and, without a Redis, when the server stops. Sign in again at `/sign-in`.",
};

/// The ticket does not count.
pub(crate) const TICKET_REFUSED: ProblemKind = ProblemKind {
    slug: "ticket-refused",
    status: StatusCode::UNAUTHORIZED,
    title: "The ticket does not count",
    help: "A ticket is good once, for 30 seconds, at the server that gave it. Get another with \
           `POST /v1/live/tickets`.",
};

/// The key may not do this.
pub(crate) const SCOPE_MISSING: ProblemKind = ProblemKind {
    slug: "scope-missing",
    status: StatusCode::FORBIDDEN,
    title: "The API key may not do this",
    help: "The key is valid but lacks the scope. The key that the first run prints has `write` and \
           `models`. Make another on the server's machine with `sports-edge key create --name NAME \
           --scope SCOPE`; it counts at once.",
};

/// The alert was made with another key.
pub(crate) const FOREIGN_ALERT: ProblemKind = ProblemKind {
    slug: "foreign-alert",
    status: StatusCode::FORBIDDEN,
    title: "The alert was made with another API key",
    help: "An alert is changed, tested and deleted with the key that made it, or with one that has \
           the scope `admin`.",
};

/// A ticket is asked for by who needs none.
pub(crate) const TICKET_NEEDLESS: ProblemKind = ProblemKind {
    slug: "ticket-needless",
    status: StatusCode::FORBIDDEN,
    title: "Who is signed in needs no ticket",
    help: "A ticket would outlive the session. A browser sends the session's cookie with sockets and \
           streams of the same site, too.",
};

/// A page of another site had the browser send it.
pub(crate) const OTHER_SITE: ProblemKind = ProblemKind {
    slug: "other-site",
    status: StatusCode::FORBIDDEN,
    title: "Pages of other sites may not do this",
    help: "A browser sends the cookie of a session with what other sites ask for, too. What changes \
           something is taken from the server's own pages; programs send a key.",
};

/// Pages of this origin may not open sockets.
pub(crate) const FOREIGN_ORIGIN: ProblemKind = ProblemKind {
    slug: "foreign-origin",
    status: StatusCode::FORBIDDEN,
    title: "Pages of this origin may not open sockets",
    help: "A browser sends what it knows of its user with every socket, whichever page opens it. List \
           other origins than the server's own in the setting `allowed_origins`.",
};

/// There is no such route.
pub(crate) const UNKNOWN_ROUTE: ProblemKind = ProblemKind {
    slug: "unknown-route",
    status: StatusCode::NOT_FOUND,
    title: "There is nothing at this path",
    help: "`/docs` lists every path.",
};

/// There is no such alert.
pub(crate) const UNKNOWN_ALERT: ProblemKind = ProblemKind {
    slug: "unknown-alert",
    status: StatusCode::NOT_FOUND,
    title: "The alert is not known",
    help: "`GET /v1/alerts` lists alerts with their numbers.",
};

/// There is no such fixture.
pub(crate) const UNKNOWN_FIXTURE: ProblemKind = ProblemKind {
    slug: "unknown-fixture",
    status: StatusCode::NOT_FOUND,
    title: "The fixture is not known",
    help: "`GET /v1/fixtures` lists fixtures with their numbers.",
};

/// There is no such competition.
pub(crate) const UNKNOWN_COMPETITION: ProblemKind = ProblemKind {
    slug: "unknown-competition",
    status: StatusCode::NOT_FOUND,
    title: "The competition is not known, or has no fixture",
    help: "`GET /v1/competitions` lists competitions with their keys.",
};

/// The competition has no such season.
pub(crate) const UNKNOWN_SEASON: ProblemKind = ProblemKind {
    slug: "unknown-season",
    status: StatusCode::NOT_FOUND,
    title: "The competition has no fixture in this season",
    help: "A season is written as its fixtures have it; `seasons` of \
           `GET /v1/competitions/{key}/standings` lists them.",
};

/// There is no such team.
pub(crate) const UNKNOWN_TEAM: ProblemKind = ProblemKind {
    slug: "unknown-team",
    status: StatusCode::NOT_FOUND,
    title: "The team is not known",
    help: "`GET /v1/teams` lists teams with their numbers.",
};

/// There is no such model.
pub(crate) const UNKNOWN_MODEL: ProblemKind = ProblemKind {
    slug: "unknown-model",
    status: StatusCode::NOT_FOUND,
    title: "The model is not known",
    help: "`GET /v1/models` lists models; before the first `sports-edge train` there is none.",
};

/// The model has no report.
pub(crate) const NO_REPORT: ProblemKind = ProblemKind {
    slug: "no-report",
    status: StatusCode::NOT_FOUND,
    title: "The model has no report",
    help: "A model of the repository has the report that its trainer left beside it as `report.json`.",
};

/// The version is not known.
pub(crate) const UNKNOWN_VERSION: ProblemKind = ProblemKind {
    slug: "unknown-version",
    status: StatusCode::NOT_FOUND,
    title: "The version is not known",
    help: "There is no such version, or the model's version policy leaves it out. \
           `GET /v1/models/{name}/versions` lists versions.",
};

/// The path does not take this method.
pub(crate) const METHOD_NOT_ALLOWED: ProblemKind = ProblemKind {
    slug: "method-not-allowed",
    status: StatusCode::METHOD_NOT_ALLOWED,
    title: "The path does not take this method",
    help: "The `Allow` header lists the methods the path takes.",
};

/// The first request with the idempotency key is still at work.
pub(crate) const IDEMPOTENCY_IN_PROGRESS: ProblemKind = ProblemKind {
    slug: "idempotency-in-progress",
    status: StatusCode::CONFLICT,
    title: "The first request with this key is still at work",
    help: "Try again after `Retry-After` seconds: the answer of the first request is then given \
           again.",
};

/// There is such a version already.
pub(crate) const VERSION_TAKEN: ProblemKind = ProblemKind {
    slug: "version-taken",
    status: StatusCode::CONFLICT,
    title: "There is such a version already",
    help: "A version never changes. Leave `version` out to get the next free number.",
};

/// The change is refused as things are.
pub(crate) const CHANGE_REFUSED: ProblemKind = ProblemKind {
    slug: "change-refused",
    status: StatusCode::CONFLICT,
    title: "The change is refused as things are",
    help: "`detail` says what stands in the way: a gate that was set, a version that is needed, a \
           promotion that never was.",
};

/// The body is too large.
pub(crate) const BODY_TOO_LARGE: ProblemKind = ProblemKind {
    slug: "body-too-large",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The body is too large",
    help: "Send smaller batches; the setting `limits.body_bytes_max` holds the bound, and \
           `models.upload_bytes_max` that of a model's file.",
};

/// The body is not declared as JSON.
pub(crate) const UNSUPPORTED_MEDIA_TYPE: ProblemKind = ProblemKind {
    slug: "unsupported-media-type",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "The body must be JSON",
    help: "Send `Content-Type: application/json`.",
};

/// The request was meant for another host.
pub(crate) const FOREIGN_HOST: ProblemKind = ProblemKind {
    slug: "foreign-host",
    status: StatusCode::MISDIRECTED_REQUEST,
    title: "The request names another host",
    help: "A server that listens on loopback answers only to loopback names, so that a page from \
           elsewhere cannot reach it by pointing its own name at this machine (DNS rebinding). \
           Behind a proxy, list the names it serves in the setting `allowed_hosts`.",
};

/// Entries of a batch cannot be taken.
pub(crate) const INVALID_ENTRIES: ProblemKind = ProblemKind {
    slug: "invalid-entries",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "Entries of the batch cannot be taken",
    help: "Nothing was written. `errors` has a JSON pointer into the body and a reason for each \
           entry at fault, up to 100 of them.",
};

/// There can be no such alert.
pub(crate) const INVALID_ALERT: ProblemKind = ProblemKind {
    slug: "invalid-alert",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "There can be no such alert",
    help: "Nothing was written. `errors` has a JSON pointer into the body and the reason: a level that \
           is never reached, an outcome that the market does not have, a scope that names nothing.",
};

/// The key has as many alerts as it may.
pub(crate) const TOO_MANY_ALERTS: ProblemKind = ProblemKind {
    slug: "too-many-alerts",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The API key has as many alerts as it may",
    help: "Delete one that is not needed, or use another key.",
};

/// The fixture cannot be predicted as of that moment.
pub(crate) const NOT_PREDICTABLE: ProblemKind = ProblemKind {
    slug: "not-predictable",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The fixture cannot be predicted as of this moment",
    help: "`as_of` lies in the future, or after kickoff when nothing was heard of the game yet; \
           or nothing was known of the teams then.",
};

/// The idempotency key was used with another body.
pub(crate) const IDEMPOTENCY_MISMATCH: ProblemKind = ProblemKind {
    slug: "idempotency-mismatch",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The idempotency key belongs to another body",
    help: "Use a new `Idempotency-Key` for a new request, and the same one only to repeat the \
           same request.",
};

/// The model or setting cannot be taken.
pub(crate) const BAD_MODEL: ProblemKind = ProblemKind {
    slug: "bad-model",
    status: StatusCode::UNPROCESSABLE_ENTITY,
    title: "The model or setting cannot be taken",
    help: "`detail` says why: the file is no model of a known kind, is malformed, has another hash, or \
           disagrees with its golden rows; a name, label or share is not one. Nothing was changed.",
};

/// Another version of the WebSocket protocol.
pub(crate) const OTHER_VERSION: ProblemKind = ProblemKind {
    slug: "other-version",
    status: StatusCode::UPGRADE_REQUIRED,
    title: "Another version of the WebSocket protocol",
    help: "Send `Sec-WebSocket-Version: 13`, the version of RFC 6455.",
};

/// The API key has as many streams as it may.
pub(crate) const TOO_MANY_STREAMS: ProblemKind = ProblemKind {
    slug: "too-many-streams",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "The API key, or the address without one, has as many streams as it may",
    help: "Close one, or try again after `Retry-After` seconds; the settings \
           `live.connections_per_key_max` and `live.connections_per_address_max` hold the bounds.",
};

/// The caller sent more requests than it may.
pub(crate) const TOO_MANY_REQUESTS: ProblemKind = ProblemKind {
    slug: "too-many-requests",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "More requests than may be sent in a minute",
    help: "Try again after `Retry-After` seconds. `RateLimit` says on every answer how many requests \
           may follow; the settings `limits.requests_per_minute_per_key` and \
           `limits.requests_per_minute_per_address` hold the bounds.",
};

/// The model is busy.
pub(crate) const MODEL_BUSY: ProblemKind = ProblemKind {
    slug: "model-busy",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "The model is busy",
    help: "Try again after `Retry-After` seconds; the model's `config.toml` holds the bound.",
};

/// A fault of ours.
pub(crate) const INTERNAL: ProblemKind = ProblemKind {
    slug: "internal",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "The server is at fault",
    help: "The log has the cause under the same request id.",
};

/// The model does not answer now.
pub(crate) const MODEL_UNAVAILABLE: ProblemKind = ProblemKind {
    slug: "model-unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The model does not answer now",
    help: "It is loading, unloaded, left alone after failures, or there is no room for it; `detail` \
           says which.",
};

/// No model has been trained.
pub(crate) const NO_MODEL: ProblemKind = ProblemKind {
    slug: "no-model",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "No model has been trained",
    help: "Run `sports-edge train`, then ask again.",
};

/// The server is starting or stopping.
pub(crate) const NOT_READY: ProblemKind = ProblemKind {
    slug: "not-ready",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The server is not ready",
    help: "It is starting, stopping, or its database does not answer; `detail` says which.",
};

/// Too many requests at once.
pub(crate) const OVERLOADED: ProblemKind = ProblemKind {
    slug: "overloaded",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Too many requests at once",
    help: "Try again after `Retry-After` seconds; the setting `limits.concurrent_requests_max` \
           holds the bound.",
};

/// The answer took too long.
pub(crate) const TIMED_OUT: ProblemKind = ProblemKind {
    slug: "timed-out",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The answer took too long",
    help: "Work on the request was stopped; the setting `limits.handler_seconds_max` holds the \
           bound.",
};

/// The database failed.
pub(crate) const STORE_FAILED: ProblemKind = ProblemKind {
    slug: "store-failed",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The database failed",
    help: "`sports-edge doctor` checks the database; the log has the cause under the same request \
           id.",
};

/// The folder of models cannot be read or written.
pub(crate) const MODELS_FOLDER_AWAY: ProblemKind = ProblemKind {
    slug: "models-folder-away",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The folder of models cannot be read or written",
    help: "Nothing was changed. On the server's machine see that the folder of the setting \
           `models.folder` is there and that the server's user may write in it; the log names the \
           file and the cause under the same request id.",
};

/// The disk of the folder of models is full.
pub(crate) const MODELS_FOLDER_FULL: ProblemKind = ProblemKind {
    slug: "models-folder-full",
    status: StatusCode::INSUFFICIENT_STORAGE,
    title: "The disk of the folder of models is full",
    help: "Nothing was changed. Delete versions that are not needed, or free space where the setting \
           `models.folder` lies, and send it again.",
};
