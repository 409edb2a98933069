//! Cookies of a request (RFC 6265, 4.2), and those that are one server's own.
//!
//! Browsers send cookies to every port of a host, so that the port is part of an own cookie's name.
//! Over TLS its name begins with `__Host-`: that one browsers take from the host itself alone, over
//! TLS, and nobody else can plant it (RFC 6265bis, 4.1.3.2).

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{auth::check_own_site, host::Host};

const OVER_TLS: &str = "__Host-";

/// The value of the first cookie of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    lines
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .find(|(it, _)| *it == name)
        .map(|(_, value)| value)
}

/// The value of our own cookie of this name, as it was given over a connection like that of the
/// request.
pub(crate) fn own<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let plain = own_name(headers, name);
    let given = cookie(headers, &format!("{OVER_TLS}{plain}"));
    given.or_else(|| cookie(headers, &plain).filter(|_| !is_over_tls(headers)))
}

/// What an own cookie is called at the server that a request names, as far as that does not depend
/// on TLS.
pub(crate) fn own_name(headers: &HeaderMap, name: &str) -> String {
    match Host::of(headers).and_then(|it| it.port) {
        Some(port) => format!("{name}-{port}"),
        None => name.to_owned(),
    }
}

/// An own cookie for this site alone, kept for so many seconds, over TLS alone where it is reached so.
pub(crate) fn set_own(
    headers: &HeaderMap,
    (name, value): (&str, &str),
    (seconds, hidden): (u64, &str),
) -> String {
    let name = own_name(headers, name);
    let (before, after) = if is_over_tls(headers) {
        (OVER_TLS, "; Secure")
    } else {
        ("", "")
    };
    format!("{before}{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{hidden}{after}")
}

/// Whether a browser reaches us by TLS, which ends before us: one of our pages says that it came so,
/// and browsers say from which site a request comes to no place but those, and their own machine.
fn is_over_tls(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let is_safe = origin.is_some_and(|it| it.starts_with(b"https://"));
    let is_told = headers.contains_key("sec-fetch-site");
    (is_safe && check_own_site(headers).is_ok())
        || (is_told && Host::of(headers).is_some_and(|it| !it.is_own_machine()))
}

#[cfg(test)]
pub(crate) mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// The headers of a request.
    pub(crate) fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_cookie_is_given_for_one_port_and_over_tls_for_the_host_alone() {
        let told = ("sec-fetch-site", "same-origin");
        for (asked, set) in [
            (
                vec![("host", "a.example")],
                "s=1; Path=/; Max-Age=9; SameSite=Lax",
            ),
            (
                vec![("host", "a.example:81")],
                "s-81=1; Path=/; Max-Age=9; SameSite=Lax",
            ),
            (
                vec![("host", "[::1]")],
                "s=1; Path=/; Max-Age=9; SameSite=Lax",
            ),
            (
                vec![("host", "[::1]:81"), told],
                "s-81=1; Path=/; Max-Age=9; SameSite=Lax",
            ),
            (
                vec![("host", "127.0.0.1:81"), told],
                "s-81=1; Path=/; Max-Age=9; SameSite=Lax",
            ),
            (
                vec![("host", "a.example"), told],
                "__Host-s=1; Path=/; Max-Age=9; SameSite=Lax; Secure",
            ),
            (
                // A proxy that names itself.
                vec![
                    ("host", "127.0.0.1:81"),
                    told,
                    ("origin", "https://a.example"),
                ],
                "__Host-s-81=1; Path=/; Max-Age=9; SameSite=Lax; Secure",
            ),
        ] {
            assert_eq!(
                set_own(&headers(&asked), ("s", "1"), (9, "")),
                set,
                "{asked:?}"
            );
        }
    }

    #[test]
    fn a_cookie_is_read_where_it_was_given_and_one_that_was_planted_is_not() {
        let (here, tls) = (("host", "a.example:81"), ("sec-fetch-site", "none"));
        for (asked, read) in [
            (vec![here, ("cookie", "s-81=1")], Some("1")),
            (
                vec![here, ("cookie", "s=0; s-80=0; s-810=0; s-81=1")],
                Some("1"),
            ),
            (vec![here, ("cookie", "s=0; s-80=0; t-81=0; s-=0")], None),
            (
                vec![("host", "a.example"), ("cookie", "s-81=0; s=1")],
                Some("1"),
            ),
            (vec![("cookie", "s=1")], Some("1")),
            (
                vec![here, tls, ("cookie", "s-81=0; __Host-s-81=1")],
                Some("1"),
            ),
            (vec![here, tls, ("cookie", "s-81=0")], None),
            (
                vec![
                    here,
                    ("origin", "https://a.example:81"),
                    ("cookie", "s-81=0"),
                ],
                None,
            ),
            (
                vec![("host", "localhost:81"), tls, ("cookie", "s-81=1")],
                Some("1"),
            ),
        ] {
            assert_eq!(own(&headers(&asked), "s"), read, "{asked:?}");
        }
    }
}
