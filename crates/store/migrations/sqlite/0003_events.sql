-- What happened in games under way, as sources told it. Only ever added to: an event told anew has
-- a higher revision, and one told twice in the same words is one row. `known_at` is the moment from
-- which it counts; `body` is the event as JSON, and the columns beside it are taken from it.

CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    fixture     INTEGER NOT NULL REFERENCES fixtures (id),
    sequence    INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    known_at    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    source      TEXT NOT NULL,
    body        TEXT NOT NULL,
    UNIQUE (fixture, sequence, revision, body)
) STRICT;
CREATE INDEX events_known ON events (known_at, fixture);
