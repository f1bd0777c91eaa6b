//! Making what is missing, when something or somebody comes in between.

use std::time::Duration;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_in_the_middle_it_goes_on_from_there() {
    let (world, command) = with_no_fields().await;
    world.pipedrive().faults().set([Rule::new(Fault::latency(Duration::from_millis(50))).on("POST", "*")]);
    let mut session = command.session(&CREATE);
    let some = || (asked_for(&world).len() > 4).then_some(());
    world.pipedrive().until(Duration::from_secs(20), some).await.unwrap();
    session.send_control('c').unwrap();
    let (end, said) = end_of(session);
    assert!(end.contains("SIGINT"), "{end} {said}");
    assert_eq!(command.read(FILE), None);
    world.pipedrive().faults().clear();

    let made = custom_fields(&world).await.len();
    assert!((4..33).contains(&made), "{made} were made");
    command.run(&CREATE).await.expect_ok();
    assert_complete(&world, &command).await;
    let left = std::fs::read_dir(command.path(".")).unwrap().count();
    assert_eq!(left, 1, "there is something beside the file");
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_whose_answer_is_lost_or_late_is_not_made_twice() {
    let (world, command) = with_no_fields().await;
    let rule = |fault, skip| Rule::new(fault).on("POST", "*Fields").after(skip).times(1);
    world.pipedrive().faults().set([
        rule(Fault::CutAfter, 2),
        rule(Fault::answer(200, "<html>".into()), 5),
        rule(Fault::carry_out_late(Duration::from_millis(1800)), 8),
        rule(Fault::CutBefore, 11),
    ]);
    command.run(&CREATE).await.expect_ok();
    assert_eq!(world.pipedrive().faults().applied(), [1, 1, 1, 1]);
    assert_complete(&world, &command).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_in_the_middle_it_says_how_far_it_came_and_goes_on_from_there() {
    let (world, command) = with_no_fields().await;
    let refusal = Fault::bad_request("Custom fields limit reached");
    world.pipedrive().faults().set([Rule::new(refusal).on("POST", "*").after(20)]);
    let err = command.run(&CREATE).await.expect_code(1);
    assert!(err.contains("20 of 33 fields") && err.contains("Custom fields limit reached"), "{err}");
    assert!(err.contains("Pipedrive at 127.0.0.1 refused what was asked") && !err.contains("PD_API_KEY"), "{err}");
    assert!(err.contains("person field hermes_id"), "{err}");
    assert_eq!(command.read(FILE), None);

    world.pipedrive().faults().clear();
    world.forget_calls();
    command.run(&CREATE).await.expect_ok();
    assert_eq!(asked_for(&world).len(), 13);
    assert_complete(&world, &command).await;
    world.leave().await;
}

fn website(kind: Kind, digit: char) -> CustomField {
    CustomField::new(kind, &key(digit), "website", FieldType::Text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_makes_while_the_prompt_waits_is_not_made_again() {
    let (world, command) = with_account(|options| {
        without(options, Kind::Deal, "website");
        without(options, Kind::Deal, "price_plan");
    })
    .await;
    let mut session = command.session(&FIELDS);
    session.exp_string("Make the missing 2 fields in Pipedrive?").unwrap();
    world.pipedrive().add_field(website(Kind::Deal, 'a'));
    session.send("y\r").unwrap();
    session.flush().unwrap();
    let (end, said) = end_of(session);
    assert!(end.contains("Exited") && end.ends_with(" 0)"), "{end} {said}");
    assert!(said.contains("Made by somebody else meanwhile: deal website."), "{said}");
    assert_eq!(asked_for(&world), ["dealFields price_plan text"]);
    assert_complete(&world, &command).await;
    assert!(command.read(FILE).unwrap().contains(&format!("website = {{ key = \"{}\"", key('a'))));
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gets_in_the_way_while_the_prompt_waits_is_told_and_nothing_is_made() {
    let (world, command) = with_account(|options| {
        without(options, Kind::Organization, "gclid");
        without(options, Kind::Deal, "website");
    })
    .await;
    let mut session = command.session(&FIELDS);
    session.exp_string("Make the missing 2 fields in Pipedrive?").unwrap();
    world.pipedrive().add_field(CustomField { field_type: FieldType::Enum, ..website(Kind::Deal, 'a') });
    session.send("y\r").unwrap();
    session.flush().unwrap();
    let (end, said) = end_of(session);
    assert!(end.ends_with(" 1)") && said.contains("1 field is in the way; nothing was made"), "{end} {said}");
    assert_nothing_done(&world, &command);
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_is_looked_at_again_before_its_first_field_is_made() {
    let (world, command) = with_account(|options| {
        without(options, Kind::Organization, "gclid");
        without(options, Kind::Deal, "website");
    })
    .await;
    let command = command.with("PD_API_TIMEOUT_SECS", "10");
    let slow = Rule::new(Fault::latency(Duration::from_secs(2))).on("POST", "*/organizationFields");
    world.pipedrive().faults().set([slow]);
    let run = async { command.run(&CREATE).await.expect_ok() };
    let meanwhile = async {
        let begun = || (!asked_for(&world).is_empty()).then_some(());
        world.pipedrive().until(Duration::from_secs(20), begun).await.unwrap();
        world.pipedrive().add_field(website(Kind::Deal, 'a'));
    };
    tokio::join!(run, meanwhile);
    assert_eq!(asked_for(&world), ["organizationFields gclid text"]);
    assert_complete(&world, &command).await;
    world.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_twice_is_told_with_both_keys() {
    let (world, command) = with_account(|options| without(options, Kind::Deal, "website")).await;
    let command = command.with("PD_API_TIMEOUT_SECS", "10");
    let slow = Rule::new(Fault::latency(Duration::from_secs(2))).on("POST", "*/dealFields");
    world.pipedrive().faults().set([slow]);
    let run = async { command.run(&CREATE).await.expect_ok() };
    let meanwhile = async {
        let begun = || (!asked_for(&world).is_empty()).then_some(());
        world.pipedrive().until(Duration::from_secs(20), begun).await.unwrap();
        world.pipedrive().add_field(website(Kind::Deal, 'a'));
    };
    let (out, ()) = tokio::join!(run, meanwhile);
    let file = command.read(FILE).unwrap();
    let deals = file.split_once("[deal]").unwrap().1;
    let ours = deals.split_once("website = { key = \"").unwrap().1.get(..40).unwrap();
    assert_ne!(ours, key('a'));
    assert!(out.contains("note: somebody else made a deal field website at the same time"), "{out}");
    assert!(out.contains(&format!("      {ours} (in hermes-fields.toml)\n      {}\n", key('a'))), "{out}");
    assert!(command.run(&CREATE).await.expect_ok().contains("is right already"));
    world.leave().await;
}
