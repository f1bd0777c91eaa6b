-- What keeps anything from being lost or sent twice: the events that came in, the companies the CRM must be brought into
-- line with, and what the CRM was last told of each object.

-- When the newest event that was applied happened at TC2.
ALTER TABLE company ADD COLUMN tc2_as_of timestamp with time zone;

-- Hermes closed the deal itself, and the CRM does not know yet.
ALTER TABLE deal ADD COLUMN close_pending boolean DEFAULT false NOT NULL;

-- The meeting is still to be shown to the CRM. Those of v4 have been.
ALTER TABLE meeting ADD COLUMN crm_pending boolean DEFAULT false NOT NULL;

CREATE INDEX ix_contact_company_id ON contact (company_id);
CREATE INDEX ix_deal_company_id ON deal (company_id);
CREATE INDEX ix_meeting_crm_pending ON meeting (company_id) WHERE crm_pending;

CREATE TABLE webhook_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('tc2', 'pipedrive')),
    entity text,
    entity_id bigint,
    action text,
    occurred_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    -- SHA-256 of the event and its time: a delivery repeated to the letter is known by it.
    digest bytea UNIQUE,
    payload text NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'ignored', 'waiting', 'failed')),
    reason text,
    attempts integer NOT NULL,
    -- When it is tried again by itself; never, when empty.
    next_attempt_at timestamp with time zone
);
CREATE INDEX ix_webhook_event_next_attempt_at ON webhook_event (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX ix_webhook_event_unfinished ON webhook_event (source, entity, entity_id)
    WHERE state IN ('waiting', 'failed');
CREATE INDEX ix_webhook_event_received_at ON webhook_event (received_at) WHERE state IN ('applied', 'ignored');

CREATE SEQUENCE dirty_company_version;

-- A company is here while the CRM may not hold what it should.
CREATE TABLE dirty_company (
    company_id integer PRIMARY KEY REFERENCES company (id) ON DELETE CASCADE,
    -- Changes with every mark, and never repeats: whoever cleans up removes only what it has seen.
    version bigint DEFAULT nextval('dirty_company_version') NOT NULL,
    -- 0 booking, 1 sign-up, 2 edit, 3 re-send.
    priority smallint NOT NULL,
    since timestamp with time zone NOT NULL,
    run_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    -- Given up until someone, or the next change, revives it.
    parked_at timestamp with time zone,
    error text
);
CREATE INDEX ix_dirty_company_next ON dirty_company (priority, since) WHERE parked_at IS NULL;

-- What the CRM was last told of an object.
CREATE TABLE pipedrive_object (
    kind text NOT NULL CHECK (kind IN ('organization', 'person', 'deal', 'activity')),
    hermes_id integer NOT NULL,
    pipedrive_id integer,
    -- Hermes's names and values, as far as they were sent and accepted.
    sent jsonb,
    -- The field map under which they were sent.
    schema text,
    -- Pipedrive's own time of the object's last change.
    changed_at timestamp with time zone,
    -- What was not sent, since the object is closed or gone in Pipedrive; sent once it differs from this.
    withheld jsonb,
    -- A write was started then and its outcome is unknown. Where there is no Pipedrive id it was a creation: look before
    -- creating again.
    in_flight_since timestamp with time zone,
    PRIMARY KEY (kind, hermes_id)
);
