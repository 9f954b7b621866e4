-- Version 2. The oldest version of testplan's schema whose replicas may still use the database: a migration that only adds leaves
-- it, so that replicas of two releases serve one plan side by side. One that takes something away, or changes its meaning,
-- raises it, in a release after the one that stopped using it.
ALTER TABLE testplan_schema ADD COLUMN usable_from BIGINT NOT NULL DEFAULT 1;
