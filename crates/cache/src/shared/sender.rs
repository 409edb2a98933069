//! Sends this process's changes, waits until everybody has applied them, and tells others how far
//! this process has come.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::counters::Counters;
use super::inner::Inner;
use super::keeper::LEASE_OVER;
use super::link::Link;
use super::outbox::{Batch, Outcome, Waiter, tell};
use super::script::Answer;
use super::types::{Change, SharedError};

/// Batches whose acknowledgements are waited for at a time; meanwhile later changes collect.
const SETTLING_MAX: usize = 64;

/// How often the server is asked who has applied a change, should a word of it be lost.
const ASK_AGAIN: Duration = Duration::from_millis(25);

/// How long it is remembered which part of a feed was made known: longer than replicas differ in
/// how far they have read it.
const SPAN_MEMORY: Duration = Duration::from_secs(60);

/// The field by which the table of members is known to be whole.
const COMPLETE: &str = "-";

/// Other members that must apply a change: who, and their entry when it was made.
pub(crate) type Members = HashMap<String, String>;

/// Sends what is in the outbox, as long as there is a server, until the task is ended.
pub(crate) async fn send(inner: Arc<Inner>) {
    let permits = Arc::new(Semaphore::new(SETTLING_MAX));
    let mut settling = JoinSet::new();
    loop {
        inner.outbox.wake.notified().await;
        while let Some(link) = inner.link() {
            let permit = permits.clone().acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let Some(batch) = inner.outbox.take() else {
                break;
            };
            let Ok((clock, members)) = raise(&inner, &link, &batch).await else {
                tell(batch.waiters, Outcome::Queued);
                break;
            };
            let inner = inner.clone();
            settling.spawn(async move {
                settle(&inner, &link, clock, members, batch.waiters).await;
                drop(permit);
            });
        }
        while settling.try_join_next().is_some() {}
    }
}

/// Sends all that waits over a link that is not used yet; nobody waits for it.
pub(crate) async fn flush(inner: &Inner, link: &Link) -> Result<(), SharedError> {
    while let Some(batch) = inner.outbox.take() {
        let sent = raise(inner, link, &batch).await;
        tell(batch.waiters, Outcome::Queued);
        sent?;
    }
    Ok(())
}

/// Makes a batch the server's next change; what fails is put back, and the link is given up before
/// anybody learns of it, so that nothing is read from a server that has not got it.
async fn raise(inner: &Inner, link: &Link, batch: &Batch) -> Result<(u64, Members), SharedError> {
    let raised = run(inner, link, batch).await;
    match raised {
        Ok((clock, members)) => {
            Counters::add(&inner.counters.invalidations);
            inner.bus.own(&link.epoch, &batch.change, clock);
            Ok((clock, members))
        }
        Err(error) => {
            link.fail();
            inner.outbox.put_back(&batch.change);
            Err(error)
        }
    }
}

async fn run(inner: &Inner, link: &Link, batch: &Batch) -> Result<(u64, Members), SharedError> {
    let raised = call(inner, link, &batch.change, None).await?;
    // Only a change out of a feed can be known.
    raised.ok_or(SharedError::Garbled("invalidate"))
}

/// Makes a change out of a feed known, unless another replica has; waits until all have applied it.
/// `None` where it was known.
pub(crate) async fn send_once(
    inner: &Inner,
    link: &Link,
    change: &Change,
    span: &Range<u64>,
) -> Result<Option<Outcome>, SharedError> {
    let Some((clock, members)) = call(inner, link, change, Some(span)).await? else {
        return Ok(None);
    };
    Counters::add(&inner.counters.invalidations);
    inner.bus.own(&link.epoch, change, clock);
    let (waiter, outcome) = oneshot::channel();
    settle(inner, link, clock, members, vec![waiter]).await;
    outcome.await.map(Some).map_err(|_| SharedError::Away)
}

/// Runs the script; `None` where the part of the feed was made known before.
pub(crate) async fn call(
    inner: &Inner,
    link: &Link,
    change: &Change,
    span: Option<&Range<u64>>,
) -> Result<Option<(u64, Members)>, SharedError> {
    let keys = [
        inner.keys.versions.as_slice(),
        &inner.keys.log,
        &inner.keys.members,
        &inner.keys.span,
    ];
    let position = change.position.map(|it| it.to_string());
    let touched = change.text();
    let [from, to] = span.map_or_else(Default::default, |it| {
        [it.start, it.end].map(|it| it.to_string())
    });
    let answer = link.run(&inner.scripts.invalidate, &keys, |cmd| {
        cmd.arg(&link.epoch.incarnation[..])
            .arg(&inner.member)
            .arg(position.as_deref().unwrap_or(""))
            .arg(&touched)
            .arg(inner.options.log_length)
            .arg(&inner.keys.bus)
            .arg(super::millis(SPAN_MEMORY))
            .arg(&from)
            .arg(&to);
    });
    let answer = answer.await?;
    if answer.verdict() == "known" {
        return Ok(None);
    }
    let members = members_in(&answer, 2, &inner.member)?;
    Ok(Some((answer.number(1)?, members)))
}

/// The members in a field `member,entry,member,entry`, without this process.
fn members_in(answer: &Answer, at: usize, own: &str) -> Result<Members, SharedError> {
    let mut members = Members::new();
    let mut parts = answer.text(at)?.split(',');
    while let (Some(member), Some(entry)) = (parts.next(), parts.next()) {
        if member != own && member != COMPLETE {
            members.insert(member.to_owned(), entry.to_owned());
        }
    }
    Ok(members)
}

/// What a member's entry says it has applied.
fn applied_in(entry: &str) -> Option<u64> {
    entry.split_once(':')?.1.parse().ok()
}

/// Waits until every member has applied change number `clock` or can hold no lease any more.
async fn settle(
    inner: &Inner,
    link: &Link,
    clock: u64,
    mut missing: Members,
    waiters: Vec<Waiter>,
) {
    let deadline = Instant::now() + LEASE_OVER;
    let mut heard = link.epoch.acknowledged.subscribe();
    let first = missing.clone();
    let mut replicas = 1;
    loop {
        {
            let known = heard.borrow_and_update();
            let before = missing.len();
            missing.retain(|member, entry| {
                let told = known.get(member).copied();
                told.max(applied_in(entry)).is_none_or(|it| it < clock)
            });
            replicas += before - missing.len();
        }
        if missing.is_empty() || Instant::now() >= deadline {
            break;
        }
        let until = deadline.min(Instant::now() + ASK_AGAIN);
        if tokio::time::timeout_at(until, heard.changed())
            .await
            .is_err()
        {
            refresh(inner, link, &mut missing).await;
        }
    }
    let lapsed = missing.len();
    Counters::add_many(&inner.counters.lapses, lapsed);
    // Only those whose entry is the one they had when the change was made.
    missing.retain(|member, entry| first.get(member) == Some(entry));
    if !missing.is_empty() {
        strike_off(inner, link, &missing).await;
    }
    // Whoever still followed an older incarnation when this one was learned of may trust its memory
    // that much longer.
    tokio::time::sleep_until((link.epoch.learned + LEASE_OVER).into()).await;
    tell(waiters, Outcome::Settled { replicas, lapsed });
}

/// Looks up what those that are missing have written down.
async fn refresh(inner: &Inner, link: &Link, missing: &mut Members) {
    let keys = [inner.keys.versions.as_slice(), &inner.keys.members];
    let answer = link.run(&inner.scripts.members, &keys, |cmd| {
        cmd.arg(&link.epoch.incarnation[..]);
    });
    let Ok(answer) = answer.await else {
        // Without the server the lease is waited out.
        return;
    };
    if let Ok(now) = members_in(&answer, 1, &inner.member) {
        for (member, entry) in missing {
            if let Some(newer) = now.get(member) {
                entry.clone_from(newer);
            }
        }
    }
}

/// Has those forgotten whose entry is still the one of a lease ago; one that lives writes another
/// within a tick.
async fn strike_off(inner: &Inner, link: &Link, silent: &Members) {
    let keys = [inner.keys.versions.as_slice(), &inner.keys.members];
    let struck = link.run(&inner.scripts.members, &keys, |cmd| {
        cmd.arg(&link.epoch.incarnation[..]);
        for (member, entry) in silent {
            cmd.arg(member).arg(entry);
        }
    });
    // Where it fails, the next change finds them again.
    let _ = struck.await;
}

/// Tells those who wait how far this process has come, until the task is ended.
pub(crate) async fn acknowledge(inner: Arc<Inner>) {
    loop {
        inner.bus.owes.notified().await;
        let (owed, applied) = inner.bus.owed();
        let Some(link) = inner.link() else {
            continue;
        };
        let keys = [inner.keys.versions.as_slice(), &inner.keys.members];
        let number = inner.next_tick();
        let told = link.run(&inner.scripts.acknowledge, &keys, |cmd| {
            cmd.arg(&link.epoch.incarnation[..])
                .arg(&inner.member)
                .arg(number)
                .arg(applied);
            for member in &owed {
                cmd.arg(inner.keys.channel_of(member));
            }
        });
        // Where it fails, the next tick writes it down.
        let _ = told.await;
    }
}
