-- Version 2. Uploads, and their results for tests of templates.
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    batch TEXT NOT NULL,
    labels TEXT NOT NULL,
    folder TEXT NOT NULL UNIQUE,
    files TEXT NOT NULL,
    cases INTEGER NOT NULL,
    principal TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX imports_by_batch ON imports (project, batch);

-- Tests that no template has are not here: an import only counts for reservations made before it.
CREATE TABLE imported_tests (
    test INTEGER NOT NULL REFERENCES tests,
    import INTEGER NOT NULL REFERENCES imports,
    verdict INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    flaky INTEGER NOT NULL,
    PRIMARY KEY (test, import)
) STRICT, WITHOUT ROWID;

-- The last import when it was reserved: earlier uploads belong to an earlier attempt.
ALTER TABLE executions ADD COLUMN import_mark INTEGER NOT NULL DEFAULT 0;

-- Executions that are done and still without a verdict.
CREATE INDEX executions_unjudged ON executions (plan, test) WHERE state = 3 AND verdict IS NULL AND error IS NULL;
CREATE INDEX plans_by_batch ON plans (project, batch) WHERE kind = 1;
