//! The stand-ins for everything around Hermes, with the page on which calls are booked.

use std::time::Duration;

use hermes_sandbox::{
    booking_page::{BookingPage, BookingPageOptions},
    faults::{Fault, Rule},
    google::{GoogleOptions, GoogleServer},
    pipedrive::{DeliveryPlan, PipedriveOptions, PipedriveServer},
    tc2::{Disorder, Tc2Options, Tc2Server},
};

use super::{process::Process, progress};
use crate::cli;

/// The login of Pipedrive's webhooks.
pub(super) const WEBHOOK_USERNAME: &str = "pipedrive";

pub(super) struct StandIns {
    pub(super) tc2: Tc2Server,
    pub(super) pipedrive: PipedriveServer,
    pub(super) google: GoogleServer,
    pub(super) booking_page: BookingPage,
    pub(super) webhook_password: String,
}

impl StandIns {
    /// Starts them around a Hermes that is, or will be, at this port. TC2 sends its webhooks there.
    pub(super) async fn start(args: &cli::Sandbox, account: PipedriveOptions, port: u16) -> anyhow::Result<Self> {
        progress("Starting the stand-ins for TutorCruncher, Pipedrive and Google …");
        let hermes_url = Process::url_at(port);
        let pipedrive = PipedriveServer::start(account).await?;
        let tc2 = Tc2Server::start(Tc2Options { retry_scale: 0.1, ..Tc2Options::default() }).await?;
        let google = GoogleServer::start(GoogleOptions::demo()).await?;
        google.fill_demo_week();
        let booking_page = BookingPage::start(BookingPageOptions {
            port: 0,
            hermes_url: hermes_url.clone(),
            google_url: google.base_url(),
            pipedrive_url: pipedrive.base_url(),
        })
        .await?;
        tc2.set_webhook_url(Some(&format!("{hermes_url}/tc2/callback/")));
        let stand_ins = Self { tc2, pipedrive, google, booking_page, webhook_password: random_secret() };
        stand_ins.make_trouble(args);
        Ok(stand_ins)
    }

    /// With what a Hermes finds them.
    pub(super) fn settings(&self, database_url: String) -> Vec<(&'static str, String)> {
        // Browsers take the two names of this machine for two sites.
        let origins = [self.booking_page.url(), self.booking_page.url().replace("127.0.0.1", "localhost")];
        let account = self.google.service_account();
        vec![
            ("DATABASE_URL", database_url),
            ("DB_POOL_SIZE", "10".to_owned()),
            ("TC2_API_KEY", Tc2Options::default().key),
            ("TC2_BASE_URL", self.tc2.base_url()),
            ("PD_API_KEY", self.pipedrive.token().to_owned()),
            ("PD_BASE_URL", self.pipedrive.base_url()),
            ("PD_WEBHOOK_USERNAME", WEBHOOK_USERNAME.to_owned()),
            ("PD_WEBHOOK_PASSWORD", self.webhook_password.clone()),
            ("SIGNING_KEY", random_secret()),
            ("ALLOWED_ORIGINS", origins.join(",")),
            ("G_CLIENT_EMAIL", account.client_email),
            ("G_PRIVATE_KEY", account.private_key),
            ("G_TOKEN_URI", account.token_uri),
            ("G_CALENDAR_BASE_URL", self.google.base_url()),
        ]
    }

    fn make_trouble(&self, args: &cli::Sandbox) {
        let mut rules = Vec::new();
        if args.latency_ms > 0 {
            rules.push(Rule::new(Fault::latency(Duration::from_millis(args.latency_ms))).on_path("/api/*"));
        }
        if args.error_rate > 0.0 {
            rules.push(Rule::new(Fault::internal_error()).on_path("/api/*").probability(args.error_rate));
        }
        if args.drop_rate > 0.0 {
            rules.push(Rule::new(Fault::CutAfter).on_path("/api/*").probability(args.drop_rate));
        }
        self.pipedrive.faults().set(rules);
        self.tc2.set_disorder(Disorder {
            max_copies: args.copies,
            jitter_millis: args.jitter_ms,
            ..Disorder::default()
        });
        self.pipedrive.set_delivery_plan(DeliveryPlan {
            copies: args.copies,
            jitter_millis: args.jitter_ms,
            ..DeliveryPlan::default()
        });
    }
}

fn random_secret() -> String {
    format!("{:032x}", fastrand::u128(..))
}
