//! `sports-edge doctor`: looks at everything the server needs and says what to fix.

mod beside;

use std::{
    error::Error,
    fs,
    io::{self, ErrorKind, Read, Write},
    iter,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use engine::{ApiKeyRecord, Clock, Engine, EngineError, chain};
use jiff::{SignedDuration, Timestamp};
use store::{Place, PostgresStore, Store, StoreError, upkeep};

use super::{EXIT_ATTENTION, engine, open_store, output::say, postgres_options, serve::locked_out};
use crate::{
    SystemClock,
    config::{Config, Settings},
    run::disk::{FREE_BYTES_MIN, Space},
};

/// Age of a model from which it should be trained again.
const MODEL_AGE_MAX: SignedDuration = SignedDuration::from_hours(24 * 14);

/// How long a server may take to say that it lives.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(2);
/// How much of what it says is read.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// What helps against a newer database, and against a file that cannot be read.
const NEWER: &str = "run the newer release, or restore a backup from before it elsewhere";
const ANEW: &str = "restore a backup, or move the file away and import again";

/// What a check found.
#[derive(Debug)]
enum Finding {
    Fine(String),
    Fix(String, String),
}

/// Checks everything; the exit code says whether something needs fixing.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let settings = &config.settings;
    let mut findings = vec![folder(&settings.data_dir)];
    if matches!(findings[0], Finding::Fine(_)) {
        findings.push(disk(&settings.data_dir));
        findings.extend(database(settings).await);
    }
    findings.push(port(settings));
    findings.extend(beside::look(settings).await);
    findings.push(clock(SystemClock.now()));
    findings.extend(config.strangers.iter().map(|name| {
        let what = format!("{name} in the environment names no setting");
        Finding::Fix(
            what,
            "correct or remove it; `sports-edge config` lists settings".into(),
        )
    }));
    let mut code = ExitCode::SUCCESS;
    for finding in findings {
        match finding {
            Finding::Fine(what) => say(format_args!("ok   {what}"))?,
            Finding::Fix(what, remedy) => {
                say(format_args!("FIX  {what}\n     → {remedy}"))?;
                code = ExitCode::from(EXIT_ATTENTION);
            }
        }
    }
    Ok(code)
}

fn folder(path: &Path) -> Finding {
    let shown = path.display();
    let probe = path.join(".doctor");
    let written = fs::create_dir_all(path).and_then(|()| fs::write(&probe, "probe"));
    match written.and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => Finding::Fine(format!("folder {shown} can be written")),
        Err(error) => {
            let remedy = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free space there, or set data_dir to a larger disk"
                }
                ErrorKind::ReadOnlyFilesystem => {
                    "mount it so that it can be written, or set data_dir to another folder"
                }
                _ => "give this user the right to write there, or set data_dir to another folder",
            };
            Finding::Fix(
                format!("folder {shown} cannot be written: {error}"),
                remedy.into(),
            )
        }
    }
}

fn disk(path: &Path) -> Finding {
    match Space::at(path) {
        Ok(space) => disk_space(space.free),
        Err(error) => Finding::Fix(
            format!("free space cannot be read: {error}"),
            "check that the disk is mounted".into(),
        ),
    }
}

fn disk_space(bytes: u64) -> Finding {
    let mib = bytes >> 20;
    if bytes >= FREE_BYTES_MIN {
        Finding::Fine(format!("{mib} MiB are free"))
    } else {
        let needed = FREE_BYTES_MIN >> 20;
        Finding::Fix(
            format!("only {mib} MiB are free"),
            format!("free {needed} MiB, or set data_dir to a larger disk"),
        )
    }
}

async fn database(settings: &Settings) -> Vec<Finding> {
    let place = settings.database();
    if let Place::File(path) = &place
        && !path.exists()
    {
        let missing = Finding::Fix(
            format!("there is no database at {place}"),
            "import something: `sports-edge import --help`".into(),
        );
        return [missing].into_iter().chain(key(settings, &[])).collect();
    }
    let known = upkeep::known_schema(&place);
    match upkeep::schema(&place, &postgres_options(settings)).await {
        Ok(Some(found)) if found == known => {}
        Ok(found) => {
            let other = [schema(found, known)].into_iter();
            let locked = found.is_none().then(|| key(settings, &[])).flatten();
            return other.chain(locked).collect();
        }
        Err(error) => {
            let what = format!("{place} cannot be opened: {}", chain(&error));
            return vec![Finding::Fix(what, advice(&error, &place).into())];
        }
    }
    let store = match opened(&place, settings).await {
        Ok(store) => store,
        Err(error) => {
            let remedy = advice(error.as_ref(), &place);
            return vec![Finding::Fix(chain(error.as_ref()), remedy.into())];
        }
    };
    let mut findings = vec![integrity(store.faults().await, &place)];
    if let Place::File(path) = &place {
        findings.extend(open_to_all(path));
    }
    let engine = engine(Arc::clone(&store), settings);
    let leader = beside::ask_leader(settings).await;
    findings.extend(beside::leader(settings, &leader));
    findings.extend(keys(&engine, settings, &place).await);
    findings.extend(content(&engine, &place).await);
    findings.extend(beside::replicas(settings, &*store, leader).await);
    store.close().await;
    findings
}

/// A database of another schema, of which nothing else is looked at.
fn schema(found: Option<i64>, known: i64) -> Finding {
    match found {
        None => Finding::Fix(
            "the database is empty".into(),
            format!("`sports-edge db migrate`, an import or the next start makes schema {known}"),
        ),
        Some(found) if found < known => Finding::Fix(
            format!("the database has schema {found} and this release works on {known}"),
            "`sports-edge db migrate` or the next start brings it up to date".into(),
        ),
        Some(found) => Finding::Fix(
            StoreError::SchemaTooNew { found, known }.to_string(),
            NEWER.into(),
        ),
    }
}

/// Opens a database of this release's schema, so that nothing is made or changed in it.
async fn opened(place: &Place, settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    match place {
        Place::File(_) => open_store(settings).await,
        Place::Server(url) => {
            let store = PostgresStore::connect(url, &postgres_options(settings))?;
            Ok(Arc::new(store))
        }
    }
}

/// What helps against an error of a database.
fn advice(error: &(dyn Error + 'static), place: &Place) -> &'static str {
    let mut causes = iter::successors(Some(error), |it: &&(dyn Error + 'static)| (*it).source());
    let known = causes.find_map(|it| it.downcast_ref::<StoreError>());
    match (known, place) {
        (Some(StoreError::SchemaTooNew { .. }), _) => NEWER,
        (Some(StoreError::Backup(_)), _) => {
            "set database.url to another place and restore it there"
        }
        (Some(StoreError::Pooled(_)), _) => "set database.pooler = \"transaction\"",
        (Some(StoreError::RefusedParameter { .. }), _) => {
            "set ignore_startup_parameters in pgbouncer, or database.pooler"
        }
        (_, Place::File(_)) => ANEW,
        (_, Place::Server(_)) => "check that the server runs and that database.url is right",
    }
}

async fn keys(engine: &Engine, settings: &Settings, place: &Place) -> Option<Finding> {
    match engine.keys().await {
        Ok(keys) => key(settings, &keys),
        Err(error) => Some(unreadable("keys", &error, place)),
    }
}

/// An exposed server without a key, which would refuse to start.
fn key(settings: &Settings, keys: &[ApiKeyRecord]) -> Option<Finding> {
    let [what, remedy] = locked_out(settings, keys)?;
    Some(Finding::Fix(what, remedy))
}

/// A file that every user of this machine may read.
fn open_to_all(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    (mode & 0o004 != 0).then(|| {
        let what =
            format!("{shown} holds hashes of keys and all users may read it (mode {mode:o})");
        Finding::Fix(what, format!("`chmod o-rwx {shown}*`"))
    })
}

fn integrity(checked: Result<Vec<String>, StoreError>, place: &Place) -> Finding {
    match checked {
        Ok(faults) if faults.is_empty() => Finding::Fine("the database is sound".into()),
        Ok(faults) => Finding::Fix(
            format!("the database is damaged: {}", faults.join("; ")),
            match place {
                Place::File(_) => ANEW.into(),
                Place::Server(_) => "restore a backup into another database".into(),
            },
        ),
        Err(error) => Finding::Fix(
            format!("the database cannot be checked: {}", chain(&error)),
            advice(&error, place).into(),
        ),
    }
}

async fn content(engine: &Engine, place: &Place) -> Vec<Finding> {
    let competitions = match engine.competitions().await {
        Ok(competitions) => competitions,
        Err(error) => return vec![unreadable("competitions", &error, place)],
    };
    let fixtures: u64 = competitions.iter().map(|it| it.fixtures).sum();
    if fixtures == 0 {
        return vec![Finding::Fix(
            "the database has no fixtures".into(),
            "import something: `sports-edge import --help`".into(),
        )];
    }
    let finding = Finding::Fine(format!(
        "{fixtures} fixtures of {} competitions",
        competitions.iter().filter(|it| it.fixtures > 0).count()
    ));
    let models = match engine.models().await {
        Ok(models) => models.first().map(|it| (it.version.clone(), it.created_at)),
        Err(error) => return vec![finding, unreadable("models", &error, place)],
    };
    vec![finding, model(models, engine.now())]
}

fn unreadable(what: &str, error: &EngineError, place: &Place) -> Finding {
    Finding::Fix(
        format!("{what} cannot be read: {}", chain(error)),
        advice(error, place).into(),
    )
}

fn model(newest: Option<(String, Timestamp)>, now: Timestamp) -> Finding {
    let train = || "run `sports-edge train`".to_owned();
    match newest {
        None => Finding::Fix("no model has been trained".into(), train()),
        Some((version, at)) if now.duration_since(at) > MODEL_AGE_MAX => {
            let days = now.duration_since(at).as_hours() / 24;
            Finding::Fix(format!("model {version} is {days} days old"), train())
        }
        Some((version, _)) => Finding::Fine(format!("model {version} is trained")),
    }
}

fn port(settings: &Settings) -> Finding {
    let address = settings.listen;
    match TcpListener::bind(address) {
        Ok(_) => Finding::Fine(format!("{address} is free to listen on")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && answers(address).is_ok() => {
            Finding::Fine(format!("a server answers on {address}"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::Fix(
            format!("{address} is taken by another program"),
            "stop it, or set listen to another address".into(),
        ),
        Err(error) => Finding::Fix(
            format!("{address} cannot be listened on: {error}"),
            "set listen to an address of this machine".into(),
        ),
    }
}

/// Whether a server of ours lives at an address.
fn answers(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WAIT_MAX)?;
    stream.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
    stream.write_all(b"GET /health/live HTTP/1.0\r\nhost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    if answer.ends_with(r#"{"status":"ok"}"#) {
        Ok(())
    } else {
        Err(ErrorKind::InvalidData.into())
    }
}

fn clock(now: Timestamp) -> Finding {
    let released: Timestamp = "2026-01-01T00:00:00Z".parse().expect("the text is a time");
    if now >= released {
        Finding::Fine(format!("the clock says {now:.0}"))
    } else {
        Finding::Fix(
            format!("the clock says {now:.0}, which is before this program was made"),
            "set the clock: what is known as of now depends on it".into(),
        )
    }
}

#[cfg(test)]
mod tests;
