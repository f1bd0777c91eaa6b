//! Whatever happens at TC2 and in Pipedrive, in whatever order Hermes hears of it, and wherever it is interrupted: in the end
//! all three agree, and then nothing moves any more.
//!
//! Random histories are played against the real code, and what both sides hold in the end is compared with a model that knows
//! nothing but who owns which field. A history that fails is made as short as possible before it is shown.
//!
//! `HERMES_HISTORIES` says how many, `HERMES_SEED` where chance begins.

mod account;
mod gate;
mod history;
mod house;
mod model;
mod regressions;
mod rows;
mod screen;

use std::{
    cell::RefCell,
    env,
    io::Write,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use self::{history::Step, house::House};

const HISTORIES: usize = 500;
const SEED: u64 = 0x00C0_FFEE;

/// Several wait for PostgreSQL and for each other's turn at the same time.
const HOUSES: usize = 4;

#[test]
fn whatever_happens_tc2_pipedrive_and_hermes_agree_in_the_end_and_then_nothing_moves() {
    let histories = from_env("HERMES_HISTORIES", HISTORIES);
    let seed = from_env("HERMES_SEED", SEED);
    let progress = Arc::new(Progress::new(histories));
    progress.say(&format!("{histories} histories, HERMES_SEED={seed}"));
    let houses: Vec<_> = (0..HOUSES)
        .map(|house| {
            let count = (histories + house) / HOUSES;
            let progress = Arc::clone(&progress);
            thread::spawn(move || play(seed.wrapping_add(u64::try_from(house).unwrap() << 32), count, &progress))
        })
        .collect();
    let failures: Vec<String> = houses.into_iter().filter_map(|house| house.join().unwrap().err()).collect();
    assert!(failures.is_empty(), "HERMES_SEED={seed}\n\n{}", failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_that_once_went_wrong_end_well() {
    let mut house = House::start().await;
    for (what, history) in regressions::histories() {
        house.play(&history).await.unwrap_or_else(|difference| panic!("{what}: {}", told(&history, &difference)));
    }
    house.end().await;
}

/// Plays so many random histories in one house. The error is the shortest one found that fails, and what differs.
fn play(seed: u64, count: usize, progress: &Progress) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let house = RefCell::new(runtime.block_on(House::start()));
    let config = Config {
        cases: u32::try_from(count).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&history::histories(), |history| {
        runtime.block_on(house.borrow_mut().play(&history)).map_err(TestCaseError::fail)?;
        progress.one_more();
        Ok(())
    });
    runtime.block_on(house.into_inner().end());
    outcome.map_err(|error| match error {
        TestError::Fail(reason, history) => told(&history, reason.message()),
        TestError::Abort(reason) => reason.message().to_owned(),
    })
}

fn told(history: &[Step], what: &str) -> String {
    let steps: Vec<String> = history.iter().enumerate().map(|(n, step)| format!("  {n}: {step:?}")).collect();
    format!("this history does not end well:\n{}\n{what}", steps.join("\n"))
}

fn from_env<T: FromStr>(name: &str, otherwise: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number, and is {text:?}")),
        Err(_) => otherwise,
    }
}

/// How far all houses are.
struct Progress {
    began: Instant,
    wanted: usize,
    played: AtomicUsize,
}

impl Progress {
    fn new(wanted: usize) -> Self {
        Self { began: Instant::now(), wanted, played: AtomicUsize::new(0) }
    }

    fn one_more(&self) {
        let played = self.played.fetch_add(1, Ordering::Relaxed) + 1;
        if played.is_multiple_of(HISTORIES) {
            self.say(&format!("{played} of {} histories after {:.0?}", self.wanted, self.began.elapsed()));
        }
    }

    /// Past the test harness, which would keep it until the end; only when the run is a long one.
    fn say(&self, line: &str) {
        if self.wanted > HISTORIES {
            std::io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
        }
    }
}
