//! `sports-edge db status`.

use std::{process::ExitCode, time::Duration};

use engine::chain;
use jiff::Timestamp;
use store::{
    Place, PostgresOptions, StoreError,
    upkeep::{self, DatabaseStatus, ReplicaStatus},
};

use crate::{
    command::{EXIT_ATTENTION, output::say, postgres_options},
    config::Settings,
};

/// How long a replica may take to be connected to.
const REPLICA_WAIT_MAX: Duration = Duration::from_secs(3);

/// Prints what the database in force is and holds; needs attention where its schema is not the
/// program's.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let database = settings.database();
    let status = upkeep::status(&database, &postgres_options(settings)).await?;
    say(format_args!("database  {database}"))?;
    let (schema, current) = schema(&status);
    say(format_args!("schema    {schema}"))?;
    say(format_args!("size      {}", bytes(status.size_bytes)))?;
    for (name, span) in [("kickoffs", status.kickoffs), ("quotes", status.quotes)] {
        if let Some([from, until]) = span {
            say(format_args!(
                "{name:<9} {} to {}",
                minute(from),
                minute(until)
            ))?;
        }
    }
    say(format_args!("revision  {}", status.revision))?;
    say(format_args!("changes   {}", changes(&status)))?;
    let replicas = replicas(settings, &status).await?;
    if !status.tables.is_empty() {
        say(format_args!(
            "\n{:<18} {:>13} {:>11}",
            "table", "rows", "size"
        ))?;
    }
    for table in &status.tables {
        let size = bytes(table.size_bytes);
        say(format_args!(
            "{:<18} {:>13} {size:>11}",
            table.name, table.rows
        ))?;
    }
    Ok(match current && replicas {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_ATTENTION),
    })
}

/// Prints where each replica is; whether all of them answer.
async fn replicas(settings: &Settings, status: &DatabaseStatus) -> anyhow::Result<bool> {
    let mut all = true;
    let history = match settings.database() {
        Place::Server(url) if !settings.database.replicas.is_empty() => {
            let options = postgres_options(settings);
            let leader = upkeep::leader_status(&url, &options).await;
            leader.ok().and_then(|it| it.history)
        }
        _ => None,
    };
    for (place, found) in look_at_replicas(settings).await {
        match found {
            Ok(it) => {
                let strayed = has_strayed(&it, history.as_deref());
                let beside = if strayed { ", another history" } else { "" };
                let place_now = whereabouts(&it, status.outbox);
                say(format_args!("replica   {place}: {place_now}{beside}"))?;
                all &= !strayed;
            }
            Err(error) => {
                say(format_args!("replica   {place}: {}", chain(&error)))?;
                all = false;
            }
        }
    }
    Ok(all)
}

/// What each replica says of itself.
pub(in crate::command) async fn look_at_replicas(
    settings: &Settings,
) -> Vec<(&Place, Result<ReplicaStatus, StoreError>)> {
    let options = PostgresOptions {
        acquire_timeout: REPLICA_WAIT_MAX,
        ..postgres_options(settings)
    };
    let mut found = Vec::new();
    for place in &settings.database.replicas {
        if let Place::Server(url) = place {
            found.push((place, upkeep::replica_status(url, &options).await));
        }
    }
    found
}

/// Whether a replica has another history than the server that leads, where that says its own.
pub(in crate::command) fn has_strayed(replica: &ReplicaStatus, history: Option<&str>) -> bool {
    history.is_some_and(|it| it != replica.history)
}

/// Where a replica is, in words.
pub(in crate::command) fn whereabouts(replica: &ReplicaStatus, newest: u64) -> String {
    let behind = newest.saturating_sub(replica.position);
    let state = match (replica.follows, replica.paused) {
        (false, _) => ", follows nobody",
        (true, true) => ", paused",
        (true, false) => "",
    };
    let unapplied = bytes(replica.unapplied_bytes);
    let position = replica.position;
    format!("change {position} ({behind} behind), {unapplied} to apply{state}")
}

/// The schema in words, and whether it is the program's.
fn schema(status: &DatabaseStatus) -> (String, bool) {
    let known = status.known;
    match status.schema {
        None => ("none: the database is empty".to_owned(), true),
        Some(it) if it == known => (format!("{it}, as this program's"), true),
        Some(it) if it < known => {
            let remedy = "`sports-edge db migrate` or the next start brings it up to date";
            (format!("{it}, this program's is {known}: {remedy}"), false)
        }
        Some(it) => {
            let remedy = "run the newer program";
            (format!("{it}, this program's is {known}: {remedy}"), false)
        }
    }
}

fn changes(status: &DatabaseStatus) -> String {
    match status.outbox_oldest {
        Some(oldest) => format!("{} (kept from {oldest} on)", status.outbox),
        None => format!("{} (none kept)", status.outbox),
    }
}

fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Bytes for people.
fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if size < 1_000.0 {
            break;
        }
        size /= 1_000.0;
        unit = larger;
    }
    let digits = if unit == "B" { 0 } else { 1 };
    format!("{size:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_is_not_the_programs_needs_attention() {
        let of = |found| {
            schema(&DatabaseStatus {
                schema: found,
                known: 2,
                ..DatabaseStatus::default()
            })
        };
        assert!(of(None).1 && of(Some(2)).1);
        let (text, fine) = of(Some(1));
        assert!(!fine && text.contains("db migrate"), "{text}");
        let (text, fine) = of(Some(3));
        assert!(!fine && text.contains("newer program"), "{text}");
    }

    #[test]
    fn a_replica_is_told_by_changes_behind_and_by_what_it_does() {
        let told = |follows, paused| {
            let replica = ReplicaStatus {
                identity: String::new(),
                history: String::new(),
                position: 90,
                unapplied_bytes: 1_500,
                follows,
                paused,
            };
            whereabouts(&replica, 92)
        };
        let at = "change 90 (2 behind), 1.5 kB to apply";
        assert_eq!(told(true, false), at);
        assert_eq!(told(true, true), format!("{at}, paused"));
        assert_eq!(told(false, false), format!("{at}, follows nobody"));
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (2_000_000_000_000, "2.0 TB"),
            (5_000_000_000_000_000, "5000.0 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
