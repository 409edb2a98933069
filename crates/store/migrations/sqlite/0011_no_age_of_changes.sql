-- Old changes are looked for from the oldest on; an index by age was a page more for every write.

DROP INDEX outbox_age;
