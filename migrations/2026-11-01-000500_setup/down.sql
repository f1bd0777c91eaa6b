ALTER TABLE stage DROP COLUMN is_deleted;
ALTER TABLE pipeline DROP COLUMN is_deleted;
ALTER TABLE deal DROP COLUMN extra;
ALTER TABLE company DROP COLUMN extra;
