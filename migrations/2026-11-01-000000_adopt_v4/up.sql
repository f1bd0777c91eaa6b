-- The tables of Hermes v4, under v4's names for everything. On a live v4 database they are there already and stay as
-- they are, rows and all.

CREATE TABLE IF NOT EXISTS admin (
    id serial CONSTRAINT admin_pkey PRIMARY KEY,
    tc2_admin_id integer,
    pd_owner_id integer,
    first_name character varying NOT NULL,
    last_name character varying NOT NULL,
    username character varying(255) NOT NULL,
    timezone character varying NOT NULL,
    is_sales_person boolean NOT NULL,
    is_support_person boolean NOT NULL,
    is_bdr_person boolean NOT NULL,
    sells_payg boolean NOT NULL,
    sells_startup boolean NOT NULL,
    sells_enterprise boolean NOT NULL,
    sells_us boolean NOT NULL,
    sells_gb boolean NOT NULL,
    sells_au boolean NOT NULL,
    sells_ca boolean NOT NULL,
    sells_eu boolean NOT NULL,
    sells_row boolean NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_admin_tc2_admin_id ON admin (tc2_admin_id);
CREATE INDEX IF NOT EXISTS ix_admin_pd_owner_id ON admin (pd_owner_id);

CREATE TABLE IF NOT EXISTS stage (
    id serial CONSTRAINT stage_pkey PRIMARY KEY,
    pd_stage_id integer NOT NULL,
    name character varying(255) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_stage_pd_stage_id ON stage (pd_stage_id);

CREATE TABLE IF NOT EXISTS pipeline (
    id serial CONSTRAINT pipeline_pkey PRIMARY KEY,
    pd_pipeline_id integer NOT NULL,
    name character varying(255) NOT NULL,
    dft_entry_stage_id integer CONSTRAINT pipeline_dft_entry_stage_id_fkey REFERENCES stage (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_pipeline_pd_pipeline_id ON pipeline (pd_pipeline_id);

CREATE TABLE IF NOT EXISTS config (
    id serial CONSTRAINT config_pkey PRIMARY KEY,
    meeting_dur_mins integer NOT NULL,
    meeting_buffer_mins integer NOT NULL,
    meeting_min_start character varying(5) NOT NULL,
    meeting_max_end character varying(5) NOT NULL,
    payg_pipeline_id integer NOT NULL CONSTRAINT config_payg_pipeline_id_fkey REFERENCES pipeline (id),
    startup_pipeline_id integer NOT NULL CONSTRAINT config_startup_pipeline_id_fkey REFERENCES pipeline (id),
    enterprise_pipeline_id integer NOT NULL CONSTRAINT config_enterprise_pipeline_id_fkey REFERENCES pipeline (id)
);

CREATE TABLE IF NOT EXISTS company (
    id serial CONSTRAINT company_pkey PRIMARY KEY,
    name character varying(255) NOT NULL,
    tc2_agency_id integer,
    tc2_cligency_id integer,
    pd_org_id integer,
    created timestamp without time zone NOT NULL,
    price_plan character varying(255) NOT NULL,
    country character varying(255),
    website character varying(255),
    currency character varying(255),
    estimated_income character varying(255),
    utm_campaign character varying(255),
    utm_source character varying(255),
    gclid character varying(255),
    signup_questionnaire character varying,
    has_booked_call boolean NOT NULL,
    has_signed_up boolean NOT NULL,
    narc boolean NOT NULL,
    paid_invoice_count integer,
    tc2_status character varying(25),
    pay0_dt timestamp without time zone,
    pay1_dt timestamp without time zone,
    pay3_dt timestamp without time zone,
    gclid_expiry_dt timestamp without time zone,
    email_confirmed_dt timestamp without time zone,
    card_saved_dt timestamp without time zone,
    sales_person_id integer NOT NULL CONSTRAINT company_sales_person_id_fkey REFERENCES admin (id),
    support_person_id integer CONSTRAINT company_support_person_id_fkey REFERENCES admin (id),
    bdr_person_id integer CONSTRAINT company_bdr_person_id_fkey REFERENCES admin (id),
    is_deleted boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_company_pd_org_id ON company (pd_org_id);
CREATE UNIQUE INDEX IF NOT EXISTS ix_company_tc2_agency_id ON company (tc2_agency_id);
CREATE UNIQUE INDEX IF NOT EXISTS ix_company_tc2_cligency_id ON company (tc2_cligency_id);

CREATE TABLE IF NOT EXISTS contact (
    id serial CONSTRAINT contact_pkey PRIMARY KEY,
    tc2_sr_id integer,
    pd_person_id integer,
    created timestamp without time zone NOT NULL,
    first_name character varying(255),
    last_name character varying(255),
    email character varying(255),
    phone character varying(255),
    country character varying(255),
    company_id integer NOT NULL CONSTRAINT contact_company_id_fkey REFERENCES company (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_contact_pd_person_id ON contact (pd_person_id);
CREATE UNIQUE INDEX IF NOT EXISTS ix_contact_tc2_sr_id ON contact (tc2_sr_id);

CREATE TABLE IF NOT EXISTS deal (
    id serial CONSTRAINT deal_pkey PRIMARY KEY,
    pd_deal_id integer,
    name character varying(255),
    status character varying(255) NOT NULL,
    admin_id integer NOT NULL CONSTRAINT deal_admin_id_fkey REFERENCES admin (id),
    pipeline_id integer NOT NULL CONSTRAINT deal_pipeline_id_fkey REFERENCES pipeline (id),
    stage_id integer NOT NULL CONSTRAINT deal_stage_id_fkey REFERENCES stage (id),
    company_id integer NOT NULL CONSTRAINT deal_company_id_fkey REFERENCES company (id),
    contact_id integer CONSTRAINT deal_contact_id_fkey REFERENCES contact (id),
    support_person_id integer,
    bdr_person_id integer,
    paid_invoice_count integer,
    tc2_status character varying,
    tc2_cligency_url character varying(255),
    website character varying,
    price_plan character varying,
    estimated_income character varying,
    signup_questionnaire character varying,
    utm_campaign character varying,
    utm_source character varying
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_deal_pd_deal_id ON deal (pd_deal_id);

CREATE TABLE IF NOT EXISTS meeting (
    id serial CONSTRAINT meeting_pkey PRIMARY KEY,
    created timestamp without time zone NOT NULL,
    start_time timestamp without time zone,
    end_time timestamp without time zone,
    status character varying(255) NOT NULL,
    meeting_type character varying(255) NOT NULL,
    admin_id integer NOT NULL CONSTRAINT meeting_admin_id_fkey REFERENCES admin (id),
    contact_id integer NOT NULL CONSTRAINT meeting_contact_id_fkey REFERENCES contact (id),
    company_id integer NOT NULL CONSTRAINT meeting_company_id_fkey REFERENCES company (id),
    deal_id integer CONSTRAINT meeting_deal_id_fkey REFERENCES deal (id)
);
