-- Version 3. What the pages for people read: who started a plan, when a lease was given, the ends that are not plain passes, and what
-- happened to leases beside the usual. No index by execution: it would make each event dearer for a page that few open. Replicas
-- of the release before go on: they only do not note who started a plan, and since when a test runs.
ALTER TABLE executions ADD COLUMN reserved_at BIGINT;
ALTER TABLE plans ADD COLUMN started_by TEXT NOT NULL DEFAULT '';
CREATE INDEX executions_notable ON executions (plan, id)
    WHERE state = 3 AND (verdict IS NULL OR verdict <> 0 OR flaky);
CREATE INDEX events_notable ON events (plan, id) WHERE kind NOT IN ('reserved', 'finished', 'heartbeat');
