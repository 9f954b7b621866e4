-- Version 3. A Squish server that gave trouble cools down until rests_until; troubles counts those in a row, trouble is the
-- last one.
ALTER TABLE squish_servers ADD COLUMN troubles INTEGER NOT NULL DEFAULT 0;
ALTER TABLE squish_servers ADD COLUMN trouble TEXT;
ALTER TABLE squish_servers ADD COLUMN rests_until INTEGER;
-- The Squish server that gave this execution trouble last: another one is preferred.
ALTER TABLE executions ADD COLUMN troubled_server INTEGER;
