//! What a step finds in its environment.

use std::collections::BTreeMap;

use super::{Action, Job};

/// The runner's variables for a step of a job, without files and inputs.
pub(super) fn of_job(job: &Job) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = ["PATH", "HOME"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    let event = &job.event;
    let repository = &event.payload["repository"];
    let full_name = repository["full_name"].as_str().unwrap_or("octo-org/app");
    let (owner, _) = full_name.split_once('/').unwrap();
    let workflow = format!("{full_name}/.github/workflows/gui.yml@{}", event.reference);
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let github = [
        ("ACTION", "__testplan"),
        ("ACTION_REF", "v1"),
        ("ACTION_REPOSITORY", "squish/testplan"),
        ("ACTOR", &event.actor),
        ("ACTOR_ID", "583231"),
        ("API_URL", "https://api.github.invalid"),
        ("BASE_REF", &event.base_ref),
        ("EVENT_NAME", &event.name),
        ("EVENT_PATH", &path(&job.event_path())),
        ("GRAPHQL_URL", "https://api.github.invalid/graphql"),
        ("HEAD_REF", &event.head_ref),
        ("JOB", &job.name),
        ("REF", &event.reference),
        ("REF_NAME", event.ref_name()),
        ("REF_PROTECTED", "false"),
        ("REF_TYPE", event.ref_type()),
        ("REPOSITORY", full_name),
        ("REPOSITORY_ID", &repository["id"].to_string()),
        ("REPOSITORY_OWNER", owner),
        (
            "REPOSITORY_OWNER_ID",
            &repository["owner"]["id"].to_string(),
        ),
        ("RETENTION_DAYS", "90"),
        ("RUN_ATTEMPT", "1"),
        ("RUN_ID", "1658821493"),
        ("RUN_NUMBER", "17"),
        ("SERVER_URL", "https://github.invalid"),
        ("SHA", &event.sha),
        ("TRIGGERING_ACTOR", &event.actor),
        ("WORKFLOW", "GUI tests"),
        ("WORKFLOW_REF", &workflow),
        ("WORKFLOW_SHA", &event.sha),
        ("WORKSPACE", &path(&job.workspace())),
    ];
    let github = github.map(|(name, value)| (format!("GITHUB_{name}"), value.to_owned()));
    let runner = [
        ("RUNNER_ARCH", "X64"),
        ("RUNNER_ENVIRONMENT", "self-hosted"),
        ("RUNNER_NAME", "played"),
        ("RUNNER_OS", "Linux"),
        ("RUNNER_TEMP", &path(&job.temp())),
        ("RUNNER_TOOL_CACHE", &path(&job.tools())),
        ("RUNNER_TRACKING_ID", &job.tracking),
        ("RUNNER_WORKSPACE", &path(job.workspace().parent().unwrap())),
        ("ACTIONS_RUNTIME_TOKEN", Job::RUNTIME_TOKEN),
        ("ACTIONS_RUNTIME_URL", "https://pipelines.actions.invalid/"),
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
    ];
    variables.extend(github);
    variables.extend(runner.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables.extend(job.variables.clone());
    variables
}

/// `INPUT_*`: what `with:` says, known or not, and the defaults of all else that is declared. Blanks become underscores,
/// letters large, hyphens stay.
pub(super) fn inputs(
    job: &Job,
    action: &Action,
    with: &[(String, String)],
) -> Vec<(String, String)> {
    let mut inputs: Vec<(String, String)> = with.to_vec();
    for (name, default) in &action.inputs {
        if !inputs
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
        {
            inputs.push((name.clone(), evaluate(job, default)));
        }
    }
    let variable = |name: &str| format!("INPUT_{}", name.replace(' ', "_").to_uppercase());
    inputs
        .into_iter()
        .map(|(name, value)| (variable(&name), value))
        .collect()
}

/// Puts in what expressions of `action.yml` stand for.
fn evaluate(job: &Job, text: &str) -> String {
    let Some((before, rest)) = text.split_once("${{") else {
        return text.to_owned();
    };
    let (expression, after) = rest.split_once("}}").unwrap();
    let value = match expression.trim() {
        "github.token" => Job::TOKEN.to_owned(),
        "toJSON(matrix)" => job.matrix.clone(),
        "job.check_run_id" => Job::ID.to_owned(),
        other => {
            let name = other
                .strip_prefix("github.")
                .unwrap_or_else(|| panic!("{other}?"));
            let variables = of_job(job);
            variables[&format!("GITHUB_{}", name.to_uppercase())].clone()
        }
    };
    format!("{before}{value}{}", evaluate(job, after))
}
