-- Version 8. The machines that could not even start an execution, with their reasons, as JSON; empty for nearly all.
ALTER TABLE executions ADD COLUMN start_failures TEXT NOT NULL DEFAULT '';
