//! Rules that watch games, what they saw, that they fired, and what is to be told of it: values,
//! and how they lie in rows.

use std::time::Duration;

use async_trait::async_trait;
use domain::{AlertId, AlertRule, AlertWatch, FixtureId};
use jiff::Timestamp;

use crate::code::{corrupt, moment};
use crate::{RequestDigest, StoreError};

mod sql;

pub(crate) use sql::{
    ALERT_COLUMNS, NEW_DELIVERY, OTHER_ADDRESS, TO_BE_MADE, firings_sql, over_codes, step_sql,
};

/// Rules and what becomes of them, whichever database remembers it.
#[async_trait]
pub trait AlertStore: Send + Sync {
    /// Adds a rule, its number left out; returns it as it is there, or `None` where who made it has
    /// `count_max` already. A request that may come again is named: where it made a rule within the
    /// day before, that one is returned and none added.
    async fn put_alert(
        &self,
        alert: &AlertRecord,
        count_max: u32,
        request: Option<RequestDigest>,
    ) -> Result<Option<AlertRecord>, StoreError>;

    /// Every rule, in order of number.
    async fn alerts(&self) -> Result<Vec<AlertRecord>, StoreError>;

    /// One rule.
    async fn alert(&self, id: AlertId) -> Result<Option<AlertRecord>, StoreError>;

    /// Replaces a rule that is still of the version given; `false` where it is another by now, or
    /// gone. What it saw in an earlier generation is forgotten or kept.
    async fn replace_alert(&self, alert: &AlertRecord, seen: Seen) -> Result<bool, StoreError>;

    /// Notes that a rule of this generation has looked at every fixture once.
    async fn prime_alert(&self, id: AlertId, generation: u64) -> Result<(), StoreError>;

    /// Deletes a rule with everything of it; `false` where there is none.
    async fn delete_alert(&self, id: AlertId) -> Result<bool, StoreError>;

    /// What every rule remembers of these fixtures.
    async fn alert_states(&self, fixtures: &[FixtureId]) -> Result<Vec<AlertState>, StoreError>;

    /// Writes what rules saw, and that they fired, each where nobody else was sooner: the state must
    /// be there in the version given (and not be there for 0), the rule of the generation and not
    /// paused. Returns what became of each step.
    async fn commit_alerts(&self, steps: &[AlertStep]) -> Result<Vec<Committed>, StoreError>;

    /// Notes that a rule fired for a test; returns its number.
    async fn fire_test(&self, firing: &NewFiring) -> Result<i64, StoreError>;

    /// What fired, newest first: of one rule or of all, before a number, at most `limit`.
    async fn firings(&self, query: &FiringQuery) -> Result<Vec<FiringRecord>, StoreError>;

    /// Takes what is due to be told, one for each receiver that is not busy, at most `limit`, and of
    /// each key no more than it may be telling at a time; nobody else takes it before the lease is
    /// over. What rules of revoked keys have to tell is not taken.
    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, StoreError>;

    /// Notes how an attempt to tell an address went. A receiver that is gone pauses its rule; where
    /// the rule has another address by now, that one is told instead.
    async fn finish_delivery(
        &self,
        (attempt, url): (&DeliveryAttempt, &str),
        outcome: DeliveryOutcome,
    ) -> Result<(), StoreError>;

    /// How much is still to be told, and when the next of it is due.
    async fn delivery_backlog(&self) -> Result<(u64, Option<Timestamp>), StoreError>;

    /// Forgets firings before a moment whose telling is over, and of each rule those beyond its
    /// newest `kept_max`; returns how many.
    async fn trim_firings(&self, before: Timestamp, kept_max: u32) -> Result<u64, StoreError>;

    /// Forgets what rules remember of fixtures that are finished or cancelled, kicked off before a
    /// moment and were last looked at before it, at most `limit` at once; returns how many. Others
    /// may still be played, however long ago they were to kick off, and what fired stays told.
    async fn trim_alert_states(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Why a rule does not look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertPause {
    /// Who made it says so.
    Owner,
    /// Its receiver said that it is gone.
    Gone,
}

/// Where firings are told.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// Signs what is sent.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook(…)")
    }
}

/// A rule as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRecord {
    /// Its number.
    pub id: AlertId,
    /// Prefix of the API key that made it.
    pub principal: String,
    /// Its name.
    pub name: String,
    /// What it waits for.
    pub rule: AlertRule,
    /// Why it does not look, if it does not.
    pub pause: Option<AlertPause>,
    /// Where firings are told beside the pages.
    pub webhook: Option<Webhook>,
    /// Counts up when what was seen no longer counts.
    pub generation: u64,
    /// Whether every fixture has been looked at once.
    pub primed: bool,
    /// Counts up with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Whether the key that made it is revoked; worked out when read.
    pub revoked: bool,
    /// When it last fired; worked out when read.
    pub fired_at: Option<Timestamp>,
}

/// What becomes of what a rule saw before it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It stays.
    Kept,
    /// It is forgotten.
    Forgotten,
}

/// What a rule remembers of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertState {
    /// Which rule.
    pub alert: AlertId,
    /// Which fixture.
    pub fixture: FixtureId,
    /// Generation of the rule.
    pub generation: u64,
    /// Counts up with every write; 0 before the first.
    pub version: u64,
    /// The change up to which was known what was looked at.
    pub position: u64,
    /// When it was looked at.
    pub seen_at: Timestamp,
    /// What is remembered.
    pub watch: AlertWatch,
}

/// What a rule saw, and whether it fired.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertStep {
    /// What is to be remembered, with the version it takes the place of.
    pub state: AlertState,
    /// What it fired.
    pub firing: Option<NewFiring>,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It was written; the firing has this number.
    Written(Option<i64>),
    /// Somebody else was sooner, or the rule is another by now.
    Lost,
}

/// That a rule fires.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFiring {
    /// Which rule.
    pub alert: AlertId,
    /// On which fixture; `None` for a test.
    pub fixture: Option<FixtureId>,
    /// When.
    pub at: Timestamp,
    /// What receivers are told, to the byte.
    pub notice: String,
    /// Who is told beside the pages: scheme, host and port.
    pub receiver: Option<String>,
}

/// Which firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiringQuery {
    /// Of which rule; of all for `None`.
    pub alert: Option<AlertId>,
    /// Those with a lower number than this.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// That a rule fired, and what was told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringRecord {
    /// Its number.
    pub id: i64,
    /// Which rule.
    pub alert: AlertId,
    /// On which fixture; `None` for a test.
    pub fixture: Option<FixtureId>,
    /// When.
    pub at: Timestamp,
    /// What receivers are told.
    pub notice: String,
    /// How the telling stands; `None` where nobody is told beside the pages.
    pub delivery: Option<DeliveryState>,
    /// Every attempt, in order.
    pub attempts: Vec<DeliveryAttempt>,
}

/// How a telling stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried at this moment, or as soon as it can be after it.
    Due(Timestamp),
    /// The receiver took it.
    Delivered,
    /// It was tried often enough.
    GivenUp,
    /// The receiver is gone.
    Gone,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Of which firing.
    pub firing: i64,
    /// Counted from one.
    pub attempt: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The status that was answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub fault: Option<String>,
}

/// Who takes what is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryClaim {
    /// The present.
    pub now: Timestamp,
    /// Until when nobody else takes it.
    pub leased_until: Timestamp,
    /// Receivers that are being told something.
    pub busy: Vec<String>,
    /// Whose rules they are told for, by the prefix of the key, each as often as it is.
    pub owners: Vec<String>,
    /// How many of one key may be told at a time.
    pub owner_max: u32,
    /// How many at most.
    pub limit: u32,
}

/// What is to be told to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Of which firing.
    pub firing: i64,
    /// Of which rule.
    pub alert: AlertId,
    /// Prefix of the key that made the rule.
    pub principal: String,
    /// Scheme, host and port.
    pub receiver: String,
    /// The number of this attempt, counted from one.
    pub attempt: u32,
    /// What is told, to the byte.
    pub notice: String,
    /// Where.
    pub webhook: Webhook,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Nothing: the receiver took it.
    Delivered,
    /// Another.
    Again(Timestamp),
    /// No other.
    GivenUp,
    /// No other, of the rule at all.
    Gone,
}

/// A rule as databases return it.
pub(crate) type AlertRow = (
    i64,
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<Vec<u8>>,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
);

pub(crate) fn alert(row: AlertRow) -> Result<AlertRecord, StoreError> {
    let fired_at = row.13;
    let (id, principal, name, rule, pause, url, secret, generation, primed, version, ..) = row;
    let webhook = url.zip(secret);
    Ok(AlertRecord {
        id: AlertId(id),
        principal,
        name,
        rule: serde_json::from_str(&rule).map_err(|_| corrupt("alerts.rule", rule))?,
        pause: match pause {
            0 => None,
            1 => Some(AlertPause::Owner),
            2 => Some(AlertPause::Gone),
            other => return Err(corrupt("alerts.pause", other)),
        },
        webhook: webhook.map(|(url, secret)| Webhook { url, secret }),
        generation: generation.unsigned_abs(),
        primed: primed != 0,
        version: version.unsigned_abs(),
        created_at: moment("alerts.created_at", row.10)?,
        changed_at: moment("alerts.changed_at", row.11)?,
        revoked: row.12 != 0,
        fired_at: fired_at
            .map(|it| moment("alert_firings.at", it))
            .transpose()?,
    })
}

pub(crate) fn pause_code(pause: Option<AlertPause>) -> i64 {
    match pause {
        None => 0,
        Some(AlertPause::Owner) => 1,
        Some(AlertPause::Gone) => 2,
    }
}

/// A rule as its row holds it.
pub(crate) fn rule_text(rule: &AlertRule) -> String {
    serde_json::to_string(rule).expect("a rule is numbers and texts")
}

/// What is remembered, as its row holds it.
pub(crate) fn watch_text(watch: &AlertWatch) -> String {
    serde_json::to_string(watch).expect("what is remembered is numbers")
}

/// A number that counts, as its column holds it.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Alert, fixture, generation, version, position, seen at, watch.
pub(crate) type StateRow = (i64, i64, i64, i64, i64, i64, String);

pub(crate) fn state(row: StateRow) -> Result<AlertState, StoreError> {
    let (alert, fixture, generation, version, position, seen_at, watch) = row;
    Ok(AlertState {
        alert: AlertId(alert),
        fixture: FixtureId(fixture),
        generation: generation.unsigned_abs(),
        version: version.unsigned_abs(),
        position: position.unsigned_abs(),
        seen_at: moment("alert_states.seen_at", seen_at)?,
        watch: serde_json::from_str(&watch).map_err(|_| corrupt("alert_states.watch", watch))?,
    })
}

/// Id, alert, fixture, at, notice, state and due moment of the telling.
pub(crate) type FiringRow = (i64, i64, Option<i64>, i64, String, Option<i64>, Option<i64>);

/// Firing, attempt, at, took, status, fault.
pub(crate) type AttemptRow = (i64, i64, i64, i64, Option<i64>, Option<String>);

/// Firings with the attempts of each.
pub(crate) fn firings(
    rows: Vec<FiringRow>,
    attempts: Vec<AttemptRow>,
) -> Result<Vec<FiringRecord>, StoreError> {
    let mut firings = rows
        .into_iter()
        .map(firing)
        .collect::<Result<Vec<_>, _>>()?;
    for row in attempts {
        let attempt = attempt(row)?;
        if let Some(firing) = firings.iter_mut().find(|it| it.id == attempt.firing) {
            firing.attempts.push(attempt);
        }
    }
    Ok(firings)
}

fn firing(row: FiringRow) -> Result<FiringRecord, StoreError> {
    let (id, alert, fixture, at, notice, state, due_at) = row;
    let delivery = match (state, due_at) {
        (Some(0), Some(due)) => Some(DeliveryState::Due(moment("alert_deliveries.due_at", due)?)),
        (Some(1), _) => Some(DeliveryState::Delivered),
        (Some(2), _) => Some(DeliveryState::GivenUp),
        (Some(3), _) => Some(DeliveryState::Gone),
        (None, _) => None,
        (Some(other), _) => return Err(corrupt("alert_deliveries.state", other)),
    };
    Ok(FiringRecord {
        id,
        alert: AlertId(alert),
        fixture: fixture.map(FixtureId),
        at: moment("alert_firings.at", at)?,
        notice,
        delivery,
        attempts: Vec::new(),
    })
}

fn attempt(row: AttemptRow) -> Result<DeliveryAttempt, StoreError> {
    let (firing, attempt, at, took, status, fault) = row;
    let status = status.map(|it| {
        let status = u16::try_from(it);
        status.map_err(|_| corrupt("alert_attempts.status", it))
    });
    Ok(DeliveryAttempt {
        firing,
        attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
        at: moment("alert_attempts.at", at)?,
        took: Duration::from_micros(took.unsigned_abs()),
        status: status.transpose()?,
        fault,
    })
}

/// Firing, alert, receiver, attempts with this one, notice, webhook, secret, principal.
pub(crate) type DeliveryRow = (i64, i64, String, i64, String, String, Vec<u8>, String);

pub(crate) fn delivery(row: DeliveryRow) -> Delivery {
    let (firing, alert, receiver, attempts, notice, url, secret, principal) = row;
    Delivery {
        firing,
        alert: AlertId(alert),
        principal,
        receiver,
        attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
        notice,
        webhook: Webhook { url, secret },
    }
}

/// State and due moment that an outcome writes.
pub(crate) fn outcome_codes(outcome: DeliveryOutcome) -> (i64, Option<Timestamp>) {
    match outcome {
        DeliveryOutcome::Again(due) => (0, Some(due)),
        DeliveryOutcome::Delivered => (1, None),
        DeliveryOutcome::GivenUp => (2, None),
        DeliveryOutcome::Gone => (3, None),
    }
}

/// How long an attempt took, as its column holds it.
pub(crate) fn took_micros(attempt: &DeliveryAttempt) -> i64 {
    i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX)
}
