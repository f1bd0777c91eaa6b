DO $$
BEGIN
    IF EXISTS (SELECT FROM call_reservation) THEN
        RAISE EXCEPTION 'calls are being booked, or events of theirs are still to be taken out of calendars, which going down would forget; see `hermes status`';
    END IF;
END
$$;

DROP INDEX ix_meeting_admin_id_created, ix_meeting_contact_id_start_time;
DROP INDEX ix_contact_phone, ix_contact_lower_email;
CREATE INDEX ix_contact_email ON contact (email);
DROP INDEX ix_company_lower_name, ix_company_supported_created, ix_company_price_plan_created;
ALTER TABLE meeting DROP COLUMN calendar_event_id;
DROP TABLE call_reservation;
