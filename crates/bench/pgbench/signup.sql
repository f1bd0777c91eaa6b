-- What Hermes says to PostgreSQL when TC2 tells of a client that it does not know: store the event, lock the client, look
-- for the company, for its staff and for its agency, add company, contact and deal, mark the company dirty, look for
-- events of the client that could not be applied before.
\set client :first + :serial * :connections + :client_id
\set agency :client + 1000000
\set recipient :client + 2000000
\set serial :serial + 1
\set digest random(1, 9000000000000000000)
BEGIN;
INSERT INTO "webhook_event" ("source", "entity", "entity_id", "action", "occurred_at", "received_at", "digest", "payload", "state", "reason", "attempts", "next_attempt_at", "waits_for")
VALUES ('tc2', 'Client', :client, 'CREATED_A_CLIENT', :now, :now, :digest, :payload, 'applied', NULL, 1, NULL, NULL)
ON CONFLICT ("digest") DO NOTHING RETURNING "webhook_event"."id"
\gset event_
SELECT pg_advisory_xact_lock(1, :client);
SELECT "company"."id", "company"."name", "company"."tc2_agency_id", "company"."tc2_cligency_id", "company"."pd_org_id", "company"."created", "company"."price_plan", "company"."country", "company"."website", "company"."currency", "company"."estimated_income", "company"."utm_campaign", "company"."utm_source", "company"."gclid", "company"."signup_questionnaire", "company"."has_booked_call", "company"."has_signed_up", "company"."narc", "company"."paid_invoice_count", "company"."tc2_status", "company"."pay0_dt", "company"."pay1_dt", "company"."pay3_dt", "company"."gclid_expiry_dt", "company"."email_confirmed_dt", "company"."card_saved_dt", "company"."sales_person_id", "company"."support_person_id", "company"."bdr_person_id", "company"."is_deleted", "company"."tc2_as_of", "company"."extra"
FROM "company" WHERE ("company"."tc2_cligency_id" = :client) LIMIT 1 FOR NO KEY UPDATE;
SELECT "admin"."id", "admin"."tc2_admin_id" FROM "admin" WHERE ("admin"."tc2_admin_id" = ANY('{1,2,3}'));
SELECT EXISTS (SELECT "company"."id", "company"."name", "company"."tc2_agency_id", "company"."tc2_cligency_id", "company"."pd_org_id", "company"."created", "company"."price_plan", "company"."country", "company"."website", "company"."currency", "company"."estimated_income", "company"."utm_campaign", "company"."utm_source", "company"."gclid", "company"."signup_questionnaire", "company"."has_booked_call", "company"."has_signed_up", "company"."narc", "company"."paid_invoice_count", "company"."tc2_status", "company"."pay0_dt", "company"."pay1_dt", "company"."pay3_dt", "company"."gclid_expiry_dt", "company"."email_confirmed_dt", "company"."card_saved_dt", "company"."sales_person_id", "company"."support_person_id", "company"."bdr_person_id", "company"."is_deleted", "company"."tc2_as_of", "company"."extra"
FROM "company" WHERE ("company"."tc2_agency_id" = :agency));
INSERT INTO "company" ("name", "tc2_agency_id", "tc2_cligency_id", "created", "country", "website", "currency", "has_booked_call", "has_signed_up", "sales_person_id", "support_person_id", "bdr_person_id", "price_plan", "estimated_income", "utm_campaign", "utm_source", "gclid", "signup_questionnaire", "narc", "paid_invoice_count", "tc2_status", "pay0_dt", "pay1_dt", "pay3_dt", "gclid_expiry_dt", "email_confirmed_dt", "card_saved_dt", "tc2_as_of", "extra")
VALUES ('Agency 100000000', :agency, :client, :now, 'GB', 'https://agency-100000000.example', NULL, false, true, 1, 2, 3, 'startup', NULL, 'spring', 'newsletter', NULL, :questionnaire, false, 0, 'trial', NULL, NULL, NULL, NULL, NULL, NULL, :now, '{}') RETURNING "company"."id"
\gset company_
SELECT "contact"."id", "contact"."company_id" FROM "contact" WHERE ("contact"."tc2_sr_id" = :recipient) LIMIT 1;
INSERT INTO "contact" ("tc2_sr_id", "created", "first_name", "last_name", "email", "phone", "country", "company_id")
VALUES (:recipient, :now, 'Ada', 'Lovelace', 'ada.100000000@example.com', '+44 20 7946 0000', 'GB', :company_id)
ON CONFLICT ("tc2_sr_id") DO NOTHING RETURNING "contact"."id"
\gset contact_
SELECT EXISTS (SELECT "deal"."id", "deal"."pd_deal_id", "deal"."name", "deal"."status", "deal"."admin_id", "deal"."pipeline_id", "deal"."stage_id", "deal"."company_id", "deal"."contact_id", "deal"."support_person_id", "deal"."bdr_person_id", "deal"."paid_invoice_count", "deal"."tc2_status", "deal"."tc2_cligency_url", "deal"."website", "deal"."price_plan", "deal"."estimated_income", "deal"."signup_questionnaire", "deal"."utm_campaign", "deal"."utm_source", "deal"."close_pending", "deal"."extra"
FROM "deal" WHERE ("deal"."company_id" = :company_id));
SELECT "config"."payg_pipeline_id", "config"."startup_pipeline_id", "config"."enterprise_pipeline_id" FROM "config" ORDER BY "config"."id" LIMIT 1
\gset config_
SELECT "pipeline"."dft_entry_stage_id" FROM "pipeline" WHERE ("pipeline"."id" = :config_startup_pipeline_id) LIMIT 1
\gset pipeline_
INSERT INTO "deal" ("name", "status", "admin_id", "pipeline_id", "stage_id", "company_id", "contact_id", "support_person_id", "bdr_person_id", "paid_invoice_count", "tc2_status", "tc2_cligency_url", "website", "price_plan", "estimated_income", "signup_questionnaire", "utm_campaign", "utm_source", "extra")
VALUES ('Agency 100000000', 'open', 1, :config_startup_pipeline_id, :pipeline_dft_entry_stage_id, :company_id, :contact_id, 2, 3, 0, 'trial', 'https://secure.tutorcruncher.com/clients/100000000/', 'https://agency-100000000.example', 'startup', NULL, :questionnaire, 'spring', 'newsletter', '{}') RETURNING "deal"."id";
INSERT INTO "dirty_company" ("company_id", "priority", "since", "run_at") VALUES (:company_id, 1, :now, :now)
ON CONFLICT ("company_id") DO UPDATE SET "version" = nextval('dirty_company_version'), "priority" = least("dirty_company"."priority", excluded."priority"), "run_at" = least("dirty_company"."run_at", excluded."run_at"), "attempts" = CASE WHEN (("dirty_company"."parked_at" IS NULL)) THEN ("dirty_company"."attempts") ELSE (0) END, "parked_at" = NULL;
SELECT "webhook_event"."id"
FROM "webhook_event" WHERE (((((((("webhook_event"."state" = ANY('{waiting,failed}')) AND ("webhook_event"."source" = 'tc2')) AND ("webhook_event"."entity" = 'Client')) AND ("webhook_event"."entity_id" = :client)) AND ("webhook_event"."action" IS DISTINCT FROM 'delete')) AND ("webhook_event"."payload" NOT LIKE '%"merged\_%\_id"%')) AND ("webhook_event"."occurred_at" <= :now)) AND ("webhook_event"."id" < :event_id)) FOR UPDATE SKIP LOCKED;
COMMIT;
