//! Where a server may lead a fetch: to another place of its own, and nowhere else.
//!
//! Who was named must not choose what else this machine reaches, which may be private, nor be given
//! what was meant for it alone to hand on: a password in the address, the marks of what is known.

use anyhow::{Result, bail};
use ureq::http::{HeaderMap, StatusCode, header};
use url::Url;

/// Redirects of one fetch.
pub(super) const REDIRECTS_MAX: u32 = 5;

/// Whether an answer leads elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    [301, 302, 303, 307, 308].contains(&status.as_u16())
}

/// The address that an answer from `from` leads to; an error that names it where it is another
/// server's.
pub(super) fn target(from: &Url, headers: &HeaderMap) -> Result<Url> {
    let Some(location) = headers.get(header::LOCATION) else {
        bail!("the source leads elsewhere and does not say where");
    };
    let to = location.to_str().ok().and_then(|it| from.join(it).ok());
    let Some(mut to) = to else {
        bail!("the source leads to {location:?}, which is no address");
    };
    // Whoever is named by a password in the address is named by whom it was given to.
    let named = (from.username(), from.password());
    let set = to.set_username(named.0).is_ok() && to.set_password(named.1).is_ok();
    if set && is_same_server(from, &to) {
        to.set_fragment(None);
        return Ok(to);
    }
    bail!(
        "the source leads to {}, which is another server; name that address if you trust it",
        shown(to)
    );
}

/// Whether both addresses are of one server: of one origin, or the same name by TLS in place of in
/// the clear, each at its usual port.
fn is_same_server(from: &Url, to: &Url) -> bool {
    let is_raised = from.scheme() == "http"
        && to.scheme() == "https"
        && from.host() == to.host()
        && from.port().is_none()
        && to.port().is_none();
    is_raised || (from.origin().is_tuple() && from.origin() == to.origin())
}

/// The address without who asks.
fn shown(mut url: Url) -> Url {
    // What has no place for them has none of them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(from: &str, location: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        let to = target(&Url::parse(from).unwrap(), &headers);
        to.map(Into::into).map_err(|it| it.to_string())
    }

    #[test]
    fn a_server_leads_to_places_of_its_own() {
        for (from, location, to) in [
            ("http://a.example/x/y?z", "w", "http://a.example/x/w"),
            (
                "http://a.example/x/y",
                "../v?q=http://b#f",
                "http://a.example/v?q=http://b",
            ),
            (
                "http://a.example:81/x",
                "//A.example:81/y",
                "http://a.example:81/y",
            ),
            (
                "https://a.example/x",
                "https://a.example:443/y",
                "https://a.example/y",
            ),
            (
                "http://a.example/x",
                "https://a.example/x",
                "https://a.example/x",
            ),
            (
                "http://me:word@a.example/x",
                "/y",
                "http://me:word@a.example/y",
            ),
            (
                "http://me:word@a.example/x",
                "http://you@a.example/y",
                "http://me:word@a.example/y",
            ),
            (
                "http://[::1]:9/x",
                "http://[0:0::1]:9/y",
                "http://[::1]:9/y",
            ),
        ] {
            assert_eq!(led(from, location).as_deref(), Ok(to), "{from} {location}");
        }
    }

    #[test]
    fn no_server_leads_to_another_or_out_of_tls() {
        for (from, location, named) in [
            (
                "https://a.example/x",
                "http://a.example/x",
                "http://a.example/x",
            ),
            (
                "http://a.example/x",
                "http://169.254.169.254/y",
                "http://169.254.169.254/y",
            ),
            ("http://a.example/x", "//b.example/", "http://b.example/"),
            (
                "http://a.example/x",
                "http://a.example:81/x",
                "http://a.example:81/x",
            ),
            (
                "http://a.example:81/x",
                "https://a.example/x",
                "https://a.example/x",
            ),
            (
                "http://a.example/x",
                "https://a.example:444/x",
                "https://a.example:444/x",
            ),
            (
                "http://a.example/x",
                "http://a.example.b.example/",
                "http://a.example.b.example/",
            ),
            (
                "http://a.example/x",
                "http://a.example@b.example/",
                "http://b.example/",
            ),
            (
                "http://a.example/x",
                "http:\\\\b.example/",
                "http://b.example/",
            ),
            (
                "http://me:word@a.example/x",
                "http://b.example/",
                "http://b.example/",
            ),
            (
                "http://a.example/x",
                "file:///etc/passwd",
                "file:///etc/passwd",
            ),
            ("http://a.example/x", "data:text/csv,a", "data:text/csv,a"),
        ] {
            let refused = led(from, location).unwrap_err();
            let words = format!("the source leads to {named}, which is another server; ");
            assert!(refused.starts_with(&words), "{from} {location}: {refused}");
        }
        assert!(
            led("http://a.example/", "http://")
                .unwrap_err()
                .contains("no address")
        );
        let nowhere = target(&Url::parse("http://a.example/").unwrap(), &HeaderMap::new());
        assert!(
            nowhere
                .unwrap_err()
                .to_string()
                .contains("does not say where")
        );
    }
}
