//! `testplan execute`: starts a plan for the commit under test, and prints the workers that it needs.

mod executed_plan;

use std::time::Duration;

use clap::Args;

use self::executed_plan::{ExecutedPlan, check_size};
use super::{
    args::{GitHubArgs, OutputFormat},
    context::Context,
    dry_run, managed, publishing,
    select::{self, Wanted},
    settings::ServiceSettings,
    start::{self, PlanArgs, StartSettings, StartedPlan},
};
use crate::{
    api::EXECUTION,
    ci::github::GitHubPatience,
    client::Client,
    config::duration,
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    listing::{loaded_plan_file::LoadedPlanFile, template_tests},
    matrix::{
        self, MOST_JOBS, Sized, Sizing, WorkerSet,
        secrets::Secrets,
        survey::{foreseen, survey, too_many},
    },
    model::{Capabilities, Plan, PlanStatus},
    publication::{PlanProgress, Publication},
    rerun,
};

/// Starts a plan.
#[derive(Args, Debug)]
pub(crate) struct ExecuteArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Size the matrix for this worker set, given as CAPABILITIES: LABELS with what it offers and where it runs, such as
    /// `OS=Linux, browser=chrome: self-hosted, linux`; repeat for more [default: a set for each need of the plan, on
    /// GitHub's runners].
    #[arg(
        long,
        value_name = "CAPABILITIES: LABELS",
        conflicts_with = "managed",
        help_heading = "Matrix"
    )]
    runs_on: Vec<WorkerSet>,
    /// Plan one worker for this many open executions, up to `--max-workers`.
    #[arg(long, value_name = "N", default_value = "25", conflicts_with = "managed", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Matrix")]
    tests_per_worker: u32,
    /// Plan as many workers as take about this time for the open executions, up to `--max-workers`, according to the
    /// durations in earlier plans. Without any, `--tests-per-worker` decides [default: `target-time` of testplan.yml].
    #[arg(long, value_name = "DURATION", conflicts_with = "managed", value_parser = target_time, help_heading = "Matrix")]
    target_time: Option<Duration>,
    /// Plan at most this many workers for one worker set.
    #[arg(long, value_name = "N", default_value = "4", conflicts_with = "managed", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Matrix")]
    max_workers: u32,
    /// Accept an empty plan (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    github: GitHubArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan execute`.
pub(crate) async fn run(command: ExecuteArgs, context: &Context) -> CommandResult {
    if command.plan.dry_run {
        let service = ServiceSettings::required(&command.plan.service, context)?;
        let output = (command.allow_empty, command.format);
        return dry_run::at_service(&command.plan, service, output, context).await;
    }
    publishing::check(&command.github)?;
    let (headline, plan_page, result) = match execute(&command, context).await {
        Ok(plan) => (
            // A plan that others finished gets its status from the report.
            (plan.is_under_way() || plan.status.done > 0).then(|| plan.headline()),
            plan.plan.page_url.clone(),
            conclude(&command, &plan, context),
        ),
        Err(failure) => (None, None, Err(failure)),
    };
    let near = command.plan.config.folder(context);
    let publication = Publication {
        settings: &publishing::settings(&command.github, None, false),
        progress: match (&headline, &result) {
            (Some(headline), Ok(_)) => PlanProgress::Started(headline),
            // No worker will run it, so no later command publishes its end.
            _ => PlanProgress::NoReport,
        },
        began_elsewhere: false,
        conclusion: command_conclusion(&result),
        patience: GitHubPatience::default(),
        plan_page,
    };
    publishing::publish(&publication, near.as_deref(), context).await;
    result
}

/// Starts the plan and sizes its matrix. Prints warnings only.
async fn execute(command: &ExecuteArgs, context: &Context) -> Result<ExecutedPlan, Failure> {
    let args = &command.plan;
    let service = ServiceSettings::required(&args.service, context)?;
    let secrets = Secrets::of(service.endpoints.as_slice(), service.credentials.as_ref());
    let client = service.connect()?;
    context.screen.step().check_outputs().map_err(|error| {
        Failure::usage_text(format_args!(
            "the file of GITHUB_OUTPUT cannot be written: {error}"
        ))
        .help("let the runner set GITHUB_OUTPUT, or leave it unset")
    })?;
    check_distinct(&command.runs_on)?;
    if command.runs_on.len() > MOST_JOBS {
        return Err(too_many(command.runs_on.len()));
    }
    secrets.refuse(&command.runs_on)?;
    let settings = StartSettings::resolve(&args.start, context)?;
    let config = args.config.load(context)?;
    let name = args.template.resolve(config.as_ref())?;
    let template = template_tests::find_template(&client, name, config.as_ref()).await?;
    let handed_over = managed::start_time(&args.managed, &client, &template, &context.screen)?;
    if command.runs_on.is_empty() && handed_over.is_none() && client.is_testplan() {
        secrets.refuse(&foreseen(needs(config.as_ref(), &template.title))?)?;
    }
    let source = (&template, config.as_ref());
    let wanted = Wanted {
        selection: &args.selection,
        branch: settings.tested.branch.as_deref(),
        allow_empty: command.allow_empty,
    };
    let tests = select::at_service(&client, source, wanted, context).await?;
    let StartedPlan {
        plan, discovery, ..
    } = start::start(&client, source, tests, &settings, handed_over, context).await?;
    let plan = ExecutedPlan {
        plan_url: plan
            .page_url
            .clone()
            .unwrap_or_else(|| format!("{}{EXECUTION}/testplans/{}", client.endpoint(), plan.id)),
        plan_attempt: rerun::attempt(context.ci()),
        handed_over,
        status: PlanStatus::default(),
        matrix: Vec::new(),
        uncovered: None,
        loads: Vec::new(),
        expected: None,
        selection: discovery.and_then(|account| account.selection),
        plan,
    };
    if handed_over.is_some() {
        return Ok(ExecutedPlan {
            status: client
                .status(plan.plan.id, &Capabilities::default())
                .await?,
            ..plan
        });
    }
    let of_file = config
        .filter(|config| config.is_of_project(&template.project))
        .and_then(|config| config.file.target_time);
    let sizing = Sizing {
        tests_per_worker: command.tests_per_worker,
        max_workers: command.max_workers,
        target_time: command.target_time.or(of_file),
    };
    with_matrix(plan, (&command.runs_on, sizing), &client, &secrets, context).await
}

/// Adds the workers that the open executions of the plan need.
async fn with_matrix(
    plan: ExecutedPlan,
    (runs_on, sizing): (&[WorkerSet], Sizing),
    client: &Client,
    secrets: &Secrets,
    context: &Context,
) -> Result<ExecutedPlan, Failure> {
    let Plan { id, .. } = plan.plan;
    let survey = survey(client, id, runs_on).await?;
    let sets: Vec<WorkerSet> = survey.loads.iter().map(|(set, _)| set.clone()).collect();
    secrets.refuse(&sets)?;
    let sized = matrix::sized(&survey.loads, sizing).ok_or_else(|| too_many(sets.len()))?;
    if sized.ignores_target(sizing) {
        let why = if client.is_testplan() {
            "no duration of its tests is known from an earlier plan"
        } else {
            "this service does not report how long tests took"
        };
        context.screen.info(format_args!(
            "the target time does not decide the number of workers, but --tests-per-worker {}: {why}",
            sizing.tests_per_worker
        ));
    }
    let Sized {
        entries,
        wanted,
        expected,
        missed,
    } = sized;
    let too_few = (wanted > entries.len()).then(|| {
        format!(
            "{wanted} workers are wanted, and a matrix has at most {MOST_JOBS} jobs: each worker gets more to do"
        )
    });
    check_size(&entries, id)?;
    for warning in survey.warnings.iter().chain(&missed).chain(&too_few) {
        context.screen.warn(warning);
        publishing::annotate("testplan's matrix", warning, &context.screen);
    }
    Ok(ExecutedPlan {
        status: survey.status,
        matrix: entries,
        uncovered: survey.uncovered,
        loads: survey
            .loads
            .into_iter()
            .map(|(set, load)| (set, load.open))
            .collect(),
        expected,
        ..plan
    })
}

/// Prints the plan. An error if these workers could not run any of it.
fn conclude(command: &ExecuteArgs, plan: &ExecutedPlan, context: &Context) -> CommandResult {
    let screen = &context.screen;
    screen.data(command.format, || plan.text(), || plan.json());
    plan.outputs(screen);
    let Some(nothing) = plan.nothing_to_do() else {
        return Ok(Conclusion::Passed);
    };
    if plan.status.open > 0 {
        return Err(Failure::nothing_to_run(nothing)
            .help("offer what they need with --runs-on 'CAPABILITIES: RUNNER LABELS'"));
    }
    if plan.status.total() == 0 && !command.allow_empty {
        return Err(Failure::nothing_to_run(nothing)
            .help("look at the template's tests, or pass --allow-empty"));
    }
    screen.always(nothing);
    Ok(Conclusion::Passed)
}

/// Reads `--target-time`.
fn target_time(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err("more than 0s is expected".to_owned()),
        Ok(target) => Ok(target),
        Err(error) => Err(error.to_string()),
    }
}

/// What the executions of a template need according to the file; empty if the file does not have the template.
fn needs<'a>(
    config: Option<&'a LoadedPlanFile>,
    title: &str,
) -> impl Iterator<Item = &'a Capabilities> {
    let template = config.and_then(|config| config.template_titled(title));
    template
        .into_iter()
        .flat_map(|template| &template.configurations)
}

/// Refuses two worker sets with the same capabilities: they would share their tests at random.
fn check_distinct(sets: &[WorkerSet]) -> Result<(), Failure> {
    for (index, set) in sets.iter().enumerate() {
        let same =
            |other: &&WorkerSet| other.covers(&set.capabilities) && set.covers(&other.capabilities);
        if let Some(other) = sets[..index].iter().find(same) {
            return Err(Failure::usage_text(format_args!(
                "--runs-on '{set}': there is '{other}' already for the same capabilities"
            ))
            .help(
                "name each set of capabilities once, with all labels that its runners must have",
            ));
        }
    }
    Ok(())
}
