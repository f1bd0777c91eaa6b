//! What people delete in Pipedrive, and what Hermes deletes there itself.

use hermes_sandbox::{
    faults::{Fault, Rule},
    pipedrive::{DeletedReads, Kind},
};
use serde_json::{Value, json};

use crate::crm_scene::{KINDS, Party, Scene, permutations, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_in_pipedrive_is_marked_and_not_made_again() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..19).await;
    for (party, (kind, times)) in
        parties.iter().zip(KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 2), (kind, 3)]))
    {
        let case = format!("{kind:?}, {times} times");
        let before = scene.row(kind, party.hermes_id(kind)).await;
        let gone = scene.news(|pipedrive| pipedrive.delete(kind, party.crm_id(kind)).unwrap()).await;
        scene.forget_calls();
        for _ in 0..times {
            scene.hear(&gone).await;
        }
        assert_eq!(scene.calls(), Vec::<String>::new(), "{case}");
        assert!(scene.is_lost(kind, party.hermes_id(kind)).await, "{case}");
        // Nothing else of it, and nothing of what belongs to it, has changed.
        let mut after = scene.row(kind, party.hermes_id(kind)).await;
        for name in [table(kind).1, "is_deleted", "status"] {
            if before.get(name).is_some() {
                after[name] = before[name].clone();
            }
        }
        assert_eq!(after, before, "{case}");
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            assert!(!scene.is_lost(other, party.hermes_id(other)).await, "{case}: {other:?}");
        }

        assert_eq!(scene.writes_of_sync(party.company).await, Vec::<String>::new(), "{case}");
        scene.forget_calls();
        scene.sync(&scene.spec(party.client).agency_status("active")).await;
        assert!(!scene.calls().iter().any(|call| call.starts_with("POST")), "{case}: {:?}", scene.calls());
        assert!(scene.is_lost(kind, party.hermes_id(kind)).await, "{case}");
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_what_hermes_never_knew_changes_nothing_and_what_comes_later_of_it_makes_nothing() {
    let scene = Scene::start().await;
    let party = scene.party(10).await;
    let tables = scene.tables().await;
    for kind in KINDS {
        let body = match kind {
            Kind::Organization => json!({ "name": "Stranger" }),
            Kind::Person => json!({ "name": "Some Stranger", "org_id": party.org }),
            _ => json!({ "title": "Stranger", "org_id": party.org, "pipeline_id": 1, "stage_id": 11 }),
        };
        let made = scene.news(|pipedrive| pipedrive.create(kind, &body).unwrap()).await;
        let id = made["data"]["id"].as_i64().unwrap();
        let gone = scene.news(|pipedrive| pipedrive.delete(kind, id).unwrap()).await;
        scene.hear_all([&gone, &made, &gone]).await;
        assert_eq!(scene.tables().await, tables, "{kind:?}");
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_and_brought_back_is_there_in_whatever_order_hermes_hears_of_it() {
    for deleted_reads in [DeletedReads::Flagged, DeletedReads::Gone] {
        let scene = Scene::start_with(|pipedrive| pipedrive.deleted_reads = deleted_reads).await;
        let parties = scene.parties(10..16).await;
        let mut parties = parties.iter();
        for kind in KINDS {
            for order in ["deleted restored", "restored deleted"] {
                let case = format!("{kind:?}, {order}");
                let party = parties.next().unwrap();
                let (id, crm_id) = (party.hermes_id(kind), party.crm_id(kind));
                let before = scene.row(kind, id).await;
                let deleted = scene.news(|pipedrive| pipedrive.delete(kind, crm_id).unwrap()).await;
                let restored = scene.news(|pipedrive| pipedrive.restore(kind, crm_id).unwrap()).await;
                scene.forget_calls();
                for word in order.split(' ') {
                    scene.hear(if word == "deleted" { &deleted } else { &restored }).await;
                }
                // Whether it is there is asked once.
                assert_eq!(scene.calls().len(), 1, "{case}: {:?}", scene.calls());
                assert_eq!(scene.row(kind, id).await, before, "{case}");
                assert_eq!(scene.writes_of_sync(party.company).await, Vec::<String>::new(), "{case}");
                assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{case}");
            }
        }
        scene.assert_whatever_comes_late_changes_nothing().await;
        scene.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_brought_back_and_deleted_again_is_gone_in_whatever_order_hermes_hears_of_it() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..28).await;
    let mut parties = parties.iter();
    for kind in KINDS {
        for order in permutations(3) {
            let party = parties.next().unwrap();
            let crm_id = party.crm_id(kind);
            let told = [
                scene.news(|pipedrive| pipedrive.delete(kind, crm_id).unwrap()).await,
                scene.news(|pipedrive| pipedrive.restore(kind, crm_id).unwrap()).await,
                scene.news(|pipedrive| pipedrive.delete(kind, crm_id).unwrap()).await,
            ];
            scene.hear_all(order.iter().map(|body| &told[*body])).await;
            assert!(scene.is_lost(kind, party.hermes_id(kind)).await, "{kind:?}, {order:?}");
            assert_eq!(scene.writes_of_sync(party.company).await, Vec::<String>::new(), "{kind:?}, {order:?}");
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_older_than_what_is_known_is_looked_into_once() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..13).await;
    for (party, kind) in parties.iter().zip(KINDS) {
        let (id, crm_id) = (party.hermes_id(kind), party.crm_id(kind));
        let name = if kind == Kind::Deal { "title" } else { "name" };
        let deleted = scene.news(|pipedrive| pipedrive.delete(kind, crm_id).unwrap()).await;
        scene.told(|pipedrive| pipedrive.restore(kind, crm_id).unwrap()).await;
        let edited = scene.news(|pipedrive| pipedrive.edit(kind, crm_id, &json!({ name: "Back" })).unwrap()).await;
        scene.hear(&edited).await;
        let row = scene.row(kind, id).await;
        scene.forget_calls();
        scene.hear(&deleted).await;
        assert_eq!(scene.calls().len(), 1, "{kind:?}: {:?}", scene.calls());
        assert_eq!(scene.row(kind, id).await, row, "{kind:?}");
        scene.hear(&deleted).await;
        assert_eq!(scene.calls().len(), 1, "{kind:?}: {:?}", scene.calls());
    }
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_of_a_deleted_person_stays_and_names_nobody() {
    let scene = Scene::start().await;
    let party = scene.party(10).await;
    let gone = scene.news(|pipedrive| pipedrive.delete(Kind::Person, party.person).unwrap()).await;
    scene.hear(&gone).await;
    scene.forget_calls();
    scene.sync(&scene.spec(10).agency_status("terminated")).await;
    assert!(scene.bodies("PATCH", "/deals").iter().all(|body| body.get("person_id").is_none()));
    assert_eq!(scene.pipedrive().object(Kind::Deal, party.pd_deal).unwrap()["status"], "lost");
    assert!(scene.pipedrive().persons().is_empty());
    scene.finish().await;
}

/// The company is no real customer's, and was about to be purged when Hermes died.
async fn dies_before_a_purge(scene: &Scene, party: &Party) {
    let Party { company, org, client, .. } = party;
    scene
        .database()
        .execute(&format!(
            "UPDATE company SET narc = true, pd_org_id = NULL WHERE tc2_cligency_id = {client};
             UPDATE pipedrive_object SET purge_id = {org} WHERE kind = 'organization' AND hermes_id = {company}"
        ))
        .await;
}

/// Not in Pipedrive, or there once as a company like any other.
async fn assert_purged(scene: &Scene, party: &Party, is_narc: bool, case: &str) {
    let company = scene.row(Kind::Organization, party.company).await;
    assert_eq!((&company["narc"], &company["is_deleted"]), (&json!(is_narc), &json!(false)), "{case}");
    let carried = json!(party.company.to_string());
    let organizations = scene.pipedrive().holding(Kind::Organization, "hermes_id", &carried);
    let numbers: Vec<&Value> = organizations.iter().map(|organization| &organization["id"]).collect();
    let expected = if is_narc { Vec::new() } else { vec![&company["pd_org_id"]] };
    assert_eq!(numbers, expected, "{case}: {company}");
    let purges = "SELECT count(*) FROM pipedrive_object WHERE purge_id IS NOT NULL";
    assert_eq!(scene.database().value(purges).await, 0, "{case}");
    if !is_narc {
        let person = scene.pipedrive().object(Kind::Person, party.person).unwrap();
        assert_eq!(person["org_id"], company["pd_org_id"], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_was_broken_off_is_finished_whatever_happens_meanwhile() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..22).await;
    let mut parties = parties.iter();
    for is_narc in [true, false] {
        for was_deleted in [true, false] {
            for heard in ["before", "after", "never"] {
                let case = format!("narc: {is_narc}, deleted: {was_deleted}, heard {heard}");
                let party = parties.next().unwrap();
                dies_before_a_purge(&scene, party).await;
                let gone = if was_deleted {
                    Some(scene.news(|pipedrive| pipedrive.delete(Kind::Organization, party.org).unwrap()).await)
                } else {
                    None
                };
                if heard == "before"
                    && let Some(gone) = &gone
                {
                    scene.hear(gone).await;
                }
                scene.sync(&scene.spec(party.client).narc(is_narc)).await;
                let gone = gone.or(last_deletion(&scene, party.org).await);
                if heard == "after"
                    && let Some(gone) = &gone
                {
                    scene.hear(gone).await;
                }
                assert_purged(&scene, party, is_narc, &case).await;
                scene.sync(&scene.spec(party.client).narc(is_narc)).await;
                assert_purged(&scene, party, is_narc, &case).await;
                assert_eq!(scene.calls_of_sync(party.company).await, Vec::<String>::new(), "{case}");
            }
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

/// What Pipedrive told of the end of an organization.
async fn last_deletion(scene: &Scene, org: i64) -> Option<Value> {
    let meta = json!({ "entity": "organization", "action": "delete", "entity_id": org.to_string() });
    let is_it = |body: &Value| meta.as_object().unwrap().iter().all(|(name, value)| body["meta"][name] == *value);
    scene.history().await.into_iter().rfind(is_it)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pipedrive_tells_of_a_purge_is_no_news_whenever_it_comes() {
    let scene = Scene::start().await;
    let parties = scene.parties(10..22).await;
    let mut parties = parties.iter();
    for fault in [None, Some(Fault::CutAfter), Some(Fault::CutBefore), Some(Fault::internal_error())] {
        for heard in ["before the purge is noted", "while it is narc", "when it is no longer narc"] {
            let case = format!("{fault:?}, {heard}");
            let party = parties.next().unwrap();
            if let Some(fault) = &fault {
                let rule = Rule::new(fault.clone()).on("DELETE", "/api/v2/organizations/*").times(1);
                scene.pipedrive().faults().set([rule]);
            }
            scene.tc2(&scene.spec(party.client).narc(true)).await.expect_ok();
            scene.idle().await;
            if heard.starts_with("before")
                && let Some(gone) = last_deletion(&scene, party.org).await
            {
                scene.hermes().deliver_crm(&gone).await.expect_ok();
                scene.idle().await;
            }
            if heard.starts_with("while") {
                scene.settle().await;
                assert_purged(&scene, party, true, &case).await;
                scene.hear(&last_deletion(&scene, party.org).await.unwrap()).await;
                assert_purged(&scene, party, true, &case).await;
            }
            scene.sync(&scene.spec(party.client)).await;
            assert_purged(&scene, party, false, &case).await;
            // Nothing is told of an organization that was there after all.
            if let Some(gone) = last_deletion(&scene, party.org).await {
                scene.hear(&gone).await;
            }
            scene.sync(&scene.spec(party.client).agency_status("active")).await;
            assert_purged(&scene, party, false, &case).await;
        }
    }
    scene.assert_whatever_comes_late_changes_nothing().await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narc_company_whose_organization_people_delete_is_not_marked_and_comes_back_when_it_is_none() {
    let scene = Scene::start().await;
    let party = scene.party(10).await;
    scene.database().execute("UPDATE company SET narc = true").await;
    let gone = scene.news(|pipedrive| pipedrive.delete(Kind::Organization, party.org).unwrap()).await;
    scene.hear(&gone).await;
    assert_purged(&scene, &party, true, "deleted by people").await;
    scene.sync(&scene.spec(10)).await;
    assert_purged(&scene, &party, false, "no longer narc").await;
    scene.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_organization_that_people_bring_back_is_purged_again_by_the_next_sync() {
    let scene = Scene::start().await;
    let party = scene.party(10).await;
    scene.sync(&scene.spec(10).narc(true)).await;
    let restored = scene.news(|pipedrive| pipedrive.restore(Kind::Organization, party.org).unwrap()).await;
    scene.hear(&restored).await;
    assert_eq!(scene.row(Kind::Organization, party.company).await["pd_org_id"], party.org);
    scene.sync(&scene.spec(10).narc(true)).await;
    assert_purged(&scene, &party, true, "brought back").await;
    scene.finish().await;
}
