//! What a world is made of.

use std::{sync::Arc, time::Duration};

use hermes_sandbox::{
    google::{GoogleOptions, GoogleServer},
    pipedrive::{PipedriveOptions, PipedriveServer},
    postgres::Postgres,
};
use hermes_sync::{SyncSettings, calls::CallSettings};

use super::{TC2_BASE_URL, World};
use crate::{clock::TestClock, database::Database, seed};

/// The waits between Pipedrive's attempts to deliver a webhook, in relation to the real ones of up to 150 seconds.
const RETRY_SCALE: f64 = 0.01;

/// What a world is to be like. A test names only what it is about.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part that a world has or has not")]
pub struct WorldBuilder {
    sync: SyncSettings,
    calls: CallSettings,
    pipedrive: PipedriveOptions,
    patience: Duration,
    clock: TestClock,
    serves: bool,
    tutorcruncher: bool,
    webhooks: bool,
    google: bool,
    postgres: Option<Arc<Postgres>>,
    seeded: bool,
    fields: String,
}

impl Default for WorldBuilder {
    fn default() -> Self {
        Self {
            sync: SyncSettings { tc2_base_url: TC2_BASE_URL.to_owned(), ..SyncSettings::default() },
            calls: CallSettings { tc2_base_url: TC2_BASE_URL.to_owned(), ..CallSettings::default() },
            pipedrive: PipedriveOptions::demo(),
            patience: Duration::from_secs(2),
            clock: TestClock::standing(),
            serves: true,
            tutorcruncher: false,
            webhooks: false,
            google: false,
            postgres: None,
            seeded: true,
            fields: String::new(),
        }
    }
}

impl WorldBuilder {
    /// Changes how Hermes syncs.
    #[must_use]
    pub fn sync(mut self, change: impl FnOnce(&mut SyncSettings)) -> Self {
        change(&mut self.sync);
        self
    }

    /// Changes the Pipedrive account, which is that of the demo otherwise.
    #[must_use]
    pub fn pipedrive(mut self, change: impl FnOnce(&mut PipedriveOptions)) -> Self {
        change(&mut self.pipedrive);
        self
    }

    /// How long Hermes waits for Pipedrive's answer; two seconds otherwise.
    #[must_use]
    pub fn pipedrive_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Without a Hermes in this process, and by the machine's clock: for tests that start a [`crate::Process`].
    #[must_use]
    pub fn for_processes(mut self) -> Self {
        self.serves = false;
        self.clock = TestClock::machine();
        self
    }

    /// With a server in the place of TC2, which sends its webhooks to Hermes.
    #[must_use]
    pub fn tutorcruncher(mut self) -> Self {
        self.tutorcruncher = true;
        self
    }

    /// With Pipedrive's webhooks, which Hermes gets as soon as there is one: that of this world, or the one that
    /// [`World::send_webhooks_to`] names.
    #[must_use]
    pub fn webhooks(mut self) -> Self {
        self.webhooks = true;
        self.pipedrive.webhooks.retry_scale = RETRY_SCALE;
        self
    }

    /// With a server in the place of Google. Without one no calendar is configured.
    #[must_use]
    pub fn google(mut self) -> Self {
        self.google = true;
        self
    }

    /// Changes how calls are booked.
    #[must_use]
    pub fn calls(mut self, change: impl FnOnce(&mut CallSettings)) -> Self {
        change(&mut self.calls);
        self
    }

    /// With empty tables, as they are before anybody has set Hermes up.
    #[must_use]
    pub fn not_set_up(mut self) -> Self {
        self.seeded = false;
        self
    }

    /// With this in the file of custom fields.
    #[must_use]
    pub fn fields(mut self, text: &str) -> Self {
        text.clone_into(&mut self.fields);
        self
    }

    /// On this PostgreSQL instead of the one of the process, so that it can be stopped and started.
    #[must_use]
    pub fn on(mut self, postgres: &Arc<Postgres>) -> Self {
        self.postgres = Some(Arc::clone(postgres));
        self
    }

    pub async fn start(self) -> World {
        let Self {
            sync,
            calls,
            mut pipedrive,
            patience,
            clock,
            serves,
            tutorcruncher,
            webhooks,
            google,
            postgres,
            seeded,
            fields,
        } = self;
        pipedrive.clock = clock.for_sandbox();
        let database = async {
            match postgres {
                Some(postgres) => Database::migrated_on(postgres).await,
                None => Database::migrated().await,
            }
        };
        let (database, pipedrive) = tokio::join!(database, PipedriveServer::start(pipedrive));
        if seeded {
            seed::fill(&database).await;
        }
        let mut world = World {
            database,
            clock,
            pipedrive: pipedrive.expect("a Pipedrive"),
            tutorcruncher: None,
            google: None,
            sync,
            calls,
            patience,
            fields,
            hermes: None,
            line: None,
            finished: false,
        };
        if google {
            let options = GoogleOptions { clock: world.clock.for_sandbox(), ..GoogleOptions::default() };
            world.google = Some(GoogleServer::start(options).await.expect("a Google"));
        }
        if tutorcruncher {
            world.tutorcruncher = Some(world.start_tutorcruncher().await);
        }
        if serves {
            world.hermes = Some(world.another_hermes());
        }
        if serves && webhooks {
            world.send_webhooks_to(world.hermes().address()).await;
        }
        if let (Some(tutorcruncher), Some(hermes)) = (&world.tutorcruncher, &world.hermes) {
            tutorcruncher.set_webhook_url(Some(&hermes.url("/tc2/callback/")));
        }
        world
    }
}
