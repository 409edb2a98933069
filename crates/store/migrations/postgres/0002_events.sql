-- What happened in games under way, as sources told it. Only ever added to: an event told anew has
-- a higher revision, and one told twice in the same words is one row. `known_at` is the moment from
-- which it counts; `body` is the event as JSON, and the columns beside it are taken from it.
CREATE TABLE events (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fixture     BIGINT NOT NULL REFERENCES fixtures (id),
    sequence    BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    known_at    BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    body        TEXT COLLATE "C" NOT NULL,
    UNIQUE (fixture, sequence, revision, body)
);
CREATE INDEX events_known ON events (known_at, fixture);
