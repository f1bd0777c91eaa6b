//! Calendars that chance has filled. `HERMES_CALENDARS` says how many.

use std::env;

use chrono::{DateTime, TimeDelta, Utc};
use hermes_tests::{
    World,
    seed::{self, SALLY_SALES, Staff},
};
use serde_json::json;

use super::{at, offered_by, with_google};

/// How many are filled where nobody says so.
const CALENDARS: i32 = 40;

const ZONES: [&str; 10] = [
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Africa/Lagos",
    "UTC",
];

/// The calendar of somebody, with a zone and a window.
struct Calendar {
    admin: i32,
    zone: &'static str,
    window: (DateTime<Utc>, DateTime<Utc>),
    busy: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Calendar {
    /// Within two weeks, over a change of the clock in many places.
    fn random(random: &mut fastrand::Rng, number: i32) -> Self {
        let minutes = |from: i64, count: i64| TimeDelta::minutes(from + count);
        let opening = at("2026-03-03T00:00:00") + TimeDelta::days(random.i64(0..30));
        let start = opening + minutes(0, random.i64(0..1440));
        let end = start + minutes(1440, random.i64(0..14 * 1440));
        // Often by the quarter, so that periods touch calls and one another.
        let busy = (0..random.usize(0..60)).map(|_| {
            let grain = if random.bool() { 15 } else { 1 };
            let start = opening + TimeDelta::minutes(random.i64(0..16 * 1440) / grain * grain);
            let length = if random.u8(0..10) == 0 { random.i64(60..3000) } else { random.i64(1..180) };
            (start, start + TimeDelta::minutes((length / grain).max(1) * grain))
        });
        let busy = busy.collect();
        Self { admin: 500 + number, zone: ZONES[random.usize(..ZONES.len())], window: (start, end), busy }
    }

    fn email(&self) -> String {
        format!("p{}@sandbox.example", self.admin)
    }

    /// Takes its owner on, and gives them what they have to do.
    async fn fill(&self, world: &World) {
        let Self { admin: id, zone, .. } = self;
        let pd_user_id = SALLY_SALES.pd_user_id;
        let staff = Staff { id: *id, tc2_id: id + 1000, pd_user_id, first_name: "P", last_name: "Sales" };
        seed::add_staff(world.database(), staff).await;
        let email = self.email();
        let change = format!("UPDATE admin SET timezone = '{zone}', username = '{email}' WHERE id = {id}");
        world.database().execute(&change).await;
        for (start, end) in &self.busy {
            world.google().add_busy(&email, *start, *end);
        }
    }

    fn is_free(&self, start: DateTime<Utc>) -> bool {
        let end = start + TimeDelta::minutes(30);
        self.busy.iter().all(|busy| busy.1 < start || busy.0 > end)
    }

    /// What must be offered, by PostgreSQL's knowledge of clocks.
    async fn expected(&self, world: &World) -> Vec<DateTime<Utc>> {
        let Self { zone, window: (from, until), .. } = self;
        let query = format!(
            "SELECT start FROM (
                 SELECT (day + time '10:00') AT TIME ZONE '{zone}' + number * interval '45 minutes' AS start
                 FROM generate_series(timestamp '2026-03-01', timestamp '2026-05-01', interval '1 day') AS day,
                      generate_series(0, 9) AS number
                 WHERE extract(isodow FROM day) < 6
             ) AS call
             WHERE start >= '{from}' AND start + interval '30 minutes' <= '{until}' ORDER BY start"
        );
        let rows = world.database().rows(&query).await;
        let starts = rows.iter().map(|row| row["start"].as_str().unwrap().parse().unwrap());
        starts.filter(|start| self.is_free(*start)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_any_calendar_the_calls_that_are_free_are_offered_and_can_be_booked_and_no_others() {
    let world = with_google().await;
    let mut random = fastrand::Rng::with_seed(20_260_302);
    let (mut booked, mut refused) = (0, 0);
    let count = env::var("HERMES_CALENDARS").map_or(CALENDARS, |count| count.parse().expect("a number of calendars"));
    for number in 0..count {
        let calendar = Calendar::random(&mut random, number);
        calendar.fill(&world).await;
        let (from, until) = calendar.window;
        let offered = offered_by(&world, calendar.admin, &from.to_rfc3339(), &until.to_rfc3339()).await;
        let told = format!("{number}: {} from {from} until {until}, busy {:?}", calendar.zone, calendar.busy);
        assert_eq!(offered, calendar.expected(&world).await, "{told}");

        let call = |start, who: &str| {
            let call = world.sales_call(start).with("admin_id", calendar.admin);
            let name = format!("{who} {number}");
            call.with("email", format!("{who}.{number}@castle.example")).with("company_name", name)
        };
        if let Some((start, end)) = random.choice(&calendar.busy) {
            let minutes = random.i64(-30..=(*end - *start).num_minutes());
            let start = *start + TimeDelta::minutes(minutes);
            let answer = world.book_sales(&call(start, "late")).await.expect(400);
            let message = json!({ "status": "error", "message": "Admin is not free at this time." });
            assert_eq!(answer, message, "at {start}, {told}");
            refused += 1;
        }
        if let Some(start) = random.choice(&offered) {
            let answer = world.book_sales(&call(*start, "early")).await;
            assert_eq!(answer.status, 200, "{:?} at {start}, {told}", answer.body);
            let left = offered_by(&world, calendar.admin, &from.to_rfc3339(), &until.to_rfc3339()).await;
            let rest: Vec<_> = offered.iter().copied().filter(|other| other != start).collect();
            assert_eq!(left, rest, "after {start} was booked, {told}");
            booked += 1;
        }
    }
    let enough = count * 3 / 4;
    assert!(booked >= enough && refused >= enough, "{booked} booked and {refused} refused is too little to tell");
    world.finish().await;
}
