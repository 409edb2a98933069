-- No query asks for events by the moment they became known.

DROP INDEX events_known;
