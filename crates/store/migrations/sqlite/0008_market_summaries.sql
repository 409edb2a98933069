-- The fixtures that were ever quoted: the change that last touched their quotes, written with it,
-- and the change up to which `market_summaries` is. Where it is behind, whoever reads works the
-- summaries out from the quotes themselves, so that no answer is ever old. No triggers: the last
-- price of a bookmaker cannot be taken out by subtraction, and a batch would work each market out
-- once for every row.
CREATE TABLE market_marks (
    fixture INTEGER PRIMARY KEY,
    change  INTEGER NOT NULL,
    ready   INTEGER NOT NULL
) STRICT;
CREATE INDEX market_marks_due ON market_marks (change, fixture) WHERE ready < change;
INSERT INTO market_marks (fixture, change, ready)
    SELECT f.id, s.outbox, -1 FROM fixtures AS f CROSS JOIN meta AS s
    WHERE f.price_count > 0;

-- What the prices of each market come to, outcome by outcome in the order of the market: of the last
-- quote of each bookmaker the best and the average, the average of the closing ones, and the average
-- margin of those who price two outcomes and all three. Aggregates of a source count for nothing.
CREATE TABLE market_summaries (
    fixture    INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    bookmakers INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    best_1     REAL,
    best_2     REAL,
    best_3     REAL,
    average_1  REAL,
    average_2  REAL,
    average_3  REAL,
    closing_1  REAL,
    closing_2  REAL,
    closing_3  REAL,
    margin_2   REAL,
    margin_3   REAL,
    PRIMARY KEY (fixture, kind, line)
) STRICT, WITHOUT ROWID;
