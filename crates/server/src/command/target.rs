//! Where a server is.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::bail;

/// The scheme, host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    scheme: &'static str,
    authority: String,
}

impl Target {
    /// Reads `http://host:port` or `https://…`, with nothing behind it.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let of = |scheme| Some((scheme, url.strip_prefix(scheme)?.strip_prefix("://")?));
        let Some((scheme, rest)) = of("http").or_else(|| of("https")) else {
            bail!("{url:?} is not the URL of a server, such as http://127.0.0.1:8080");
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            bail!("{url:?} has something else than host and port after {scheme}://");
        }
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
        })
    }

    /// A server of this machine that listens as set.
    pub(crate) fn of_setting(mut listen: SocketAddr) -> Self {
        if listen.ip().is_unspecified() {
            listen.set_ip(match listen.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        Self {
            scheme: "http",
            authority: listen.to_string(),
        }
    }

    /// Host and port for a plain connection; `None` where TLS is due.
    pub(crate) fn plain(&self) -> Option<String> {
        let port = self.authority.rsplit_once(':');
        let has_port = port.is_some_and(|(_, it)| it.bytes().all(|it| it.is_ascii_digit()));
        let with_port = if has_port {
            self.authority.clone()
        } else {
            format!("{}:80", self.authority)
        };
        (self.scheme == "http").then_some(with_port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_scheme_host_and_port() {
        for (url, plain) in [
            ("http://localhost:8080/", Some("localhost:8080")),
            ("http://odds.example", Some("odds.example:80")),
            ("http://[::1]:9", Some("[::1]:9")),
            ("https://odds.example", None),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.plain().as_deref(), plain, "{url}");
            assert_eq!(target.to_string(), url.trim_end_matches('/'));
        }
        for url in [
            "localhost:8080",
            "ftp://x",
            "http://",
            "http://x/v1",
            "http://a@b",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_address_that_is_everywhere_is_asked_for_on_loopback() {
        for (listen, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.1:80", "http://10.0.0.1:80"),
        ] {
            let target = Target::of_setting(listen.parse().unwrap());
            assert_eq!(target.to_string(), url);
        }
    }
}
