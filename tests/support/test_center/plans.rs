//! Look-up, start and status of plans.

use serde_json::{Value, json};

use super::{
    Dialect, Execution, Plan, State, World,
    answer::Answer,
    listen::Asked,
    world::{Labels, Template},
};

/// First number of executions, as on the vendor's page.
const FIRST_EXECUTION: i64 = 3339;
/// First number of plans.
const FIRST_PLAN: i64 = 105;

fn of_plan(plan: &Plan, dialect: &Dialect) -> Value {
    let repositories = plan.repositories.iter().map(|(id, branch)| {
        json!({ "id": id.to_string(), "enabled": true, "branch": branch, "hash": branch })
    });
    // `count` stays at nought, as on the page, and tags are left out, as in its example.
    json!({
        "batch_name": plan.batch, "count": 0, "description": "", "failed": plan.failed, "id": dialect.id(plan.id),
        "passes": plan.passes, "planned_dt": plan.time, "project": plan.project,
        "repository_information": repositories.collect::<Value>(), "server_dt": dialect.time(),
        "skipped": plan.skipped, "title": plan.title, "type": "instance",
    })
}

fn of_template(template: &Template, dialect: &Dialect) -> Value {
    json!({
        "batch_name": "", "count": 0, "description": "", "failed": 0, "id": dialect.id(template.id), "passes": 0,
        "planned_dt": null, "project": template.project, "repository_information": [], "server_dt": dialect.time(),
        "skipped": 0, "tags": [], "title": dialect.title(&template.title), "type": "template",
    })
}

pub(super) fn look_up(world: &World, asked: &Asked, dialect: &Dialect) -> Answer {
    let pairs = asked.pairs();
    let value = |name: &str| {
        let pair = pairs.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    };
    let (Some(project), Some(title), Some(kind)) =
        (value("project"), value("title"), value("type"))
    else {
        return Answer::refused(dialect, 400, "Missing parameters");
    };
    let title = dialect.title(title);
    let found = match kind {
        "template" => world
            .templates
            .iter()
            .rfind(|it| it.project == project && dialect.title(&it.title) == title)
            .map(|it| of_template(it, dialect)),
        "instance" => world
            .plans
            .iter()
            .rfind(|it| it.project == project && it.title == title)
            .map(|it| of_plan(it, dialect)),
        _ => return Answer::refused(dialect, 400, "Invalid type"),
    };
    match found {
        Some(plan) if dialect.lists_look_ups => Answer::json(200, &json!([plan])),
        Some(plan) => Answer::json(200, &plan),
        None => Answer::refused(dialect, 404, "Template not found"),
    }
}

pub(super) fn by_id(world: &World, id: &str, dialect: &Dialect) -> Answer {
    let id: Option<i64> = id.parse().ok();
    let template = world.templates.iter().find(|it| Some(it.id) == id);
    let plan = world.plans.iter().find(|it| Some(it.id) == id);
    match (plan, template) {
        (Some(plan), _) => Answer::json(200, &of_plan(plan, dialect)),
        (None, Some(template)) => Answer::json(200, &of_template(template, dialect)),
        (None, None) => Answer::refused(dialect, 400, "Invalid test plan ID"),
    }
}

/// Starts a plan. Also its number, if Test Center is to run the scripts itself.
pub(super) fn execute(
    world: &mut World,
    asked: &Asked,
    dialect: &Dialect,
) -> (Answer, Option<i64>) {
    let refused = |message| (Answer::refused(dialect, 400, message), None);
    let Some(body) = asked.json() else {
        return refused("Invalid JSON");
    };
    let template = body["templateId"].as_i64();
    let Some(template) = world.templates.iter().find(|it| Some(it.id) == template) else {
        return refused("Invalid template ID");
    };
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let (Some(title), Some(batch)) = (text("title"), text("batch")) else {
        return refused("Title and batch must not be empty");
    };
    let mut repositories = Vec::new();
    for repository in body["linkedRepos"].as_array().into_iter().flatten() {
        let (Some(id), Some(branch)) = (repository["id"].as_i64(), repository["branch"].as_str())
        else {
            return refused("Invalid revision reference");
        };
        repositories.push((id, branch.to_owned()));
    }
    let plan = Plan {
        id: FIRST_PLAN + i64::try_from(world.plans.len()).unwrap(),
        project: template.project.clone(),
        title: dialect.title(title),
        batch: batch.to_owned(),
        time: body["time"].as_i64(),
        repositories,
        passes: 0,
        failed: 0,
        skipped: 0,
    };
    for (suite, testcase, needs) in template.tests.clone() {
        world.executions.push(Execution {
            id: FIRST_EXECUTION + i64::try_from(world.executions.len()).unwrap(),
            plan: plan.id,
            suite,
            testcase,
            needs,
            state: State::Open,
            reservations: 0,
            finishes: Vec::new(),
            server: None,
        });
    }
    let answer = Answer::json(201, &of_plan(&plan, dialect));
    let managed = plan.is_managed().then_some(plan.id);
    world.plans.push(plan);
    (answer, managed)
}

pub(super) fn status(world: &mut World, id: &str, asked: &Asked, dialect: &Dialect) -> Answer {
    let Some(plan) = id.parse().ok().filter(|id| world.plan(*id).is_some()) else {
        return Answer::refused(dialect, 400, "Invalid test plan ID");
    };
    let wanted: Labels = asked.pairs();
    let (open, reserved, done) = world.counts(plan, &wanted);
    Answer::json(
        200,
        &json!({ "open": open, "reserved": reserved, dialect.last_count: done }),
    )
}
