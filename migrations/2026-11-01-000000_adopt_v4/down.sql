-- Back to what was there before: a v4 database keeps its tables; an empty one becomes empty again, but only while it
-- holds nothing that would be lost.

DO $$
BEGIN
    IF to_regclass('alembic_version') IS NOT NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM admin) OR EXISTS (SELECT FROM company) OR EXISTS (SELECT FROM pipeline)
        OR EXISTS (SELECT FROM stage) THEN
        RAISE EXCEPTION 'the tables hold data, which going further down would delete; drop the database instead';
    END IF;
    DROP TABLE meeting, deal, contact, company, config, pipeline, stage, admin;
END
$$;
