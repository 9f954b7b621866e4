-- Version 13. What people do to plans and Squish servers. `cancelled` is the error of the executions that a cancel ended; `cancelling`
-- is not 0 while some are still to be ended: 1 for those that are open, 2 for those under a lease too. While a plan is cancelled, the
-- `error` of an execution under a lease is what it ends with if its lease ends without a result.
ALTER TABLE plans ADD COLUMN cancelled TEXT;
ALTER TABLE plans ADD COLUMN cancelled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;
CREATE INDEX plans_cancelling ON plans (id) WHERE cancelling <> 0;
-- A cancel ends thousands of executions: their events are not what a page lists.
DROP INDEX events_notable;
CREATE INDEX events_notable ON events (plan, id) WHERE kind NOT IN ('reserved', 'finished', 'heartbeat', 'cancelled');
-- Who enabled or disabled it last, and why.
ALTER TABLE squish_servers ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- What people did, newest last.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    principal TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
