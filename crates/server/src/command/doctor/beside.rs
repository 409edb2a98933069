//! What a server has beside its database and its address: Redis, other addresses, models.

use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use super::{Finding, answers};
use crate::{config::Settings, run::shared};

/// Looks at all that the settings name.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (address, setting) in [
        (settings.grpc_listen, "grpc_listen"),
        (settings.metrics_listen, "metrics_listen"),
    ] {
        let lives = || answers(settings.listen).is_ok();
        findings.extend(address.map(|it| listens(it, setting, lives)));
    }
    findings.push(models(&settings.models_folder()));
    findings.extend(redis(settings).await);
    findings
}

/// An address that a server of ours, if one `lives`, has taken itself.
fn listens(address: SocketAddr, setting: &str, lives: impl Fn() -> bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::Fine(format!("{address} is free for {setting}")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && lives() => Finding::Fine(format!(
            "{address} is taken for {setting}, as a server runs"
        )),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::Fix(
            format!("{address} is taken by another program"),
            format!("stop it, or set {setting} to another address"),
        ),
        Err(error) => Finding::Fix(
            format!("{address} cannot be listened on: {error}"),
            format!("set {setting} to an address of this machine"),
        ),
    }
}

/// The folder of models, which need not be there.
fn models(path: &Path) -> Finding {
    let shown = path.display();
    match fs::read_dir(path) {
        Ok(_) => Finding::Fine(format!("models in {shown} can be read")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Finding::Fine(format!("there are no models in {shown}"))
        }
        Err(error) => Finding::Fix(
            format!("models in {shown} cannot be read: {error}"),
            "set models.folder to a folder that this user may read and write".into(),
        ),
    }
}

async fn redis(settings: &Settings) -> Option<Finding> {
    let (url, options) = match shared::options(settings) {
        Ok(found) => found?,
        Err(error) => {
            return Some(Finding::Fix(
                format!("{error:#}"),
                "name a file of certificates (PEM) that this user may read".into(),
            ));
        }
    };
    Some(match options.try_out().await {
        Ok(()) => Finding::Fine(format!("Redis answers at {url}")),
        Err(error) => Finding::Fix(
            format!("Redis at {url}: {:#}", anyhow::Error::new(error)),
            "check that it runs and that redis.url has its address, user and password; without it \
             servers share nothing and answer all the same"
                .into(),
        ),
    })
}
