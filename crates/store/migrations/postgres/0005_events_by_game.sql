-- What of a game was written after what is known of it.
CREATE INDEX events_by_game ON events (fixture, id);
