//! Rules that watch games: made, changed and deleted by who holds an API key, read by who may read.
//!
//! Whoever made a rule, or operates the server, may change it. What a rule has seen is in the store,
//! so that it survives a restart and no two servers fire for the same thing.

mod courier;
mod deliver;
mod due;
mod figures;
mod notice;
mod reach;
mod rules;
mod sign;
mod watcher;

use std::sync::Arc;

use domain::{AlertCondition, AlertId, AlertRule, AlertScope, FixtureId, MarketKind, RawRule};
use store::{
    AlertPause, AlertRecord, FiringQuery, FiringRecord, NewFiring, RequestDigest, Seen, Webhook,
};

use crate::{Engine, EngineError};

pub use courier::{Courier, Parcel};
pub use figures::AlertFigures;
pub(crate) use figures::Tally;
pub use notice::{Notice, NoticeAlert, NoticeData, NoticeEdge, NoticeFixture, NoticeKind};
pub use watcher::AlertWatcher;

/// Rules that one API key may have.
pub const ALERTS_PER_KEY_MAX: u32 = 100;
/// A rule's name in bytes, at most.
pub const ALERT_NAME_BYTES_MAX: usize = 100;
/// The highest level of an edge that is asked for, per unit staked.
const EDGE_LEVEL_MAX: f64 = 1.0;
/// Firings that one answer lists, at most.
pub const FIRINGS_MAX: u32 = 100;
/// How often a change that met another is tried.
const TRIES_MAX: usize = 5;

/// Who makes, changes or deletes a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCaller {
    /// Prefix of the API key.
    pub principal: String,
    /// Whether it may change the rules of others.
    pub operates: bool,
}

/// A rule to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertCommand {
    /// Its name.
    pub name: String,
    /// What it waits for, where, how often.
    pub rule: RawRule,
    /// Whether it begins paused.
    pub paused: bool,
    /// Where firings are told beside the pages.
    pub webhook: Option<String>,
    /// Names the request, where it may come again: it makes one rule within a day.
    pub request: Option<RequestDigest>,
}

/// What of a rule changes; `None` is what stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertChange {
    /// Its name.
    pub name: Option<String>,
    /// What it waits for.
    pub condition: Option<AlertCondition>,
    /// Which fixtures it looks at.
    pub scope: Option<AlertScope>,
    /// How far a number must go back; the usual for `Some(None)`.
    pub hysteresis: Option<Option<f64>>,
    /// How long it is quiet; for good for `Some(None)`.
    pub quiet_minutes: Option<Option<u16>>,
    /// Whether it is paused.
    pub paused: Option<bool>,
    /// Where firings are told; nowhere but on pages for `Some(None)`.
    pub webhook: Option<Option<String>>,
    /// Whether what is told is signed with another secret from now on.
    pub new_secret: bool,
}

/// Whether a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStanding {
    /// It does.
    Active,
    /// Who made it said not to.
    Paused,
    /// Its receiver said that it is gone.
    Gone,
    /// The key that made it is revoked.
    Revoked,
}

/// A rule, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// The rule as it is stored.
    pub record: AlertRecord,
    /// Whether it looks.
    pub standing: AlertStanding,
    /// What its scope is called.
    pub about: String,
    /// The secret that signs what is told, where it was made just now; it is never shown again.
    pub secret: Option<String>,
}

/// That a rule fired, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringView {
    /// As it is stored.
    pub record: FiringRecord,
    /// What is told of it.
    pub notice: Notice,
}

impl AlertView {
    /// Who is told beside the pages: scheme, host and port. The rest of the address, which may hold a
    /// secret, is not for all.
    pub fn receiver(&self) -> Option<String> {
        receiver(&self.record)
    }
}

impl Engine {
    /// Every rule, in order of number.
    pub async fn alerts(&self) -> Result<Vec<AlertView>, EngineError> {
        let mut views = Vec::new();
        for record in self.store.alerts().await? {
            views.push(self.alert_view(record).await?);
        }
        Ok(views)
    }

    /// One rule.
    pub async fn alert(&self, id: AlertId) -> Result<AlertView, EngineError> {
        let record = self.store.writing().alert(id).await?;
        let record = record.ok_or(EngineError::UnknownAlert(id))?;
        self.alert_view(record).await
    }

    /// Makes a rule.
    pub async fn put_alert(
        &self,
        caller: &AlertCaller,
        command: AlertCommand,
    ) -> Result<AlertView, EngineError> {
        check_edge(&command.rule.condition)?;
        let rule = AlertRule::new(command.rule)?;
        self.check_scope(rule.scope()).await?;
        let webhook = match command.webhook {
            Some(url) => Some(self.webhook(url, None).await?),
            None => None,
        };
        let now = self.now();
        let record = AlertRecord {
            id: AlertId(0),
            principal: caller.principal.clone(),
            name: name(command.name)?,
            rule,
            pause: command.paused.then_some(AlertPause::Owner),
            webhook,
            generation: 0,
            primed: false,
            version: 0,
            created_at: now,
            changed_at: now,
            revoked: false,
            fired_at: None,
        };
        let (count_max, request) = (ALERTS_PER_KEY_MAX, command.request);
        let made = self.store.put_alert(&record, count_max, request).await?;
        let made = made.ok_or(EngineError::TooManyAlerts(ALERTS_PER_KEY_MAX))?;
        self.tell_changed();
        // That of the rule that is there, which the same request may have made before.
        let webhook = made.webhook.as_ref();
        let secret = webhook.map(|it| sign::secret_text(&it.secret));
        let view = self.alert_view(made).await?;
        Ok(AlertView { secret, ..view })
    }

    /// A webhook at an address that may be told something, with the secret given or a new one.
    async fn webhook(&self, url: String, secret: Option<Vec<u8>>) -> Result<Webhook, EngineError> {
        let refused = |detail: String| {
            EngineError::BadAlert(domain::InvalidAlert {
                field: "webhook",
                detail,
            })
        };
        let courier = self.courier.as_ref();
        let courier =
            courier.ok_or_else(|| refused("is nothing this server can tell".to_owned()))?;
        courier.check(&url).await.map_err(refused)?;
        let secret = secret.unwrap_or_else(|| courier.chance().to_vec());
        Ok(Webhook { url, secret })
    }

    /// Gives a rule the webhook asked for; returns a secret that was made for it.
    async fn apply_webhook(
        &self,
        record: &mut AlertRecord,
        change: &AlertChange,
    ) -> Result<Option<String>, EngineError> {
        let before = record.webhook.take();
        let url = match &change.webhook {
            None => before.as_ref().map(|it| it.url.clone()),
            Some(url) => url.clone(),
        };
        let Some(url) = url else {
            return Ok(None);
        };
        let kept = before.filter(|_| !change.new_secret);
        if let Some(kept) = kept.as_ref().filter(|it| it.url == url) {
            record.webhook = Some(kept.clone());
            return Ok(None);
        }
        let kept = kept.map(|it| it.secret);
        let is_new = kept.is_none();
        let webhook = self.webhook(url, kept).await?;
        let secret = is_new.then(|| sign::secret_text(&webhook.secret));
        record.webhook = Some(webhook);
        Ok(secret)
    }

    /// Changes a rule. What another condition or scope sees begins anew; after a pause it looks at
    /// what is, and what came to be meanwhile is no news.
    pub async fn change_alert(
        &self,
        caller: &AlertCaller,
        id: AlertId,
        change: &AlertChange,
    ) -> Result<AlertView, EngineError> {
        for _ in 0..TRIES_MAX {
            let mut record = self.own_alert(caller, id).await?;
            let seen = self.apply(&mut record, change).await?;
            let secret = self.apply_webhook(&mut record, change).await?;
            if self.store.replace_alert(&record, seen).await? {
                self.tell_changed();
                let view = self.alert(id).await?;
                return Ok(AlertView { secret, ..view });
            }
        }
        Err(EngineError::Worker)
    }

    async fn apply(
        &self,
        record: &mut AlertRecord,
        change: &AlertChange,
    ) -> Result<Seen, EngineError> {
        let mut raw = RawRule::from(record.rule.clone());
        if let Some(condition) = change.condition {
            check_edge(&condition)?;
            raw.condition = condition;
            raw.hysteresis = None;
        }
        if let Some(scope) = &change.scope {
            self.check_scope(scope).await?;
            raw.scope = scope.clone();
        }
        if let Some(hysteresis) = change.hysteresis {
            raw.hysteresis = hysteresis;
        }
        if let Some(quiet) = change.quiet_minutes {
            raw.quiet_minutes = quiet;
        }
        let rule = AlertRule::new(raw)?;
        let anew =
            rule.condition() != record.rule.condition() || rule.scope() != record.rule.scope();
        let resumed = change.paused == Some(false) && record.pause.is_some();
        record.rule = rule;
        if anew || resumed {
            record.generation += 1;
            record.primed = false;
        }
        match change.paused {
            Some(true) => record.pause = Some(AlertPause::Owner),
            Some(false) => record.pause = None,
            None => {}
        }
        if let Some(text) = &change.name {
            record.name = name(text.clone())?;
        }
        record.changed_at = self.now();
        Ok(if anew { Seen::Forgotten } else { Seen::Kept })
    }

    /// Deletes a rule with everything of it.
    pub async fn delete_alert(&self, caller: &AlertCaller, id: AlertId) -> Result<(), EngineError> {
        self.own_alert(caller, id).await?;
        if !self.store.delete_alert(id).await? {
            return Err(EngineError::UnknownAlert(id));
        }
        self.tell_changed();
        Ok(())
    }

    /// Fires a rule for a test: it shows on pages and is told as a true one would be.
    pub async fn test_alert(
        &self,
        caller: &AlertCaller,
        id: AlertId,
    ) -> Result<FiringView, EngineError> {
        let record = self.own_alert(caller, id).await?;
        let notice = Notice::test(&record, self.now());
        let firing = NewFiring {
            alert: id,
            fixture: None,
            at: self.now(),
            notice: notice.text(),
            receiver: receiver(&record),
        };
        let number = self.store.fire_test(&firing).await?;
        self.alerting.bell.notify_one();
        self.tell_changed();
        let found = self.firings(Some(id), (Some(number + 1), 1)).await?;
        found
            .into_iter()
            .next()
            .ok_or(EngineError::UnknownAlert(id))
    }

    /// What fired, newest first: of a rule or of all, before a number, at most so many.
    pub async fn firings(
        &self,
        alert: Option<AlertId>,
        (before, limit): (Option<i64>, u32),
    ) -> Result<Vec<FiringView>, EngineError> {
        let query = FiringQuery {
            alert,
            before,
            limit: limit.clamp(1, FIRINGS_MAX),
        };
        let records = self.store.writing().firings(&query).await?;
        let view = |record: FiringRecord| {
            let notice = Notice::read(&record.notice)?;
            Ok(FiringView { record, notice })
        };
        records.into_iter().map(view).collect()
    }

    /// What rules have done since the process began.
    pub fn alert_figures(&self) -> AlertFigures {
        self.alerting.figures()
    }

    /// What looks for rules that fire, from what they saw last on.
    pub fn alert_watcher(self: &Arc<Self>) -> AlertWatcher {
        AlertWatcher::new(Arc::clone(self))
    }

    async fn own_alert(
        &self,
        caller: &AlertCaller,
        id: AlertId,
    ) -> Result<AlertRecord, EngineError> {
        let record = self.store.writing().alert(id).await?;
        let record = record.ok_or(EngineError::UnknownAlert(id))?;
        if caller.operates || record.principal == caller.principal {
            Ok(record)
        } else {
            Err(EngineError::ForeignAlert(id))
        }
    }

    async fn check_scope(&self, scope: &AlertScope) -> Result<(), EngineError> {
        self.scope_name(scope).await.map(drop)
    }

    /// What a scope is called; an error where there is no such thing.
    async fn scope_name(&self, scope: &AlertScope) -> Result<String, EngineError> {
        match scope {
            AlertScope::All => Ok("every fixture".to_owned()),
            AlertScope::Fixture(id) => self.sides(*id).await,
            AlertScope::Team(id) => Ok(self.known_team(*id).await?.name),
            AlertScope::Competition(key) => Ok(self.known_competition(key).await?.name),
        }
    }

    async fn sides(&self, id: FixtureId) -> Result<String, EngineError> {
        let view = self.fixture(id).await?;
        Ok(format!("{} – {}", view.home.name, view.away.name))
    }

    async fn alert_view(&self, record: AlertRecord) -> Result<AlertView, EngineError> {
        let about = match self.scope_name(record.rule.scope()).await {
            Ok(name) => name,
            Err(EngineError::Store(error)) => return Err(error.into()),
            Err(gone) => gone.to_string(),
        };
        let standing = match record.pause {
            _ if record.revoked => AlertStanding::Revoked,
            None => AlertStanding::Active,
            Some(AlertPause::Owner) => AlertStanding::Paused,
            Some(AlertPause::Gone) => AlertStanding::Gone,
        };
        Ok(AlertView {
            record,
            standing,
            about,
            secret: None,
        })
    }
}

/// Who is told of a rule: scheme, host and port. The address was read before it was taken.
fn receiver(alert: &AlertRecord) -> Option<String> {
    let url = &alert.webhook.as_ref()?.url;
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    Some(format!("{scheme}://{host}"))
}

/// Refuses to wait for edges in markets that have none, and for one of more than the whole stake, which
/// has slipped by a decimal point. Rules of before this was refused are kept.
fn check_edge(condition: &AlertCondition) -> Result<(), EngineError> {
    let AlertCondition::Edge { market, level } = condition else {
        return Ok(());
    };
    let bad = |field, detail| {
        Err(EngineError::BadAlert(domain::InvalidAlert {
            field,
            detail,
        }))
    };
    match market {
        Some(kind) if *kind != MarketKind::H2h => bad(
            "market",
            format!("is {}; only h2h has edges", kind.as_str()),
        ),
        _ if *level > EDGE_LEVEL_MAX => bad(
            "level",
            format!("is {level}; an edge is 1 (100 %) at most, and 5 % is 0.05"),
        ),
        _ => Ok(()),
    }
}

fn name(text: String) -> Result<String, EngineError> {
    let text = text.trim().to_owned();
    let plain = !text.chars().any(char::is_control);
    if plain && (1..=ALERT_NAME_BYTES_MAX).contains(&text.len()) {
        return Ok(text);
    }
    Err(EngineError::BadAlert(domain::InvalidAlert {
        field: "name",
        detail: format!(
            "has {} bytes; it must have 1 to {ALERT_NAME_BYTES_MAX}",
            text.len()
        ),
    }))
}
