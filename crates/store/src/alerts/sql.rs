//! What both databases are told of alerts in the same words.

use domain::FixtureStatus;

use super::AlertState;
use crate::code::status_code;

/// Columns of a rule, in the order of [`super::AlertRow`].
pub(crate) const ALERT_COLUMNS: &str =
    "a.id, a.principal, a.name, a.rule, a.pause, a.webhook, a.secret,
     a.generation, a.primed, a.version, a.created_at, a.changed_at,
     (SELECT CAST(count(*) AS BIGINT) FROM api_keys AS k
      WHERE k.prefix = a.principal AND k.revoked_at IS NOT NULL),
     (SELECT max(f.at) FROM alert_firings AS f WHERE f.alert = a.id AND f.fixture IS NOT NULL)";

/// Whether a delivery `d` is still to be made: not where its rule lost the webhook or the rule's key
/// was revoked, whoever noted it meanwhile.
pub(crate) const TO_BE_MADE: &str = "d.state = 0 AND EXISTS (SELECT 1 FROM alerts AS a
         WHERE a.id = d.alert AND a.webhook IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM api_keys AS k
                 WHERE k.prefix = a.principal AND k.revoked_at IS NOT NULL))";

/// Writes what is to be told of a firing: number, alert, receiver and moment. Of a rule whose receiver
/// has as many before it that it did not take, it is given up.
pub(crate) const NEW_DELIVERY: &str =
    "INSERT INTO alert_deliveries (firing, alert, receiver, state, attempts, due_at, leased_until)
     SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS TEXT),
         CASE WHEN count(*) < 250 THEN 0 ELSE 2 END, 0, CAST($4 AS BIGINT), 0
     FROM alert_deliveries WHERE alert = $2 AND state = 0";

/// Finds whether the rule of a firing is told of at another address than this one.
pub(crate) const OTHER_ADDRESS: &str = "SELECT a.id FROM alert_deliveries AS d
     JOIN alerts AS a ON a.id = d.alert
     WHERE d.firing = $1 AND a.webhook IS NOT NULL AND a.webhook <> $2";

/// Writes a step: alert, fixture, generation, version, position, time and what the rule remembers.
/// What was known of and is there no longer is not made anew: it may have fired.
pub(crate) fn step_sql(state: &AlertState) -> &'static str {
    match state.version {
        0 => {
            "INSERT INTO alert_states
                 (alert, fixture, generation, version, position, seen_at, watch)
             SELECT a.id, CAST($2 AS BIGINT), a.generation, CAST($4 AS BIGINT) + 1,
                 CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS TEXT)
             FROM alerts AS a WHERE a.id = $1 AND a.generation = $3 AND a.pause = 0
             ON CONFLICT (alert, fixture) DO NOTHING"
        }
        _ => {
            "UPDATE alert_states SET generation = $3, version = version + 1, position = $5,
                 seen_at = $6, watch = $7
             WHERE alert = $1 AND fixture = $2 AND version = $4
                 AND EXISTS (SELECT 1 FROM alerts AS a
                     WHERE a.id = $1 AND a.generation = $3 AND a.pause = 0)"
        }
    }
}

/// What is read of firings `f`, narrowed down by `of`. What will not be made any more is given up.
pub(crate) fn firings_sql(of: &str) -> String {
    format!(
        "SELECT f.id, f.alert, f.fixture, f.at, f.notice,
             CASE WHEN d.state = 0 AND NOT ({TO_BE_MADE}) THEN 2 ELSE d.state END, d.due_at
         FROM alert_firings AS f LEFT JOIN alert_deliveries AS d ON d.firing = f.id
         WHERE {of} f.id < $1 ORDER BY f.id DESC LIMIT $2"
    )
}

/// How columns say that a fixture will not be played any more.
pub(crate) fn over_codes() -> [i64; 2] {
    [FixtureStatus::Finished, FixtureStatus::Cancelled].map(status_code)
}
