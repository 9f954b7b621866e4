//! `testplan work`: runs tests of a started plan until none are left that this machine can run.

use std::path::PathBuf;

use clap::Args;

use super::{
    args::{ConfigArgs, OutArgs, ServiceArgs, ShowArgs, UploadPolicyArgs, WorkerArgs},
    context::Context,
    local_workers::{self, WorkRequest},
    lookup,
    settings::WorkOptions,
    step_display, worker_name,
};
use crate::{
    client::Client,
    clock, earlier_runs,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    leftovers::{self, FinishedPlans},
    listing::squish_setup,
    model::{PlanId, PlanStatus},
    publication::step_outputs::{self, StepOutput},
    report::{PlanReport, console::WorkDone, sanitise::console_line},
    report_files,
    rerun::{
        Rerun,
        resume::{Resume, Resumed},
    },
    run::{RunEnding, RunSummary, state::RunTally},
    signal::Signals,
};

/// Works on a started plan.
#[derive(Args, Debug)]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// Work on this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Set the attempt of the CI run that started the plan. A later attempt (GitHub's re-run of failed jobs) first resets
    /// what failed or could not run, each once [default: the attempt in the plan's default title].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Plan")]
    plan_attempt: Option<u32>,
    /// Run the tests as the runner of this template says, where templates have their own [default: the template that the
    /// plan's title begins with].
    #[arg(long, value_name = "TITLE", help_heading = "Plan")]
    template: Option<String>,
    /// Read what failed in earlier attempts from these records, if the service cannot list executions; repeat for more.
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Plan")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    upload: UploadPolicyArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan work`.
pub(crate) async fn run(command: WorkArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    leftovers::remove_results(&command.out.folder(context)?)?;
    let mut config = command.config.required(context)?;
    let named = match command.template.as_deref() {
        Some(title) => Some(config.required_template(title)?),
        None => None,
    };
    if !config.has_template_runners() {
        // Before the service is asked.
        config.runner(named)?;
    }
    let records = command.out.folder(context)?.join("records");
    // Before all work: a later step uploads the records, above all those of a job that was cancelled.
    screen.output(StepOutput::PlanId, command.plan_id);
    screen.output(
        StepOutput::RecordsPath,
        step_outputs::absolute(&records).display(),
    );
    let client = command.service.connect(context)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let plan = signals
        .or_interrupted(lookup::plan(&client, command.plan_id))
        .await?;
    let template = named.or_else(|| config.template_of_plan(&plan.title));
    let policy = local_workers::verdict_policy(&config, template, screen);
    let has_policy = policy.is_some();
    let runner = squish_setup::locate_squishrunner(config.runner(template)?, &context.environment)?;
    let (out, upload) = (&command.out, command.upload.upload);
    let options = WorkOptions::resolve(&command.workers, out, upload, Some(&runner), context)?;
    config.preset.kept = Some(local_workers::kept_process(&options)?);
    let clock_ahead_ms = plan.clock_ahead_ms(clock::wall());
    leftovers::remove_finished_plans(&options.out, plan.id, FinishedPlans::Stale);
    if plan.is_handed_over() && !client.is_testplan() {
        screen.warn(format_args!(
            "plan {} was started with a time and revisions, so Test Center may run it itself: a worker would run its tests \
             a second time",
            plan.id
        ));
    }
    let resume = Resume {
        rerun: Rerun::of(context.ci(), command.plan_attempt, &plan.title),
        client: &client,
        plan: &plan,
        offered: &options.offered,
        records: &command.records,
        folder: &records,
        name: &worker_name::unique(context)?,
        is_named: worker_name::is_given(context),
    };
    let Resumed {
        warning,
        lines,
        remaining,
    } = signals.or_interrupted(resume.resume()).await?;
    if let Some(warning) = warning {
        screen.warn(warning);
    }
    for line in lines {
        screen.info(line);
    }
    let request = WorkRequest {
        discovery: None,
        policy,
        client: client.clone(),
        plan,
        clock_ahead_ms,
        runner: &runner,
        preset: &config.preset,
        options: &options,
        alone: false,
    };
    let end = local_workers::work(request, &mut signals, context).await?;
    local_workers::print_stop_reason(&end, screen);
    let summary = summary(command.plan_id, &end);
    screen.info(&summary);
    local_workers::print_left_open(&end, &options.offered, screen);
    let decided = if has_policy {
        let report = own_report(command.plan_id, &end, &client).await;
        // Without a report every failure decides.
        report.map_err(|failure| screen.warn(failure.plain())).ok()
    } else {
        None
    };
    for note in decided
        .iter()
        .flat_map(|report| &report.verdict_notes.sentences)
    {
        screen.always(format_args!("note: {}", console_line(note, MAX_NOTE)));
    }
    let failures = decided.as_ref().map(PlanReport::deciding_failures);
    step_display::show_work(
        command.plan_id,
        &end,
        &summary,
        decided,
        command.show,
        screen,
    );
    let conclusion = conclusion(&end, failures, remaining.is_some());
    if let Some(remaining) = remaining.filter(|_| conclusion == Conclusion::Incomplete) {
        screen.always(format_args!("incomplete: {remaining}"));
    }
    let done = match end.tally {
        tally if tally == RunTally::default() => WorkDone::Nothing,
        tally if tally.failed > 0 => WorkDone::WithFailures,
        _ => WorkDone::Tests,
    };
    screen.conclude_work(conclusion, done);
    Ok(conclusion)
}

/// Longest note, in bytes.
const MAX_NOTE: usize = 1000;

/// The report of what the workers of this process ran, with what decides.
async fn own_report(
    plan: PlanId,
    end: &RunSummary,
    client: &Client,
) -> Result<PlanReport, Failure> {
    let records = std::slice::from_ref(&end.record);
    let mut report = report_files::merge(records, Some(plan), None, None)?.of_its_workers();
    let client = Some(client).filter(|_| end.ending.may_ask_service());
    earlier_runs::decide(&mut report, client).await;
    Ok(report)
}

/// What the workers of this process came to. `failures`: how many decide, if a policy does not count all. `failures_remain`:
/// failures of an earlier attempt could not be reset.
fn conclusion(end: &RunSummary, failures: Option<u64>, failures_remain: bool) -> Conclusion {
    match end
        .ending
        .conclusion()
        .unwrap_or_else(|| verdict(end.tally, failures))
    {
        Conclusion::Passed if failures_remain => Conclusion::Incomplete,
        // It left before it knew that no test was left.
        Conclusion::Passed | Conclusion::Failed if matches!(end.ending, RunEnding::NoServer(_)) => {
            Conclusion::Infrastructure
        }
        conclusion => conclusion,
    }
}

fn summary(plan: PlanId, end: &RunSummary) -> String {
    let RunTally {
        passed,
        skipped,
        failed,
        errors,
        not_uploaded,
        lost,
    } = end.tally;
    let record = end.record.display();
    if end.tally == RunTally::default()
        && let Some(PlanStatus {
            open,
            reserved,
            done,
        }) = end.status
    {
        return if matches!(end.ending, RunEnding::Starved(_)) {
            format!("no test was run here: no Squish server became free; record {record}")
        } else if open + reserved == 0 {
            format!(
                "nothing to do: no test was run here, all {done} executions of plan {plan} are done; record {record}"
            )
        } else {
            format!(
                "nothing to do: no test was run here, {open} open and {reserved} reserved executions of plan {plan} \
                 are for other workers; record {record}"
            )
        };
    }
    let left_behind = match not_uploaded {
        0 => String::new(),
        count => format!(" {count} not uploaded (`testplan upload --records` does that later),"),
    };
    let skipped = match skipped {
        0 => String::new(),
        count => format!(" {count} skipped,"),
    };
    format!(
        "worked on plan {plan}: {passed} passed, {failed} failed, {errors} could not run,{skipped}{left_behind} {lost} not \
         counted; record {record}"
    )
}

/// What the executions of this process came to. `wait` and `report` say whether the plan is complete.
fn verdict(tally: RunTally, failures: Option<u64>) -> Conclusion {
    match (
        tally.errors + tally.not_uploaded,
        failures.unwrap_or(tally.failed),
    ) {
        (0, 0) => Conclusion::Passed,
        (0, _) => Conclusion::Failed,
        (_, _) => Conclusion::Infrastructure,
    }
}
