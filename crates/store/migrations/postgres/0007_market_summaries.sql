-- The fixtures that were ever quoted: the change that last touched their quotes, written with it,
-- and the change up to which `market_summaries` is. Where it is behind, whoever reads works the
-- summaries out from the quotes themselves, so that no answer is ever old. Not a materialized view:
-- `REFRESH` reads every quote there is, and prices of a few fixtures come all day.
CREATE TABLE market_marks (
    fixture BIGINT PRIMARY KEY,
    change  BIGINT NOT NULL,
    ready   BIGINT NOT NULL
);
CREATE INDEX market_marks_due ON market_marks (change, fixture) WHERE ready < change;
INSERT INTO market_marks (fixture, change, ready)
    SELECT f.id, s.outbox, -1 FROM fixtures AS f CROSS JOIN sports_edge AS s
    WHERE f.price_count > 0;

-- What the prices of each market come to, outcome by outcome in the order of the market: of the last
-- quote of each bookmaker the best and the average, the average of the closing ones, and the average
-- margin of those who price two outcomes and all three. Aggregates of a source count for nothing.
CREATE TABLE market_summaries (
    fixture    BIGINT NOT NULL,
    kind       BIGINT NOT NULL,
    line       BIGINT NOT NULL,
    bookmakers BIGINT NOT NULL,
    taken_at   BIGINT NOT NULL,
    best_1     DOUBLE PRECISION,
    best_2     DOUBLE PRECISION,
    best_3     DOUBLE PRECISION,
    average_1  DOUBLE PRECISION,
    average_2  DOUBLE PRECISION,
    average_3  DOUBLE PRECISION,
    closing_1  DOUBLE PRECISION,
    closing_2  DOUBLE PRECISION,
    closing_3  DOUBLE PRECISION,
    margin_2   DOUBLE PRECISION,
    margin_3   DOUBLE PRECISION,
    PRIMARY KEY (fixture, kind, line)
);
