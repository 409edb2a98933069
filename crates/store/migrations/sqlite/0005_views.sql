-- What standings and records of pairs are made from, with the number of the change that touched it
-- last: a season of a competition (kind 0) or a team (kind 1, `part` 0). Written with the change
-- itself.
CREATE TABLE view_marks (
    kind   INTEGER NOT NULL CHECK (kind IN (0, 1)),
    thing  INTEGER NOT NULL,
    part   INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (kind, thing, part)
) STRICT, WITHOUT ROWID;
INSERT INTO view_marks (kind, thing, part, change)
    SELECT DISTINCT 0, f.competition, f.season, m.outbox FROM fixtures AS f CROSS JOIN meta AS m;
INSERT INTO view_marks (kind, thing, part, change)
    SELECT 1, f.home, 0, m.outbox FROM fixtures AS f CROSS JOIN meta AS m
    UNION SELECT 1, f.away, 0, m.outbox FROM fixtures AS f CROSS JOIN meta AS m;

-- The games of each team in each season, at home and away; `fixtures` counts those to come, too.
-- Triggers keep it up with every row of `fixtures`, whoever writes it.
CREATE TABLE standings (
    competition   INTEGER NOT NULL,
    season        INTEGER NOT NULL,
    team          INTEGER NOT NULL,
    fixtures      INTEGER NOT NULL,
    home_won      INTEGER NOT NULL,
    home_drawn    INTEGER NOT NULL,
    home_lost     INTEGER NOT NULL,
    home_scored   INTEGER NOT NULL,
    home_conceded INTEGER NOT NULL,
    away_won      INTEGER NOT NULL,
    away_drawn    INTEGER NOT NULL,
    away_lost     INTEGER NOT NULL,
    away_scored   INTEGER NOT NULL,
    away_conceded INTEGER NOT NULL,
    PRIMARY KEY (competition, season, team)
) STRICT, WITHOUT ROWID;

-- What home sides did against those that came to them, over all seasons and competitions.
CREATE TABLE pair_records (
    home     INTEGER NOT NULL,
    away     INTEGER NOT NULL,
    won      INTEGER NOT NULL,
    drawn    INTEGER NOT NULL,
    lost     INTEGER NOT NULL,
    scored   INTEGER NOT NULL,
    conceded INTEGER NOT NULL,
    PRIMARY KEY (home, away)
) STRICT, WITHOUT ROWID;

-- Takes a fixture in (1) or out (-1); a row that counts nothing any more goes.
CREATE VIEW counted (sign, competition, season, home, away, home_score, away_score)
    AS SELECT 0, 0, 0, 0, 0, 0, 0 WHERE false;
CREATE TRIGGER counted_in INSTEAD OF INSERT ON counted BEGIN
    INSERT INTO standings VALUES (new.competition, new.season, new.home, new.sign,
        new.sign * coalesce(new.home_score > new.away_score, 0),
        new.sign * coalesce(new.home_score = new.away_score, 0),
        new.sign * coalesce(new.home_score < new.away_score, 0),
        new.sign * coalesce(new.home_score, 0), new.sign * coalesce(new.away_score, 0),
        0, 0, 0, 0, 0)
    ON CONFLICT DO UPDATE SET fixtures = fixtures + excluded.fixtures,
        home_won = home_won + excluded.home_won, home_drawn = home_drawn + excluded.home_drawn,
        home_lost = home_lost + excluded.home_lost,
        home_scored = home_scored + excluded.home_scored,
        home_conceded = home_conceded + excluded.home_conceded;
    INSERT INTO standings VALUES (new.competition, new.season, new.away, new.sign, 0, 0, 0, 0, 0,
        new.sign * coalesce(new.away_score > new.home_score, 0),
        new.sign * coalesce(new.away_score = new.home_score, 0),
        new.sign * coalesce(new.away_score < new.home_score, 0),
        new.sign * coalesce(new.away_score, 0), new.sign * coalesce(new.home_score, 0))
    ON CONFLICT DO UPDATE SET fixtures = fixtures + excluded.fixtures,
        away_won = away_won + excluded.away_won, away_drawn = away_drawn + excluded.away_drawn,
        away_lost = away_lost + excluded.away_lost,
        away_scored = away_scored + excluded.away_scored,
        away_conceded = away_conceded + excluded.away_conceded;
    DELETE FROM standings WHERE competition = new.competition AND season = new.season
        AND team IN (new.home, new.away) AND fixtures = 0;
    INSERT INTO pair_records SELECT new.home, new.away,
        new.sign * (new.home_score > new.away_score), new.sign * (new.home_score = new.away_score),
        new.sign * (new.home_score < new.away_score), new.sign * new.home_score,
        new.sign * new.away_score
    WHERE new.home_score IS NOT NULL AND new.away_score IS NOT NULL
    ON CONFLICT DO UPDATE SET won = won + excluded.won, drawn = drawn + excluded.drawn,
        lost = lost + excluded.lost, scored = scored + excluded.scored,
        conceded = conceded + excluded.conceded;
    DELETE FROM pair_records WHERE home = new.home AND away = new.away
        AND won = 0 AND drawn = 0 AND lost = 0;
END;

CREATE TRIGGER fixtures_added AFTER INSERT ON fixtures WHEN new.status <> 3 BEGIN
    INSERT INTO counted VALUES (1, new.competition, new.season, new.home, new.away,
        new.home_score, new.away_score);
END;
CREATE TRIGGER fixtures_removed AFTER DELETE ON fixtures WHEN old.status <> 3 BEGIN
    INSERT INTO counted VALUES (-1, old.competition, old.season, old.home, old.away,
        old.home_score, old.away_score);
END;
CREATE TRIGGER fixtures_changed AFTER UPDATE ON fixtures
WHEN (old.competition, old.season, old.home, old.away, old.status = 3, old.home_score, old.away_score)
    IS NOT (new.competition, new.season, new.home, new.away, new.status = 3, new.home_score, new.away_score)
BEGIN
    INSERT INTO counted SELECT -1, old.competition, old.season, old.home, old.away,
        old.home_score, old.away_score WHERE old.status <> 3;
    INSERT INTO counted SELECT 1, new.competition, new.season, new.home, new.away,
        new.home_score, new.away_score WHERE new.status <> 3;
END;

INSERT INTO counted SELECT 1, competition, season, home, away, home_score, away_score
    FROM fixtures WHERE status <> 3;
