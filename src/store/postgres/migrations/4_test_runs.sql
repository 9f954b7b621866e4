-- Version 4. What pages say of tests over time. What a plan tests, as the request that started it says: branch and commit, who
-- caused the CI run and where it is. How often an execution failed before it was reset. All runs of a test, and the plans of a
-- template. Replicas of the release before go on: they only do not note these.
ALTER TABLE plans ADD COLUMN branch TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN commit_id TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN run_url TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN earlier_failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX executions_by_test ON executions (test, id);
CREATE INDEX plans_by_template ON plans (template, id) WHERE kind = 1;
CREATE INDEX plans_by_branch ON plans (template, branch, id) WHERE kind = 1;

-- The CI jobs of workers.
CREATE TABLE worker_jobs (
    plan BIGINT NOT NULL REFERENCES plans,
    worker TEXT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (plan, worker)
);
