-- Which of the histories that followed from one database this is: a new one begins whenever another
-- server leads. A standby that had more than the one which was promoted keeps the old one, and must not
-- be read from beside it.
ALTER TABLE sports_edge ADD COLUMN timeline BIGINT NOT NULL DEFAULT 0,
                        ADD COLUMN history UUID NOT NULL DEFAULT gen_random_uuid();
