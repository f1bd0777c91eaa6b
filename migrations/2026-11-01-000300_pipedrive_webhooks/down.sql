DO $$
BEGIN
    IF EXISTS (SELECT FROM webhook_event WHERE source = 'pipedrive' AND state IN ('waiting', 'failed'))
        OR EXISTS (SELECT FROM pipedrive_object WHERE purge_id IS NOT NULL) THEN
        RAISE EXCEPTION 'events of Pipedrive wait or failed, or organizations are still to be deleted there, which going down would forget; see `hermes status`';
    END IF;
END
$$;

DROP INDEX ix_contact_email, ix_deal_contact_id;
DROP TABLE pipedrive_latest;
DROP INDEX ix_webhook_event_waits_for;
ALTER TABLE webhook_event DROP COLUMN waits_for;
ALTER TABLE pipedrive_object ADD COLUMN changed_at timestamp with time zone;
ALTER TABLE pipedrive_object DROP COLUMN purge_id;
ALTER TABLE pipedrive_object DROP COLUMN shown;
ALTER TABLE stage DROP COLUMN pd_pipeline_id;
ALTER TABLE contact DROP COLUMN is_deleted;
