-- v4 kept moments as UTC without saying so; from here on the columns say it.

ALTER TABLE company
    ALTER COLUMN created TYPE timestamp with time zone USING created AT TIME ZONE 'UTC',
    ALTER COLUMN pay0_dt TYPE timestamp with time zone USING pay0_dt AT TIME ZONE 'UTC',
    ALTER COLUMN pay1_dt TYPE timestamp with time zone USING pay1_dt AT TIME ZONE 'UTC',
    ALTER COLUMN pay3_dt TYPE timestamp with time zone USING pay3_dt AT TIME ZONE 'UTC',
    ALTER COLUMN gclid_expiry_dt TYPE timestamp with time zone USING gclid_expiry_dt AT TIME ZONE 'UTC',
    ALTER COLUMN email_confirmed_dt TYPE timestamp with time zone USING email_confirmed_dt AT TIME ZONE 'UTC',
    ALTER COLUMN card_saved_dt TYPE timestamp with time zone USING card_saved_dt AT TIME ZONE 'UTC';

ALTER TABLE contact
    ALTER COLUMN created TYPE timestamp with time zone USING created AT TIME ZONE 'UTC';

ALTER TABLE meeting
    ALTER COLUMN created TYPE timestamp with time zone USING created AT TIME ZONE 'UTC',
    ALTER COLUMN start_time TYPE timestamp with time zone USING start_time AT TIME ZONE 'UTC',
    ALTER COLUMN end_time TYPE timestamp with time zone USING end_time AT TIME ZONE 'UTC';
