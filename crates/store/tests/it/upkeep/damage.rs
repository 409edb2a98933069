//! Backups of files, and files of backups, whose pages are damaged.

use std::fs;
use std::path::Path;

use store::upkeep::{backup, restore};
use store::{Place, StoreError};

use super::{everything, filled, open, options, silent};

/// Where the number of entries stands in the first page of an index that has one page.
async fn entry_count(path: &Path, index: &str) -> usize {
    let url = format!("sqlite:{}", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let sql = "SELECT (rootpage - 1) * page_size FROM sqlite_schema, pragma_page_size
               WHERE name = $1";
    let query = sqlx::query_scalar(sql).bind(index.to_owned());
    let start: i64 = query.fetch_one(&pool).await.unwrap();
    pool.close().await;
    let start = usize::try_from(start).unwrap();
    assert_eq!(fs::read(path).unwrap()[start], 10, "a leaf of an index");
    start + 3
}

/// Writes over a place in a file.
fn overwrite(path: &Path, at: usize, bytes: &[u8]) {
    let mut all = fs::read(path).unwrap();
    all[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, all).unwrap();
}

/// What SQLite says of a whole file.
async fn integrity(path: &Path) -> String {
    let url = format!("sqlite:{}", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let query = sqlx::query_scalar("PRAGMA integrity_check(1)");
    let said: String = query.fetch_one(&pool).await.unwrap();
    pool.close().await;
    said
}

#[tokio::test]
async fn damaged_indexes_of_a_backup_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, all) = filled(&folder).await;
    let saved = folder.path().join("backup.db");
    let from = Place::File(path);
    backup(&from, &saved, &options(), &silent).await.unwrap();
    let at = entry_count(&saved, "fixtures_kickoff").await;
    overwrite(&saved, at, &[0, 0]);
    assert_ne!(integrity(&saved).await, "ok");
    let restored = folder.path().join("restored.db");
    let to = Place::File(restored.clone());
    restore(&saved, &to, &options(), &silent).await.unwrap();
    assert_eq!(integrity(&restored).await, "ok");
    assert_eq!(everything(&open(&restored).await).await, all);
}

#[tokio::test]
async fn a_backup_of_a_file_with_damaged_indexes_has_sound_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(&folder).await;
    let at = entry_count(&path, "fixtures_kickoff").await;
    overwrite(&path, at, &[0, 0]);
    let saved = folder.path().join("backup.db");
    let from = Place::File(path);
    backup(&from, &saved, &options(), &silent).await.unwrap();
    assert_eq!(integrity(&saved).await, "ok");
}

#[tokio::test]
async fn other_damage_of_a_backup_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(&folder).await;
    let saved = folder.path().join("backup.db");
    let from = Place::File(path);
    backup(&from, &saved, &options(), &silent).await.unwrap();
    // How many pages are free, of which there are none.
    overwrite(&saved, 36, &5_u32.to_be_bytes());
    let to = Place::File(folder.path().join("restored.db"));
    let error = restore(&saved, &to, &options(), &silent).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let said = error.to_string();
    assert!(
        said.contains("backup.db is damaged") && said.ends_with("nothing was written"),
        "{said}"
    );
    let files = fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.count(), 2, "no file is left behind");
}
