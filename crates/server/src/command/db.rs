//! `sports-edge db …`: the database as a whole.

pub(in crate::command) mod status;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;
use engine::Progress;
use store::{
    Place, Store,
    upkeep::{self, Copying, Tally},
};

use super::{Misuse, open_place, output::say, postgres_options, progress};
use crate::config::{Config, Settings};

/// What to do with the database.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
The database is the one of the setting database.url (`sports-edge config` shows it).

From SQLite to PostgreSQL:
  sports-edge db copy --to postgres://sports@db.example/sports
  SPORTS_EDGE_DATABASE__URL=postgres://sports@db.example/sports sports-edge serve

A backup every night, and back from it:
  sports-edge db backup /backups/sports-edge-2026-11-26
  sports-edge db restore /backups/sports-edge-2026-11-26

PostgreSQL passwords may stand in PGPASSWORD or ~/.pgpass instead of the URL.")]
pub(crate) enum DbVerb {
    /// Say which database is in force, its schema, and what it holds
    Status,
    /// Bring the schema up to date, as serve would when it starts
    Migrate,
    /// Write everything a live database holds into one new file
    ///
    /// Takes one state of the database while others go on writing, says in the file what each
    /// table adds up to, and gives the file its name when all of it is on the disk.
    Backup {
        /// The file, which must not be there
        file: PathBuf,
    },
    /// Put a backup in the place of the database, which must be empty
    ///
    /// Holds every table against what the backup says of it before anything counts; a backup of
    /// an older release is brought up to date on the way. A SQLite file must not be there, a
    /// PostgreSQL database must have no rows.
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Copy everything into another database, which must be empty
    ///
    /// Takes one state of the source, a batch at a time, and compares every table by count and
    /// digest before the copy counts: a file appears when it is whole, in PostgreSQL everything is
    /// one transaction. What is written to the source meanwhile is not in the copy.
    Copy {
        /// Where to: the URL of a PostgreSQL database, or the path of a SQLite file
        #[arg(long, value_name = "DATABASE")]
        to: String,
        /// Where from, in place of the setting database.url
        #[arg(long, value_name = "DATABASE")]
        from: Option<String>,
    },
}

/// Reads a place here and not as the command line is read, where what is wrong is shown whole.
fn place(text: &str) -> anyhow::Result<Place> {
    Place::parse(text).map_err(|error| Misuse(error.to_string()).into())
}

/// Does it.
pub(crate) async fn run(verb: DbVerb, config: &Config) -> anyhow::Result<ExitCode> {
    let settings = &config.settings;
    let (database, options) = (settings.database(), postgres_options(settings));
    let sink = progress::sink();
    let watcher = move |Copying { stage, done, total }| sink(Progress { stage, done, total });
    match verb {
        DbVerb::Status => return status::run(settings).await,
        DbVerb::Migrate => migrate(&database, settings).await?,
        DbVerb::Backup { file } => {
            let tallies = upkeep::backup(&database, &file, &options, &watcher).await;
            let tallies = tallies.with_context(|| format!("{database} is not backed up"))?;
            say(format_args!("{} into {}", told(&tallies), file.display()))?;
        }
        DbVerb::Restore { file } => {
            make_folder(&database)?;
            let tallies = upkeep::restore(&file, &database, &options, &watcher).await;
            let tallies = tallies.with_context(|| format!("{} is not restored", file.display()))?;
            say(format_args!("{} into {database}, verified", told(&tallies)))?;
        }
        DbVerb::Copy { to, from } => {
            let to = place(&to)?;
            let from = from.as_deref().map_or(Ok(database), place)?;
            make_folder(&to)?;
            let tallies = upkeep::copy(&from, &to, &options, &watcher).await;
            let tallies = tallies.with_context(|| format!("{from} is not copied to {to}"))?;
            say(format_args!(
                "{} from {from} into {to}, verified",
                told(&tallies)
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn migrate(database: &Place, settings: &Settings) -> anyhow::Result<()> {
    let before = match upkeep::status(database, &postgres_options(settings)).await {
        Ok(status) => status.schema,
        Err(store::StoreError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let store = open_place(database, settings).await?;
    Store::close(&*store).await;
    let known = upkeep::known_schema(database);
    match before {
        Some(before) if before == known => {
            say(format_args!("{database} has schema {known} already"))?
        }
        Some(before) => say(format_args!(
            "{database} went from schema {before} to {known}"
        ))?,
        None => say(format_args!("{database} is new, with schema {known}"))?,
    }
    Ok(())
}

/// Makes the folder of a database that is a file.
fn make_folder(database: &Place) -> anyhow::Result<()> {
    let Place::File(path) = database else {
        return Ok(());
    };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder.map_or(Ok(()), |it| {
        fs::create_dir_all(it).with_context(|| format!("folder {} cannot be made", it.display()))
    })
}

fn told(tallies: &[(String, Tally)]) -> String {
    let rows: u64 = tallies.iter().map(|(_, it)| it.rows).sum();
    format!("{} tables with {rows} rows", tallies.len())
}
