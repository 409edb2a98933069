//! Rules that watch games are looked after on the primary alone.

use async_trait::async_trait;
use domain::{AlertId, FixtureId};
use jiff::Timestamp;

use super::ReplicatedStore;
use crate::{
    AlertRecord, AlertState, AlertStep, AlertStore, Committed, Delivery, DeliveryAttempt,
    DeliveryClaim, DeliveryOutcome, FiringQuery, FiringRecord, NewFiring, RequestDigest, Seen,
    StoreError,
};

#[async_trait]
impl AlertStore for ReplicatedStore {
    async fn put_alert(
        &self,
        alert: &AlertRecord,
        count_max: u32,
        request: Option<RequestDigest>,
    ) -> Result<Option<AlertRecord>, StoreError> {
        let written = self.primary.put_alert(alert, count_max, request).await;
        self.noted(written).await
    }

    async fn alerts(&self) -> Result<Vec<AlertRecord>, StoreError> {
        self.primary.alerts().await
    }

    async fn alert(&self, id: AlertId) -> Result<Option<AlertRecord>, StoreError> {
        self.primary.alert(id).await
    }

    async fn replace_alert(&self, alert: &AlertRecord, seen: Seen) -> Result<bool, StoreError> {
        let written = self.primary.replace_alert(alert, seen).await;
        self.noted(written).await
    }

    async fn prime_alert(&self, id: AlertId, generation: u64) -> Result<(), StoreError> {
        self.primary.prime_alert(id, generation).await
    }

    async fn delete_alert(&self, id: AlertId) -> Result<bool, StoreError> {
        let written = self.primary.delete_alert(id).await;
        self.noted(written).await
    }

    async fn alert_states(&self, fixtures: &[FixtureId]) -> Result<Vec<AlertState>, StoreError> {
        self.primary.alert_states(fixtures).await
    }

    async fn commit_alerts(&self, steps: &[AlertStep]) -> Result<Vec<Committed>, StoreError> {
        let written = self.primary.commit_alerts(steps).await;
        self.noted(written).await
    }

    async fn fire_test(&self, firing: &NewFiring) -> Result<i64, StoreError> {
        let written = self.primary.fire_test(firing).await;
        self.noted(written).await
    }

    async fn firings(&self, query: &FiringQuery) -> Result<Vec<FiringRecord>, StoreError> {
        self.primary.firings(query).await
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, StoreError> {
        self.primary.claim_deliveries(claim).await
    }

    async fn finish_delivery(
        &self,
        attempt: (&DeliveryAttempt, &str),
        outcome: DeliveryOutcome,
    ) -> Result<(), StoreError> {
        let written = self.primary.finish_delivery(attempt, outcome).await;
        self.noted(written).await
    }

    async fn delivery_backlog(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        self.primary.delivery_backlog().await
    }

    async fn trim_firings(&self, before: Timestamp, kept_max: u32) -> Result<u64, StoreError> {
        self.primary.trim_firings(before, kept_max).await
    }

    async fn trim_alert_states(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.primary.trim_alert_states(before, limit).await
    }
}
