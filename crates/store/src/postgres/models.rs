//! Versions of trained models.

use super::sql::{Args, Filter};
use super::{PostgresStore, outbox};
use crate::code::micros;
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{ModelRow, model};
use crate::{ModelRecord, StoreError};

pub(super) async fn put(store: &PostgresStore, model: &ModelRecord) -> Result<(), StoreError> {
    let mut session = store.write().await?;
    session
        .run(
            "INSERT INTO models (name, version, created_at, data_digest, body, report)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name, version) DO UPDATE SET created_at = excluded.created_at,
             data_digest = excluded.data_digest, body = excluded.body, report = excluded.report",
            Args::default()
                .with(&model.name)
                .with(&model.version)
                .with(micros(model.created_at))
                .with(&model.data_digest)
                .with(&model.body)
                .with(&model.report),
        )
        .await?;
    let outgoing = Outgoing::one(ChangeKind::Model, &model.name);
    outbox::seal(store, session, &outgoing).await
}

pub(super) async fn list(
    store: &PostgresStore,
    name: Option<&str>,
) -> Result<Vec<ModelRecord>, StoreError> {
    // With a name that may be none the index of names would be of no use.
    let mut filter = Filter::default();
    if let Some(name) = name {
        let name = filter.bind(name);
        filter.and(format!("name = {name}"));
    }
    let clause = filter.clause();
    let sql = format!(
        "SELECT name, version, created_at, data_digest, ''::bytea AS body, ''::bytea AS report
         FROM models {clause} ORDER BY created_at DESC, id DESC"
    );
    let rows: Vec<ModelRow> = store.read().await?.rows(&sql, filter.args()).await?;
    rows.into_iter().map(model).collect()
}

pub(super) async fn latest(
    store: &PostgresStore,
    name: &str,
) -> Result<Option<ModelRecord>, StoreError> {
    let row: Option<ModelRow> = store
        .read()
        .await?
        .optional(
            "SELECT name, version, created_at, data_digest, body, report FROM models
         WHERE name = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
            Args::default().with(name),
        )
        .await?;
    row.map(model).transpose()
}
