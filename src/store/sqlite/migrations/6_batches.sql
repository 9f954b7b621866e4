-- Version 6. Reservations of several executions.
-- Whether expected_ms is an estimate, because no run of the test was known when the plan started. Of the plans so far that is
-- not known: theirs count as estimates.
ALTER TABLE executions ADD COLUMN is_estimated INTEGER NOT NULL DEFAULT 1;
-- The other leases of the answer that a key stands for, as a JSON array of [execution, epoch]; null if there is none.
ALTER TABLE keys ADD COLUMN more TEXT;
