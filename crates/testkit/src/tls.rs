//! TLS under a certificate of an authority that nobody else knows: the certificates, and a door that
//! speaks it for a server behind.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What `openssl` is told of the authority's certificate and of the server's.
const CONFIG: &str = "[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=testkit\n\
    [authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n[server]\n";

/// An authority, and a key and certificate of a server by it, as files that go with the handle.
#[derive(Debug)]
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// Makes them for `host`; `None`, said aloud, where the machine has no `openssl`.
    pub(crate) fn of(host: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a test can make a temporary folder");
        let config = format!("{CONFIG}subjectAltName=DNS:{host}\n");
        std::fs::write(folder.path().join("config"), config).expect("the folder is ours");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for line in [
            format!(
                "req -x509 -config config -extensions authority -days 2 {key} -keyout \
                 authority.key -out authority.pem"
            ),
            format!("req -config config {key} -keyout server.key -out request"),
            "x509 -req -in request -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
             -extfile config -extensions server -out server.pem"
                .to_owned(),
        ] {
            let mut command = Command::new("openssl");
            let command = command.args(line.split_whitespace());
            let Ok(output) = command.current_dir(folder.path()).output() else {
                crate::skip("openssl");
                return None;
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "openssl {line}: {said}");
        }
        Some(Self(folder))
    }

    /// A file of them: `authority.pem`, `server.pem` or `server.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A listener that speaks TLS for a server behind it, until it is dropped.
#[derive(Debug)]
pub struct TlsDoor {
    certificates: Certificates,
    port: u16,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsDoor {
    /// Opens one before the server at `behind`, under a certificate that names `host`; `None`, said
    /// aloud, where the machine has no `openssl`.
    ///
    /// # Panics
    /// Where there is one and it fails, or no port is to be had.
    pub fn open(host: &str, behind: SocketAddr) -> Option<Self> {
        let certificates = Certificates::of(host)?;
        let acceptor = acceptor(&certificates);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a test can make a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let (close, closed) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, acceptor, behind) => {}
                    _ = closed => {}
                }
            });
        });
        Some(Self {
            certificates,
            port,
            close: Some(close),
            thread: Some(thread),
        })
    }

    /// The port it listens at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with the certificate of its authority (PEM).
    pub fn authority(&self) -> PathBuf {
        self.certificates.file("authority.pem")
    }
}

impl Drop for TlsDoor {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            // Where it panicked the test has failed already.
            let _ = thread.join();
        }
    }
}

fn acceptor(certificates: &Certificates) -> TlsAcceptor {
    let read = |path: &Path| {
        let found = CertificateDer::pem_file_iter(path).expect("it was just made");
        found.collect::<Result<Vec<_>, _>>().expect("it is PEM")
    };
    let chain = read(&certificates.file("server.pem"));
    let key = PrivateKeyDer::from_pem_file(certificates.file("server.key"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual versions")
        .with_no_client_auth()
        .with_single_cert(chain, key.expect("it was just made"))
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    while let Ok((outside, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Who is not believed hangs up.
            if let Ok(mut outside) = acceptor.accept(outside).await
                && let Ok(mut inside) = TcpStream::connect(behind).await
            {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}
