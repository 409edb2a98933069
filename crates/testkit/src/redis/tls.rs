//! A server that speaks TLS, under a certificate of an authority that nobody else knows.

use super::{Redis, free_port};
use crate::tls::Certificates;

/// A running server that answers in the clear, for commands of the test, and by TLS.
#[derive(Debug)]
pub struct TlsRedis {
    redis: Redis,
    port: u16,
    authority: Vec<u8>,
    _certificates: Certificates,
}

impl TlsRedis {
    /// Starts one whose certificate names `host`; `None`, said aloud, where the machine has no
    /// server or no `openssl`.
    ///
    /// # Panics
    /// Where there are such programs and they fail.
    pub fn start(host: &str) -> Option<Self> {
        let certificates = Certificates::of(host)?;
        let file = |name| certificates.file(name).display().to_string();
        let port = free_port(&[]);
        let settings = [
            format!("tls-port {port}"),
            format!("tls-cert-file {}", file("server.pem")),
            format!("tls-key-file {}", file("server.key")),
            format!("tls-ca-cert-file {}", file("authority.pem")),
            "tls-auth-clients no".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let authority = std::fs::read(certificates.file("authority.pem"));
        Some(Self {
            redis: Redis::start_with(&settings)?,
            port,
            authority: authority.expect("it was just made"),
            _certificates: certificates,
        })
    }

    /// Its URL by TLS, under this name.
    pub fn url(&self, host: &str) -> String {
        format!("rediss://{host}:{}/", self.port)
    }

    /// The certificate of the authority (PEM).
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// The server.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }
}
