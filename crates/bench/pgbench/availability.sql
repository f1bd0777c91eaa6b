-- What Hermes says to PostgreSQL when it is asked when somebody can be called: read the admin, the hours, and what is
-- being booked or was a moment ago.
BEGIN;
SELECT "admin"."id", "admin"."tc2_admin_id", "admin"."pd_owner_id", "admin"."first_name", "admin"."last_name", "admin"."username", "admin"."timezone", "admin"."is_sales_person", "admin"."is_support_person", "admin"."is_bdr_person", "admin"."sells_payg", "admin"."sells_startup", "admin"."sells_enterprise", "admin"."sells_us", "admin"."sells_gb", "admin"."sells_au", "admin"."sells_ca", "admin"."sells_eu", "admin"."sells_row"
FROM "admin" WHERE ("admin"."id" = :admin) LIMIT 1
\gset admin_
SELECT "config"."meeting_min_start", "config"."meeting_max_end", "config"."meeting_dur_mins", "config"."meeting_buffer_mins" FROM "config" ORDER BY "config"."id" LIMIT 1;
SELECT "call_reservation"."start_time", "call_reservation"."end_time", "call_reservation"."withdrawn_at", "call_reservation"."next_attempt_at" FROM "call_reservation" WHERE (lower("call_reservation"."calendar") = lower(:admin_username));
SELECT "meeting"."start_time", "meeting"."end_time" FROM "meeting" WHERE ((("meeting"."admin_id" = ANY(SELECT "admin"."id" FROM "admin" WHERE (lower("admin"."username") = lower(:admin_username)))) AND ("meeting"."created" >= :lately)) AND ("meeting"."status" = 'PLANNED'));
COMMIT;
