//! A client as TutorCruncher keeps and shows it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// How the API shows the person behind a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiVersion {
    /// In an object of its own: `user`.
    #[default]
    V1,
    /// Among the client's own fields.
    V2,
}

/// A client with a sensible value for everything that is not named: a British agency on the pay-as-you-go plan that signed
/// up just now, has paid nothing yet, has one paid recipient, and belongs to the sales person 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSpec(Map<String, Value>);

impl ClientSpec {
    pub fn new(id: i64) -> Self {
        let name = format!("Agency {id}");
        let email = format!("ada.{id}@example.com");
        let now = Utc::now();
        let client = json!({
            "id": id,
            "status": "live",
            "is_taxable": true,
            "received_notifications": ["apt_reminders", "invoices"],
            "invoices_count": 0,
            "payment_pending": "0.00",
            "auto_charge": null,
            "associated_admin": null,
            "associated_agent": null,
            "pipeline_stage": null,
            "paid_recipients": [],
            "calendar_colour": "Gray",
            "labels": [],
            "extra_attrs": [],
            "invoice_balance": "0.00",
            "available_balance": "0.00",
            "last_updated": iso(now),
            "user": {
                "title": null, "first_name": "Ada", "last_name": "Lovelace", "email": email,
                "mobile": null, "phone": "+44 20 7946 0000", "street": null, "state": null, "town": null,
                "country": "United Kingdom (GB)", "postcode": null, "latitude": null, "longitude": null,
                "date_created": iso(now), "timezone": null,
            },
            "meta_agency": {
                "id": id + 1_000_000,
                "name": name,
                "country": "United Kingdom (GB)",
                "website": format!("https://agency-{id}.example"),
                "status": "trial",
                "paid_invoice_count": 0,
                "created": iso(now),
                "price_plan": "monthly-payg",
                "narc": false,
                "signup_questionnaire": null,
                "pay0_dt": null, "pay1_dt": null, "pay3_dt": null,
                "card_saved_dt": null, "email_confirmed_dt": null,
                "gclid": null, "gclid_expiry_dt": null,
            },
            "sales_person": null,
            "bdr_person": null,
        });
        let Value::Object(fields) = client else { unreachable!("a client is an object") };
        Self(fields).sales_person(1).recipient(id + 2_000_000, "Ada", "Lovelace", &email)
    }

    pub fn id(&self) -> i64 {
        self.get("id").as_i64().unwrap_or_default()
    }

    /// The agency's name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.agency_field("name", name)
    }

    #[must_use]
    pub fn agency_id(self, id: i64) -> Self {
        self.agency_field("id", id)
    }

    /// In TutorCruncher's form: `United Kingdom (GB)`.
    #[must_use]
    pub fn country(self, country: &str) -> Self {
        self.agency_field("country", country)
    }

    #[must_use]
    pub fn website(self, website: Option<&str>) -> Self {
        self.agency_field("website", website)
    }

    /// The agency's status: `pending_email_conf`, `trial`, `active`, `active-not-paying`, `suspended`, `terminated`,
    /// `in-arrears`.
    #[must_use]
    pub fn agency_status(self, status: &str) -> Self {
        self.agency_field("status", status)
    }

    #[must_use]
    pub fn paid_invoices(self, count: i64) -> Self {
        self.agency_field("paid_invoice_count", count)
    }

    #[must_use]
    pub fn created(self, at: DateTime<Utc>) -> Self {
        self.agency_field("created", iso(at))
    }

    /// In TutorCruncher's form: `monthly-payg`.
    #[must_use]
    pub fn price_plan(self, plan: &str) -> Self {
        self.agency_field("price_plan", plan)
    }

    #[must_use]
    pub fn narc(self, narc: bool) -> Self {
        self.agency_field("narc", narc)
    }

    #[must_use]
    pub fn signup_questionnaire(self, answers: impl Into<Value>) -> Self {
        self.agency_field("signup_questionnaire", answers)
    }

    #[must_use]
    pub fn pay0(self, at: DateTime<Utc>) -> Self {
        self.agency_field("pay0_dt", iso(at))
    }

    #[must_use]
    pub fn pay1(self, at: DateTime<Utc>) -> Self {
        self.agency_field("pay1_dt", iso(at))
    }

    #[must_use]
    pub fn pay3(self, at: DateTime<Utc>) -> Self {
        self.agency_field("pay3_dt", iso(at))
    }

    #[must_use]
    pub fn card_saved(self, at: DateTime<Utc>) -> Self {
        self.agency_field("card_saved_dt", iso(at))
    }

    #[must_use]
    pub fn email_confirmed(self, at: DateTime<Utc>) -> Self {
        self.agency_field("email_confirmed_dt", iso(at))
    }

    #[must_use]
    pub fn gclid(self, gclid: &str, expiry: DateTime<Utc>) -> Self {
        self.agency_field("gclid", gclid).agency_field("gclid_expiry_dt", iso(expiry))
    }

    #[must_use]
    pub fn sales_person(self, admin: i64) -> Self {
        self.field("sales_person", person(admin))
    }

    #[must_use]
    pub fn support_person(self, admin: i64) -> Self {
        self.field("associated_admin", person(admin))
    }

    #[must_use]
    pub fn bdr_person(self, admin: i64) -> Self {
        self.field("bdr_person", person(admin))
    }

    /// Instead of the one recipient of the beginning.
    #[must_use]
    pub fn recipient(self, id: i64, first_name: &str, last_name: &str, email: &str) -> Self {
        self.no_recipients().another_recipient(id, first_name, last_name, email)
    }

    #[must_use]
    pub fn another_recipient(mut self, id: i64, first_name: &str, last_name: &str, email: &str) -> Self {
        if let Some(Value::Array(recipients)) = self.0.get_mut("paid_recipients") {
            recipients.push(json!({ "id": id, "first_name": first_name, "last_name": last_name, "email": email }));
        }
        self
    }

    #[must_use]
    pub fn no_recipients(self) -> Self {
        self.field("paid_recipients", json!([]))
    }

    /// An extra attribute by its machine name, new or changed.
    #[must_use]
    pub fn attribute(mut self, machine_name: &str, value: impl Into<Value>) -> Self {
        if let Some(Value::Array(attributes)) = self.0.get_mut("extra_attrs") {
            attributes.retain(|attribute| attribute.get("machine_name").and_then(Value::as_str) != Some(machine_name));
            attributes.push(json!({
                "id": attributes.len() + 1,
                "value": value.into(),
                "type": "Text Field",
                "machine_name": machine_name,
                "name": machine_name.replace('_', " "),
            }));
        }
        self
    }

    /// The user's own name, not the agency's.
    #[must_use]
    pub fn user_name(self, first_name: &str, last_name: &str) -> Self {
        self.user_field("first_name", first_name).user_field("last_name", last_name)
    }

    #[must_use]
    pub fn email(self, email: Option<&str>) -> Self {
        self.user_field("email", email)
    }

    #[must_use]
    pub fn phone(self, phone: Option<&str>) -> Self {
        self.user_field("phone", phone)
    }

    /// Without `meta_agency`, as a client of another branch.
    #[must_use]
    pub fn without_agency(mut self) -> Self {
        self.0.remove("meta_agency");
        self
    }

    /// Any field of the client, with any value, also one that makes no sense.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Any field of the agency, with any value.
    #[must_use]
    pub fn agency_field(self, name: &str, value: impl Into<Value>) -> Self {
        self.nested("meta_agency", name, value.into())
    }

    /// Any field of the user, with any value.
    #[must_use]
    pub fn user_field(self, name: &str, value: impl Into<Value>) -> Self {
        self.nested("user", name, value.into())
    }

    /// Takes over the fields of `patch`; those of inner objects one by one, a list as a whole. `extra_attrs` may be
    /// written the way the API takes them, `{machine name: value}`. The id stays.
    #[must_use]
    pub fn merged(mut self, mut patch: Map<String, Value>) -> Self {
        patch.remove("id");
        if let Some(Value::Object(attributes)) = patch.get("extra_attrs").cloned() {
            patch.remove("extra_attrs");
            for (machine_name, value) in attributes {
                self = self.attribute(&machine_name, value);
            }
        }
        merge(&mut self.0, patch);
        self
    }

    /// The client as `GET /api/clients/{id}/` shows it.
    pub fn to_json(&self, version: ApiVersion) -> Value {
        let mut fields = self.0.clone();
        if version == ApiVersion::V2
            && let Some(Value::Object(user)) = fields.remove("user")
        {
            fields.extend(user);
        }
        Value::Object(fields)
    }

    /// What lists of clients and the event of its deletion say: id and names.
    pub(super) fn brief(&self) -> Value {
        let user = |name| self.get("user").get(name).cloned().unwrap_or_default();
        json!({ "id": self.id(), "first_name": user("first_name"), "last_name": user("last_name") })
    }

    pub(super) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    fn nested(mut self, object: &str, name: &str, value: Value) -> Self {
        let inner = self.0.entry(object).or_insert_with(|| json!({}));
        if let Value::Object(fields) = inner {
            fields.insert(name.to_owned(), value);
        }
        self
    }
}

fn person(id: i64) -> Value {
    json!({ "id": id, "first_name": "Staff", "last_name": id.to_string(), "email": format!("staff.{id}@example.com") })
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(&name), value) {
            (Some(Value::Object(fields)), Value::Object(patch)) => merge(fields, patch),
            (_, value) => {
                target.insert(name, value);
            }
        }
    }
}
