//! `testplan execute`: look a template up, start a plan for the commit under test, say which workers it needs.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, Format, ServiceArgs, StartArgs, TemplateArgs},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
    working,
};
use crate::{
    ci::{Ci, Moment},
    client::{Client, StartPlan},
    clock,
    config::environment::Environment,
    exit_code::Conclusion,
    model::{Capabilities, ExecutionState, Plan, plan::LinkedRepository},
};

/// Looks a template up and starts a plan.
#[derive(Args, Debug)]
pub struct Execute {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    start: StartArgs,
    /// How many executions a worker of the matrix shall have at least.
    #[arg(long, value_name = "N", default_value = "25", value_parser = clap::value_parser!(u32).range(1..))]
    tests_per_worker: u32,
    /// Most workers of the matrix for one set of capabilities.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u32).range(1..=256))]
    max_workers: u32,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan execute`.
pub async fn run(command: Execute, environment: &Environment, screen: &Screen) -> Ended {
    let client = connect::client(&command.service, environment, screen)?;
    let config = connect::config(&command.config, environment, screen)?;
    let template = connect::template(&client, &command.template, config.as_ref()).await?;
    let plan = start(&client, &template, &command.start, environment).await?;
    let sets = needed(&client, &plan).await?;
    let matrix = matrix(&sets, command.tests_per_worker, command.max_workers);
    let open: u64 = sets.iter().map(|(_, open)| open).sum();
    screen.data(
        command.format,
        || {
            let mut text = format!(
                "plan {} started: {}\nbatch {}\n",
                plan.id, plan.title, plan.batch
            );
            for (capabilities, open) in &sets {
                let _ = writeln!(text, "{open:>6} executions need {capabilities}");
            }
            text
        },
        || {
            json!({
                "schema": 1,
                "plan_id": plan.id,
                "title": plan.title,
                "batch": plan.batch,
                "open": open,
                "matrix": { "include": matrix },
            })
        },
    );
    if open == 0 && !command.allow_empty {
        return Err(
            Failure::nothing_to_run(format_args!("plan {} has no executions", plan.id))
                .help("look at the template's tests, or pass --allow-empty"),
        );
    }
    Ok(Conclusion::Passed)
}

/// Starts a plan from a template, titled so that a lost answer is found again instead of starting a second plan.
pub async fn start(
    client: &Client,
    template: &Plan,
    args: &StartArgs,
    environment: &Environment,
) -> Result<Plan, Failure> {
    let ci = Ci::detect(environment.lookup());
    let moment = Moment {
        time: clock::wall(),
        random: working::random()?,
    };
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| ci.default_title(&template.title, moment));
    let batch = args
        .batch
        .clone()
        .unwrap_or_else(|| ci.default_batch(&template.title, moment));
    let linked = args
        .linked_repos
        .iter()
        .map(|text| linked_repository(text, ci.commit.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(client
        .execute_plan(&StartPlan {
            template: template.id,
            project: template.project.clone(),
            title,
            batch,
            planned: None,
            linked,
        })
        .await?)
}

fn linked_repository(text: &str, commit: Option<&str>) -> Result<LinkedRepository, Failure> {
    let (id, branch) = match text.split_once('=') {
        Some((id, branch)) => (id, Some(branch)),
        None => (text, None),
    };
    let id = id.trim().parse().map_err(|_| {
        Failure::usage_text(format_args!(
            "--linked-repo {text:?}: {id:?} is not the number of a repository"
        ))
        .help("the number stands on the repository settings page of Test Center")
    })?;
    let branch = branch.or(commit).ok_or_else(|| {
        Failure::usage_text(format_args!(
            "--linked-repo {text}: no commit under test is known here"
        ))
        .help(format!("write --linked-repo {text}=BRANCH-OR-COMMIT"))
    })?;
    if branch.is_empty() {
        return Err(
            Failure::usage_text(format_args!("--linked-repo {text:?} names no revision"))
                .help(format!("write --linked-repo {id}=BRANCH-OR-COMMIT")),
        );
    }
    Ok(LinkedRepository {
        id,
        branch: branch.to_owned(),
    })
}

/// What the plan's open executions need: each set of capabilities with how many need it. Where the service cannot list
/// executions, one set that needs nothing stands for all of them.
async fn needed(client: &Client, plan: &Plan) -> Result<Vec<(Capabilities, u64)>, Failure> {
    let Some(executions) = client.executions(plan.id).await? else {
        let status = client.status(plan.id, &Capabilities::default()).await?;
        return Ok(vec![(Capabilities::default(), status.open)]);
    };
    let mut sets = std::collections::BTreeMap::<Capabilities, u64>::new();
    for execution in executions
        .into_iter()
        .filter(|execution| execution.state == ExecutionState::Open)
    {
        *sets.entry(execution.required).or_default() += 1;
    }
    Ok(sets.into_iter().collect())
}

/// One entry per worker: enough for `strategy.matrix` of a CI system, and never a secret or URL in it.
fn matrix(
    sets: &[(Capabilities, u64)],
    tests_per_worker: u32,
    most: u32,
) -> Vec<serde_json::Value> {
    let mut entries = Vec::new();
    for (capabilities, open) in sets.iter().filter(|(_, open)| *open > 0) {
        let workers = open
            .div_ceil(u64::from(tests_per_worker))
            .clamp(1, u64::from(most));
        let lines: Vec<String> = capabilities.iter().map(ToString::to_string).collect();
        for worker in 1..=workers {
            entries
                .push(json!({ "capabilities": lines.join("\n"), "worker": worker, "open": open }));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_sized_by_the_work() {
        let linux: Capabilities = ["OS=Linux".parse().unwrap()].into_iter().collect();
        let sets = [(linux, 60), (Capabilities::default(), 0)];
        assert_eq!(matrix(&sets, 25, 4).len(), 3);
        assert_eq!(matrix(&sets, 1, 4).len(), 4);
        assert_eq!(
            matrix(&sets, 100, 4)[0],
            json!({ "capabilities": "OS=Linux", "worker": 1, "open": 60 })
        );
    }

    #[test]
    fn linked_repositories_default_to_the_commit_under_test() {
        let linked =
            |text, commit| linked_repository(text, commit).map_err(|failure| failure.to_string());
        assert_eq!(
            linked("7", Some("abc")),
            Ok(LinkedRepository {
                id: 7,
                branch: "abc".into()
            })
        );
        assert_eq!(
            linked("7=main", None),
            Ok(LinkedRepository {
                id: 7,
                branch: "main".into()
            })
        );
        for bad in ["x=main", "7=", "=main"] {
            assert!(linked(bad, Some("abc")).is_err(), "{bad}");
        }
        assert!(linked("7", None).is_err());
    }
}
