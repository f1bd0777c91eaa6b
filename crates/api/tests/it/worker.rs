use rustix::process::Signal;

use crate::{binary::Hermes, postgres::Server};

#[test]
fn a_worker_runs_with_the_token_of_pipedrive_alone_and_stops_in_order() {
    let server = Server::start();
    let hermes = Hermes::new().env("DATABASE_URL", &server.database("hermes")).env("PD_API_KEY", "token");
    assert_eq!(hermes.run(&["migrate"]).code, Some(0));

    let mut worker = hermes.start(&["worker", "--no-migrate"]);
    worker.err.until("this process reconciles now");
    worker.signal(Signal::TERM);
    assert_eq!(worker.end().code(), Some(0), "{}", worker.err.rest());
}
