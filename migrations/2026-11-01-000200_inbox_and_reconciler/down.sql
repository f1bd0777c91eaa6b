DROP TABLE pipedrive_object;
DROP TABLE dirty_company;
DROP SEQUENCE dirty_company_version;
DROP TABLE webhook_event;
DROP INDEX ix_meeting_crm_pending, ix_deal_company_id, ix_contact_company_id;
ALTER TABLE meeting DROP COLUMN crm_pending;
ALTER TABLE deal DROP COLUMN close_pending;
ALTER TABLE company DROP COLUMN tc2_as_of;
