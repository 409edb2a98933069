//! Reads and writes the tables of interned keys.

use domain::InvalidKey;

use super::session::Session;
use super::sql::Args;
use crate::StoreError;
use crate::names::{Interned, Names};

const TABLES: &str = "SELECT 0::bigint, id, key FROM bookmakers
     UNION ALL SELECT 1, id, key FROM seasons
     UNION ALL SELECT 2, id, key FROM sources
     UNION ALL SELECT 3, id, key FROM competitions";

/// Reads every table; they are small, and a copy per transaction can never be stale.
pub(super) async fn load(session: &mut Session) -> Result<Names, StoreError> {
    let rows: Vec<(i64, i64, String)> = session.rows(TABLES, Args::default()).await?;
    let mut tables: [Vec<(i64, String)>; 4] = Default::default();
    for (table, id, key) in rows {
        let table = usize::try_from(table).expect("the query numbers them");
        tables[table].push((id, key));
    }
    let [bookmakers, seasons, sources, competitions] = tables;
    Ok(Names {
        bookmakers: interned("bookmakers.key", bookmakers)?,
        seasons: interned("seasons.key", seasons)?,
        sources: interned("sources.key", sources)?,
        competitions: interned("competitions.key", competitions)?,
    })
}

fn interned<K>(column: &'static str, rows: Vec<(i64, String)>) -> Result<Interned<K>, StoreError>
where
    K: TryFrom<String, Error = InvalidKey> + Clone + std::fmt::Display,
{
    Interned::new(column, rows)
}

/// Writes the keys that were added; competitions are never added this way.
///
/// Where another write gave the same number or numbered the same key, this fails and the whole
/// write is done again.
pub(super) async fn save(session: &mut Session, names: &mut Names) -> Result<(), StoreError> {
    let added = [
        ("bookmakers", names.bookmakers.take_added()),
        ("seasons", names.seasons.take_added()),
        ("sources", names.sources.take_added()),
    ];
    for (table, rows) in added {
        if rows.is_empty() {
            continue;
        }
        let (ids, keys): (Vec<i64>, Vec<String>) = rows.into_iter().unzip();
        let sql =
            format!("INSERT INTO {table} (id, key) SELECT * FROM unnest($1::bigint[], $2::text[])");
        session
            .run(&sql, Args::default().with(ids).with(keys))
            .await?;
    }
    Ok(())
}
