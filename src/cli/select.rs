//! The tests of a new plan: lists them, asks for the failures of an earlier plan, and selects.

use std::path::Path;

use super::{
    context::Context,
    selection_args::{EarlierPlan, SelectionArgs},
};
use crate::{
    client::{Client, ErrorKind},
    failure::Failure,
    listing::{
        catalog::Catalog,
        listed_template::ListedTemplate,
        loaded_plan_file::LoadedPlanFile,
        template_tests::{self, PlanTestsSource},
    },
    local_service::{EmbeddedService, LOCAL_DATABASE},
    model::{Plan, PlanId},
    selection::FailedTests,
};

/// Plans that are looked at for one that has tests.
const LOOKED_AT: u32 = 20;

/// What the flags ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) selection: &'a SelectionArgs,
    /// The branch under test, if it is known.
    pub(crate) branch: Option<&'a str>,
    /// Whether a plan without tests is accepted.
    pub(crate) allow_empty: bool,
}

/// The tests for a new plan at a service; `None` if it takes those of its template. Starts nothing.
pub(crate) async fn at_service(
    client: &Client,
    (template, config): (&Plan, Option<&LoadedPlanFile>),
    wanted: Wanted<'_>,
    context: &Context,
) -> Result<Option<ListedTemplate>, Failure> {
    let is_selection = wanted.selection.is_given();
    if is_selection && !client.is_testplan() {
        return Err(Failure::usage_text(format_args!(
            "--only, --failed and --shard: the service at {} is Test Center, which takes no list of tests; nothing was started",
            client.endpoint()
        ))
        .help("leave them out, or start the plan at `testplan serve`"));
    }
    let listed = match template_tests::tests_for(client, template, config).await? {
        PlanTestsSource::File(listed) => listed,
        PlanTestsSource::Service(_) if is_selection => {
            return Err(Failure::usage_text(format_args!(
                "--only, --failed and --shard select from the tests of testplan.yml, and no file has template {:?}",
                template.title
            ))
            .help("name the file with --config"));
        }
        PlanTestsSource::Service(why) => {
            if let Some(why) = why {
                context.screen.info(why);
            }
            return Ok(None);
        }
    };
    context.screen.listed(&listed);
    if !is_selection {
        return Ok(Some(*listed));
    }
    select_of(*listed, client, template, wanted, context)
        .await
        .map(Some)
}

/// Selects from listed tests; `--failed` asks a service for the plans of the template of the same name.
pub(crate) async fn from_service(
    listed: ListedTemplate,
    client: &Client,
    wanted: Wanted<'_>,
    context: &Context,
) -> Result<ListedTemplate, Failure> {
    let definition = &listed.definition;
    let name = (definition.project.as_str(), definition.title.as_str());
    let template = template_tests::find_template(client, name, None).await?;
    select_of(listed, client, &template, wanted, context).await
}

async fn select_of(
    listed: ListedTemplate,
    client: &Client,
    template: &Plan,
    wanted: Wanted<'_>,
    context: &Context,
) -> Result<ListedTemplate, Failure> {
    let failed = match wanted.selection.earlier_plan() {
        Some(earlier) => Some(failed_tests(client, template, earlier, wanted.branch).await?),
        None => None,
    };
    apply(listed, failed, wanted, context)
}

/// The tests for a new plan of a service in this process. Earlier plans are in the database of the `--out` folder.
pub(crate) async fn in_folder(
    listed: ListedTemplate,
    config: &LoadedPlanFile,
    out: &Path,
    wanted: Wanted<'_>,
    context: &Context,
) -> Result<ListedTemplate, Failure> {
    let failed = match wanted.selection.earlier_plan() {
        Some(earlier) => Some(failed_in_folder(&listed, config, out, earlier).await?),
        None => None,
    };
    apply(listed, failed, wanted, context)
}

async fn failed_in_folder(
    listed: &ListedTemplate,
    config: &LoadedPlanFile,
    out: &Path,
    earlier: EarlierPlan,
) -> Result<FailedTests, Failure> {
    let file = out.join(LOCAL_DATABASE);
    if !file.exists() {
        return Err(Failure::nothing_to_run(format_args!(
            "--failed: {} has no plan of an earlier `testplan run`",
            out.display()
        ))
        .help("leave --failed out the first time; name the folder of the earlier run with --out, or a service with --url"));
    }
    // A template that other runs did not have is hidden until it is published again.
    let mut catalog = Catalog::default();
    catalog.add_template(listed.definition.clone(), config);
    let embedded = EmbeddedService::start(&file, catalog).await?;
    let client = &embedded.client;
    let definition = &listed.definition;
    let name = (definition.project.as_str(), definition.title.as_str());
    let asked = async {
        let template = template_tests::find_template(client, name, None).await?;
        failed_tests(client, &template, earlier, None).await
    };
    let found = asked.await;
    embedded.close().await?;
    found
}

/// The tests that did not pass in an earlier plan of a template.
async fn failed_tests(
    client: &Client,
    template: &Plan,
    earlier: EarlierPlan,
    branch: Option<&str>,
) -> Result<FailedTests, Failure> {
    let plan = match earlier {
        EarlierPlan::Number(plan) => plan,
        EarlierPlan::Last | EarlierPlan::No => last_plan(client, template, branch).await?,
    };
    let executions = client
        .executions(plan)
        .await
        .map_err(|error| match error.kind {
            ErrorKind::Refused {
                status: 400 | 404, ..
            } => Failure::usage(error).help(format!(
                "correct --failed={plan}, or write --failed for the last plan"
            )),
            _ => error.into(),
        })?;
    let executions = executions.ok_or_else(|| {
        Failure::usage_text(format_args!(
            "--failed: the service does not list the executions of plan {plan}"
        ))
        .help("update `testplan serve`, or leave --failed out")
    })?;
    Ok(FailedTests::of(plan, executions))
}

/// The last plan of a template that has tests.
async fn last_plan(
    client: &Client,
    template: &Plan,
    branch: Option<&str>,
) -> Result<PlanId, Failure> {
    let title = &template.title;
    let plans = client.plans_of(template.id, branch, LOOKED_AT).await?;
    let plans = plans.ok_or_else(|| {
        Failure::usage_text(format_args!(
            "--failed: the service at {} does not list the plans of a template",
            client.endpoint()
        ))
        .help("name the plan with --failed=PLAN, or update `testplan serve`")
    })?;
    let found = plans.iter().find(|plan| plan.count > 0);
    found.map(|plan| plan.plan_id).ok_or_else(|| {
        let of_branch = branch.map_or_else(String::new, |branch| format!(" for branch {branch:?}"));
        Failure::nothing_to_run(format_args!(
            "--failed: template {title:?} has no earlier plan{of_branch}"
        ))
        .help("leave --failed out to run all tests, or name a plan with --failed=PLAN")
    })
}

/// Selects from the tests of a template. An error if none is left, unless that is accepted.
fn apply(
    mut listed: ListedTemplate,
    failed: Option<FailedTests>,
    wanted: Wanted<'_>,
    context: &Context,
) -> Result<ListedTemplate, Failure> {
    let screen = &context.screen;
    if let Some(nothing) = listed.nothing() {
        if wanted.allow_empty {
            return Ok(listed);
        }
        return Err(Failure::nothing_to_run(nothing).help(listed.nothing_help()));
    }
    if let Some(failed) = failed.as_ref().filter(|failed| !failed.is_empty()) {
        screen.info(failed.in_words());
    }
    let rules = wanted.selection.rules(failed);
    let selected = rules.select(&listed.definition.executions);
    for warning in &selected.warnings {
        screen.warn(warning);
    }
    if let Some((why, help)) = selected.nothing
        && !wanted.allow_empty
    {
        return Err(Failure::nothing_to_run(why).help(help));
    }
    if let Some(selection) = &selected.selection {
        screen.info(format_args!("{selection}: {}", selection.flags));
    }
    listed.definition.executions = selected.tests;
    listed.account.selection = selected.selection;
    Ok(listed)
}
