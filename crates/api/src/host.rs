//! The host that a request names, one for all who ask: cookies, the site a browser comes from, and
//! the names this server answers to.
//!
//! HTTP/2 names it by `:authority` and HTTP/1.1 may in the request line; either goes before the
//! header `Host`, which need not be there (RFC 9113, 8.3.1; RFC 9112, 3.2.2). Every door puts what
//! they name in the header's place, so that nobody behind it sees two hosts.

use axum::http::{HeaderMap, HeaderValue, Request, Uri, header};

/// A host as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// All of it.
    pub(crate) text: &'a [u8],
    /// Without the port.
    pub(crate) name: &'a [u8],
    /// The port, where it is not the usual one.
    pub(crate) port: Option<&'a str>,
}

impl<'a> Host<'a> {
    /// That of a request, by its headers behind the door.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        headers
            .get(header::HOST)
            .map(|it| Self::read(it.as_bytes()))
    }

    fn read(text: &'a [u8]) -> Self {
        let colon = text.iter().rposition(|it| *it == b':');
        let (name, port) = match colon.map(|at| text.split_at(at)) {
            Some((name, port)) if port[1..].iter().all(u8::is_ascii_digit) => (name, &port[1..]),
            _ => (text, &text[..0]),
        };
        let port = std::str::from_utf8(port).ok();
        Self {
            text,
            name,
            port: port.filter(|it| (1..=5).contains(&it.len())),
        }
    }

    /// Whether it is one of the machine a browser runs on.
    pub(crate) fn is_own_machine(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name == b"localhost"
            || name.ends_with(b".localhost")
            || name == b"[::1]"
            || name.starts_with(b"127.")
    }
}

/// Puts the host that a request names before its headers in the header's place.
pub(crate) fn settle<B>(request: &mut Request<B>) {
    if let Some(host) = before_headers(request.uri()) {
        request.headers_mut().insert(header::HOST, host);
    }
}

fn before_headers(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    // Who asks is no part of the host.
    let host = authority.rsplit_once('@').map_or(authority, |it| it.1);
    Some(HeaderValue::from_str(host).expect("an authority is visible ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_and_without_a_port() {
        let read = |text: &'static str| {
            let host = Host::read(text.as_bytes());
            assert_eq!(host.text, text.as_bytes());
            (std::str::from_utf8(host.name).unwrap(), host.port)
        };
        assert_eq!(read("a.example"), ("a.example", None));
        assert_eq!(read("a.example:81"), ("a.example", Some("81")));
        assert_eq!(read("[::1]"), ("[::1]", None));
        assert_eq!(read("[::1]:81"), ("[::1]", Some("81")));
        assert_eq!(read("a:"), ("a", None));
        assert_eq!(read("a:123456"), ("a", None));
        assert_eq!(read("a:b"), ("a:b", None));
        assert_eq!(read(""), ("", None));
        assert_eq!(Host::read(b"\xff:81").name, b"\xff");
    }

    #[test]
    fn what_a_request_names_before_its_headers_is_its_host() {
        for (uri, header, host) in [
            ("/v1/teams", Some("a.example"), Some("a.example")),
            ("/v1/teams", None, None),
            ("https://b.example:81/", None, Some("b.example:81")),
            (
                "https://b.example:81/",
                Some("a.example"),
                Some("b.example:81"),
            ),
            ("http://a.example@b.example/", None, Some("b.example")),
        ] {
            let mut request = Request::builder().uri(uri);
            if let Some(header) = header {
                request = request.header(header::HOST, header);
            }
            let mut request = request.body(()).unwrap();
            settle(&mut request);
            let found = Host::of(request.headers()).map(|it| it.text);
            assert_eq!(found, host.map(str::as_bytes), "{uri} {header:?}");
        }
    }

    #[test]
    fn what_is_a_browsers_own_machine_is_told() {
        for own in [
            "localhost",
            "LocalHost:81",
            "a.localhost",
            "[::1]:81",
            "127.0.0.9",
        ] {
            assert!(Host::read(own.as_bytes()).is_own_machine(), "{own}");
        }
        for other in ["a.example", "localhost.example", "128.0.0.1", "[::2]", ""] {
            assert!(!Host::read(other.as_bytes()).is_own_machine(), "{other}");
        }
    }
}
