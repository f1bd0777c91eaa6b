-- What Hermes says to PostgreSQL when TC2 tells of a client that it knows: store the event, lock the client, read the
-- company, update it, mark it dirty.
\set client :first + (:serial * :connections + :client_id) % :clients
\set serial :serial + 1
\set digest random(1, 9000000000000000000)
BEGIN;
INSERT INTO "webhook_event" ("source", "entity", "entity_id", "action", "occurred_at", "received_at", "digest", "payload", "state", "reason", "attempts", "next_attempt_at", "waits_for")
VALUES ('tc2', 'Client', :client, 'EDITED_A_CLIENT', :now, :now, :digest, :payload, 'applied', NULL, 1, NULL, NULL)
ON CONFLICT ("digest") DO NOTHING RETURNING "webhook_event"."id";
SELECT pg_advisory_xact_lock(1, :client);
SELECT "company"."id", "company"."name", "company"."tc2_agency_id", "company"."tc2_cligency_id", "company"."pd_org_id", "company"."created", "company"."price_plan", "company"."country", "company"."website", "company"."currency", "company"."estimated_income", "company"."utm_campaign", "company"."utm_source", "company"."gclid", "company"."signup_questionnaire", "company"."has_booked_call", "company"."has_signed_up", "company"."narc", "company"."paid_invoice_count", "company"."tc2_status", "company"."pay0_dt", "company"."pay1_dt", "company"."pay3_dt", "company"."gclid_expiry_dt", "company"."email_confirmed_dt", "company"."card_saved_dt", "company"."sales_person_id", "company"."support_person_id", "company"."bdr_person_id", "company"."is_deleted", "company"."tc2_as_of", "company"."extra"
FROM "company" WHERE ("company"."tc2_cligency_id" = :client) LIMIT 1 FOR NO KEY UPDATE
\gset company_
UPDATE "company" SET "price_plan" = 'startup', "estimated_income" = NULL, "utm_campaign" = 'spring', "utm_source" = 'newsletter', "gclid" = NULL, "signup_questionnaire" = :questionnaire, "narc" = false, "paid_invoice_count" = :serial, "tc2_status" = 'active', "pay0_dt" = :now, "pay1_dt" = NULL, "pay3_dt" = NULL, "gclid_expiry_dt" = NULL, "email_confirmed_dt" = NULL, "card_saved_dt" = :now, "tc2_as_of" = :now, "extra" = '{}'
WHERE ("company"."id" = :company_id);
INSERT INTO "dirty_company" ("company_id", "priority", "since", "run_at") VALUES (:company_id, 2, :now, :now)
ON CONFLICT ("company_id") DO UPDATE SET "version" = nextval('dirty_company_version'), "priority" = least("dirty_company"."priority", excluded."priority"), "run_at" = least("dirty_company"."run_at", excluded."run_at"), "attempts" = CASE WHEN (("dirty_company"."parked_at" IS NULL)) THEN ("dirty_company"."attempts") ELSE (0) END, "parked_at" = NULL;
COMMIT;
