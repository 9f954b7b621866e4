//! Runs the workers of this process on a plan: what `run` and `work` share.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    action::HELD,
    args::UploadPolicy,
    context::Context,
    progress::ProgressPrinter,
    screen::Screen,
    settings::{self, WorkOptions},
    worker_name,
};
use crate::{
    batch::BatchRunner,
    client::{Client, ServiceKind},
    clock,
    config::plan_file::Template,
    failure::Failure,
    listing::{
        loaded_plan_file::LoadedPlanFile,
        preset_listing::{KeptProcess, PreparedTool, PresetListing},
    },
    model::{
        Capabilities, Day, DiscoveryAccount, LabelCase, Need, Plan, PlanId, PlanStatus, Quarantine,
        VerdictPolicy, record::PlannedExecution,
    },
    report::{UnmetCapabilities, sanitise::console_line},
    result_upload::upload_labels,
    run::{RunEnding, RunSummary, Runner, WorkOrder, upload::Uploader, worker::WorkerSettings},
    runner::{
        command_line,
        runner_settings::{
            CommandSettings, FreshProcess, ProcessMode, RunnerSettings, Tool, WarmSettings,
        },
    },
    signal::Signals,
    single::{CommandRunner, TestSetup},
    squish::SquishRunner,
    wait::wording,
    warm::{WarmPlan, WarmRunner},
};

/// Most bytes kept of one execution's output.
const CAPTURE_LIMIT: u64 = 64 * 1024 * 1024;
/// Most sets of capabilities in a message.
const MOST_SHOWN: usize = 8;
/// Longest line about what stays open, in bytes.
const LONGEST_LINE: usize = 1000;
/// Largest plan whose executions are listed in records. Missing executions of a larger plan are counted, not named.
const MOST_LISTED: u64 = 200_000;

/// A plan to work on, and how.
#[derive(Debug)]
pub(crate) struct WorkRequest<'a> {
    pub(crate) client: Client,
    pub(crate) plan: Plan,
    /// What became of the lines of the plan's listings, if this process ran them.
    pub(crate) discovery: Option<DiscoveryAccount>,
    /// Which results decide, if testplan.yml says something about it.
    pub(crate) policy: Option<VerdictPolicy>,
    /// How far the service's clock is ahead of ours, in milliseconds, if the service sends its time.
    pub(crate) clock_ahead_ms: Option<i64>,
    pub(crate) runner: &'a RunnerSettings,
    /// Where the process is kept that has listed the tests, if one has.
    pub(crate) preset: &'a PresetListing,
    pub(crate) options: &'a WorkOptions,
    /// Whether the service is in this process, so that no other worker can take part.
    pub(crate) alone: bool,
}

/// Works on a plan with the workers of this process.
pub(crate) async fn work(
    request: WorkRequest<'_>,
    signals: &mut Signals,
    context: &Context,
) -> Result<RunSummary, Failure> {
    let Context {
        environment,
        screen,
        ..
    } = context;
    let WorkRequest {
        runner,
        options,
        alone,
        ..
    } = request;
    let surveyed = survey(&request.client, request.plan.id);
    let (status, planned) = signals.or_interrupted(surveyed).await?;
    if let Some(planned) = &planned {
        ensure_capabilities_match(request.plan.id, planned, &options.offered)?;
        if alone {
            warn_unreachable_executions(planned, &options.offered, screen);
        }
    }
    settings::make_folder(&options.out.join("logs"), "--out")?;
    // A child runs in its own folder.
    let out = std::path::absolute(&options.out).map_err(Failure::infrastructure)?;
    let setup = TestSetup {
        runner: runner.clone(),
        out: out.clone(),
        plan: request.plan.id,
        offered: options.offered.clone(),
        capture_limit: CAPTURE_LIMIT,
    };
    let folders: Vec<&Path> = runner.working_directory.as_deref().into_iter().collect();
    let (_, checkout) = context.checked_out(&folders);
    let upload = uploader(&request.client, options, context)?;
    match &upload {
        Some(_) if !runner.wants_results_folder() => screen.warn(
            "nothing will be uploaded: according to testplan.yml the runner's command writes no result files",
        ),
        Some(Uploader { labels }) => screen.info(format_args!(
            "results are uploaded to {}, labelled {}",
            request.client.endpoint(),
            upload_labels::joined(labels)
        )),
        None => {}
    }
    let writes_results = upload.is_some();
    let preset = PresetRun {
        writes_results,
        tests: status.open,
    };
    let starting = runner_of(setup, &request, preset, screen);
    let test_runner = signals.or_interrupted(starting).await?;
    let WorkRequest {
        client,
        plan,
        discovery,
        policy,
        clock_ahead_ms,
        ..
    } = request;
    let client = client.in_job(context.ci().job_url.as_deref());
    let order = WorkOrder {
        settings: Arc::new(WorkerSettings {
            offered: options.offered.clone(),
            lease: options.lease,
            allocate_server: options.allocate_server,
            runner: test_runner,
            out,
            upload,
            alone,
        }),
        client,
        plan,
        clock_ahead_ms,
        status,
        planned,
        discovery,
        policy,
        checkout,
        workers: options.workers,
        deadline: options.deadline,
        // No other process can reach a service in this process.
        grace: if alone { Duration::ZERO } else { options.grace },
        records: options.out.join("records"),
        name: worker_name::unique(context)?,
        lease_files: environment.get(HELD).map(PathBuf::from),
    };
    let mut progress = ProgressPrinter::new(screen, options.offered.clone(), status);
    let end = crate::run::work(order, signals, &mut progress).await;
    drop(progress);
    end.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!(
            "the record file could not be written: {error}"
        ))
    })
}

/// Which results decide according to testplan.yml. Warns of a quarantine file that cannot be used.
pub(crate) fn verdict_policy(
    config: &LoadedPlanFile,
    template: Option<&Template>,
    screen: &Screen,
) -> Option<VerdictPolicy> {
    let policy = config.verdict_policy(template, Day::of(clock::wall()))?;
    if let Some(Quarantine {
        file,
        problem: Some(problem),
        ..
    }) = &policy.quarantine
    {
        screen.warn(format_args!(
            "{} excuses nothing, because it cannot be used: {}",
            console_line(file, LONGEST_LINE),
            console_line(problem, LONGEST_LINE)
        ));
    }
    Some(policy)
}

/// Where the process that lists the tests of a preset is kept for the workers.
pub(crate) fn kept_process(options: &WorkOptions) -> Result<KeptProcess, Failure> {
    let out = std::path::absolute(&options.out).map_err(Failure::infrastructure)?;
    let offered = options.offered.clone();
    Ok(KeptProcess::new(
        out.join("logs"),
        CAPTURE_LIMIT,
        options.workers,
        offered,
    ))
}

/// What the run wants of a preset.
#[derive(Clone, Copy)]
struct PresetRun {
    writes_results: bool,
    /// Executions that are open at the beginning.
    tests: u64,
}

/// What runs the tests. A tool whose process stays is started here.
async fn runner_of(
    setup: TestSetup,
    request: &WorkRequest<'_>,
    run: PresetRun,
    screen: &Screen,
) -> Result<Arc<dyn Runner>, Failure> {
    let client = request.client.clone();
    Ok(match setup.runner.tool.clone() {
        Tool::Command(tool) => match &tool.warm {
            Some(warm) => preset_runner(setup, &tool, warm, request, run, screen).await?,
            None => match BatchRunner::new(setup, run.writes_results) {
                Ok(batches) => Arc::new(batches),
                Err(setup) => Arc::new(CommandRunner::new(*setup)),
            },
        },
        Tool::Squish(settings) => Arc::new(SquishRunner::new(setup, settings, client)),
    })
}

/// What runs the tests of a preset: warm processes, or one process per test where the project's settings want that.
async fn preset_runner(
    mut setup: TestSetup,
    tool: &CommandSettings,
    warm: &WarmSettings,
    request: &WorkRequest<'_>,
    run: PresetRun,
    screen: &Screen,
) -> Result<Arc<dyn Runner>, Failure> {
    if warm.mode != ProcessMode::Single {
        let PreparedTool { host, collected } = request.preset.prepared(&setup.runner).await?;
        if collected.obstacles.is_empty() {
            let plan = warm_plan(setup, warm.fresh, &request.plan, run);
            return Ok(Arc::new(WarmRunner::new(host, plan)));
        }
        screen.info(format_args!(
            "each test runs in a process of its own: {}",
            collected.obstacles.join("; ")
        ));
    }
    setup.runner.tool = Tool::Command(tool.one_per_process());
    Ok(Arc::new(CommandRunner::new(setup)))
}

fn warm_plan(setup: TestSetup, fresh: FreshProcess, plan: &Plan, run: PresetRun) -> WarmPlan {
    let variables = command_line::plan_variables(plan.id, &plan.project, &plan.batch);
    WarmPlan {
        plan: plan.id,
        tests: run.tests,
        out: setup.out,
        variables: variables
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
        time_limit: setup.runner.timeout,
        writes_results: run.writes_results,
        fresh,
    }
}

/// What uploads results, if they are to be uploaded. Refuses a label that Test Center would refuse.
fn uploader(
    client: &Client,
    options: &WorkOptions,
    context: &Context,
) -> Result<Option<Uploader>, Failure> {
    let wanted = match options.upload {
        UploadPolicy::Always => true,
        UploadPolicy::Never => false,
        // An earlier request has shown which service it is.
        UploadPolicy::Auto => client.service_kind() == ServiceKind::TestCenter,
    };
    if !wanted {
        return Ok(None);
    }
    let labels = upload_labels::worker_labels(&options.offered, context.ci())?;
    Ok(Some(Uploader { labels }))
}

/// Refuses workers that can run none of a plan's executions.
fn ensure_capabilities_match(
    plan: PlanId,
    planned: &[PlannedExecution],
    offered: &Capabilities,
) -> Result<(), Failure> {
    // Without case: the service compares again, perhaps strictly.
    let fits = |needed: &PlannedExecution| offered.covers(&needed.required, LabelCase::Folded);
    if planned.is_empty() || planned.iter().any(fits) {
        return Ok(());
    }
    let needed: BTreeSet<String> = planned
        .iter()
        .map(|execution| execution.required.to_string())
        .collect();
    let shown: Vec<&str> = needed.iter().take(MOST_SHOWN).map(String::as_str).collect();
    let more = match needed.len().saturating_sub(MOST_SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more sets"),
    };
    let offer = if offered.is_empty() {
        "no capabilities".to_owned()
    } else {
        offered.to_string()
    };
    let meant = planned
        .iter()
        .filter_map(|needed| UnmetCapabilities::of(&needed.required, [offered], LabelCase::Folded))
        .map(|unmet| unmet.meant())
        .find(|meant| !meant.is_empty());
    Err(Failure::nothing_to_run(format_args!(
        "none of the {} executions of plan {plan} fits workers that offer {offer}{}",
        planned.len(),
        meant.unwrap_or_default()
    ))
    .help(format!(
        "offer with --capability KEY=VALUE what they need: {}{more}",
        shown.join("; ")
    )))
}

/// Prints which executions will stay open, if no other worker can take part.
fn warn_unreachable_executions(
    planned: &[PlannedExecution],
    offered: &Capabilities,
    screen: &Screen,
) {
    let mut left: BTreeMap<UnmetCapabilities, u64> = BTreeMap::new();
    for needed in planned {
        if let Some(unmet) = UnmetCapabilities::of(&needed.required, [offered], LabelCase::Folded) {
            *left.entry(unmet).or_default() += 1;
        }
    }
    for (unmet, count) in left.iter().take(MOST_SHOWN) {
        let line = format!(
            "{count} of {} executions will stay open: {} {}, and these workers, the only ones of this plan, lack {}{}",
            planned.len(),
            if *count == 1 { "it needs" } else { "they need" },
            unmet.required,
            offered.missing(&unmet.required, LabelCase::Folded),
            unmet.meant()
        );
        screen.info(console_line(&line, LONGEST_LINE));
    }
}

/// Prints what stays open after these workers, and which capabilities are missing.
pub(crate) fn print_left_open(end: &RunSummary, offered: &Capabilities, screen: &Screen) {
    let Some(waiting) = &end.waiting else { return };
    // The service has forgotten these workers, so it asks for others; but a Squish server was missing, not a worker.
    let is_covered = |need: &Need| {
        matches!(end.ending, RunEnding::Starved(_))
            && offered.covers(&need.required, LabelCase::Folded)
    };
    let lacking: Vec<&Need> = waiting.lacking().filter(|need| !is_covered(need)).collect();
    for line in wording::lines_of(&lacking, waiting) {
        screen.info(format_args!(
            "stays open: {}",
            console_line(&line, LONGEST_LINE)
        ));
    }
}

/// The status of the plan, and its executions if the service can list them.
async fn survey(
    client: &Client,
    plan: PlanId,
) -> Result<(PlanStatus, Option<Vec<PlannedExecution>>), Failure> {
    let status = client.status(plan, &Capabilities::default()).await?;
    let planned = match status.total() {
        0..=MOST_LISTED => listed(client, plan).await?,
        _ => None,
    };
    Ok((status, planned))
}

async fn listed(client: &Client, plan: PlanId) -> Result<Option<Vec<PlannedExecution>>, Failure> {
    let Some(executions) = client.executions(plan).await? else {
        return Ok(None);
    };
    let planned = executions.into_iter().map(|execution| PlannedExecution {
        execution: execution.id,
        test: execution.test,
        required: execution.required,
    });
    Ok(Some(planned.collect()))
}

/// Prints what ended the work of this process before the plan was done.
pub(crate) fn print_stop_reason(end: &RunSummary, screen: &Screen) {
    if let Some(help) = end.ending.help() {
        screen.always(format_args!("error: {}\nhelp: {help}", end.ending));
    }
    if end.missing_records > 0 {
        let records = crate::text::counted(end.missing_records, "record");
        let file = end.record.display();
        screen.warn(format_args!(
            "{records} of this worker could not be written to {file}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, ExecutionId, Test};

    #[test]
    fn misspelled_capability_is_refused_with_a_suggestion() {
        let set = |text: &str| Capabilities::from(vec![text.parse::<Capability>().unwrap()]);
        let planned = [PlannedExecution {
            execution: ExecutionId(1),
            test: Test {
                suite: "s".to_owned(),
                testcase: "t".to_owned(),
            },
            required: set("OS=macOS"),
        }];
        let said = |offer: &str| {
            let fits = ensure_capabilities_match(PlanId(1), &planned, &set(offer));
            fits.err().map(|failure| failure.error.to_string())
        };
        let slip = said("OS=MacOSX").unwrap();
        assert!(
            slip.ends_with("; is OS=MacOSX meant for OS=macOS?"),
            "{slip}"
        );
        assert!(said("OS=Linux").unwrap().ends_with("offer OS=Linux"));
        assert_eq!(said("os=macos"), None);
    }
}
