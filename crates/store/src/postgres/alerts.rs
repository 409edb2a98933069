//! Rules that watch games, what they saw and fired, and what is to be told of it.

use async_trait::async_trait;
use domain::{AlertId, FixtureId};
use jiff::Timestamp;

use super::session::{Session, again};
use super::sql::Args;
use super::{PostgresStore, outbox};
use crate::alerts::{
    ALERT_COLUMNS, AlertRow, AttemptRow, DeliveryRow, FiringRow, NEW_DELIVERY, OTHER_ADDRESS,
    StateRow, TO_BE_MADE, alert, count, delivery, firings, firings_sql, outcome_codes, over_codes,
    pause_code, rule_text, state, step_sql, took_micros, watch_text,
};
use crate::code::{micros, moment};
use crate::idempotency::forgotten;
use crate::outbox::{ChangeKind, Outgoing};
use crate::{
    AlertRecord, AlertState, AlertStep, AlertStore, Committed, Delivery, DeliveryAttempt,
    DeliveryClaim, DeliveryOutcome, FiringQuery, FiringRecord, NewFiring, RequestDigest, Seen,
    StoreError,
};

/// The address of a rule's webhook, and its secret.
fn webhook(alert: &AlertRecord) -> (Option<&str>, Option<&[u8]>) {
    let webhook = alert.webhook.as_ref();
    webhook.map(|it| (&*it.url, &*it.secret)).unzip()
}

async fn put(
    store: &PostgresStore,
    it: &AlertRecord,
    count_max: u32,
    request: Option<RequestDigest>,
) -> Result<Option<i64>, StoreError> {
    let mut session = store.write().await?;
    let lock = "SELECT pg_advisory_xact_lock(6004, hashtext($1))";
    session
        .run(lock, Args::default().with(&it.principal))
        .await?;
    let made = "SELECT id FROM alerts WHERE principal = $1 AND request = $2 AND created_at >= $3";
    let request = request.as_ref().map(<[u8; 32]>::as_slice);
    let args = Args::default().with(&it.principal).with(request);
    let args = args.with(forgotten(it.created_at));
    if let Some((id,)) = session.optional(made, args).await? {
        return Ok(Some(id));
    }
    let there = "SELECT count(*) FROM alerts WHERE principal = $1";
    let (there,): (i64,) = session
        .one(there, Args::default().with(&it.principal))
        .await?;
    if there >= i64::from(count_max) {
        return Ok(None);
    }
    let (url, secret) = webhook(it);
    let args = Args::default()
        .with(&it.principal)
        .with(&it.name)
        .with(rule_text(&it.rule))
        .with(pause_code(it.pause))
        .with(url)
        .with(secret)
        .with(micros(it.created_at))
        .with(micros(it.changed_at))
        .with(request);
    let (id,): (i64,) = session
        .one(
            "INSERT INTO alerts (principal, name, rule, pause, webhook, secret, generation,
                 primed, version, created_at, changed_at, request)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, $9) RETURNING id",
            args,
        )
        .await?;
    outbox::tell(store, session, &Outgoing::one(ChangeKind::Alert, id)).await?;
    Ok(Some(id))
}

async fn replace(store: &PostgresStore, it: &AlertRecord, seen: Seen) -> Result<bool, StoreError> {
    let mut session = store.write().await?;
    let (url, secret) = webhook(it);
    let args = Args::default()
        .with(it.id.0)
        .with(count(it.version))
        .with(&it.name)
        .with(rule_text(&it.rule))
        .with(pause_code(it.pause))
        .with(url)
        .with(secret)
        .with(count(it.generation))
        .with(i64::from(it.primed))
        .with(micros(it.changed_at));
    let written = session
        .run(
            "UPDATE alerts SET name = $3, rule = $4, pause = $5, webhook = $6, secret = $7,
                 generation = $8, primed = $9, version = version + 1, changed_at = $10
             WHERE id = $1 AND version = $2",
            args,
        )
        .await?;
    if written == 0 {
        return Ok(false);
    }
    let id = || Args::default().with(it.id.0);
    if seen == Seen::Forgotten {
        session
            .run("DELETE FROM alert_states WHERE alert = $1", id())
            .await?;
    }
    if it.webhook.is_none() {
        let end = "UPDATE alert_deliveries SET state = 2 WHERE alert = $1 AND state = 0";
        session.run(end, id()).await?;
    }
    outbox::tell(store, session, &Outgoing::one(ChangeKind::Alert, it.id)).await?;
    Ok(true)
}

async fn delete(store: &PostgresStore, id: AlertId) -> Result<bool, StoreError> {
    let mut session = store.write().await?;
    let gone = "DELETE FROM alerts WHERE id = $1";
    if session.run(gone, Args::default().with(id.0)).await? == 0 {
        return Ok(false);
    }
    outbox::tell(store, session, &Outgoing::one(ChangeKind::Alert, id)).await?;
    Ok(true)
}

async fn fire(session: &mut Session, firing: &NewFiring) -> Result<i64, StoreError> {
    let args = Args::default()
        .with(firing.alert.0)
        .with(firing.fixture.map(|it| it.0))
        .with(micros(firing.at))
        .with(&firing.notice);
    let (id,): (i64,) = session
        .one(
            "INSERT INTO alert_firings (alert, fixture, at, notice) VALUES ($1, $2, $3, $4)
             RETURNING id",
            args,
        )
        .await?;
    if let Some(receiver) = &firing.receiver {
        let args = Args::default()
            .with(id)
            .with(firing.alert.0)
            .with(receiver)
            .with(micros(firing.at));
        session.run(NEW_DELIVERY, args).await?;
    }
    Ok(id)
}

/// Writes a step; whether it was sooner than all others.
async fn step(session: &mut Session, step: &AlertStep) -> Result<bool, StoreError> {
    let it = &step.state;
    let args = Args::default()
        .with(it.alert.0)
        .with(it.fixture.0)
        .with(count(it.generation))
        .with(count(it.version))
        .with(count(it.position))
        .with(micros(it.seen_at))
        .with(watch_text(&it.watch));
    let written = session.run(step_sql(it), args).await?;
    Ok(written > 0)
}

async fn commit(store: &PostgresStore, steps: &[AlertStep]) -> Result<Vec<Committed>, StoreError> {
    let mut session = store.write().await?;
    // All in one order, so that two servers wait for each other and not in a ring.
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|at| (steps[*at].state.alert, steps[*at].state.fixture));
    let (mut done, mut outgoing) = (vec![Committed::Lost; steps.len()], Outgoing::default());
    for at in order {
        let it = &steps[at];
        if !step(&mut session, it).await? {
            continue;
        }
        let mut id = None;
        if let Some(firing) = &it.firing {
            id = Some(fire(&mut session, firing).await?);
            outgoing.add(ChangeKind::Firing, firing.alert);
        }
        done[at] = Committed::Written(id);
    }
    if outgoing.is_empty() {
        session.commit().await?;
    } else {
        outbox::tell(store, session, &outgoing).await?;
    }
    Ok(done)
}

async fn test(store: &PostgresStore, firing: &NewFiring) -> Result<i64, StoreError> {
    let mut session = store.write().await?;
    let id = fire(&mut session, firing).await?;
    let outgoing = Outgoing::one(ChangeKind::Firing, firing.alert);
    outbox::tell(store, session, &outgoing).await?;
    Ok(id)
}

const CLAIM: &str = "WITH due AS (
         SELECT DISTINCT ON (d.receiver) d.firing, d.due_at, r.principal
         FROM alert_deliveries AS d JOIN alerts AS r ON r.id = d.alert
         WHERE {to_be_made} AND d.due_at <= $1 AND d.leased_until <= $1
             AND NOT d.receiver = ANY ($3)
         ORDER BY d.receiver, d.due_at, d.firing),
     placed AS (
         SELECT firing, due_at, (SELECT count(*) FROM unnest($5::text[]) AS o WHERE o = principal)
             + row_number() OVER (PARTITION BY principal ORDER BY due_at, firing) AS place
         FROM due),
     taken AS (
         SELECT firing FROM alert_deliveries
         WHERE firing IN (SELECT firing FROM placed WHERE place <= $6 ORDER BY due_at LIMIT $4)
             AND state = 0 AND leased_until <= $1
         FOR UPDATE SKIP LOCKED)
     UPDATE alert_deliveries AS d SET attempts = d.attempts + 1, leased_until = $2
     FROM taken, alert_firings AS f, alerts AS a
     WHERE d.firing = taken.firing AND f.id = d.firing AND a.id = d.alert
     RETURNING d.firing, d.alert, d.receiver, d.attempts, f.notice, a.webhook, a.secret,
         a.principal";

async fn finish(
    store: &PostgresStore,
    (attempt, url): (&DeliveryAttempt, &str),
    mut outcome: DeliveryOutcome,
) -> Result<(), StoreError> {
    let mut session = store.write().await?;
    // Nobody gives the rule another address from here on.
    let other = format!("{OTHER_ADDRESS} FOR UPDATE OF a");
    let args = Args::default().with(attempt.firing).with(url);
    let other: Option<(i64,)> = session.optional(&other, args).await?;
    if outcome == DeliveryOutcome::Gone && other.is_some() {
        outcome = DeliveryOutcome::Again(attempt.at);
    }
    let (state, due) = outcome_codes(outcome);
    let args = Args::default()
        .with(attempt.firing)
        .with(state)
        .with(due.map(micros));
    let alert: Option<(i64,)> = session
        .optional(
            "UPDATE alert_deliveries SET state = $2, due_at = coalesce($3, due_at),
                 leased_until = 0
             WHERE firing = $1 AND state = 0 RETURNING alert",
            args,
        )
        .await?;
    let Some((alert,)) = alert else {
        return Ok(()); // The rule is gone, or somebody else has ended it.
    };
    let args = Args::default()
        .with(attempt.firing)
        .with(i64::from(attempt.attempt))
        .with(micros(attempt.at))
        .with(took_micros(attempt))
        .with(attempt.status.map(i64::from))
        .with(&attempt.fault);
    session
        .run(
            "INSERT INTO alert_attempts (firing, attempt, at, took_micros, status, fault)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            args,
        )
        .await?;
    if outcome != DeliveryOutcome::Gone {
        return session.commit().await;
    }
    let id = || Args::default().with(alert);
    let pause = "UPDATE alerts SET pause = 2, version = version + 1 WHERE id = $1";
    session.run(pause, id()).await?;
    let end = "UPDATE alert_deliveries SET state = 3 WHERE alert = $1 AND state = 0";
    session.run(end, id()).await?;
    outbox::tell(store, session, &Outgoing::one(ChangeKind::Alert, alert)).await?;
    Ok(())
}

#[async_trait]
impl AlertStore for PostgresStore {
    async fn put_alert(
        &self,
        it: &AlertRecord,
        count_max: u32,
        request: Option<RequestDigest>,
    ) -> Result<Option<AlertRecord>, StoreError> {
        match again(|| put(self, it, count_max, request)).await? {
            Some(id) => self.alert(AlertId(id)).await,
            None => Ok(None),
        }
    }

    async fn alerts(&self) -> Result<Vec<AlertRecord>, StoreError> {
        let sql = format!("SELECT {ALERT_COLUMNS} FROM alerts AS a ORDER BY a.id");
        let rows: Vec<AlertRow> = self.read().await?.rows(&sql, Args::default()).await?;
        rows.into_iter().map(alert).collect()
    }

    async fn alert(&self, id: AlertId) -> Result<Option<AlertRecord>, StoreError> {
        let sql = format!("SELECT {ALERT_COLUMNS} FROM alerts AS a WHERE a.id = $1");
        let args = Args::default().with(id.0);
        let row: Option<AlertRow> = self.read().await?.optional(&sql, args).await?;
        row.map(alert).transpose()
    }

    async fn replace_alert(&self, it: &AlertRecord, seen: Seen) -> Result<bool, StoreError> {
        again(|| replace(self, it, seen)).await
    }

    async fn prime_alert(&self, id: AlertId, generation: u64) -> Result<(), StoreError> {
        let sql = "UPDATE alerts SET primed = 1 WHERE id = $1 AND generation = $2";
        let args = Args::default().with(id.0).with(count(generation));
        self.run(sql, args).await?;
        Ok(())
    }

    async fn delete_alert(&self, id: AlertId) -> Result<bool, StoreError> {
        again(|| delete(self, id)).await
    }

    async fn alert_states(&self, fixtures: &[FixtureId]) -> Result<Vec<AlertState>, StoreError> {
        let ids: Vec<i64> = fixtures.iter().map(|it| it.0).collect();
        let sql = "SELECT alert, fixture, generation, version, position, seen_at, watch
             FROM alert_states WHERE fixture = ANY ($1) ORDER BY fixture, alert";
        let args = Args::default().with(ids);
        let rows: Vec<StateRow> = self.read().await?.rows(sql, args).await?;
        rows.into_iter().map(state).collect()
    }

    async fn commit_alerts(&self, steps: &[AlertStep]) -> Result<Vec<Committed>, StoreError> {
        again(|| commit(self, steps)).await
    }

    async fn fire_test(&self, firing: &NewFiring) -> Result<i64, StoreError> {
        again(|| test(self, firing)).await
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Vec<FiringRecord>, StoreError> {
        let mut session = self.snapshot().await?;
        let of = if query.alert.is_some() {
            "f.alert = $3 AND"
        } else {
            "$3::bigint IS NULL AND"
        };
        let args = Args::default()
            .with(query.before.unwrap_or(i64::MAX))
            .with(i64::from(query.limit))
            .with(query.alert.map(|it| it.0));
        let rows: Vec<FiringRow> = session.rows(&firings_sql(of), args).await?;
        let ids: Vec<i64> = rows.iter().map(|it| it.0).collect();
        let attempts = "SELECT firing, attempt, at, took_micros, status, fault
             FROM alert_attempts WHERE firing = ANY ($1) ORDER BY firing, attempt";
        let attempts: Vec<AttemptRow> = session.rows(attempts, Args::default().with(ids)).await?;
        firings(rows, attempts)
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, StoreError> {
        let mut session = self.write().await?;
        let args = Args::default()
            .with(micros(claim.now))
            .with(micros(claim.leased_until))
            .with(&claim.busy)
            .with(i64::from(claim.limit))
            .with(&claim.owners)
            .with(i64::from(claim.owner_max));
        let rows: Vec<DeliveryRow> = session
            .rows(&CLAIM.replace("{to_be_made}", TO_BE_MADE), args)
            .await?;
        session.commit().await?;
        let mut taken: Vec<Delivery> = rows.into_iter().map(delivery).collect();
        taken.sort_by_key(|it| it.firing);
        Ok(taken)
    }

    async fn finish_delivery(
        &self,
        attempt: (&DeliveryAttempt, &str),
        outcome: DeliveryOutcome,
    ) -> Result<(), StoreError> {
        again(|| finish(self, attempt, outcome)).await
    }

    async fn delivery_backlog(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        let sql = format!(
            "SELECT count(*), min(greatest(d.due_at, d.leased_until)) FROM alert_deliveries AS d
             WHERE {TO_BE_MADE}"
        );
        let mut session = self.read().await?;
        let (count, due): (i64, Option<i64>) = session.one(&sql, Args::default()).await?;
        let due = due.map(|it| moment("alert_deliveries.due_at", it));
        Ok((count.unsigned_abs(), due.transpose()?))
    }

    async fn trim_firings(&self, before: Timestamp, kept_max: u32) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM alert_firings WHERE NOT EXISTS
                 (SELECT 1 FROM alert_deliveries AS d
                  WHERE d.firing = alert_firings.id AND {TO_BE_MADE})
             AND (at < $1 OR id IN (SELECT id FROM
                 (SELECT id, row_number() OVER (PARTITION BY alert ORDER BY id DESC) AS place
                  FROM alert_firings) AS f WHERE place > $2))"
        );
        let args = Args::default()
            .with(micros(before))
            .with(i64::from(kept_max));
        self.run(&sql, args).await
    }

    async fn trim_alert_states(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let [finished, cancelled] = over_codes();
        // What another server is writing at the moment is not old.
        let sql = "DELETE FROM alert_states WHERE (alert, fixture) IN (SELECT s.alert, s.fixture
             FROM alert_states AS s JOIN fixtures AS f ON f.id = s.fixture
             WHERE s.seen_at < $1 AND f.kickoff < $1 AND f.status IN ($3, $4) LIMIT $2
             FOR UPDATE OF s SKIP LOCKED)";
        let args = Args::default()
            .with(micros(before))
            .with(i64::from(limit))
            .with(finished)
            .with(cancelled);
        self.run(sql, args).await
    }
}
