-- Like quotes, fixtures are written by the thousand, and four foreign keys were looked up row by row:
-- half of what writing a fixture took. Every write looks its teams up at once and takes competition
-- and season from the tables it has just read or written, in the same transaction, and nothing is
-- ever deleted from the tables meant. `sports-edge doctor` tells of rows that refer to nothing.
ALTER TABLE fixtures
    DROP CONSTRAINT fixtures_competition_fkey,
    DROP CONSTRAINT fixtures_season_fkey,
    DROP CONSTRAINT fixtures_home_fkey,
    DROP CONSTRAINT fixtures_away_fkey;
