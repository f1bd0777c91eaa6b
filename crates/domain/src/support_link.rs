//! Links by which a company books a support call. They are signed, so that nobody can book in another company's name, and
//! end with their time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::{AdminId, CompanyId};

/// What a link says, and what its signature is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportLink {
    pub admin: AdminId,
    pub company: CompanyId,
    /// The last second at which it is good, since 1970.
    pub expires: i64,
}

impl SupportLink {
    /// A link that is good for so long.
    pub fn new(admin: AdminId, company: CompanyId, now: DateTime<Utc>, good_for: TimeDelta) -> Self {
        Self { admin, company, expires: now.timestamp().saturating_add(good_for.num_seconds()) }
    }

    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        now.timestamp() > self.expires
    }

    /// What is signed. It is always written the same way, however a request may have written it.
    pub fn query(&self) -> String {
        format!("admin_id={}&company_id={}&e={}", self.admin, self.company, self.expires)
    }

    /// The link under a page such as `https://tutorcruncher.com/book-a-call`.
    pub fn url(&self, base: &str, signature: &str) -> String {
        format!("{}/{}/?s={signature}&{}", base.trim_end_matches('/'), self.admin, self.query())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(now: DateTime<Utc>) -> SupportLink {
        SupportLink::new(AdminId::new(3), CompanyId::new(14), now, TimeDelta::days(4))
    }

    #[test]
    fn a_link_leads_to_the_page_of_the_admin() {
        let link = link("2026-01-01T00:00:00.9Z".parse().unwrap());
        assert_eq!(link.query(), "admin_id=3&company_id=14&e=1767571200");
        for base in ["https://example.com/call", "https://example.com/call/"] {
            assert_eq!(
                link.url(base, "abc"),
                "https://example.com/call/3/?s=abc&admin_id=3&company_id=14&e=1767571200"
            );
        }
    }

    #[test]
    fn a_link_is_good_until_its_last_second_is_over() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let link = link(now);
        for (later, expired) in [
            (TimeDelta::zero(), false),
            (TimeDelta::days(4), false),
            (TimeDelta::days(4) + TimeDelta::milliseconds(999), false),
            (TimeDelta::days(4) + TimeDelta::seconds(1), true),
        ] {
            assert_eq!(link.has_expired(now + later), expired, "{later}");
        }
        for (expires, expired) in [(i64::MIN, true), (-1, true), (i64::MAX, false)] {
            assert_eq!(SupportLink { expires, ..link }.has_expired(now), expired, "{expires}");
        }
    }
}
