//! Versions of trained models.

use super::sql::Args;
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
    let rows: Vec<ModelRow> = store.read().await?.rows("SELECT name, version, created_at, data_digest, ''::bytea AS body, ''::bytea AS report FROM models
         WHERE $1::text IS NULL OR name = $1 ORDER BY created_at DESC, id DESC", Args::default()
    .with(name)).await?;
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
