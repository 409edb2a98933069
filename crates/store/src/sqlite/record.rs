//! Writes fixtures, their results and quotes.
//!
//! What is there is read once, records are laid over it in memory, and only what came out different
//! is written: a batch costs a handful of statements, and the same batch again costs none.

mod load;
mod save;

use super::SqliteStore;
use super::competitions::advance_revision;
use super::{names, outbox};
use crate::changes::{Said, apply_facts, collect, touched, unknown, wanted};
use crate::matching::assign;
use crate::outbox::Outgoing;
use crate::{Recorded, Recording, StoreError};

pub(super) async fn record(
    store: &SqliteStore,
    recording: &Recording,
    records: &[Said<'_>],
) -> Result<Recorded, StoreError> {
    let mut tx = store.write().await?;
    let mut names = names::load(&mut tx).await?;
    let rules = load::rules(&mut tx).await?;
    let wanted = wanted(records, &mut names)?;
    load::check_teams(&mut tx, records).await?;
    let mut drafts = load::drafts(&mut tx, &wanted).await?;
    let places =
        assign(&wanted, &mut drafts, &rules, recording).map_err(|id| unknown("fixture", id))?;
    apply_facts(&mut drafts, &places, &wanted, records, &rules);
    let touched = touched(&drafts, &places, records);
    load::quotes(&mut tx, &mut drafts, &touched).await?;
    for (record, place) in records.iter().zip(&places) {
        drafts[*place].offer(record.quotes(), &mut names);
        tokio::task::yield_now().await;
    }
    load::number_new(&mut tx, &mut drafts).await?;
    let changes = collect(&mut drafts, &rules, &mut names).await?;
    if !changes.is_empty() {
        save::write(&mut tx, recording, &changes, &mut names).await?;
        outbox::add(&mut tx, &Outgoing::of(&changes, &names)?).await?;
        advance_revision(&mut tx).await?;
    }
    let counts = changes.counts(&drafts, &places);
    store.commit(tx).await?;
    Ok(counts)
}
