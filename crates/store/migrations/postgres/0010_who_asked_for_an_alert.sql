-- Digest of the request that made a rule, where it may come again; the same makes no other. Null
-- where it may not.
ALTER TABLE alerts ADD COLUMN request BYTEA;
