//! `testplan run`: starts a plan, works on it and reports, in one process. Without a URL it contains the service too.

mod managed_run;

use std::{path::Path, time::Duration};

use clap::Args;

use super::{
    args::{
        CommentArgs, GitHubArgs, OutputFormat, ReportFileArgs, ShowArgs, UploadPolicyArgs,
        WorkerArgs,
    },
    context::Context,
    dry_run::{self, Would},
    local_workers::{self, WorkRequest},
    publishing,
    select::{self, Wanted},
    settings::{self, ServiceSettings, WorkOptions},
    start::{self, PlanArgs, StartSettings, StartedPlan},
    step_display,
};
use crate::{
    ci::github::GitHubPatience,
    client::Client,
    config::duration,
    earlier_runs,
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    leftovers::{self, FinishedPlans},
    listing::{
        catalog::Catalog, listed_template::ListedTemplate, loaded_plan_file::LoadedPlanFile,
        squish_setup, template_tests,
    },
    local_service::{EmbeddedService, LOCAL_DATABASE},
    model::{Capabilities, DiscoveryAccount, Execution, Plan, PlanId, PlanStatus, VerdictPolicy},
    publication::Publication,
    report::PlanReport,
    report_files,
    run::{RunEnding, RunSummary},
    runner::runner_settings::RunnerSettings,
    signal::Signals,
};

/// How long a run that was stopped waits for the service's counts.
const LAST_COUNTS: Duration = Duration::from_secs(1);
/// How long it waits for GitHub then. A CI that cancels a job kills it within ten seconds.
const LAST_STATUS: Duration = Duration::from_secs(3);

/// Starts a plan, works on it and reports.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Wait this long for results after the last execution of --managed; executions without one by then are missing (exit
    /// code 5) [default: 10m].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "managed", help_heading = "Test Center runs the tests")]
    results_patience: Option<Duration>,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    upload: UploadPolicyArgs,
    #[command(flatten)]
    report: ReportFileArgs,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// What a run came to, before it is published.
struct RunOutcome {
    result: CommandResult,
    /// `None` if the run ended before there was anything to report.
    report: Option<PlanReport>,
    /// Whether a signal stopped it.
    is_stopped: bool,
}

impl RunArgs {
    /// What is asked of the tests.
    fn wanted<'a>(&'a self, settings: &'a StartSettings) -> Wanted<'a> {
        Wanted {
            selection: &self.plan.selection,
            branch: settings.tested.branch.as_deref(),
            allow_empty: self.report.allow_empty,
        }
    }
}

/// `testplan run`.
pub(crate) async fn run(command: RunArgs, context: &Context) -> CommandResult {
    if command.plan.dry_run {
        return dry_run(&command, context).await;
    }
    leftovers::remove_results(&command.report.out.folder(context)?)?;
    publishing::check(&command.github)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let outcome = if command.plan.managed.managed {
        Box::pin(managed_run::run(&command, context, &mut signals)).await
    } else {
        Box::pin(run_workers(&command, context, &mut signals)).await
    };
    let outcome = outcome.unwrap_or_else(|failure| RunOutcome {
        is_stopped: failure.is_interrupt(),
        result: Err(failure),
        report: None,
    });
    publish(&command, &outcome, &mut signals, context).await;
    outcome.result
}

/// Publishes to GitHub, once nothing else can change the conclusion.
async fn publish(
    command: &RunArgs,
    outcome: &RunOutcome,
    signals: &mut Signals,
    context: &Context,
) {
    let usual = GitHubPatience::default();
    let near = command.plan.config.folder(context);
    let is_action = context.screen.step().is_action();
    let comment = command.comment.pr_comment;
    let publication = Publication {
        settings: &publishing::settings(&command.github, comment, is_action),
        progress: outcome.report.as_ref().into(),
        began_elsewhere: false,
        conclusion: command_conclusion(&outcome.result),
        patience: GitHubPatience {
            total: if outcome.is_stopped {
                LAST_STATUS
            } else {
                usual.total
            },
            ..usual
        },
        plan_page: outcome
            .report
            .as_ref()
            .and_then(PlanReport::page_url)
            .map(str::to_owned),
    };
    tokio::select! {
        // No warning if everything is published, or nothing was to be.
        biased;
        () = publishing::publish(&publication, near.as_deref(), context) => {}
        _ = signals.next() => publishing::warn_interrupted(&context.screen),
    }
}

/// Prints what would be run.
async fn dry_run(command: &RunArgs, context: &Context) -> CommandResult {
    let allow_empty = command.report.allow_empty;
    if let Some(service) = ServiceSettings::resolve(&command.plan.service, context)? {
        let output = (allow_empty, OutputFormat::Text);
        return dry_run::at_service(&command.plan, service, output, context).await;
    }
    let settings = StartSettings::resolve(&command.plan.start, context)?;
    let config = command.plan.config.required(context)?;
    let (project, title) = command.plan.template.resolve(Some(&config))?;
    let listed = config.list(config.template(project, title)?).await?;
    context.screen.listed(&listed);
    let out = command.report.out.folder(context)?;
    let listed = if command.plan.selection.is_given() {
        select::in_folder(listed, &config, &out, command.wanted(&settings), context).await?
    } else {
        listed
    };
    let would = Would {
        project,
        template: title,
        service: None,
        allow_empty,
    };
    dry_run::show(Some(&listed), would, OutputFormat::Text, context)
}

/// Runs the tests with the workers of this process.
async fn run_workers(
    command: &RunArgs,
    context: &Context,
    signals: &mut Signals,
) -> Result<RunOutcome, Failure> {
    let mut config = command.plan.config.required(context)?;
    let name = command.plan.template.resolve(Some(&config));
    let template = name
        .ok()
        .and_then(|(_, title)| config.template_titled(title));
    let policy = local_workers::verdict_policy(&config, template, &context.screen);
    let runner = squish_setup::locate_squishrunner(config.runner(template)?, &context.environment)?;
    let (out, upload) = (&command.report.out, command.upload.upload);
    let options = WorkOptions::resolve(&command.workers, out, upload, Some(&runner), context)?;
    config.preset.kept = Some(local_workers::kept_process(&options)?);
    let service = ServiceSettings::resolve(&command.plan.service, context)?;
    let mut run = WorkersRun {
        command,
        start: StartSettings::resolve(&command.plan.start, context)?,
        config: &config,
        runner: &runner,
        options: &options,
        context,
        alone: service.is_none(),
        discovery: None,
        selected: None,
        policy,
    };
    settings::make_folder(&options.out, "--out")?;
    if let Some(service) = service {
        return run.run(&service.connect()?, signals).await;
    }
    config.check_squish_servers(&runner)?;
    let (project, title) = command.plan.template.resolve(Some(&config))?;
    let template = config.template(project, title)?;
    let listed = signals.or_interrupted(config.list(template)).await?;
    context.screen.listed(&listed);
    if let Some(nothing) = listed.nothing().filter(|_| !command.report.allow_empty) {
        return Err(Failure::nothing_to_run(nothing).help(format!(
            "{}; --allow-empty accepts a plan without tests",
            listed.nothing_help()
        )));
    }
    run.discovery = listed.recorded();
    if command.plan.selection.is_given() {
        let wanted = command.wanted(&run.start);
        let selecting = select::in_folder(listed.clone(), &config, &options.out, wanted, context);
        let selected = signals.or_interrupted(selecting).await?;
        run.discovery = selected.recorded();
        run.selected = Some(selected);
    }
    let mut catalog = Catalog::default();
    catalog.add_template(listed.definition, &config);
    let embedded = EmbeddedService::start(&options.out.join(LOCAL_DATABASE), catalog).await?;
    let outcome = run.run(&embedded.client, signals).await;
    let closed = embedded.close().await;
    let mut outcome = outcome?;
    outcome.result = outcome.result.and_then(|result| closed.map(|()| result));
    Ok(outcome)
}

/// A run with workers in this process, once its service is there.
struct WorkersRun<'a> {
    command: &'a RunArgs,
    start: StartSettings,
    config: &'a LoadedPlanFile,
    runner: &'a RunnerSettings,
    options: &'a WorkOptions,
    context: &'a Context,
    /// Whether the service is in this process, so that no other worker can take part.
    alone: bool,
    /// What became of the lines of the plan's listings, if they were run here.
    discovery: Option<DiscoveryAccount>,
    /// The tests to run, if the service in this process has more.
    selected: Option<ListedTemplate>,
    /// Which results decide, if testplan.yml says something about it.
    policy: Option<VerdictPolicy>,
}

impl WorkersRun<'_> {
    async fn run(&self, client: &Client, signals: &mut Signals) -> Result<RunOutcome, Failure> {
        let StartedPlan {
            plan,
            discovery,
            clock_ahead_ms,
        } = signals.or_interrupted(self.start(client)).await?;
        let id = plan.id;
        leftovers::remove_finished_plans(&self.options.out, id, FinishedPlans::Left);
        let request = WorkRequest {
            client: client.clone(),
            // A service in this process has this machine's clock.
            clock_ahead_ms: clock_ahead_ms.filter(|_| !self.alone),
            plan,
            discovery: self.discovery.clone().or(discovery),
            policy: self.policy.clone(),
            runner: self.runner,
            preset: &self.config.preset,
            options: self.options,
            alone: self.alone,
        };
        let end = local_workers::work(request, signals, self.context).await?;
        self.report(client, id, &end).await
    }

    async fn start(&self, client: &Client) -> Result<StartedPlan, Failure> {
        let config = Some(self.config);
        let name = self.command.plan.template.resolve(config)?;
        let template = template_tests::find_template(client, name, config).await?;
        let source = (&template, config);
        let tests = if self.alone {
            // The service in this process has the tests of this file already.
            self.selected.clone()
        } else {
            let wanted = self.command.wanted(&self.start);
            select::at_service(client, source, wanted, self.context).await?
        };
        let started = start::start(client, source, tests, &self.start, None, self.context).await?;
        let Plan { id, title, .. } = &started.plan;
        let screen = &self.context.screen;
        screen.info(format_args!("plan {id} started: {title}"));
        Ok(started)
    }

    async fn report(
        &self,
        client: &Client,
        plan: PlanId,
        end: &RunSummary,
    ) -> Result<RunOutcome, Failure> {
        let screen = &self.context.screen;
        let asked = service_counts(client, plan);
        let counts = match &end.ending {
            RunEnding::ServiceLost(_) => ServiceView::default(),
            RunEnding::Stopped(_) | RunEnding::Deadline => {
                let asked = tokio::time::timeout(LAST_COUNTS, asked).await;
                asked.unwrap_or_default()
            }
            _ => asked.await,
        };
        let out = &self.options.out;
        let records = report_files::record_paths(out, &[]);
        let mut report =
            report_files::merge(&records, Some(plan), counts.status, counts.executions)?;
        if let Some(counted) = &counts.plan {
            report.hold_against(counted);
        }
        if let Some(conclusion) = end.ending.conclusion() {
            report = report.stopped_by(conclusion);
        } else {
            earlier_runs::decide(&mut report, Some(client)).await;
        }
        let commit = (self.command.plan.start.commit.clone())
            .or_else(|| report.commit())
            .or_else(|| {
                let commit = self.start.tested.commit.clone();
                commit.filter(|_| report.checkouts.is_empty())
            });
        let print_end = || {
            local_workers::print_stop_reason(end, screen);
            if !self.alone {
                local_workers::print_left_open(end, &self.options.offered, screen);
            }
        };
        let is_stopped = matches!(end.ending, RunEnding::Stopped(_));
        Ok(finish(
            self.command,
            report,
            out,
            commit.as_deref(),
            is_stopped,
            print_end,
            self.context,
        ))
    }
}

/// What the service says about a plan, as far as it could be asked.
#[derive(Default)]
struct ServiceView {
    status: Option<PlanStatus>,
    executions: Option<Vec<Execution>>,
    /// The plan with its counts, if the service does not list executions.
    plan: Option<Plan>,
}

async fn service_counts(client: &Client, plan: PlanId) -> ServiceView {
    let status = client.status(plan, &Capabilities::default()).await.ok();
    let executions = client.executions(plan).await.ok().flatten();
    let counts = match executions {
        None => client.plan(plan).await.ok(),
        Some(_) => None,
    };
    ServiceView {
        status,
        executions,
        plan: counts,
    }
}

/// Writes the reports of a run and prints them, after `print_end`.
fn finish(
    command: &RunArgs,
    mut report: PlanReport,
    out: &Path,
    commit: Option<&str>,
    is_stopped: bool,
    print_end: impl FnOnce(),
    context: &Context,
) -> RunOutcome {
    let is_complete = report.stopped.is_none();
    if command.report.allow_empty && is_complete && report.conclusion() == Conclusion::NothingToRun
    {
        report = report.stopped_by(Conclusion::Passed);
    }
    publishing::note_refusal(&mut report, &command.github, command.comment, context);
    let profile = command.report.junit_profile();
    let written = report_files::write_reports_or_aside(&report, out, profile, commit);
    print_end();
    context.screen.report(&report);
    step_display::show(&report, out, command.show, &context.screen);
    RunOutcome {
        result: written.map(|()| report.conclusion()),
        report: Some(report),
        is_stopped,
    }
}
