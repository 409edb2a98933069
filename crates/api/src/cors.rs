//! What pages of other origins may do: where an operator names an origin, browsers let its pages read
//! answers and send keys. They are not let read what was asked for with cookies, so that here a page
//! has no rights of who looks at it; sockets, which browsers open without asking, are another matter.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// How long a browser need not ask again what it may send.
const ASKED_FOR: Duration = Duration::from_secs(3_600);

/// Tells browsers so; `None` where no origin is named.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origins = origins
        .iter()
        .filter_map(|it| HeaderValue::from_str(it).ok());
    let origins: Vec<_> = origins.collect();
    if origins.is_empty() {
        return None;
    }
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(ASKED_FOR)
        .vary([header::ORIGIN]);
    Some(layer)
}
