//! Whom commands believe that a server is who it says it is: authorities the system trusts
//! (Mozilla's where it names none), and those of a file beside.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, ensure};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// How to connect by TLS; `file` holds further authorities (PEM).
pub(crate) fn tls(file: Option<&Path>) -> anyhow::Result<TlsConfig> {
    let system = rustls_native_certs::load_native_certs();
    for error in system.errors {
        tracing::debug!(%error, "an authority of the system cannot be read");
    }
    let system = system.certs.iter();
    let mut roots: Vec<_> = system
        .map(|it| Certificate::from_der(it).to_owned())
        .collect();
    if let Some(path) = file {
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

/// Why a server is not believed to be who it says it is, where that is why it does not answer.
pub(crate) fn doubt(error: &ureq::Error) -> Option<String> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    Some(match why {
        rustls::CertificateError::UnknownIssuer => {
            "its certificate is by an authority that is not known here: name that with --ca-file \
             or SPORTS_EDGE_CA_FILE"
                .to_owned()
        }
        why => format!("its certificate does not hold: {why}"),
    })
}
