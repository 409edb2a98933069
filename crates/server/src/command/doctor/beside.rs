//! What a server has beside its database and its address: replicas, Redis, other addresses, models.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

use engine::{
    chain,
    serving::{InferenceError, LoadState, ModelServer, ServerOptions, VersionRef},
};
use store::{Store, StoreError, upkeep::ReplicaStatus};

use super::{Finding, answers};
use crate::{
    command::{
        db::status::{look_at_replicas, whereabouts},
        model_options,
    },
    config::Settings,
    run::shared,
};

/// Looks at all that the settings name.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut taken = vec![(settings.listen, "listen")];
    for (address, setting) in [
        (settings.grpc_listen, "grpc_listen"),
        (settings.metrics_listen, "metrics_listen"),
    ] {
        let Some(address) = address else {
            continue;
        };
        let lives = || answers(settings.listen).is_ok();
        let other = taken.iter().find(|(it, _)| clash(*it, address));
        findings.push(match other {
            None => listens(address, setting, lives),
            Some((it, other)) => Finding::Fix(
                format!("{setting} is {address} and {other} is {it}: only one can have it"),
                format!("set {setting} to another port"),
            ),
        });
        taken.push((address, setting));
    }
    findings.extend(models(settings).await);
    findings.extend(redis(settings).await);
    findings
}

/// Whether no two sockets can listen there at once.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    // On Linux the unspecified address of IPv6 is that of IPv4, too.
    let covers = |it: SocketAddr, other: SocketAddr| {
        it.ip().is_unspecified() && (it.is_ipv6() || other.is_ipv4())
    };
    let overlaps = one.ip() == other.ip() || covers(one, other) || covers(other, one);
    one.port() != 0 && one.port() == other.port() && overlaps
}

/// Each replica: whether it answers, and follows the database in force.
pub(super) async fn replicas(settings: &Settings, store: &dyn Store) -> Vec<Finding> {
    if settings.database.replicas.is_empty() {
        return Vec::new();
    }
    let primary = match (store.identity().await, store.position().await) {
        (Ok(identity), Ok(newest)) => (identity, newest),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::Fix(
                format!(
                    "replicas cannot be compared with the database: {}",
                    chain(&error)
                ),
                "check that the server runs and that database.url is right".into(),
            )];
        }
    };
    let found = look_at_replicas(settings).await.into_iter();
    found
        .map(|(place, found)| replica(&place.to_string(), found, &primary))
        .collect()
}

/// A replica of the database that has this identity and this number of its newest change.
fn replica(
    place: &str,
    found: Result<ReplicaStatus, StoreError>,
    (identity, newest): &(String, u64),
) -> Finding {
    let set_another = || "correct database.replicas".to_owned();
    match found {
        Err(error) => Finding::Fix(
            format!("replica {place}: {}", chain(&error)),
            "check that it runs, or take it out of database.replicas; until then reads go to the \
             database itself"
                .into(),
        ),
        Ok(it) if it.identity != *identity => Finding::Fix(
            format!("replica {place} has another database than database.url"),
            set_another(),
        ),
        Ok(it) if !it.follows => Finding::Fix(
            format!("replica {place} follows nobody: it is no standby, or was promoted"),
            set_another(),
        ),
        Ok(it) if it.paused => Finding::Fix(
            format!("replica {place} is at {}", whereabouts(&it, *newest)),
            "let it go on: SELECT pg_wal_replay_resume()".into(),
        ),
        Ok(it) => Finding::Fine(format!(
            "replica {place} is at {}",
            whereabouts(&it, *newest)
        )),
    }
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

/// The folder of models, which need not be there, and each version in it.
async fn models(settings: &Settings) -> Vec<Finding> {
    let path = settings.models_folder();
    let shown = path.display();
    let unreadable = |error: String| {
        Finding::Fix(
            format!("models in {shown} cannot be read: {error}"),
            "set models.folder to a folder that this user may read and write".into(),
        )
    };
    match fs::read_dir(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![Finding::Fine(format!("there are no models in {shown}"))];
        }
        Err(error) => return vec![unreadable(error.to_string())],
    }
    let options = ServerOptions {
        poll_every: None,
        ..model_options(settings)
    };
    let models = match ModelServer::open(options).await {
        Ok(models) => models,
        Err(error) => return vec![unreadable(chain(&error))],
    };
    let mut findings = broken(&models).await;
    models.close().await;
    if findings.is_empty() {
        findings.push(Finding::Fine(format!("models in {shown} can be read")));
    }
    findings
}

/// What no server can answer with, and what is no model.
async fn broken(models: &ModelServer) -> Vec<Finding> {
    let (mut findings, mut told) = (Vec::new(), BTreeSet::new());
    let mut fix = |what: String| {
        let remedy = "put it right or take it out of models.folder; docs/models.md has the layout";
        findings.push(Finding::Fix(what, remedy.into()));
    };
    for line in models.index() {
        let (name, version) = (&line.name, line.version);
        let reason = match line.state {
            LoadState::Failed => Some(line.reason),
            LoadState::Available => {
                let loaded = models.load(name, &VersionRef::Number(version)).await;
                match loaded {
                    // The version policy leaves it out.
                    Ok(()) | Err(InferenceError::UnknownVersion { .. }) => None,
                    Err(error) => Some(chain(&error)),
                }
            }
            _ => None,
        };
        match reason {
            None => {}
            Some(reason) if version == 0 => fix(format!("model {name}: {reason}")),
            Some(reason) => fix(format!("model {name}, version {version}: {reason}")),
        }
        let problem = models.model(name).ok().and_then(|it| it.problem);
        if let Some(problem) = problem.filter(|_| version != 0 && told.insert(name.clone())) {
            fix(format!("model {name}: {problem}"));
        }
    }
    for folder in models.strays() {
        fix(format!("{folder:?} among the models is no name of a model"));
    }
    findings
}

async fn redis(settings: &Settings) -> Option<Finding> {
    let (url, options) = match shared::options(settings) {
        Ok(found) => found?,
        Err(error) => {
            return Some(Finding::Fix(
                chain(error.as_ref()),
                "name a file of certificates (PEM) that this user may read".into(),
            ));
        }
    };
    Some(match options.try_out().await {
        Ok(()) => Finding::Fine(format!(
            "Redis answers at {url}, keeps what it is told and passes it on"
        )),
        Err(error) => Finding::Fix(
            format!("Redis at {url}: {}", chain(&error)),
            "check that it runs, that redis.url has its address, user and password, and that this \
             user has the rights that OPERATING.md names; without it servers share nothing and \
             answer all the same"
                .into(),
        ),
    })
}
