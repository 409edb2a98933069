-- When the first request with this key came, where a later one took the place of one that never said
-- how it ended. Null in rows that are older than this column: then it is `at`.
ALTER TABLE idempotency ADD COLUMN since INTEGER;
