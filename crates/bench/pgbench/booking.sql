-- What Hermes says to PostgreSQL when somebody unknown books a sales call: in a first transaction look for the company
-- of the caller, add company, contact and deal, make sure that nothing stands in the way, and keep the time; in a second
-- one make a meeting of it. Bookings take turns in the first. Between the two Hermes asks the calendar.
\set caller :first + :serial * :connections + :client_id
\set serial :serial + 1
\set host :admin + :caller % :staff
\set event random(1, 9000000000000000000)
BEGIN;
SELECT pg_advisory_xact_lock(8, 0);
SELECT "admin"."id", "admin"."tc2_admin_id", "admin"."pd_owner_id", "admin"."first_name", "admin"."last_name", "admin"."username", "admin"."timezone", "admin"."is_sales_person", "admin"."is_support_person", "admin"."is_bdr_person", "admin"."sells_payg", "admin"."sells_startup", "admin"."sells_enterprise", "admin"."sells_us", "admin"."sells_gb", "admin"."sells_au", "admin"."sells_ca", "admin"."sells_eu", "admin"."sells_row"
FROM "admin" WHERE ("admin"."id" = :host) LIMIT 1
\gset admin_
SELECT "contact"."company_id" FROM "contact" WHERE (lower("contact"."email") = lower(:caller)) ORDER BY "contact"."is_deleted", "contact"."created" DESC, "contact"."id" DESC LIMIT 1;
SELECT "contact"."company_id" FROM "contact" WHERE ("contact"."phone" = :caller) ORDER BY "contact"."is_deleted", "contact"."created" DESC, "contact"."id" DESC LIMIT 1;
SELECT "company"."id" FROM "company" WHERE (lower("company"."name") = lower(:caller)) ORDER BY "company"."is_deleted", "company"."created" DESC, "company"."id" DESC LIMIT 1;
INSERT INTO "company" ("name", "tc2_agency_id", "tc2_cligency_id", "created", "country", "website", "currency", "has_booked_call", "has_signed_up", "sales_person_id", "support_person_id", "bdr_person_id", "price_plan", "estimated_income", "utm_campaign", "utm_source", "gclid", "signup_questionnaire", "narc", "paid_invoice_count", "tc2_status", "pay0_dt", "pay1_dt", "pay3_dt", "gclid_expiry_dt", "email_confirmed_dt", "card_saved_dt", "tc2_as_of", "extra")
VALUES (:caller, NULL, NULL, :now, 'GB', 'https://agency-100000000.example', 'GBP', false, false, :host, NULL, NULL, 'startup', '1000', 'spring', 'newsletter', NULL, NULL, false, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}') RETURNING "company"."id"
\gset company_
SELECT "company"."id", "company"."name", "company"."tc2_agency_id", "company"."tc2_cligency_id", "company"."pd_org_id", "company"."created", "company"."price_plan", "company"."country", "company"."website", "company"."currency", "company"."estimated_income", "company"."utm_campaign", "company"."utm_source", "company"."gclid", "company"."signup_questionnaire", "company"."has_booked_call", "company"."has_signed_up", "company"."narc", "company"."paid_invoice_count", "company"."tc2_status", "company"."pay0_dt", "company"."pay1_dt", "company"."pay3_dt", "company"."gclid_expiry_dt", "company"."email_confirmed_dt", "company"."card_saved_dt", "company"."sales_person_id", "company"."support_person_id", "company"."bdr_person_id", "company"."is_deleted", "company"."tc2_as_of", "company"."extra"
FROM "company" WHERE ("company"."id" = :company_id) LIMIT 1 FOR NO KEY UPDATE;
SELECT "contact"."id", "contact"."tc2_sr_id", "contact"."pd_person_id", "contact"."created", "contact"."first_name", "contact"."last_name", "contact"."email", "contact"."phone", "contact"."country", "contact"."company_id", "contact"."is_deleted"
FROM "contact" WHERE ("contact"."company_id" = :company_id) ORDER BY "contact"."id";
INSERT INTO "contact" ("created", "first_name", "last_name", "email", "phone", "country", "company_id")
VALUES (:now, 'Ada', 'Lovelace', :caller, :caller, 'GB', :company_id) RETURNING "contact"."id"
\gset contact_
SELECT "deal"."id" FROM "deal" WHERE (("deal"."company_id" = :company_id) AND ("deal"."status" = 'open')) ORDER BY "deal"."id" DESC LIMIT 1;
SELECT "config"."payg_pipeline_id", "config"."startup_pipeline_id", "config"."enterprise_pipeline_id" FROM "config" ORDER BY "config"."id" LIMIT 1
\gset config_
SELECT "pipeline"."dft_entry_stage_id" FROM "pipeline" WHERE ("pipeline"."id" = :config_startup_pipeline_id) LIMIT 1
\gset pipeline_
INSERT INTO "deal" ("name", "status", "admin_id", "pipeline_id", "stage_id", "company_id", "contact_id", "support_person_id", "bdr_person_id", "paid_invoice_count", "tc2_status", "tc2_cligency_url", "website", "price_plan", "estimated_income", "signup_questionnaire", "utm_campaign", "utm_source", "extra")
VALUES (:caller, 'open', :host, :config_startup_pipeline_id, :pipeline_dft_entry_stage_id, :company_id, :contact_id, NULL, NULL, 0, NULL, NULL, 'https://agency-100000000.example', 'startup', '1000', NULL, 'spring', 'newsletter', '{}') RETURNING "deal"."id"
\gset deal_
SELECT "config"."meeting_min_start", "config"."meeting_max_end", "config"."meeting_dur_mins", "config"."meeting_buffer_mins" FROM "config" ORDER BY "config"."id" LIMIT 1;
SELECT "call_reservation"."start_time", "call_reservation"."end_time", "call_reservation"."withdrawn_at", "call_reservation"."next_attempt_at" FROM "call_reservation" WHERE ("call_reservation"."contact_id" = :contact_id);
SELECT "meeting"."id", "meeting"."start_time", "meeting"."status", "meeting"."meeting_type", "meeting"."admin_id", "meeting"."contact_id", "meeting"."company_id", "meeting"."deal_id"
FROM "meeting" WHERE (("meeting"."contact_id" = :contact_id) AND ("meeting"."start_time" BETWEEN :start AND :end));
SELECT "call_reservation"."start_time", "call_reservation"."end_time", "call_reservation"."withdrawn_at", "call_reservation"."next_attempt_at" FROM "call_reservation" WHERE (lower("call_reservation"."calendar") = lower(:admin_username));
SELECT "meeting"."start_time", "meeting"."end_time" FROM "meeting" WHERE ((("meeting"."admin_id" = ANY(SELECT "admin"."id" FROM "admin" WHERE (lower("admin"."username") = lower(:admin_username)))) AND ("meeting"."created" >= :lately)) AND ("meeting"."status" = 'PLANNED'));
INSERT INTO "call_reservation" ("created", "calendar", "calendar_event_id", "start_time", "end_time", "meeting_type", "admin_id", "contact_id", "company_id", "deal_id", "next_attempt_at")
VALUES (:now, :admin_username, :event, :start, :end, 'sales', :host, :contact_id, :company_id, :deal_id, :end) RETURNING "call_reservation"."id"
\gset reservation_
INSERT INTO "dirty_company" ("company_id", "priority", "since", "run_at") VALUES (:company_id, 0, :now, :now)
ON CONFLICT ("company_id") DO UPDATE SET "version" = nextval('dirty_company_version'), "priority" = least("dirty_company"."priority", excluded."priority"), "run_at" = least("dirty_company"."run_at", excluded."run_at"), "attempts" = CASE WHEN (("dirty_company"."parked_at" IS NULL)) THEN ("dirty_company"."attempts") ELSE (0) END, "parked_at" = NULL;
COMMIT;
BEGIN;
SELECT "contact"."company_id" FROM "contact" WHERE ("contact"."id" = :contact_id) LIMIT 1;
SELECT "company"."id", "company"."name", "company"."tc2_agency_id", "company"."tc2_cligency_id", "company"."pd_org_id", "company"."created", "company"."price_plan", "company"."country", "company"."website", "company"."currency", "company"."estimated_income", "company"."utm_campaign", "company"."utm_source", "company"."gclid", "company"."signup_questionnaire", "company"."has_booked_call", "company"."has_signed_up", "company"."narc", "company"."paid_invoice_count", "company"."tc2_status", "company"."pay0_dt", "company"."pay1_dt", "company"."pay3_dt", "company"."gclid_expiry_dt", "company"."email_confirmed_dt", "company"."card_saved_dt", "company"."sales_person_id", "company"."support_person_id", "company"."bdr_person_id", "company"."is_deleted", "company"."tc2_as_of", "company"."extra"
FROM "company" WHERE ("company"."id" = :company_id) LIMIT 1 FOR NO KEY UPDATE;
DELETE FROM "call_reservation" WHERE (("call_reservation"."id" = :reservation_id) AND ("call_reservation"."withdrawn_at" IS NULL)) RETURNING "call_reservation"."contact_id", "call_reservation"."deal_id";
UPDATE "company" SET "has_booked_call" = true WHERE ("company"."id" = :company_id);
INSERT INTO "meeting" ("created", "start_time", "end_time", "status", "meeting_type", "admin_id", "contact_id", "company_id", "deal_id", "crm_pending", "calendar_event_id")
VALUES (:now, :start, :end, 'PLANNED', 'sales', :host, :contact_id, :company_id, :deal_id, true, :event) RETURNING "meeting"."id";
INSERT INTO "dirty_company" ("company_id", "priority", "since", "run_at") VALUES (:company_id, 0, :now, :now)
ON CONFLICT ("company_id") DO UPDATE SET "version" = nextval('dirty_company_version'), "priority" = least("dirty_company"."priority", excluded."priority"), "run_at" = least("dirty_company"."run_at", excluded."run_at"), "attempts" = CASE WHEN (("dirty_company"."parked_at" IS NULL)) THEN ("dirty_company"."attempts") ELSE (0) END, "parked_at" = NULL;
COMMIT;
