//! `hermes setup admins`: at a terminal, from a file, and by flags.

use hermes_sandbox::pipedrive::User;
use hermes_tests::{CommandLine, World, seed::SALLY_SALES, until};
use serde_json::{Value, json};

use crate::{
    processes::{HERMES, tell},
    setup_pipelines::{answer, assert_plain, end_of, not_set_up},
};

const ADMINS: [&str; 2] = ["setup", "admins"];
const FROM: [&str; 4] = ["setup", "admins", "--from", "admins.toml"];
const NOTHING: &str = "Nothing has changed";
/// The number by which one user more than those of the demo is chosen.
const NEW_HAND: &str = "5";

async fn admins(world: &World) -> Vec<Value> {
    world.database().rows("SELECT * FROM admin ORDER BY id").await
}

async fn set_up() -> (World, CommandLine) {
    let world = World::with().for_processes().start().await;
    let command = CommandLine::new(HERMES, &world);
    (world, command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_makes_admins_and_the_second_time_nothing_changes() {
    let (world, command) = not_set_up(|options| {
        options.users[1] = options.users[1].clone().in_timezone("America/New_York");
        options.users[2] = options.users[2].clone().in_timezone("Nowhere");
    })
    .await;
    command.write(
        "admins.toml",
        "[[admin]]\nemail = \"SALLY@sandbox.example\"\ntc2_id = 1\n\n[[admin]]\npd_user_id = 12345680\ntc2_id = 2\n\
         roles = [\"bdr\"]\nplans = [\"payg\"]\nregions = [\"EU\"]\nfirst_name = \"Samuel\"\n",
    );
    let out = command.run(&FROM).await.expect_ok();
    assert!(out.contains("Created admin: Sally Sales (ID: 1)") && out.contains("Samuel Support"), "{out}");
    let rows = admins(&world).await;
    let names =
        ["tc2_admin_id", "pd_owner_id", "username", "timezone", "is_sales_person", "is_bdr_person", "sells_row"];
    let of = |row: &Value| names.map(|name| row[name].clone());
    let sally = json!([1, 12_345_679, "sally@sandbox.example", "America/New_York", true, false, true]);
    let sam = json!([2, 12_345_680, "sam@sandbox.example", "Europe/London", false, true, false]);
    assert_eq!(json!([of(&rows[0]), of(&rows[1])]), json!([sally, sam]));
    assert!(command.run(&FROM).await.expect_ok().contains(NOTHING));
    assert_eq!(admins(&world).await, rows);

    // What the file does not name stays; numbers of TC2 can be exchanged.
    command.write(
        "admins.toml",
        "[[admin]]\nemail = \"sally@sandbox.example\"\ntc2_id = 2\n[[admin]]\nemail = \"sam@sandbox.example\"\ntc2_id = 1\n\
         active = false\n",
    );
    command.run(&FROM).await.expect_ok();
    let rows = admins(&world).await;
    let changed = ["tc2_admin_id", "is_bdr_person", "sells_payg", "sells_eu", "timezone"];
    assert_eq!(
        changed.map(|name| rows[1][name].clone()),
        [json!(1), json!(false), json!(false), json!(false), json!("Europe/London")]
    );
    assert_eq!((&rows[0]["tc2_admin_id"], rows.len()), (&json!(2), 2));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_file_is_told_at_once() {
    let world = World::with().for_processes().pipedrive(|options| {
        options.users.push(User::new(12_345_690, "Old Hand", "old@sandbox.example").left());
        options.users.push(User::new(12_345_691, "New Hand", "new@sandbox.example"));
    });
    let world = world.start().await;
    let command = CommandLine::new(HERMES, &world);
    let before = admins(&world).await;
    command.write(
        "admins.toml",
        "[[admin]]\nemail = \"old@sandbox.example\"\n[[admin]]\nemail = \"nobody@sandbox.example\"\n\
         [[admin]]\nemail = \"new@sandbox.example\"\ntc2_id = 1\nnickname = \"x\"\n[[admin]]\npd_user_id = 12345691\n\
         [[admin]]\ntc2_id = 9\n[[admin]]\nemail = \"sam@sandbox.example\"\ntimezone = \"London\"\n",
    );
    let said = command.run(&FROM).await.expect_code(2);
    for expected in [
        "line 1: Old Hand has left Pipedrive",
        "line 3: Pipedrive has no user nobody@sandbox.example",
        "line 5: the TC2 id 1 is that of Sally Sales (admin 101) already",
        "line 8, nickname: there is no such member",
        "line 9: New Hand is named at line 5 already",
        "line 11: expected email or pd_user_id",
        "line 15, timezone: there is no time zone \"London\"",
        "nothing was changed",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    for (text, expected) in [("[[admin]\n", "line 1"), ("", "names nobody")] {
        command.write("admins.toml", text);
        let said = command.run(&FROM).await.expect_code(2);
        assert!(said.contains(expected), "{said}");
    }
    let said = command.run(&["setup", "admins", "--from", "other.toml"]).await.expect_code(2);
    assert!(said.contains("other.toml cannot be read"), "{said}");
    assert_eq!(admins(&world).await, before);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_is_changed_by_flags() {
    let (world, command) = set_up().await;
    let edit = |flags: &[&'static str]| [&["setup", "admins", "--edit", "101"], flags].concat();
    let flags = edit(&["--roles", "bdr,support", "--regions", "GB,eu", "--timezone", "Europe/Paris", "--tc2-id", "77"]);
    let out = command.run(&flags).await.expect_ok();
    for change in
        ["TC2 id: 1 → 77", "time zone: Europe/London → Europe/Paris", "roles: sales → support, bdr", "→ GB, EU\n"]
    {
        assert!(out.contains(change), "{change}\n{out}");
    }
    let sally = admins(&world).await.remove(0);
    let names = ["tc2_admin_id", "timezone", "is_sales_person", "is_bdr_person", "sells_eu", "sells_us", "sells_payg"];
    let expected =
        [json!(77), json!("Europe/Paris"), json!(false), json!(true), json!(true), json!(false), json!(true)];
    assert_eq!(names.map(|name| sally[name].clone()), expected);
    assert!(command.run(&flags).await.expect_ok().contains(NOTHING));

    let before = admins(&world).await;
    let said = command.run(&edit(&["--roles", "boss", "--plans", "free", "--timezone", "Mars"])).await.expect_code(2);
    assert!(["\"boss\"", "\"free\"", "\"Mars\""].iter().all(|fault| said.contains(fault)), "{said}");
    assert!(command.run(&edit(&[])).await.expect_code(2).contains("--deactivate"));
    let said = command.run(&edit(&["--roles", "", "--regions", " , "])).await.expect_code(2);
    assert!(said.contains("--roles: expected some of") && said.contains("--regions: expected some of"), "{said}");
    assert!(said.contains("say --deactivate"), "{said}");
    assert!(command.run(&edit(&["--tc2-id", "2"])).await.expect_code(2).contains("Sam Support (admin 102)"));
    let said = command.run(&["setup", "admins", "--edit", "5", "--deactivate"]).await.expect_code(2);
    assert!(said.contains("there is no admin 5"), "{said}");
    assert_eq!(admins(&world).await, before);

    command.run(&edit(&["--deactivate"])).await.expect_ok();
    let does = "admin WHERE id = 101 AND (is_support_person OR is_bdr_person OR sells_payg OR sells_gb)";
    assert_eq!(world.database().count(does).await, 0);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_is_shown_and_nobody_can_be_asked_without_a_terminal() {
    let world = World::with().for_processes().pipedrive(|options| {
        options.users.push(User::new(3_000_000_000, "Too Large", "large@sandbox.example"));
    });
    let world = world.start().await;
    let command = CommandLine::new(HERMES, &world);
    command.run(&["setup", "admins", "--edit", "102", "--deactivate"]).await.expect_ok();
    let said = command.run(&["setup", "admins", "--list"]).await;
    assert!(said.err.contains("A user of Pipedrive is left out") && said.err.contains("3000000000"), "{}", said.err);
    let out = said.expect_ok();
    assert_plain(&out);
    for expected in ["payg, startup, enterprise", "Europe/London", "inactive", "US, GB", "sales"] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    assert!(out.contains(SALLY_SALES.first_name) && out.contains("Hermes Robot"), "{out}");
    let said = command.run(&ADMINS).await.expect_code(2);
    assert!(said.contains("--from FILE"), "{said}");
    let said = command.with("PD_API_KEY", "wrong").run(&["setup", "admins", "--list"]).await.expect_code(1);
    assert!(said.contains("check PD_API_KEY"), "{said}");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_users_are_chosen_and_an_interruption_changes_nothing() {
    let (world, command) = not_set_up(|_| {}).await;
    let question = "TC2 Admin ID (leave empty to skip)";
    let mut session = command.session(&ADMINS);
    answer(&mut session, "Selection", "2,3");
    answer(&mut session, question, "1");
    session.exp_string("Sam Support").unwrap();
    session.send_control('c').unwrap();
    let (end, said) = end_of(session);
    assert!(end.contains("SIGINT"), "{end} {said}");
    assert_eq!(admins(&world).await, Vec::<Value>::new());

    let mut session = command.session(&ADMINS);
    answer(&mut session, "Selection", "2,9");
    session.exp_string("there is no user 9").unwrap();
    answer(&mut session, "Selection", "2, 3,4");
    answer(&mut session, question, "one");
    session.exp_string("expected a number").unwrap();
    answer(&mut session, question, "1");
    session.exp_string("Sam Support").unwrap();
    answer(&mut session, question, "");
    session.exp_string("Bea Development").unwrap();
    answer(&mut session, question, "1");
    session.exp_string("this is the TC2 id of Sally Sales already").unwrap();
    answer(&mut session, question, "3");
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 0)") && said.contains("Created admin: Bea Development"), "{end} {said}");
    let rows = admins(&world).await;
    let ids: Vec<&Value> = rows.iter().map(|row| &row["tc2_admin_id"]).collect();
    assert_eq!(ids, [1, 3]);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_up_before_is_taken_up_once_hermes_is_set_up() {
    let (world, command) = not_set_up(|_| {}).await;
    let hermes = world.another_hermes();
    tell(&hermes, &world, &world.client(10)).await.expect_ok();
    assert_eq!(world.events().await[0]["state"], "waiting");
    // Not by itself.
    world.database().execute("UPDATE webhook_event SET next_attempt_at = now() + interval '1 hour'").await;
    let flags = ["setup", "--payg", "PAYG", "--startup", "Startup", "--enterprise", "Enterprise"];
    let out = command.run(&flags).await.expect_ok();
    assert!(out.contains("1 event that waited is tried again now"), "{out}");
    let tried = "webhook_event WHERE state = 'waiting' AND attempts = 1 AND next_attempt_at > now()";
    until("it waits on", async || (world.database().count(tried).await == 1).then_some(())).await;
    world.database().execute("UPDATE webhook_event SET next_attempt_at = now() + interval '1 hour'").await;
    command.write("admins.toml", "[[admin]]\nemail = \"sally@sandbox.example\"\ntc2_id = 1\n");
    let out = command.run(&FROM).await.expect_ok();
    assert!(out.contains("1 event that waited is tried again now"), "{out}");
    let deal = until("the deal is in Pipedrive", async || world.pipedrive().deals().pop()).await;
    assert_eq!((&deal["pipeline_id"], &deal["stage_id"]), (&json!(1), &json!(11)));
    hermes.stop().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_up_waits_for_the_pipelines_even_if_the_admins_are_there() {
    let (world, command) = not_set_up(|_| {}).await;
    let hermes = world.another_hermes();
    tell(&hermes, &world, &world.client(10)).await.expect_ok();
    world.database().execute("UPDATE webhook_event SET next_attempt_at = now() + interval '1 hour'").await;
    command.write("admins.toml", "[[admin]]\nemail = \"sally@sandbox.example\"\ntc2_id = 1\n");
    let out = command.run(&FROM).await.expect_ok();
    assert!(out.contains("Created admin: Sally Sales"), "{out}");
    assert!(out.contains("run `hermes setup`; then 1 event that waits is applied"), "{out}");
    let kept = "webhook_event WHERE state = 'waiting' AND next_attempt_at > now() + interval '30 minutes'";
    assert_eq!(world.database().count(kept).await, 1);
    let flags = ["setup", "--payg", "PAYG", "--startup", "Startup", "--enterprise", "Enterprise"];
    let out = command.run(&flags).await.expect_ok();
    assert!(out.contains("1 event that waited is tried again now"), "{out}");
    let deal = until("the deal is in Pipedrive", async || world.pipedrive().deals().pop()).await;
    assert_eq!((&deal["pipeline_id"], &deal["stage_id"]), (&json!(1), &json!(11)));
    hermes.stop().await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_keeps_what_was_theirs() {
    let world = World::with().for_processes().pipedrive(|options| {
        let sally = options.users.iter_mut().find(|user| user.id == i64::from(SALLY_SALES.pd_user_id)).unwrap();
        sally.is_active = false;
        options.users.push(User::new(12_345_691, "New Hand", "new@sandbox.example"));
    });
    let world = world.start().await;
    let command = CommandLine::new(HERMES, &world);
    let before = admins(&world).await;
    let taken = "the TC2 id 1 is that of Sally Sales (admin 101) already";
    command.write("admins.toml", "[[admin]]\nemail = \"new@sandbox.example\"\ntc2_id = 1\n");
    let said = command.run(&FROM).await.expect_code(2);
    let way = ["--edit 101 --tc2-id ID", "--edit 101 --deactivate"];
    assert!(said.contains(taken) && way.iter().all(|way| said.contains(way)), "{said}");
    assert_eq!(admins(&world).await, before);

    let mut session = command.session(&ADMINS);
    session.exp_string("New Hand").unwrap();
    answer(&mut session, "Selection", NEW_HAND);
    answer(&mut session, "TC2 Admin ID (leave empty to skip)", "1");
    session.exp_string("the TC2 id 1 is that of Sally Sales").unwrap();
    answer(&mut session, "TC2 Admin ID (leave empty to skip)", "");
    end_of(session);
    assert_eq!(admins(&world).await, before);

    // A row that was nobody's is taken up.
    world.database().execute("UPDATE admin SET pd_owner_id = NULL WHERE id = 101").await;
    let out = command.run(&FROM).await.expect_ok();
    assert!(out.contains("(ID: 101)") && out.contains("Pipedrive user: none → 12345691"), "{out}");
    assert_eq!(admins(&world).await.len(), before.len());
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_else_uses_makes_nobody_somebody_else() {
    let world = World::with().for_processes().pipedrive(|options| {
        options.users.push(User::new(12_345_691, "New Hand", "new@sandbox.example"));
    });
    let world = world.start().await;
    let command = CommandLine::new(HERMES, &world);
    world.database().execute("UPDATE admin SET username = 'new@sandbox.example' WHERE id = 101").await;
    command.write("admins.toml", "[[admin]]\nemail = \"new@sandbox.example\"\ntc2_id = 9\n");
    let out = command.run(&FROM).await.expect_ok();
    assert!(out.contains("Created admin: New Hand"), "{out}");
    let owner = world.database().value("SELECT pd_owner_id FROM admin WHERE id = 101").await;
    assert_eq!(owner, SALLY_SALES.pd_user_id);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_too_long_is_cut() {
    let long = format!("{}@sandbox.example", "x".repeat(300));
    let world = World::with().for_processes().pipedrive(|options| {
        let sally = options.users.iter_mut().find(|user| user.id == i64::from(SALLY_SALES.pd_user_id)).unwrap();
        sally.email.clone_from(&long);
    });
    let world = world.start().await;
    let command = CommandLine::new(HERMES, &world);
    command.write("admins.toml", &format!("[[admin]]\nemail = \"{long}\"\n"));
    command.run(&FROM).await.expect_ok();
    assert_eq!(admins(&world).await[0]["username"], "x".repeat(255));
    assert!(command.run(&FROM).await.expect_ok().contains(NOTHING));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_help_shows_what_a_file_looks_like() {
    let (world, command) = set_up().await;
    let help = command.run(&["setup", "admins", "--help"]).await.expect_ok();
    let sample = help.split("may be left out:\n").nth(1).unwrap().replace("@example.com", "@sandbox.example");
    command.write("admins.toml", &sample);
    command.run(&FROM).await.expect_ok();
    assert_eq!(world.database().count("admin WHERE sells_eu AND NOT sells_us").await, 1);
    world.leave().await;
}
