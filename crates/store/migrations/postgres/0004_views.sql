-- What standings and records of pairs are made from, with the number of the change that touched it
-- last: a season of a competition (kind 0) or a team (kind 1, `part` 0). Written with the change
-- itself, while the one row of counters is locked, so that who has seen a number has seen all below.
CREATE TABLE view_marks (
    kind   BIGINT NOT NULL CHECK (kind IN (0, 1)),
    thing  BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    change BIGINT NOT NULL,
    PRIMARY KEY (kind, thing, part)
);
CREATE INDEX view_marks_change ON view_marks (change);
INSERT INTO view_marks (kind, thing, part, change)
    SELECT DISTINCT 0, f.competition, f.season, s.outbox FROM fixtures AS f CROSS JOIN sports_edge AS s;
INSERT INTO view_marks (kind, thing, part, change)
    SELECT DISTINCT 1, t.team, 0, s.outbox
    FROM fixtures AS f CROSS JOIN sports_edge AS s
    CROSS JOIN LATERAL (VALUES (f.home), (f.away)) AS t (team);

-- Filling the views of a large database takes longer than a statement usually may.
SET LOCAL statement_timeout = 0;

-- The games of each team in each season, at home and away. What is asked of the materialized view
-- and was marked after it was refreshed, whoever reads works out by `standings_now`, so that nobody
-- ever waits for a refresh or sees an old table.
CREATE VIEW standings_now AS
SELECT f.competition, f.season, s.team,
       count(*) FILTER (WHERE s.at_home AND s.scored > s.conceded) AS home_won,
       count(*) FILTER (WHERE s.at_home AND s.scored = s.conceded) AS home_drawn,
       count(*) FILTER (WHERE s.at_home AND s.scored < s.conceded) AS home_lost,
       coalesce(sum(s.scored) FILTER (WHERE s.at_home), 0)::bigint AS home_scored,
       coalesce(sum(s.conceded) FILTER (WHERE s.at_home), 0)::bigint AS home_conceded,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored > s.conceded) AS away_won,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored = s.conceded) AS away_drawn,
       count(*) FILTER (WHERE NOT s.at_home AND s.scored < s.conceded) AS away_lost,
       coalesce(sum(s.scored) FILTER (WHERE NOT s.at_home), 0)::bigint AS away_scored,
       coalesce(sum(s.conceded) FILTER (WHERE NOT s.at_home), 0)::bigint AS away_conceded
FROM fixtures AS f
CROSS JOIN LATERAL (VALUES (f.home, true, f.home_score, f.away_score),
                           (f.away, false, f.away_score, f.home_score))
    AS s (team, at_home, scored, conceded)
WHERE f.status <> 3
GROUP BY f.competition, f.season, s.team;

CREATE MATERIALIZED VIEW standings AS SELECT * FROM standings_now;
CREATE UNIQUE INDEX standings_key ON standings (competition, season, team);

-- What home sides did against those that came to them, over all seasons and competitions.
CREATE VIEW pair_records_now AS
SELECT f.home, f.away,
       count(*) FILTER (WHERE f.home_score > f.away_score) AS won,
       count(*) FILTER (WHERE f.home_score = f.away_score) AS drawn,
       count(*) FILTER (WHERE f.home_score < f.away_score) AS lost,
       sum(f.home_score)::bigint AS scored,
       sum(f.away_score)::bigint AS conceded
FROM fixtures AS f
WHERE f.status = 1
GROUP BY f.home, f.away;

CREATE MATERIALIZED VIEW pair_records AS SELECT * FROM pair_records_now;
CREATE UNIQUE INDEX pair_records_key ON pair_records (home, away);

-- The change up to which both are (-1 before the first), and when they were refreshed, by the clock
-- of the database.
CREATE TABLE view_refreshes (
    id           SMALLINT PRIMARY KEY CHECK (id = 1),
    change       BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL
);
INSERT INTO view_refreshes (id, change, refreshed_at)
    SELECT 1, coalesce((SELECT max(change) FROM view_marks), -1),
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
