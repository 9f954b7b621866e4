-- Version 1. States of an execution: 0 open, 1 expired (its lease ended and no other worker reserved it since), 2 reserved,
-- 3 done.

-- One row. `alive_at` is both the clock's high-water mark and the last sign of life: the clock never goes back.
CREATE TABLE service (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lease_key BLOB NOT NULL,
    alive_at INTEGER NOT NULL
) STRICT;

-- Templates (kind 0) and plans (kind 1) share one number range. The executions of a plan have the numbers from
-- first_execution on, size of them, without a gap: one transaction inserts them all.
CREATE TABLE plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    project TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    batch TEXT NOT NULL,
    tags TEXT NOT NULL,
    repositories TEXT NOT NULL,
    planned INTEGER,
    created_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    first_execution INTEGER NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0,
    definition BLOB
) STRICT;
CREATE INDEX plans_by_title ON plans (kind, project, title);

CREATE TABLE tests (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    suite TEXT NOT NULL,
    testcase TEXT NOT NULL,
    UNIQUE (project, suite, testcase)
) STRICT;

CREATE TABLE label_sets (
    id INTEGER PRIMARY KEY,
    labels TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE template_tests (
    template INTEGER NOT NULL REFERENCES plans,
    position INTEGER NOT NULL,
    test INTEGER NOT NULL REFERENCES tests,
    label_set INTEGER NOT NULL REFERENCES label_sets,
    PRIMARY KEY (template, position)
) STRICT, WITHOUT ROWID;

-- How long a test takes with these labels: a running average of about five runs.
CREATE TABLE history (
    test INTEGER NOT NULL,
    label_set INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    mean_ms INTEGER NOT NULL,
    PRIMARY KEY (test, label_set)
) STRICT, WITHOUT ROWID;

-- Updated with every change, so that a status costs the same for ten executions and for a million. open includes expired.
CREATE TABLE counts (
    plan INTEGER NOT NULL REFERENCES plans,
    label_set INTEGER NOT NULL REFERENCES label_sets,
    open INTEGER NOT NULL CHECK (open >= 0),
    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    done INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    passed INTEGER NOT NULL DEFAULT 0 CHECK (passed >= 0),
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    PRIMARY KEY (plan, label_set)
) STRICT, WITHOUT ROWID;

CREATE TABLE executions (
    id INTEGER PRIMARY KEY,
    plan INTEGER NOT NULL,
    test INTEGER NOT NULL,
    label_set INTEGER NOT NULL,
    expected_ms INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    reset_epoch INTEGER NOT NULL DEFAULT 0,
    expiries INTEGER NOT NULL DEFAULT 0,
    skips INTEGER NOT NULL DEFAULT 0,
    late_results INTEGER NOT NULL DEFAULT 0,
    deadline INTEGER,
    timeout_ms INTEGER,
    squish_server INTEGER,
    verdict INTEGER,
    duration_ms INTEGER,
    flaky INTEGER,
    nonce BLOB,
    lease_hash BLOB,
    digest BLOB,
    principal TEXT NOT NULL DEFAULT '',
    worker TEXT,
    lost_on TEXT NOT NULL DEFAULT '',
    error TEXT,
    details TEXT
) STRICT;
CREATE INDEX executions_available ON executions (plan, label_set, expected_ms DESC) WHERE state < 2;
CREATE INDEX executions_leased ON executions (deadline, plan, label_set) WHERE state = 2;

-- exec and epoch name the last lease on it. It is bound while free_from is null and exec is not. After that lease ended,
-- other leases can get it from free_from on; until one does, the ended lease can get it back.
CREATE TABLE squish_servers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    port TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    label_set INTEGER NOT NULL REFERENCES label_sets,
    exec INTEGER,
    epoch INTEGER,
    free_from INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (host, port)
) STRICT;

-- Numbered within each plan, so that the history of a plan is contiguous.
CREATE TABLE events (
    plan INTEGER NOT NULL,
    id INTEGER NOT NULL,
    exec INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    principal TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (plan, id)
) STRICT, WITHOUT ROWID;

-- Requests that may be repeated: the started plan or the import (epoch null), or the lease (subject, epoch).
CREATE TABLE keys (
    hash BLOB PRIMARY KEY,
    digest BLOB NOT NULL,
    subject INTEGER NOT NULL,
    epoch INTEGER,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
