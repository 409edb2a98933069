-- The part of the season a fixture belongs to: the regular one (0), of which tables are made, or the
-- postseason (1). What is there counts as regular until its source tells it again.
ALTER TABLE fixtures ADD COLUMN season_type INTEGER NOT NULL DEFAULT 0 CHECK (season_type IN (0, 1));

-- As they were, but that a fixture moves the standings only where it is of the regular season. A
-- record of a pair counts all.
DROP TRIGGER fixtures_added;
DROP TRIGGER fixtures_removed;
DROP TRIGGER fixtures_changed;
DROP TRIGGER counted_in;
DROP VIEW counted;
CREATE VIEW counted (sign, competition, season, season_type, home, away, home_score, away_score)
    AS SELECT 0, 0, 0, 0, 0, 0, 0, 0 WHERE false;
CREATE TRIGGER counted_in INSTEAD OF INSERT ON counted BEGIN
    INSERT INTO standings SELECT new.competition, new.season, new.home, new.sign,
        new.sign * coalesce(new.home_score > new.away_score, 0),
        new.sign * coalesce(new.home_score = new.away_score, 0),
        new.sign * coalesce(new.home_score < new.away_score, 0),
        new.sign * coalesce(new.home_score, 0), new.sign * coalesce(new.away_score, 0),
        0, 0, 0, 0, 0
    WHERE new.season_type = 0
    ON CONFLICT DO UPDATE SET fixtures = fixtures + excluded.fixtures,
        home_won = home_won + excluded.home_won, home_drawn = home_drawn + excluded.home_drawn,
        home_lost = home_lost + excluded.home_lost,
        home_scored = home_scored + excluded.home_scored,
        home_conceded = home_conceded + excluded.home_conceded;
    INSERT INTO standings SELECT new.competition, new.season, new.away, new.sign, 0, 0, 0, 0, 0,
        new.sign * coalesce(new.away_score > new.home_score, 0),
        new.sign * coalesce(new.away_score = new.home_score, 0),
        new.sign * coalesce(new.away_score < new.home_score, 0),
        new.sign * coalesce(new.away_score, 0), new.sign * coalesce(new.home_score, 0)
    WHERE new.season_type = 0
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
    INSERT INTO counted VALUES (1, new.competition, new.season, new.season_type, new.home, new.away,
        new.home_score, new.away_score);
END;
CREATE TRIGGER fixtures_removed AFTER DELETE ON fixtures WHEN old.status <> 3 BEGIN
    INSERT INTO counted VALUES (-1, old.competition, old.season, old.season_type, old.home, old.away,
        old.home_score, old.away_score);
END;
CREATE TRIGGER fixtures_changed AFTER UPDATE ON fixtures
WHEN (old.competition, old.season, old.season_type, old.home, old.away, old.status = 3, old.home_score, old.away_score)
    IS NOT (new.competition, new.season, new.season_type, new.home, new.away, new.status = 3, new.home_score, new.away_score)
BEGIN
    INSERT INTO counted SELECT -1, old.competition, old.season, old.season_type, old.home, old.away,
        old.home_score, old.away_score WHERE old.status <> 3;
    INSERT INTO counted SELECT 1, new.competition, new.season, new.season_type, new.home, new.away,
        new.home_score, new.away_score WHERE new.status <> 3;
END;
