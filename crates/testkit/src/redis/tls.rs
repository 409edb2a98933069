//! A server that speaks TLS, under a certificate of an authority that nobody else knows.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{Redis, find, free_port};

/// What `openssl` is told of the authority's certificate and of the server's.
const CONFIG: &str = "[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=testkit\n\
    [authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n[server]\n";

/// A running server that answers in the clear, for commands of the test, and by TLS.
#[derive(Debug)]
pub struct TlsRedis {
    redis: Redis,
    port: u16,
    authority: Vec<u8>,
    _folder: TempDir,
}

impl TlsRedis {
    /// Starts one whose certificate names `host`; `None`, said aloud, where the machine has no
    /// server or no `openssl`.
    ///
    /// # Panics
    /// Where there are such programs and they fail.
    pub fn start(host: &str) -> Option<Self> {
        if find("openssl").is_none() {
            crate::skip("openssl");
            return None;
        }
        let folder = tempfile::tempdir().expect("a test can make a temporary folder");
        certify(folder.path(), host);
        let (port, at) = (free_port(&[]), folder.path().display());
        let settings = [
            format!("tls-port {port}"),
            format!("tls-cert-file {at}/server.pem"),
            format!("tls-key-file {at}/server.key"),
            format!("tls-ca-cert-file {at}/authority.pem"),
            "tls-auth-clients no".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let authority = std::fs::read(folder.path().join("authority.pem"));
        Some(Self {
            redis: Redis::start_with(&settings)?,
            port,
            authority: authority.expect("it was just made"),
            _folder: folder,
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

/// Makes an authority in `folder`, and a key and certificate for `host` from it.
fn certify(folder: &Path, host: &str) {
    let config = format!("{CONFIG}subjectAltName=DNS:{host}\n");
    std::fs::write(folder.join("config"), config).expect("the folder is ours");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for line in [
        format!(
            "req -x509 -config config -extensions authority -days 2 {key} -keyout authority.key \
             -out authority.pem"
        ),
        format!("req -config config {key} -keyout server.key -out request"),
        "x509 -req -in request -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
         -extfile config -extensions server -out server.pem"
            .to_owned(),
    ] {
        let mut command = Command::new("openssl");
        let command = command.args(line.split_whitespace()).current_dir(folder);
        let output = command.output().expect("it was found");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {line}: {said}");
    }
}
