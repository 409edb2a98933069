//! Whom commands believe that a server is who it says it is, whether they talk to it or fetch from it:
//! authorities the system trusts (Mozilla's where it names none), and those of a file beside.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Where authorities are named beside the system's own places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorities {
    /// The file (PEM) named in place of the system's by `SSL_CERT_FILE`.
    pub system_file: Option<PathBuf>,
    /// The folders named in place of the system's by `SSL_CERT_DIR`, as it names them.
    pub system_folders: Option<String>,
    /// The file (PEM) of further ones.
    pub file: Option<PathBuf>,
}

impl Authorities {
    /// How to connect by TLS. What is named and cannot be read is an error: whom it was to name is
    /// not to be believed less, nor others more.
    pub(crate) fn tls(&self) -> anyhow::Result<TlsConfig> {
        if let Some(path) = &self.system_file {
            let named = || format!("the file {} of SSL_CERT_FILE", path.display());
            read(path).with_context(named)?;
        }
        if let Some(folders) = &self.system_folders {
            for folder in std::env::split_paths(folders) {
                let named = || format!("the folder {} of SSL_CERT_DIR", folder.display());
                fs::read_dir(&folder)
                    .context("cannot be read")
                    .with_context(named)?;
            }
        }
        // It reads both variables by itself.
        let system = rustls_native_certs::load_native_certs();
        for error in system.errors {
            tracing::debug!(%error, "an authority of the system cannot be read");
        }
        if let Some(folders) = &self.system_folders
            && system.certs.is_empty()
        {
            bail!("SSL_CERT_DIR names {folders}, where no certificate can be read");
        }
        let system = system.certs.iter();
        let mut roots: Vec<_> = system
            .map(|it| Certificate::from_der(it).to_owned())
            .collect();
        if let Some(path) = &self.file {
            let named = read(path).with_context(|| format!("the CA file {}", path.display()))?;
            roots.extend(named);
        }
        let roots = if roots.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::Specific(Arc::new(roots))
        };
        Ok(TlsConfig::builder().root_certs(roots).build())
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = fs::read(path).context("cannot be read")?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(it) = item.context("is no PEM")? {
            found.push(it);
        }
    }
    ensure!(!found.is_empty(), "holds no certificate (PEM)");
    Ok(found)
}

/// Why a server is not believed to be who it says it is, where that is why it does not answer; `how`
/// further authorities are named.
pub(crate) fn doubt(error: &ureq::Error, how: &str) -> Option<String> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    Some(match why {
        rustls::CertificateError::UnknownIssuer => format!(
            "its certificate is by an authority that is not known here: name that with {how}"
        ),
        why => format!("its certificate does not hold: {why}"),
    })
}
