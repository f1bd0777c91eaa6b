-- Calls that are being booked, and what is left of bookings that came to nothing.

-- The time of a member of staff and of a contact, kept until the call is in the calendar and becomes a meeting. A row that
-- is withdrawn is one whose event may be in the calendar nevertheless: it stays until that has certainly been deleted.
CREATE TABLE call_reservation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created timestamp with time zone NOT NULL,
    -- Whose calendar, by email.
    calendar text NOT NULL,
    -- Of the event there, chosen by us.
    calendar_event_id text NOT NULL UNIQUE,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    meeting_type varchar(255) NOT NULL,
    admin_id integer NOT NULL REFERENCES admin (id),
    contact_id integer NOT NULL REFERENCES contact (id),
    company_id integer NOT NULL REFERENCES company (id),
    deal_id integer REFERENCES deal (id),
    withdrawn_at timestamp with time zone,
    -- When somebody looks after what the booking has left undone.
    next_attempt_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    error text
);
CREATE INDEX ix_call_reservation_next_attempt_at ON call_reservation (next_attempt_at);

-- The event of the meeting in the calendar of the member of staff. Those of v4 are not known.
ALTER TABLE meeting ADD COLUMN calendar_event_id text;

-- Whose turn it is, and whom a booking is about.
CREATE INDEX ix_company_price_plan_created ON company (price_plan, created DESC, id DESC);
CREATE INDEX ix_company_supported_created ON company (created DESC, id DESC) WHERE support_person_id IS NOT NULL;
CREATE INDEX ix_company_lower_name ON company (lower(name));
DROP INDEX ix_contact_email;
CREATE INDEX ix_contact_lower_email ON contact (lower(email));
CREATE INDEX ix_contact_phone ON contact (phone);
CREATE INDEX ix_meeting_contact_id_start_time ON meeting (contact_id, start_time);
CREATE INDEX ix_meeting_admin_id_created ON meeting (admin_id, created);
