-- What tells this database from every other, a restored one of the same rows included: servers that
-- share a cache share it with those of the same database alone.
ALTER TABLE meta ADD COLUMN identity TEXT NOT NULL DEFAULT '';
UPDATE meta SET identity = lower(hex(randomblob(16)));
