//! Versions of trained models.

use super::competitions::advance_revision;
use super::sql::Filter;
use super::{SqliteStore, outbox};
use crate::code::micros;
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{ModelRow, model};
use crate::{ModelRecord, StoreError};

pub(super) async fn put(store: &SqliteStore, model: &ModelRecord) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    sqlx::query(
        "INSERT INTO models (name, version, created_at, data_digest, body, report)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name, version) DO UPDATE SET created_at = excluded.created_at,
             data_digest = excluded.data_digest, body = excluded.body, report = excluded.report",
    )
    .bind(&model.name)
    .bind(&model.version)
    .bind(micros(model.created_at))
    .bind(&model.data_digest)
    .bind(&model.body)
    .bind(&model.report)
    .execute(&mut *tx)
    .await?;
    advance_revision(&mut tx).await?;
    outbox::add(&mut tx, &Outgoing::one(ChangeKind::Model, &model.name)).await?;
    store.commit(tx).await
}

pub(super) async fn list(
    store: &SqliteStore,
    name: Option<&str>,
) -> Result<Vec<ModelRecord>, StoreError> {
    // With a name that may be none the index of names would be of no use.
    let mut filter = Filter::default();
    if let Some(name) = name {
        let name = filter.bind(name.to_owned());
        filter.and(format!("name = {name}"));
    }
    let clause = filter.clause();
    let sql = format!(
        "SELECT name, version, created_at, data_digest, x'' AS body, x'' AS report FROM models
         {clause} ORDER BY created_at DESC, id DESC"
    );
    let rows: Vec<ModelRow> = filter.rows(sql, &store.reader).await?;
    rows.into_iter().map(model).collect()
}

pub(super) async fn latest(
    store: &SqliteStore,
    name: &str,
) -> Result<Option<ModelRecord>, StoreError> {
    let row: Option<ModelRow> = sqlx::query_as(
        "SELECT name, version, created_at, data_digest, body, report FROM models
         WHERE name = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(name)
    .fetch_optional(&store.reader)
    .await?;
    row.map(model).transpose()
}
