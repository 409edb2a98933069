-- Fixtures, results, quotes and everything around them.
--
-- Times are microseconds since 1970-01-01 UTC. Keys that repeat (bookmakers, seasons, sources) are
-- interned. `stats` and `game` are packed by crates/store/src/pack.rs.

CREATE TABLE meta (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO meta (id, revision) VALUES (1, 0);

CREATE TABLE sources (
    id  INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE bookmakers (
    id  INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE seasons (
    id  INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE competitions (
    id           INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    sport        TEXT NOT NULL,
    country      TEXT NOT NULL,
    pool         TEXT NOT NULL,
    time_zone    TEXT NOT NULL,
    single_round INTEGER NOT NULL
) STRICT;

-- `folded` is the name in lower case by Unicode's rules, which SQLite itself does not know.
CREATE TABLE teams (
    id      INTEGER PRIMARY KEY,
    sport   TEXT NOT NULL,
    name    TEXT NOT NULL,
    country TEXT NOT NULL,
    folded  TEXT NOT NULL,
    UNIQUE (sport, name)
) STRICT;

-- A source of 0 stands for every source.
CREATE TABLE team_aliases (
    sport  TEXT NOT NULL,
    source INTEGER NOT NULL,
    name   TEXT NOT NULL,
    team   INTEGER NOT NULL REFERENCES teams (id),
    PRIMARY KEY (sport, source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE imports (
    id            INTEGER PRIMARY KEY,
    source        INTEGER NOT NULL REFERENCES sources (id),
    location      TEXT NOT NULL,
    digest        TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    rows_read     INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    rejected      TEXT NOT NULL
) STRICT;
CREATE INDEX imports_newest ON imports (started_at, id);

CREATE TABLE fetch_states (
    url           TEXT PRIMARY KEY,
    etag          TEXT,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One write of fixtures: the trace that quotes and revisions point to. `revision` is the data
-- revision that it made.
CREATE TABLE recordings (
    id       INTEGER PRIMARY KEY,
    source   INTEGER NOT NULL REFERENCES sources (id),
    import   INTEGER REFERENCES imports (id),
    at       INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_revision ON recordings (revision);

-- `recording` is the write that last changed a fact here, `touched` the one that last changed
-- anything, quotes included; `price_count` the single prices of the
-- fixture's standing quotes; `game` the fixture as models read it: the columns beside it, and what
-- its quotes boil down to an hour before kickoff and at kickoff. It is written whenever they are,
-- and comes last, so that lists never read it.
CREATE TABLE fixtures (
    id          INTEGER PRIMARY KEY,
    competition INTEGER NOT NULL REFERENCES competitions (id),
    season      INTEGER NOT NULL REFERENCES seasons (id),
    kickoff     INTEGER NOT NULL,
    precision   INTEGER NOT NULL CHECK (precision IN (0, 1)),
    home        INTEGER NOT NULL REFERENCES teams (id),
    away        INTEGER NOT NULL REFERENCES teams (id),
    neutral     INTEGER NOT NULL CHECK (neutral IN (0, 1)),
    status      INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    home_score  INTEGER,
    away_score  INTEGER,
    recording   INTEGER NOT NULL REFERENCES recordings (id),
    touched     INTEGER NOT NULL REFERENCES recordings (id),
    price_count INTEGER NOT NULL,
    stats       BLOB NOT NULL,
    game        BLOB NOT NULL,
    CHECK (home <> away),
    CHECK ((status = 1) = (home_score IS NOT NULL AND away_score IS NOT NULL))
) STRICT;
CREATE INDEX fixtures_identity ON fixtures (competition, season, home, away);
CREATE INDEX fixtures_kickoff ON fixtures (kickoff);
CREATE INDEX fixtures_competition ON fixtures (competition, kickoff, status, price_count);
CREATE INDEX fixtures_touched ON fixtures (touched);
CREATE INDEX fixtures_home ON fixtures (home, kickoff);
CREATE INDEX fixtures_away ON fixtures (away, kickoff);

-- `line` is in quarters, 0 for kinds without one; prices stand in the order of the market's
-- outcomes.
CREATE TABLE quotes (
    fixture   INTEGER NOT NULL REFERENCES fixtures (id),
    taken_at  INTEGER NOT NULL,
    bookmaker INTEGER NOT NULL REFERENCES bookmakers (id),
    kind      INTEGER NOT NULL,
    line      INTEGER NOT NULL,
    stage     INTEGER NOT NULL,
    price_1   REAL,
    price_2   REAL,
    price_3   REAL,
    recording INTEGER NOT NULL REFERENCES recordings (id),
    PRIMARY KEY (fixture, taken_at, bookmaker, kind, line, stage)
) STRICT, WITHOUT ROWID;

-- Quotes that a corrected one took the place of, as they stood.
CREATE TABLE superseded_quotes (
    id            INTEGER PRIMARY KEY,
    fixture       INTEGER NOT NULL REFERENCES fixtures (id),
    taken_at      INTEGER NOT NULL,
    bookmaker     INTEGER NOT NULL REFERENCES bookmakers (id),
    kind          INTEGER NOT NULL,
    line          INTEGER NOT NULL,
    stage         INTEGER NOT NULL,
    price_1       REAL,
    price_2       REAL,
    price_3       REAL,
    recording     INTEGER NOT NULL REFERENCES recordings (id),
    superseded_by INTEGER NOT NULL REFERENCES recordings (id)
) STRICT;
CREATE INDEX superseded_quotes_fixture ON superseded_quotes (fixture);

CREATE TABLE revisions (
    id        INTEGER PRIMARY KEY,
    fixture   INTEGER NOT NULL REFERENCES fixtures (id),
    field     TEXT NOT NULL,
    old       TEXT NOT NULL,
    new       TEXT NOT NULL,
    recording INTEGER NOT NULL REFERENCES recordings (id)
) STRICT;
CREATE INDEX revisions_fixture ON revisions (fixture);

CREATE TABLE models (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    data_digest TEXT NOT NULL,
    body        BLOB NOT NULL,
    report      BLOB NOT NULL,
    UNIQUE (name, version)
) STRICT;
CREATE INDEX models_newest ON models (name, created_at, id);

CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY,
    prefix       TEXT NOT NULL UNIQUE,
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    name         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

-- `status` and `body` are null while the first request is at work.
CREATE TABLE idempotency (
    principal   TEXT NOT NULL,
    route       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    at          INTEGER NOT NULL,
    status      INTEGER,
    body        BLOB,
    PRIMARY KEY (principal, route, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (at);
