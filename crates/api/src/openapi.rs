//! The OpenAPI document, generated from the endpoints, and what every operation has in common.

use utoipa::{
    OpenApi as _,
    openapi::{
        Content, InfoBuilder, LicenseBuilder, OpenApi, PathItem, Ref, RefOr, Response,
        ResponseBuilder, ServerBuilder,
        header::HeaderBuilder,
        path::Operation,
        schema::{ObjectBuilder, Type},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
        tag::TagBuilder,
    },
};

use crate::{
    auth::{SECRET_COOKIE, Scope},
    problem::{FieldError, Problem},
    rate, routes,
};

const DESCRIPTION: &str = "\
Sports predictions with their market: fixtures, calibrated probabilities as of any moment, fair \
prices, bookmakers' quotes and the edges between them.

- Times are RFC 3339 in UTC, prices decimal, probabilities between 0 and 1.
- A list is `{data, next_cursor}`; pass `next_cursor` as `cursor` to get the next page.
- Errors are problem documents (RFC 9457); their `type` leads to an explanation.
- Reads carry an `ETag`; send it as `If-None-Match` and an unchanged answer comes as 304.
- Writes need an API key with the scope `write` and take an `Idempotency-Key`; changes of models \
  need one with the scope `models`.
- The answer to a write carries `sports-edge-position`; a read that sends it back sees that write, \
  whichever server answers.
- A server may limit how many requests a key or an address sends in a minute: `RateLimit` and \
  `RateLimit-Policy` then say what is left, and one too many is answered with 429.
- Unknown query parameters and body members are refused, not ignored.";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Problem, FieldError)))]
struct Shared;

/// The document of everything the API serves.
pub fn openapi() -> OpenApi {
    let mut document = Shared::openapi();
    document.info = InfoBuilder::new()
        .title("Sports Edge")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some("MIT"))
                .build(),
        ))
        .build();
    document.servers = Some(vec![
        ServerBuilder::new()
            .url("/")
            .description(Some("This server."))
            .build(),
    ]);
    document.tags = Some(tags());
    document.merge(routes::endpoints().into_openapi());
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer());
    components.add_security_scheme("api_key", api_key());
    components.add_security_scheme("session", session());
    for (name, description) in PROBLEM_RESPONSES {
        components
            .responses
            .insert((*name).to_owned(), RefOr::T(problem_response(description)));
    }
    for (path, item) in &mut document.paths.paths {
        complete(path, item);
    }
    document
}

/// The document as it is served and committed: pretty JSON with a line break at its end.
pub fn openapi_json() -> String {
    let mut text = openapi()
        .to_pretty_json()
        .expect("the document has only texts and numbers");
    text.push('\n');
    text
}

fn tags() -> Vec<utoipa::openapi::Tag> {
    [
        (
            "Fixtures",
            "Competitions, teams, and the games between them.",
        ),
        (
            "Predictions",
            "What the models say of a fixture as of a moment, and why.",
        ),
        (
            "Prices",
            "What bookmakers offer, and where it is more than fair.",
        ),
        (
            "Models",
            "The models, their report cards, and those of the repository with their versions.",
        ),
        ("Cache", "What is kept to answer sooner, for operators."),
        (
            "Games under way",
            "What happens in a game, and how it moves the forecast.",
        ),
        (
            "Alerts",
            "Rules that watch games, what they fired, and how it was told.",
        ),
        (
            "Sessions",
            "Signing in a person at a browser, whose cookie then says what a key would.",
        ),
        ("Writing", "Fixtures, results and prices from outside."),
        (
            "Health",
            "Whether the server lives and whether it is ready.",
        ),
    ]
    .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
    .to_vec()
}

fn bearer() -> SecurityScheme {
    let text = "An API key, made with `sports-edge key create`. Reads need one only where the \
                server is told so.";
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("se_ key")
            .description(Some(text))
            .build(),
    )
}

fn api_key() -> SecurityScheme {
    let text = "The same key in a header of its own.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "X-API-Key",
        text,
    )))
}

fn session() -> SecurityScheme {
    let text = "What `POST /v1/session` gives a browser in place of a key. With it only pages of the \
                server itself may change anything. The name ends with the port where the address \
                has one (`sports-edge-session-8080`), and begins with `__Host-` over TLS.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        SECRET_COOKIE,
        text,
    )))
}

/// Problems that more than one operation answers with.
const PROBLEM_RESPONSES: &[(&str, &str)] = &[
    (
        "BadRequest",
        "The query, path, header or body cannot be read.",
    ),
    (
        "Unauthenticated",
        "An API key is needed, or the one sent does not count.",
    ),
    ("Forbidden", "The API key lacks the scope."),
    (
        "Conflict",
        "The first request with this idempotency key is still at work.",
    ),
    ("TooLarge", "The body is too large."),
    ("NotJson", "The body is not JSON."),
    (
        "TooManyRequests",
        "More requests than the caller may send in a minute; `Retry-After` says when to come again.",
    ),
    (
        "ForeignHost",
        "The server listens on loopback and the request names another host.",
    ),
    ("Fault", "The server is at fault."),
    (
        "Unavailable",
        "Overloaded, timed out, starting, stopping, or no model has been trained.",
    ),
];

fn problem_response(description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", Content::new(Some(schema)))
        .build()
}

/// Where a session does not do in place of a key: whoever has one needs no ticket.
const NO_SESSION: &str = "/v1/live/tickets";

/// Adds the session wherever a key of some scope does.
fn add_session(operation: &mut Operation) {
    let security = operation.security.get_or_insert_default();
    for scope in Scope::ALL {
        let by = |scheme: &str| SecurityRequirement::new(scheme, [scope.as_str()]);
        if security.contains(&by("bearer")) {
            security.push(by("session"));
        }
    }
}

/// Adds to every operation what the front door answers for it.
fn complete(path: &str, item: &mut PathItem) {
    let operations = [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    for operation in operations.into_iter().flatten() {
        if path != NO_SESSION {
            add_session(operation);
        }
    }
    if let Some(operation) = &mut item.get {
        add(
            operation,
            &[
                ("400", "BadRequest"),
                ("421", "ForeignHost"),
                ("500", "Fault"),
            ],
        );
        add(operation, &[("503", "Unavailable")]);
        add_limited(path, operation);
        if path.starts_with("/v1/") {
            add(
                operation,
                &[("401", "Unauthenticated"), ("403", "Forbidden")],
            );
            add_not_modified(operation);
        }
    }
    let writes = [
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    for operation in writes.into_iter().flatten() {
        add(
            operation,
            &[
                ("400", "BadRequest"),
                ("401", "Unauthenticated"),
                ("403", "Forbidden"),
            ],
        );
        if takes_json(operation) {
            add(
                operation,
                &[("409", "Conflict"), ("413", "TooLarge"), ("415", "NotJson")],
            );
        }
        add(
            operation,
            &[
                ("421", "ForeignHost"),
                ("500", "Fault"),
                ("503", "Unavailable"),
            ],
        );
        add_limited(path, operation);
    }
}

/// Adds what a caller is told who sends too much, where requests are counted.
fn add_limited(path: &str, operation: &mut Operation) {
    if !rate::is_never_counted(path) {
        add(operation, &[("429", "TooManyRequests")]);
    }
}

fn takes_json(operation: &Operation) -> bool {
    match &operation.request_body {
        Some(RefOr::T(body)) => body.content.contains_key("application/json"),
        _ => false,
    }
}

fn add(operation: &mut Operation, responses: &[(&str, &str)]) {
    for (status, name) in responses {
        let reference = RefOr::Ref(Ref::from_response_name(*name));
        operation
            .responses
            .responses
            .entry((*status).to_owned())
            .or_insert(reference);
    }
}

fn add_not_modified(operation: &mut Operation) {
    let tag = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .description(Some("A digest of the answer; send it as `If-None-Match`."))
        .build();
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(ok)) = responses.get_mut("200") {
        ok.headers.insert("ETag".to_owned(), tag.into());
    }
    let text = "The answer is the one whose `ETag` was sent as `If-None-Match`.";
    let response = ResponseBuilder::new().description(text).build();
    responses.insert("304".to_owned(), RefOr::T(response));
}
