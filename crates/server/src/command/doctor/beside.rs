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
use store::{
    Place, Store, StoreError,
    upkeep::{LeaderStatus, ReplicaStatus, leader_status},
};

use super::{Finding, answers};
use crate::{
    command::{
        db::status::{has_strayed, look_at_replicas, whereabouts},
        model_options, postgres_options,
    },
    config::Settings,
    run::shared,
};

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
    findings.extend(models(settings).await);
    findings.extend(redis(settings).await);
    findings
}

/// What the server of the database in force says of itself; nothing of a file.
pub(super) type Leader = Option<Result<LeaderStatus, StoreError>>;

/// Asks the server of the database in force.
pub(super) async fn ask_leader(settings: &Settings) -> Leader {
    match settings.database() {
        Place::Server(url) => Some(leader_status(&url, &postgres_options(settings)).await),
        Place::File(_) => None,
    }
}

/// Each replica: whether it answers, and follows the database in force.
pub(super) async fn replicas(
    settings: &Settings,
    store: &dyn Store,
    leader: Leader,
) -> Vec<Finding> {
    if settings.database.replicas.is_empty() {
        return Vec::new();
    }
    let known = async {
        let (identity, newest) = (store.identity().await?, store.position().await?);
        let history = leader.transpose()?.and_then(|it| it.history);
        Ok((identity, history, newest))
    };
    let primary: Result<_, StoreError> = known.await;
    let primary = match primary {
        Ok(primary) => primary,
        Err(error) => {
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

/// Whether the server leads, and has room for the connections that may be made.
pub(super) fn leader(settings: &Settings, leader: &Leader) -> Vec<Finding> {
    let Some(Ok(status)) = leader else {
        return Vec::new(); // What is asked of it beside this says why.
    };
    leads(status, settings.database.connections_max.get().into())
}

fn leads(status: &LeaderStatus, wanted: u64) -> Vec<Finding> {
    let mut found = Vec::new();
    if status.follows {
        found.push(Finding::Fix(
            "the server of database.url follows another one: nothing can be written".into(),
            "set database.url to the server that leads".into(),
        ));
    }
    if status.connections_max < wanted {
        let most = status.connections_max;
        found.push(Finding::Fix(
            format!(
                "the server lets this user have {most} connections and database.connections_max is \
                 {wanted}: who finds none free waits until there is one"
            ),
            "raise max_connections or the limit of the role or database, or lower \
             database.connections_max"
                .into(),
        ));
    }
    found
}

/// A replica of the database that has this identity and history and this number of its newest change.
fn replica(
    place: &str,
    found: Result<ReplicaStatus, StoreError>,
    (identity, history, newest): &(String, Option<String>, u64),
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
        Ok(it) if has_strayed(&it, history.as_deref()) => Finding::Fix(
            format!(
                "replica {place} has another history than database.url: it has not heard yet who \
                 leads now, or knew more when that one took over"
            ),
            "make it anew from the server that leads, as by pg_rewind or pg_basebackup".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(finding: &Finding) -> String {
        match finding {
            Finding::Fine(what) => format!("ok {what}"),
            Finding::Fix(what, remedy) => format!("FIX {what} → {remedy}"),
        }
    }

    #[test]
    fn a_server_that_follows_or_has_too_few_connections_is_named() {
        let status = |follows, connections_max| LeaderStatus {
            history: None,
            follows,
            connections_max,
        };
        assert_eq!(leads(&status(false, 16), 16).len(), 0);
        let few = leads(&status(false, 8), 16);
        let few = words(&few[0]);
        assert!(
            few.contains("have 8 connections") && few.contains("is 16"),
            "{few}"
        );
        let follows = words(&leads(&status(true, 97), 16)[0]);
        assert!(follows.contains("nothing can be written"), "{follows}");
    }

    #[test]
    fn a_replica_of_another_history_is_named_where_the_server_says_its_own() {
        let status = ReplicaStatus {
            identity: "one".to_owned(),
            history: "old".to_owned(),
            position: 9,
            unapplied_bytes: 0,
            follows: true,
            paused: false,
        };
        let told = |history: Option<&str>| {
            let primary = ("one".to_owned(), history.map(str::to_owned), 10);
            words(&replica("r", Ok(status.clone()), &primary))
        };
        assert!(told(Some("old")).starts_with("ok replica r is at change 9"));
        assert!(told(None).starts_with("ok"));
        assert!(told(Some("new")).starts_with("FIX replica r has another history"));
    }
}
