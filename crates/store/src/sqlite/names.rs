//! Reads and writes the tables of interned keys.

use domain::InvalidKey;
use sqlx::sqlite::SqliteConnection;

use super::sql::Bulk;
use crate::StoreError;
use crate::names::{Interned, Names};

/// Reads every table; they are small, and a copy per transaction can never be stale.
pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Names, StoreError> {
    Ok(Names {
        bookmakers: table(
            connection,
            "bookmakers.key",
            "SELECT id, key FROM bookmakers",
        )
        .await?,
        seasons: table(connection, "seasons.key", "SELECT id, key FROM seasons").await?,
        sources: table(connection, "sources.key", "SELECT id, key FROM sources").await?,
        competitions: table(
            connection,
            "competitions.key",
            "SELECT id, key FROM competitions",
        )
        .await?,
    })
}

async fn table<K>(
    connection: &mut SqliteConnection,
    column: &'static str,
    sql: &'static str,
) -> Result<Interned<K>, StoreError>
where
    K: TryFrom<String, Error = InvalidKey> + Clone + std::fmt::Display,
{
    let rows = sqlx::query_as(sql).fetch_all(connection).await?;
    Interned::new(column, rows)
}

/// Writes the keys that were added; competitions are never added this way.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<(), StoreError> {
    let added = [
        (
            "INSERT INTO bookmakers (id, key)",
            names.bookmakers.take_added(),
        ),
        ("INSERT INTO seasons (id, key)", names.seasons.take_added()),
        ("INSERT INTO sources (id, key)", names.sources.take_added()),
    ];
    for (head, rows) in added {
        let bulk = Bulk {
            head,
            columns: 2,
            tail: "",
        };
        bulk.insert(connection, &rows, |query, (id, key)| {
            query.bind(*id).bind(key.clone())
        })
        .await?;
    }
    Ok(())
}
