-- Version 7. What decides the size and the order of reservations of several executions.
-- The template of a plan; null for plans of earlier versions.
ALTER TABLE plans ADD COLUMN template INTEGER;
-- What a call of the test tool costs beyond its tests, by template: a running average of about five calls.
CREATE TABLE start_costs (
    template INTEGER PRIMARY KEY,
    runs INTEGER NOT NULL,
    mean_ms INTEGER NOT NULL
) STRICT;

-- Its holder released it to be handed out by itself, until it ends or is reset.
ALTER TABLE executions ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;

-- Of a plan whose workers name the suites that they have warm: its suites, each by its first execution. Other plans have no rows
-- here, no numbers in their executions and no entries in the index, so they pay nothing.
CREATE TABLE plan_suites (
    plan INTEGER NOT NULL REFERENCES plans,
    name TEXT NOT NULL,
    suite INTEGER NOT NULL,
    PRIMARY KEY (plan, name)
) STRICT, WITHOUT ROWID;
ALTER TABLE executions ADD COLUMN suite INTEGER;
CREATE INDEX executions_by_suite ON executions (plan, suite, id, label_set, expected_ms)
    WHERE suite IS NOT NULL AND state < 2;
