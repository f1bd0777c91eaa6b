//! What can happen to a connection: nobody listens, it stalls, the other end does not speak TLS.

use std::time::{Duration, Instant};

use hermes_domain::ports::CalendarError;
use hermes_google::{BuildError, GoogleCalendar};
use hermes_sandbox::{
    faults::{Fault, Rule},
    google::{GoogleOptions, GoogleServer},
};
use tokio::net::TcpListener;

use crate::world::{ALL, Now, Request, World, calendar, config};

const NEVER: Duration = Duration::from_mins(1);

async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn nobody_listens() {
    for request in ALL {
        let base_url = format!("http://{}", nobody().await);
        let world = World::with(GoogleOptions::default(), |config| config.base_url = base_url).await;
        let error = request.fail(&world.calendar).await;
        assert!(matches!(error, CalendarError::Unreachable { .. }), "{error:?}");

        let token_uri = format!("http://{}/token", nobody().await);
        let world = World::with(GoogleOptions::default(), |config| config.account.token_uri = token_uri).await;
        let error = request.fail(&world.calendar).await;
        assert!(matches!(error, CalendarError::Unreachable { .. }), "{error:?}");
        assert_eq!(world.calls(), 0);
    }
}

#[tokio::test]
async fn what_is_to_be_encrypted_does_not_leave_otherwise() {
    let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
    let mut config = config(&google);
    config.base_url = config.base_url.replace("http:", "https:");
    let error = Request::Create.fail(&calendar(&config)).await;
    assert!(matches!(error, CalendarError::Unreachable { .. }), "{error:?}");
    assert_eq!(google.requests().iter().filter(|request| request.path != "/token").count(), 0);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up_and_asked_for_again_in_time() {
    for request in ALL {
        let world = World::in_use(|config| {
            config.timeout = Duration::from_millis(200);
            config.patience = Duration::from_millis(500);
        })
        .await;
        world.troubled(Fault::latency(NEVER));
        let began = Instant::now();
        let error = request.fail(&world.calendar).await;
        assert_eq!(error, CalendarError::Unavailable { message: "no answer in time".to_owned() });
        assert!(began.elapsed() < NEVER / 4, "{:?}", began.elapsed());
        assert!((2..=3).contains(&world.calls()), "{}", world.calls());
    }
}

#[tokio::test]
async fn a_token_that_takes_too_long_leaves_nothing_open() {
    let world = World::with(GoogleOptions::default(), |config| {
        config.timeout = Duration::from_millis(200);
        config.patience = Duration::from_millis(300);
    })
    .await;
    world.google.faults().set([Rule::new(Fault::latency(NEVER)).on_path("/token")]);
    let error = Request::Create.fail(&world.calendar).await;
    assert_eq!(error, CalendarError::Unreachable { message: "no token: no answer in time".to_owned() });
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_call_that_is_given_up_by_its_caller_holds_up_nobody() {
    let world = World::new().await;
    world.google.faults().set([Rule::new(Fault::latency(NEVER)).on_path("/token").times(1)]);
    let given_up = tokio::time::timeout(Duration::from_millis(100), Request::Busy.send(&world.calendar)).await;
    assert!(given_up.is_err());
    Request::Busy.send(&world.calendar).await.unwrap();
}

/// The environment belongs to the whole process, so this test runs itself in another.
#[test]
fn a_machine_without_ca_certificates_is_told_what_to_do_where_they_are_needed() {
    const NOWHERE: [(&str, &str); 2] = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];

    if NOWHERE.iter().any(|(name, value)| std::env::var_os(name).is_none_or(|set| set != *value)) {
        let name = "connections::a_machine_without_ca_certificates_is_told_what_to_do_where_they_are_needed";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name]).envs(NOWHERE).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let google = GoogleServer::start(GoogleOptions::default()).await.unwrap();
        let unencrypted = config(&google);
        Request::Busy.send(&calendar(&unencrypted)).await.unwrap();
        let encrypted = hermes_google::Config { base_url: "https://www.googleapis.com".to_owned(), ..unencrypted };
        let error = GoogleCalendar::new(&encrypted, std::sync::Arc::new(Now(chrono::Utc::now))).unwrap_err();
        assert!(matches!(error, BuildError::NoCaCertificates), "{error:?}");
    });
}
