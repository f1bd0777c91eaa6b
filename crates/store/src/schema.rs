//! The tables, as the migrations leave them. A test compares the two.

diesel::table! {
    admin (id) {
        id -> Integer,
        tc2_admin_id -> Nullable<Integer>,
        pd_owner_id -> Nullable<Integer>,
        first_name -> Varchar,
        last_name -> Varchar,
        username -> Varchar,
        timezone -> Varchar,
        is_sales_person -> Bool,
        is_support_person -> Bool,
        is_bdr_person -> Bool,
        sells_payg -> Bool,
        sells_startup -> Bool,
        sells_enterprise -> Bool,
        sells_us -> Bool,
        sells_gb -> Bool,
        sells_au -> Bool,
        sells_ca -> Bool,
        sells_eu -> Bool,
        sells_row -> Bool,
    }
}

diesel::table! {
    call_reservation (id) {
        id -> BigInt,
        created -> Timestamptz,
        calendar -> Text,
        calendar_event_id -> Text,
        start_time -> Timestamptz,
        end_time -> Timestamptz,
        meeting_type -> Varchar,
        admin_id -> Integer,
        contact_id -> Integer,
        company_id -> Integer,
        deal_id -> Nullable<Integer>,
        withdrawn_at -> Nullable<Timestamptz>,
        next_attempt_at -> Timestamptz,
        attempts -> Integer,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    company (id) {
        id -> Integer,
        name -> Varchar,
        tc2_agency_id -> Nullable<Integer>,
        tc2_cligency_id -> Nullable<Integer>,
        pd_org_id -> Nullable<Integer>,
        created -> Timestamptz,
        price_plan -> Varchar,
        country -> Nullable<Varchar>,
        website -> Nullable<Varchar>,
        currency -> Nullable<Varchar>,
        estimated_income -> Nullable<Varchar>,
        utm_campaign -> Nullable<Varchar>,
        utm_source -> Nullable<Varchar>,
        gclid -> Nullable<Varchar>,
        signup_questionnaire -> Nullable<Varchar>,
        has_booked_call -> Bool,
        has_signed_up -> Bool,
        narc -> Bool,
        paid_invoice_count -> Nullable<Integer>,
        tc2_status -> Nullable<Varchar>,
        pay0_dt -> Nullable<Timestamptz>,
        pay1_dt -> Nullable<Timestamptz>,
        pay3_dt -> Nullable<Timestamptz>,
        gclid_expiry_dt -> Nullable<Timestamptz>,
        email_confirmed_dt -> Nullable<Timestamptz>,
        card_saved_dt -> Nullable<Timestamptz>,
        sales_person_id -> Integer,
        support_person_id -> Nullable<Integer>,
        bdr_person_id -> Nullable<Integer>,
        is_deleted -> Bool,
        tc2_as_of -> Nullable<Timestamptz>,
        extra -> Jsonb,
    }
}

diesel::table! {
    config (id) {
        id -> Integer,
        meeting_dur_mins -> Integer,
        meeting_buffer_mins -> Integer,
        meeting_min_start -> Varchar,
        meeting_max_end -> Varchar,
        payg_pipeline_id -> Integer,
        startup_pipeline_id -> Integer,
        enterprise_pipeline_id -> Integer,
    }
}

diesel::table! {
    contact (id) {
        id -> Integer,
        tc2_sr_id -> Nullable<Integer>,
        pd_person_id -> Nullable<Integer>,
        created -> Timestamptz,
        first_name -> Nullable<Varchar>,
        last_name -> Nullable<Varchar>,
        email -> Nullable<Varchar>,
        phone -> Nullable<Varchar>,
        country -> Nullable<Varchar>,
        company_id -> Integer,
        is_deleted -> Bool,
    }
}

diesel::table! {
    deal (id) {
        id -> Integer,
        pd_deal_id -> Nullable<Integer>,
        name -> Nullable<Varchar>,
        status -> Varchar,
        admin_id -> Integer,
        pipeline_id -> Integer,
        stage_id -> Integer,
        company_id -> Integer,
        contact_id -> Nullable<Integer>,
        support_person_id -> Nullable<Integer>,
        bdr_person_id -> Nullable<Integer>,
        paid_invoice_count -> Nullable<Integer>,
        tc2_status -> Nullable<Varchar>,
        tc2_cligency_url -> Nullable<Varchar>,
        website -> Nullable<Varchar>,
        price_plan -> Nullable<Varchar>,
        estimated_income -> Nullable<Varchar>,
        signup_questionnaire -> Nullable<Varchar>,
        utm_campaign -> Nullable<Varchar>,
        utm_source -> Nullable<Varchar>,
        close_pending -> Bool,
        extra -> Jsonb,
    }
}

diesel::table! {
    dirty_company (company_id) {
        company_id -> Integer,
        version -> BigInt,
        priority -> SmallInt,
        since -> Timestamptz,
        run_at -> Timestamptz,
        attempts -> Integer,
        parked_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    meeting (id) {
        id -> Integer,
        created -> Timestamptz,
        start_time -> Nullable<Timestamptz>,
        end_time -> Nullable<Timestamptz>,
        status -> Varchar,
        meeting_type -> Varchar,
        admin_id -> Integer,
        contact_id -> Integer,
        company_id -> Integer,
        deal_id -> Nullable<Integer>,
        crm_pending -> Bool,
        calendar_event_id -> Nullable<Text>,
    }
}

diesel::table! {
    pipedrive_latest (kind, pipedrive_id) {
        kind -> Text,
        pipedrive_id -> Integer,
        changed_at -> Nullable<Timestamptz>,
        gone -> Bool,
        merged_into -> Nullable<Integer>,
    }
}

diesel::table! {
    pipedrive_object (kind, hermes_id) {
        kind -> Text,
        hermes_id -> Integer,
        pipedrive_id -> Nullable<Integer>,
        sent -> Nullable<Jsonb>,
        schema -> Nullable<Text>,
        withheld -> Nullable<Jsonb>,
        in_flight_since -> Nullable<Timestamptz>,
        shown -> Nullable<Jsonb>,
        purge_id -> Nullable<Integer>,
    }
}

diesel::table! {
    pipeline (id) {
        id -> Integer,
        pd_pipeline_id -> Integer,
        name -> Varchar,
        dft_entry_stage_id -> Nullable<Integer>,
        is_deleted -> Bool,
    }
}

diesel::table! {
    stage (id) {
        id -> Integer,
        pd_stage_id -> Integer,
        name -> Varchar,
        pd_pipeline_id -> Nullable<Integer>,
        is_deleted -> Bool,
    }
}

diesel::table! {
    webhook_event (id) {
        id -> BigInt,
        source -> Text,
        entity -> Nullable<Text>,
        entity_id -> Nullable<BigInt>,
        action -> Nullable<Text>,
        occurred_at -> Nullable<Timestamptz>,
        received_at -> Timestamptz,
        digest -> Nullable<Bytea>,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamptz>,
        waits_for -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    admin,
    call_reservation,
    company,
    config,
    contact,
    deal,
    dirty_company,
    meeting,
    pipedrive_latest,
    pipedrive_object,
    pipeline,
    stage,
    webhook_event,
);
