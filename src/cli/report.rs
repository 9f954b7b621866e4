//! `testplan report`: merge the workers' records into one verdict.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    args::{CommentArgs, Format, GitHubArgs, OutArgs, ServiceArgs, ShowArgs},
    connect, in_hand, leftovers, managed, publishing,
    reporting::{self, JUnitProfile},
    screen::Screen,
    settings, showing,
};
use crate::{
    ci::github::Patience,
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure, command_conclusion},
    model::{Capabilities, PlanId},
    publication::Publication,
    report::{self, PlanFacts, merge::plans},
};

/// Merges records into JUnit, summary and verdict.
#[derive(Args, Debug)]
pub struct Report {
    #[command(flatten)]
    service: ServiceArgs,
    /// The plan [default: the newest that the records are of]. With a service named too, its own word on what is done is
    /// held against the records.
    #[arg(long, value_name = "N")]
    plan_id: Option<PlanId>,
    /// Take the verdict from the service's own counts of a plan that Test Center ran itself (execute --managed). Each
    /// result stays there.
    #[arg(
        long,
        requires = "plan_id",
        conflicts_with = "records",
        help_heading = "Test Center runs the tests"
    )]
    managed: bool,
    /// Record files or folders; repeat for more [default: OUT/records].
    #[arg(long, value_name = "PATH", num_args = 1..)]
    records: Vec<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
    /// Which JUnit to write.
    #[arg(long, value_enum, default_value_t)]
    junit: JUnitProfile,
    /// Accept a plan without tests, or of skipped ones alone (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan report`.
pub async fn run(command: Report, environment: &Environment, screen: &Screen) -> CommandResult {
    publishing::check(&command.github)?;
    let cleared =
        settings::folder(&command.out, environment).and_then(|out| leftovers::remove_results(&out));
    let merged = match cleared {
        Ok(()) => merged(&command, environment, screen).await,
        Err(failure) => Err(failure),
    };
    let (report, ended) = match merged {
        Ok((report, written)) => {
            let ended = written.map(|()| report.conclusion());
            (Some(report), ended)
        }
        Err(failure) => (None, Err(failure)),
    };
    let comment = command.comment.pr_comment;
    let publication = Publication {
        settings: &publishing::settings(&command.github, comment, screen.step().is_action()),
        progress: report.as_ref().into(),
        began_elsewhere: true,
        conclusion: command_conclusion(&ended),
        patience: Patience::default(),
    };
    publishing::publish(&publication, None, environment, screen).await;
    ended
}

/// The report, printed and shown, and whether its files could be written.
async fn merged(
    command: &Report,
    environment: &Environment,
    screen: &Screen,
) -> Result<(report::PlanReport, Result<(), Failure>), Failure> {
    let out = settings::folder(&command.out, environment)?;
    let mut report = if command.managed {
        counted(command, environment, screen).await?
    } else {
        recorded(command, &out, environment, screen).await?
    };
    if command.allow_empty && report.conclusion() == Conclusion::NothingToRun {
        report = report.stopped_by(Conclusion::Passed);
    }
    publishing::note_refusal(
        &mut report,
        &command.github,
        command.comment,
        environment,
        screen,
    );
    let form = reporting::Form {
        profile: command.junit,
        // Where tests ran at several commits, this job's own is none of them.
        commit: match report.commit() {
            None if report.checkouts.is_empty() => connect::ci(environment).commit,
            commit => commit,
        },
    };
    let written = reporting::write_reports(&report, &out, &form);
    match command.format {
        Format::Text => {
            screen.report(&report);
        }
        Format::Json => {
            screen.data(command.format, String::new, || report::json::json(&report));
            screen.conclude(report.conclusion());
        }
    }
    showing::show(&report, &out, command.show, screen);
    Ok((report, written))
}

/// By the records, held against what the service says.
async fn recorded(
    command: &Report,
    out: &Path,
    environment: &Environment,
    screen: &Screen,
) -> Result<report::PlanReport, Failure> {
    let mut handed_over = false;
    let mut account = None;
    let (plan, status, executions) = match command.plan_id {
        Some(id) if connect::names_a_service(&command.service, environment)? => {
            let client = connect::client(&command.service, environment, screen)?;
            let plan = connect::plan(&client, id).await?;
            let status = client.status(id, &Capabilities::default()).await?;
            account = in_hand::account_of(&client, id).await;
            handed_over = plan.is_handed_over() && client.is_ours() != Some(true);
            (Some(plan), Some(status), client.executions(id).await?)
        }
        _ => (None, None, None),
    };
    let paths = reporting::record_paths(out, &command.records);
    let mut report = reporting::merge(&paths, command.plan_id, status, executions)?;
    report.discovery = report.discovery.or(account);
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
        screen.always(format_args!(
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

/// By the service's own counts, as they stand.
async fn counted(
    command: &Report,
    environment: &Environment,
    screen: &Screen,
) -> Result<report::PlanReport, Failure> {
    let client = connect::client(&command.service, environment, screen)?;
    let id = command.plan_id.expect("clap requires it");
    let plan = connect::plan(&client, id).await?;
    if client.is_ours() == Some(true) {
        return Err(Failure::usage_text(
            "--managed: this service is testplan's own, which runs no scripts",
        )
        .help("name the workers' records with --records"));
    }
    let status = client.status(id, &Capabilities::default()).await?;
    Ok(managed::report(
        &client,
        plan,
        status,
        &connect::ci(environment),
    ))
}
