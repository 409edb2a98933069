//! Rules that watch games, what they saw and fired, and what is to be told of it.

use async_trait::async_trait;
use domain::{AlertId, FixtureId};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::{SqliteStore, outbox};
use crate::alerts::{
    ALERT_COLUMNS, AlertRow, AttemptRow, DeliveryRow, FiringRow, NEW_DELIVERY, OTHER_ADDRESS,
    StateRow, TO_BE_MADE, alert, count, delivery, firings, firings_sql, outcome_codes, over_codes,
    pause_code, rule_text, state, step_sql, took_micros, watch_text,
};
use crate::code::{json, micros, moment};
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

async fn fire(connection: &mut SqliteConnection, firing: &NewFiring) -> Result<i64, StoreError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO alert_firings (alert, fixture, at, notice) VALUES ($1, $2, $3, $4)
         RETURNING id",
    )
    .bind(firing.alert.0)
    .bind(firing.fixture.map(|it| it.0))
    .bind(micros(firing.at))
    .bind(&firing.notice)
    .fetch_one(&mut *connection)
    .await?;
    if let Some(receiver) = &firing.receiver {
        sqlx::query(NEW_DELIVERY)
            .bind(id)
            .bind(firing.alert.0)
            .bind(receiver)
            .bind(micros(firing.at))
            .execute(&mut *connection)
            .await?;
    }
    Ok(id)
}

/// Writes a step; whether it was sooner than all others.
async fn step(connection: &mut SqliteConnection, step: &AlertStep) -> Result<bool, StoreError> {
    let it = &step.state;
    let written = sqlx::query(step_sql(it))
        .bind(it.alert.0)
        .bind(it.fixture.0)
        .bind(count(it.generation))
        .bind(count(it.version))
        .bind(count(it.position))
        .bind(micros(it.seen_at))
        .bind(watch_text(&it.watch))
        .execute(connection)
        .await?;
    Ok(written.rows_affected() > 0)
}

#[async_trait]
impl AlertStore for SqliteStore {
    async fn put_alert(
        &self,
        it: &AlertRecord,
        count_max: u32,
        request: Option<RequestDigest>,
    ) -> Result<Option<AlertRecord>, StoreError> {
        let mut tx = self.write().await?;
        let request = request.as_ref().map(<[u8; 32]>::as_slice);
        let made: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM alerts WHERE principal = $1 AND request = $2 AND created_at >= $3",
        )
        .bind(&it.principal)
        .bind(request)
        .bind(forgotten(it.created_at))
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(id) = made {
            tx.commit().await?;
            return self.alert(AlertId(id)).await;
        }
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM alerts WHERE principal = $1")
            .bind(&it.principal)
            .fetch_one(&mut *tx)
            .await?;
        if there >= i64::from(count_max) {
            return Ok(None);
        }
        let (url, secret) = webhook(it);
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO alerts (principal, name, rule, pause, webhook, secret, generation,
                 primed, version, created_at, changed_at, request)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, $9) RETURNING id",
        )
        .bind(&it.principal)
        .bind(&it.name)
        .bind(rule_text(&it.rule))
        .bind(pause_code(it.pause))
        .bind(url)
        .bind(secret)
        .bind(micros(it.created_at))
        .bind(micros(it.changed_at))
        .bind(request)
        .fetch_one(&mut *tx)
        .await?;
        outbox::add(&mut tx, &Outgoing::one(ChangeKind::Alert, id)).await?;
        self.commit(tx).await?;
        self.alert(AlertId(id)).await
    }

    async fn alerts(&self) -> Result<Vec<AlertRecord>, StoreError> {
        let sql = format!("SELECT {ALERT_COLUMNS} FROM alerts AS a ORDER BY a.id");
        let rows: Vec<AlertRow> = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(alert).collect()
    }

    async fn alert(&self, id: AlertId) -> Result<Option<AlertRecord>, StoreError> {
        let sql = format!("SELECT {ALERT_COLUMNS} FROM alerts AS a WHERE a.id = $1");
        let row: Option<AlertRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(id.0)
            .fetch_optional(&self.reader)
            .await?;
        row.map(alert).transpose()
    }

    async fn replace_alert(&self, it: &AlertRecord, seen: Seen) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let (url, secret) = webhook(it);
        let written = sqlx::query(
            "UPDATE alerts SET name = $3, rule = $4, pause = $5, webhook = $6, secret = $7,
                 generation = $8, primed = $9, version = version + 1, changed_at = $10
             WHERE id = $1 AND version = $2",
        )
        .bind(it.id.0)
        .bind(count(it.version))
        .bind(&it.name)
        .bind(rule_text(&it.rule))
        .bind(pause_code(it.pause))
        .bind(url)
        .bind(secret)
        .bind(count(it.generation))
        .bind(i64::from(it.primed))
        .bind(micros(it.changed_at))
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Ok(false);
        }
        if seen == Seen::Forgotten {
            sqlx::query("DELETE FROM alert_states WHERE alert = $1")
                .bind(it.id.0)
                .execute(&mut *tx)
                .await?;
        }
        if it.webhook.is_none() {
            sqlx::query("UPDATE alert_deliveries SET state = 2 WHERE alert = $1 AND state = 0")
                .bind(it.id.0)
                .execute(&mut *tx)
                .await?;
        }
        outbox::add(&mut tx, &Outgoing::one(ChangeKind::Alert, it.id)).await?;
        self.commit(tx).await?;
        Ok(true)
    }

    async fn prime_alert(&self, id: AlertId, generation: u64) -> Result<(), StoreError> {
        let primed = sqlx::query("UPDATE alerts SET primed = 1 WHERE id = $1 AND generation = $2");
        let primed = primed.bind(id.0).bind(count(generation));
        self.writer.run(primed).await?;
        Ok(())
    }

    async fn delete_alert(&self, id: AlertId) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let gone = sqlx::query("DELETE FROM alerts WHERE id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        outbox::add(&mut tx, &Outgoing::one(ChangeKind::Alert, id)).await?;
        self.commit(tx).await?;
        Ok(true)
    }

    async fn alert_states(&self, fixtures: &[FixtureId]) -> Result<Vec<AlertState>, StoreError> {
        let rows: Vec<StateRow> = sqlx::query_as(
            "SELECT s.alert, s.fixture, s.generation, s.version, s.position, s.seen_at, s.watch
             FROM json_each($1) AS j CROSS JOIN alert_states AS s ON s.fixture = j.value
             ORDER BY s.fixture, s.alert",
        )
        .bind(json(fixtures))
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(state).collect()
    }

    async fn commit_alerts(&self, steps: &[AlertStep]) -> Result<Vec<Committed>, StoreError> {
        let mut tx = self.write().await?;
        let (mut done, mut outgoing) = (Vec::with_capacity(steps.len()), Outgoing::default());
        for it in steps {
            if !step(&mut tx, it).await? {
                done.push(Committed::Lost);
                continue;
            }
            let mut id = None;
            if let Some(firing) = &it.firing {
                id = Some(fire(&mut tx, firing).await?);
                outgoing.add(ChangeKind::Firing, firing.alert);
            }
            done.push(Committed::Written(id));
        }
        if !outgoing.is_empty() {
            outbox::add(&mut tx, &outgoing).await?;
        }
        self.commit(tx).await?;
        Ok(done)
    }

    async fn fire_test(&self, firing: &NewFiring) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let id = fire(&mut tx, firing).await?;
        outbox::add(&mut tx, &Outgoing::one(ChangeKind::Firing, firing.alert)).await?;
        self.commit(tx).await?;
        Ok(id)
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Vec<FiringRecord>, StoreError> {
        let mut tx = self.read().await?;
        let of = if query.alert.is_some() {
            "f.alert = $3 AND"
        } else {
            "$3 IS NULL AND"
        };
        let rows: Vec<FiringRow> = sqlx::query_as(AssertSqlSafe(firings_sql(of)))
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(query.limit)
            .bind(query.alert.map(|it| it.0))
            .fetch_all(&mut *tx)
            .await?;
        let attempts: Vec<AttemptRow> = sqlx::query_as(
            "SELECT t.firing, t.attempt, t.at, t.took_micros, t.status, t.fault
             FROM json_each($1) AS j CROSS JOIN alert_attempts AS t ON t.firing = j.value
             ORDER BY t.firing, t.attempt",
        )
        .bind(json(rows.iter().map(|it| it.0)))
        .fetch_all(&mut *tx)
        .await?;
        firings(rows, attempts)
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, StoreError> {
        // Mostly there is nothing, and nobody has to wait for a write.
        let (backlog, due) = self.delivery_backlog().await?;
        if backlog == 0 || due.is_some_and(|it| it > claim.now) {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let sql = format!(
            "SELECT firing, due_at FROM (
                 SELECT firing, due_at, (SELECT count(*) FROM json_each($4) WHERE value = principal)
                     + row_number() OVER (PARTITION BY principal ORDER BY due_at, firing) AS place
                 FROM (
                     SELECT d.firing, min(d.due_at) AS due_at, r.principal
                     FROM alert_deliveries AS d JOIN alerts AS r ON r.id = d.alert
                     WHERE {TO_BE_MADE} AND d.due_at <= $1 AND d.leased_until <= $1
                         AND d.receiver NOT IN (SELECT value FROM json_each($2))
                     GROUP BY d.receiver))
             WHERE place <= $5 ORDER BY due_at LIMIT $3"
        );
        let rows: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(micros(claim.now))
            .bind(json(&claim.busy))
            .bind(claim.limit)
            .bind(json(&claim.owners))
            .bind(claim.owner_max)
            .fetch_all(&mut *tx)
            .await?;
        let taken = json(rows.iter().map(|it| it.0));
        sqlx::query(
            "UPDATE alert_deliveries SET attempts = attempts + 1, leased_until = $2
             WHERE firing IN (SELECT value FROM json_each($1))",
        )
        .bind(&taken)
        .bind(micros(claim.leased_until))
        .execute(&mut *tx)
        .await?;
        let rows: Vec<DeliveryRow> = sqlx::query_as(
            "SELECT d.firing, d.alert, d.receiver, d.attempts, f.notice, a.webhook, a.secret,
                 a.principal
             FROM json_each($1) AS j CROSS JOIN alert_deliveries AS d ON d.firing = j.value
             JOIN alert_firings AS f ON f.id = d.firing JOIN alerts AS a ON a.id = d.alert
             ORDER BY d.firing",
        )
        .bind(&taken)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(delivery).collect())
    }

    async fn finish_delivery(
        &self,
        (attempt, url): (&DeliveryAttempt, &str),
        mut outcome: DeliveryOutcome,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let other: Option<i64> = sqlx::query_scalar(OTHER_ADDRESS)
            .bind(attempt.firing)
            .bind(url)
            .fetch_optional(&mut *tx)
            .await?;
        if outcome == DeliveryOutcome::Gone && other.is_some() {
            outcome = DeliveryOutcome::Again(attempt.at);
        }
        let (state, due) = outcome_codes(outcome);
        let alert: Option<i64> = sqlx::query_scalar(
            "UPDATE alert_deliveries SET state = $2, due_at = coalesce($3, due_at),
                 leased_until = 0
             WHERE firing = $1 AND state = 0 RETURNING alert",
        )
        .bind(attempt.firing)
        .bind(state)
        .bind(due.map(micros))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(alert) = alert else {
            return Ok(()); // The rule is gone, or somebody else has ended it.
        };
        sqlx::query(
            "INSERT INTO alert_attempts (firing, attempt, at, took_micros, status, fault)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(attempt.firing)
        .bind(attempt.attempt)
        .bind(micros(attempt.at))
        .bind(took_micros(attempt))
        .bind(attempt.status)
        .bind(&attempt.fault)
        .execute(&mut *tx)
        .await?;
        if outcome == DeliveryOutcome::Gone {
            sqlx::query("UPDATE alerts SET pause = 2, version = version + 1 WHERE id = $1")
                .bind(alert)
                .execute(&mut *tx)
                .await?;
            sqlx::query("UPDATE alert_deliveries SET state = 3 WHERE alert = $1 AND state = 0")
                .bind(alert)
                .execute(&mut *tx)
                .await?;
            outbox::add(&mut tx, &Outgoing::one(ChangeKind::Alert, alert)).await?;
        }
        self.commit(tx).await
    }

    async fn delivery_backlog(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        let sql = format!(
            "SELECT count(*), min(max(d.due_at, d.leased_until)) FROM alert_deliveries AS d
             WHERE {TO_BE_MADE}"
        );
        let (count, due): (i64, Option<i64>) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(&self.reader)
            .await?;
        let due = due.map(|it| moment("alert_deliveries.due_at", it));
        Ok((count.unsigned_abs(), due.transpose()?))
    }

    async fn trim_firings(&self, before: Timestamp, kept_max: u32) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM alert_firings WHERE id NOT IN
                 (SELECT d.firing FROM alert_deliveries AS d WHERE {TO_BE_MADE})
             AND (at < $1 OR id IN (SELECT id FROM
                 (SELECT id, row_number() OVER (PARTITION BY alert ORDER BY id DESC) AS place
                  FROM alert_firings) WHERE place > $2))"
        );
        let trimmed = sqlx::query(AssertSqlSafe(sql))
            .bind(micros(before))
            .bind(kept_max);
        let trimmed = self.writer.run(trimmed).await?;
        Ok(trimmed.rows_affected())
    }

    async fn trim_alert_states(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let [finished, cancelled] = over_codes();
        let trimmed = sqlx::query(
            "DELETE FROM alert_states WHERE (alert, fixture) IN (SELECT s.alert, s.fixture
             FROM alert_states AS s CROSS JOIN fixtures AS f ON f.id = s.fixture
             WHERE s.seen_at < $1 AND f.kickoff < $1 AND f.status IN ($3, $4) LIMIT $2)",
        )
        .bind(micros(before))
        .bind(limit)
        .bind(finished)
        .bind(cancelled);
        let trimmed = self.writer.run(trimmed).await?;
        Ok(trimmed.rows_affected())
    }
}
