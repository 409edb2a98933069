-- What tells this database from every other, a restored one of the same rows included: servers that
-- share a cache share it with those of the same database alone.
ALTER TABLE sports_edge ADD COLUMN identity UUID NOT NULL DEFAULT gen_random_uuid();
