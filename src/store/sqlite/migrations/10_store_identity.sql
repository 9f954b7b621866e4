-- Version 10. What a high-water mark beside the file is compared with: a random name of the store, how many changes were
-- acknowledged, and whether a service has the file open (then its write-ahead log belongs to it).
ALTER TABLE service ADD COLUMN store_id BLOB;
ALTER TABLE service ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service ADD COLUMN in_use INTEGER NOT NULL DEFAULT 0;
