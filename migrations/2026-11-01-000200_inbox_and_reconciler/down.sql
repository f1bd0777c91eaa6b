DO $$
BEGIN
    IF EXISTS (SELECT FROM webhook_event WHERE state IN ('waiting', 'failed')) OR EXISTS (SELECT FROM dirty_company) THEN
        RAISE EXCEPTION 'events wait or failed, or companies are still to be sent, which going down would forget; see `hermes status`';
    END IF;
END
$$;

DROP TABLE pipedrive_object;
DROP TABLE dirty_company;
DROP SEQUENCE dirty_company_version;
DROP TABLE webhook_event;
DROP INDEX ix_meeting_crm_pending, ix_deal_company_id, ix_contact_company_id;
ALTER TABLE meeting DROP COLUMN crm_pending;
ALTER TABLE deal DROP COLUMN close_pending;
ALTER TABLE company DROP COLUMN tc2_as_of;
