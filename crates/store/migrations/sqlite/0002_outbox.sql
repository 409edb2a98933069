-- What changed, for caches: written with the change itself. `at` is the time of the database, by
-- which old rows go; `meta.outbox` is the number of the last row ever written.

ALTER TABLE meta ADD COLUMN outbox INTEGER NOT NULL DEFAULT 0;

CREATE TABLE outbox (
    seq  INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_age ON outbox (at);
