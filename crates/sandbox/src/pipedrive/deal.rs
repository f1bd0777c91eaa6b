//! What holds of deals alone: their place in a pipeline, and what follows from being won, lost, archived or deleted.

use serde_json::Value;

use super::{kind::Kind, object::Object, schema::Input, world::World};

/// Whether an update brings a deleted deal back, which is all that can be done to one.
pub(super) fn restores(kind: Kind, input: &Input) -> bool {
    kind == Kind::Deal && only(input, "is_deleted", false)
}

/// Whether an update takes a deal out of the archive, which is all that can be done to an archived one.
pub(super) fn unarchives(input: &Input) -> bool {
    only(input, "is_archived", false)
}

fn only(input: &Input, property: &str, value: bool) -> bool {
    input.custom.is_empty()
        && input.properties.len() == 1
        && input.properties.get(property) == Some(&Value::Bool(value))
}

impl World {
    pub(super) fn settle_deal(&self, before: Option<&Object>, input: &Input, deal: &mut Object) -> Vec<String> {
        let mut faults = self.settle_place(before, input, deal);
        if before.is_none() && deal.integer("person_id").is_none() && deal.integer("org_id").is_none() {
            faults.push("org_id: A deal must be linked to a person or an organization".to_owned());
        }
        if input.properties.get("is_deleted") == Some(&Value::Bool(true)) {
            faults.push("is_deleted: Use DELETE to delete a deal".to_owned());
        }
        if before.is_some_and(Object::is_deleted) {
            deal.set("status", "open");
        }
        faults.extend(self.settle_outcome(before, input, deal));
        let now = self.now();
        match (before.is_some_and(|before| before.flag("is_archived")), deal.flag("is_archived")) {
            (false, true) if !input.has("archive_time") => deal.set("archive_time", now),
            (true, false) => deal.set("archive_time", Value::Null),
            (false, false | true) | (true, true) => {}
        }
        faults
    }

    /// A stage decides the pipeline; a pipeline alone means its first stage; the two must go together.
    fn settle_place(&self, before: Option<&Object>, input: &Input, deal: &mut Object) -> Vec<String> {
        let pipeline_of = |stage: i64| self.find(Kind::Stage, stage).ok()?.integer("pipeline_id");
        match (input.integer("pipeline_id"), input.integer("stage_id")) {
            (Some(pipeline), Some(stage)) if pipeline_of(stage) != Some(pipeline) => {
                return vec![format!("stage_id: Stage {stage} is not in pipeline {pipeline}")];
            }
            (None, Some(stage)) => deal.set("pipeline_id", pipeline_of(stage)),
            (Some(pipeline), None) => {
                if before.is_none_or(|before| before.integer("pipeline_id") != Some(pipeline)) {
                    deal.set("stage_id", self.first_stage(pipeline));
                }
            }
            (None, None) if before.is_none() => {
                let pipeline = self.live_objects(Kind::Pipeline).map(|(id, _)| id).next();
                deal.set("pipeline_id", pipeline);
                deal.set("stage_id", pipeline.and_then(|pipeline| self.first_stage(pipeline)));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if before.is_some_and(|before| before.get("stage_id") != deal.get("stage_id")) {
            deal.set("stage_change_time", self.now());
        }
        Vec::new()
    }

    fn first_stage(&self, pipeline: i64) -> Option<i64> {
        let stages = self.live_objects(Kind::Stage).filter(|(_, stage)| stage.integer("pipeline_id") == Some(pipeline));
        stages.min_by_key(|(id, stage)| (stage.integer("order_nr"), *id)).map(|(id, _)| id)
    }

    /// Times of closing are filled in when a deal is closed, and cleared when it is opened again.
    fn settle_outcome(&self, before: Option<&Object>, input: &Input, deal: &mut Object) -> Vec<String> {
        let status = deal.text("status").to_owned();
        let allowed: [(&str, &[&str]); 4] = [
            ("won_time", &["won"]),
            ("lost_time", &["lost"]),
            ("lost_reason", &["lost"]),
            ("close_time", &["won", "lost"]),
        ];
        let faults: Vec<String> = allowed
            .into_iter()
            .filter(|(name, statuses)| {
                let given = input.properties.get(*name).is_some_and(|value| !value.is_null());
                given && !statuses.contains(&status.as_str())
            })
            .map(|(name, statuses)| format!("{name}: Allowed only with status {}", statuses.join(" or ")))
            .collect();
        if before.is_some_and(|before| before.text("status") == status) {
            return faults;
        }
        let now = self.now();
        let times = ["won_time", "lost_time", "close_time", "local_won_date", "local_lost_date", "local_close_date"];
        for name in times.into_iter().filter(|name| !input.has(name)) {
            deal.set(name, Value::Null);
        }
        if status != "lost" {
            deal.set("lost_reason", Value::Null);
        }
        if status == "won" || status == "lost" {
            let today = now.split('T').next().unwrap_or_default().to_owned();
            for name in [format!("{status}_time"), "close_time".to_owned()] {
                if !input.has(&name) {
                    deal.set(&name, now.as_str());
                }
            }
            for name in [format!("local_{status}_date"), "local_close_date".to_owned()] {
                deal.set(&name, today.as_str());
            }
        }
        faults
    }
}
