-- When the first request with this key came, where a later one took the place of one that never said
-- how it ended. Null where nobody's place was taken.
ALTER TABLE idempotency ADD COLUMN since BIGINT;
