//! `testplan report`: merges the records of workers into one verdict.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    args::{CommentArgs, GitHubArgs, OutputFormat, ReportFileArgs, ServiceArgs, ShowArgs},
    context::Context,
    lookup, managed, publishing,
    settings::ServiceSettings,
    step_display,
};
use crate::{
    ci::github::GitHubPatience,
    earlier_runs,
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    leftovers,
    listing::template_tests,
    model::{Capabilities, Plan, PlanId},
    publication::Publication,
    report::{self, PlanFacts, PlanReport, merge::plans},
    report_files,
};

/// Merges records into JUnit, summary and verdict.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Report this plan [default: the newest in the records]. If a service is named too, compare its counts with the
    /// records.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: Option<PlanId>,
    /// Take the verdict from the service's counts of a plan that Test Center ran itself (execute --managed). Each result
    /// stays there.
    #[arg(
        long,
        requires = "plan_id",
        conflicts_with = "records",
        help_heading = "Test Center runs the tests"
    )]
    managed: bool,
    /// Read these record files or folders; repeat for more [default: OUT/records].
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Results")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    report: ReportFileArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan report`.
pub(crate) async fn run(command: ReportArgs, context: &Context) -> CommandResult {
    publishing::check(&command.github)?;
    let (report, result) = match merge_and_print(&command, context).await {
        Ok((report, written)) => {
            let result = written.map(|()| report.conclusion());
            (Some(report), result)
        }
        Err(failure) => (None, Err(failure)),
    };
    let comment = command.comment.pr_comment;
    let is_action = context.screen.step().is_action();
    let publication = Publication {
        settings: &publishing::settings(&command.github, comment, is_action),
        progress: report.as_ref().into(),
        began_elsewhere: true,
        conclusion: command_conclusion(&result),
        patience: GitHubPatience::default(),
        plan_page: report
            .as_ref()
            .and_then(PlanReport::page_url)
            .map(str::to_owned),
    };
    publishing::publish(&publication, None, context).await;
    result
}

/// Returns the report, and whether its files could be written.
async fn merge_and_print(
    command: &ReportArgs,
    context: &Context,
) -> Result<(PlanReport, Result<(), Failure>), Failure> {
    let screen = &context.screen;
    let out = command.report.out.folder(context)?;
    leftovers::remove_results(&out)?;
    let mut report = if command.managed {
        of_counts(command, context).await?
    } else {
        of_records(command, &out, context).await?
    };
    if command.report.allow_empty && report.conclusion() == Conclusion::NothingToRun {
        report = report.stopped_by(Conclusion::Passed);
    }
    publishing::note_refusal(&mut report, &command.github, command.comment, context);
    // If tests ran at several commits, this job's own is none of them.
    let own = || context.ci().commit.clone();
    let own = report.checkouts.is_empty().then(own).flatten();
    let commit = report.commit().or(own);
    let profile = command.report.junit_profile();
    let written = report_files::write_reports_or_aside(&report, &out, profile, commit.as_deref());
    match command.format {
        OutputFormat::Text => screen.report(&report),
        OutputFormat::Json => {
            screen.data(command.format, String::new, || report::json::json(&report));
            screen.conclude(report.conclusion());
        }
    }
    step_display::show(&report, &out, command.show, screen);
    Ok((report, written))
}

/// The report of the records, compared with the service.
async fn of_records(
    command: &ReportArgs,
    out: &Path,
    context: &Context,
) -> Result<PlanReport, Failure> {
    let mut handed_over = false;
    let mut account = None;
    let service = match command.plan_id {
        Some(id) => ServiceSettings::resolve(&command.service, context)?.map(|it| (id, it)),
        None => None,
    };
    let mut asked = None;
    let (plan, status, executions) = match service {
        Some((id, service)) => {
            let client = service.connect()?;
            let plan = lookup::plan(&client, id).await?;
            let page_url = client.page_of(&plan);
            let plan = Plan { page_url, ..plan };
            let status = client.status(id, &Capabilities::default()).await?;
            account = template_tests::discovery_of_plan(&client, id).await;
            handed_over = plan.is_handed_over() && !client.is_testplan();
            let executions = client.executions(id).await?;
            asked = Some(client);
            (Some(plan), Some(status), executions)
        }
        None => (None, None, None),
    };
    let paths = report_files::record_paths(out, &command.records);
    let mut report = report_files::merge(&paths, command.plan_id, status, executions)?;
    report.discovery = report.discovery.or(account);
    earlier_runs::decide(&mut report, asked.as_ref()).await;
    if let Some(plan) = &report.plan
        && report.other_plans.contains(&plan.id)
    {
        return Err(Failure::usage_text(format_args!(
            "the records are of several plans with the number {}, of which {:?} is one: two services gave it out",
            plan.id, plan.title
        ))
        .help("give the folder of one run only with --records"));
    }
    if let (None, Some(plan)) = (command.plan_id, &report.plan)
        && !report.other_plans.is_empty()
    {
        context.screen.always(format_args!(
            "the records are of {} too: this is the report of the newest, plan {}; --plan-id names another",
            plans(&report.other_plans),
            plan.id
        ));
    }
    if handed_over {
        report.warnings.push(
            "the plan was started with a time and revisions, so Test Center runs it itself: --managed takes the verdict \
             from its counts"
                .to_owned(),
        );
    }
    if let Some(plan) = plan
        .as_ref()
        .filter(|_| report.proof == report::Proof::Counts)
    {
        report.hold_against(plan);
    }
    report.plan = report.plan.or_else(|| plan.map(PlanFacts::from));
    Ok(report)
}

/// The report of the service's counts.
async fn of_counts(command: &ReportArgs, context: &Context) -> Result<PlanReport, Failure> {
    let client = command.service.connect(context)?;
    let id = command.plan_id.expect("clap requires it");
    let plan = lookup::plan(&client, id).await?;
    if client.is_testplan() {
        return Err(Failure::usage_text(
            "--managed: this service is testplan's own, which runs no scripts",
        )
        .help("name the workers' records with --records"));
    }
    let status = client.status(id, &Capabilities::default()).await?;
    Ok(managed::report(&client, plan, status, context.ci()))
}
