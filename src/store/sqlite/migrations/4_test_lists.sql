-- Version 4. Lists of tests that came with requests for plans: each is kept once per project, by its digest.
CREATE TABLE test_lists (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    UNIQUE (project, digest)
) STRICT;

CREATE TABLE listed_tests (
    list INTEGER NOT NULL REFERENCES test_lists,
    position INTEGER NOT NULL,
    test INTEGER NOT NULL REFERENCES tests,
    label_set INTEGER NOT NULL REFERENCES label_sets,
    PRIMARY KEY (list, position)
) STRICT, WITHOUT ROWID;

-- Of a plan: the list it was requested with, null if it got the published tests. Of a template: its published tests.
ALTER TABLE plans ADD COLUMN tests_digest BLOB;
-- The account of the discovery that came with the request for a plan, as JSON.
ALTER TABLE plans ADD COLUMN discovery TEXT;
-- Fingerprint of a template as a file had it when the service last read that file; null if none ever had it.
ALTER TABLE plans ADD COLUMN file_definition BLOB;
UPDATE plans SET file_definition = definition WHERE kind = 0;
