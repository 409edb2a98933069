-- Rules that watch games. `rule` is JSON; `pause` is 0 for none, 1 by who made it, 2 since the
-- receiver is gone. `generation` counts up when what was seen no longer counts, `version` with every
-- change; `primed` says that every fixture has been looked at once. `secret` signs what is sent.
CREATE TABLE alerts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    principal  TEXT NOT NULL,
    name       TEXT NOT NULL,
    rule       TEXT NOT NULL,
    pause      INTEGER NOT NULL CHECK (pause IN (0, 1, 2)),
    webhook    TEXT,
    secret     BLOB,
    generation INTEGER NOT NULL,
    primed     INTEGER NOT NULL CHECK (primed IN (0, 1)),
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    CHECK ((webhook IS NULL) = (secret IS NULL))
) STRICT;
CREATE INDEX alerts_principal ON alerts (principal);

-- What a rule remembers of a fixture (JSON), and the change and the moment it was last looked at.
CREATE TABLE alert_states (
    alert      INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    fixture    INTEGER NOT NULL REFERENCES fixtures (id),
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    watch      TEXT NOT NULL,
    PRIMARY KEY (alert, fixture)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_states_fixture ON alert_states (fixture);

-- That a rule fired; `notice` is what receivers are told, to the byte. No fixture for a test.
CREATE TABLE alert_firings (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    alert   INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    fixture INTEGER REFERENCES fixtures (id),
    at      INTEGER NOT NULL,
    notice  TEXT NOT NULL
) STRICT;
CREATE INDEX alert_firings_alert ON alert_firings (alert, id);
CREATE INDEX alert_firings_at ON alert_firings (at);
CREATE INDEX alert_firings_fixture ON alert_firings (fixture);

-- What is to be told of firings to receivers. `state` is 0 while it is due, 1 once it is delivered,
-- 2 once it is given up, 3 where the receiver is gone. Nobody else takes it before `leased_until`.
CREATE TABLE alert_deliveries (
    firing       INTEGER PRIMARY KEY REFERENCES alert_firings (id) ON DELETE CASCADE,
    alert        INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    receiver     TEXT NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3)),
    attempts     INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    leased_until INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_deliveries_due ON alert_deliveries (due_at) WHERE state = 0;
CREATE INDEX alert_deliveries_alert ON alert_deliveries (alert);

-- How each attempt went: the status that was answered, or what went wrong.
CREATE TABLE alert_attempts (
    firing      INTEGER NOT NULL REFERENCES alert_firings (id) ON DELETE CASCADE,
    attempt     INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    took_micros INTEGER NOT NULL,
    status      INTEGER,
    fault       TEXT,
    PRIMARY KEY (firing, attempt)
) STRICT, WITHOUT ROWID;
