-- What people change in Pipedrive: in which order, what was agreed on before, and what waits for something to appear.

-- Deleted in Pipedrive, or merged into another contact.
ALTER TABLE contact ADD COLUMN is_deleted boolean DEFAULT false NOT NULL;

-- Pipedrive's id of the pipeline the stage belongs to, as far as Pipedrive has told.
ALTER TABLE stage ADD COLUMN pd_pipeline_id integer;

-- What Pipedrive showed when the object was last seen; `sent` is our side of the same agreement.
ALTER TABLE pipedrive_object ADD COLUMN shown jsonb;
-- The organization of a company that is not to be in Pipedrive any more, until it has been deleted there.
ALTER TABLE pipedrive_object ADD COLUMN purge_id integer;
ALTER TABLE pipedrive_object DROP COLUMN changed_at;

-- What has to appear before the event can be applied: `organization:12`.
ALTER TABLE webhook_event ADD COLUMN waits_for text;
CREATE INDEX ix_webhook_event_waits_for ON webhook_event (waits_for) WHERE waits_for IS NOT NULL;

-- The newest state of each of Pipedrive's objects that Hermes knows of: whatever is older comes too late.
CREATE TABLE pipedrive_latest (
    kind text NOT NULL CHECK (kind IN ('organization', 'person', 'deal', 'pipeline', 'stage')),
    pipedrive_id integer NOT NULL,
    -- By Pipedrive's clock.
    changed_at timestamp with time zone,
    -- It has been deleted.
    gone boolean DEFAULT false NOT NULL,
    -- It vanished into this object.
    merged_into integer,
    PRIMARY KEY (kind, pipedrive_id)
);
CREATE INDEX ix_pipedrive_latest_merged_into ON pipedrive_latest (kind, merged_into) WHERE merged_into IS NOT NULL;

-- Merges and deleted companies move what belongs to a contact or a deal.
CREATE INDEX ix_deal_contact_id ON deal (contact_id);
CREATE INDEX ix_contact_email ON contact (email);
