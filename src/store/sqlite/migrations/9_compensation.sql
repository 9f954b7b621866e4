-- Version 9. By how much a lease was extended for restarts of the service since it was granted or renewed.
ALTER TABLE executions ADD COLUMN compensated_ms INTEGER NOT NULL DEFAULT 0;
