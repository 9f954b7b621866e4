-- Version 5. keys.hash, keys.digest, executions.digest, plans.definition and plans.file_definition now hold 33 bytes: the
-- version of a canonical form and a SHA-256. Rows with 32 bytes stay and are compared in their old form, so this changes no
-- row. The new version keeps older releases, which expect 32 bytes, from opening the file.
SELECT 1;
