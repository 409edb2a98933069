//! Writes fixtures, their results and quotes.
//!
//! What is there is read once, records are laid over it in memory, and only what came out different
//! is written. Writes that touch the same competition wait for each other before they read.

mod load;
mod save;

use super::{PostgresStore, names, outbox};
use crate::changes::{Said, apply_facts, collect, touched, unknown, wanted};
use crate::matching::assign;
use crate::outbox::Outgoing;
use crate::{Recorded, Recording, StoreError};

pub(super) async fn record(
    store: &PostgresStore,
    recording: &Recording,
    records: &[Said<'_>],
) -> Result<Recorded, StoreError> {
    let mut session = store.write().await?;
    // Before anything is read: what another write of the competition numbered must be known.
    load::lock(&mut session, records).await?;
    let mut names = names::load(&mut session).await?;
    let rules = load::rules(&mut session).await?;
    let wanted = wanted(records, &mut names)?;
    load::check_teams(&mut session, records).await?;
    let mut drafts = load::drafts(&mut session, &wanted).await?;
    let places =
        assign(&wanted, &mut drafts, &rules, recording).map_err(|id| unknown("fixture", id))?;
    apply_facts(&mut drafts, &places, &wanted, records, &rules);
    let touched = touched(&drafts, &places, records);
    load::quotes(&mut session, &mut drafts, &touched).await?;
    for (record, place) in records.iter().zip(&places) {
        drafts[*place].offer(record.quotes(), &mut names);
        tokio::task::yield_now().await;
    }
    load::number_new(&mut session, &mut drafts).await?;
    let changes = collect(&mut drafts, &rules, &mut names).await?;
    let counts = changes.counts(&drafts, &places);
    if changes.is_empty() {
        session.commit().await?;
        return Ok(counts);
    }
    let source = names
        .sources
        .number(&recording.source, recording.source.as_str());
    let outgoing = Outgoing::of(&changes, &names)?;
    names::save(&mut session, &mut names).await?;
    save::write(&mut session, (recording, source), &changes, &outgoing).await?;
    outbox::commit(store, session).await?;
    Ok(counts)
}
