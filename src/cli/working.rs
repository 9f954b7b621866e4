//! What `run` and `work` share: from a plan to a run of this process's workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{args::UploadPolicy, connect, progress::Progress, screen::Screen, settings::Working};
use crate::{
    client::Client,
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{Failure, conclusion_of},
    fs,
    model::{
        Capabilities, DiscoveryAccount, LabelCase, Need, Plan, PlanId, PlanStatus,
        record::PlannedExecution,
    },
    report::{Unoffered, sanitise::console_line},
    run::{
        RunEnd, WorkOrder, executor::Executor, state::Stop, suite_turns::SuiteTurns,
        upload::Uploader, worker::WorkerSettings,
    },
    runner::settings::RunnerSettings,
    signal::Signals,
    wait::wording,
};

/// The variable that names a worker.
const WORKER: &str = "TESTPLAN_WORKER";
/// The variable that names a folder for the leases held now: set by whoever gives them back after a killed worker.
const HELD: &str = "TESTPLAN_HELD";
/// Most bytes of a worker's name: what tells the jobs of a matrix apart stands at the end of theirs.
const LONGEST_NAME: usize = 100;
/// Most bytes kept of one execution's output.
const CAPTURE_LIMIT: u64 = 64 * 1024 * 1024;
/// Most sets of capabilities that a message names.
const MOST_SHOWN: usize = 8;
/// Longest line about what stays open, in bytes.
const LONGEST_LINE: usize = 1000;
/// Plans larger than this are not listed in records: their executions are counted, not named, when they are missing.
const MOST_LISTED: u64 = 200_000;

/// A plan to work on, and with what.
#[derive(Debug)]
pub struct Job<'a> {
    /// The service.
    pub client: Client,
    /// The plan.
    pub plan: Plan,
    /// What became of the lines of the plan's listings, where this process knows.
    pub discovery: Option<DiscoveryAccount>,
    /// How far the service's clock is ahead of ours, in milliseconds, where the service tells its time.
    pub clock_ahead_ms: Option<i64>,
    /// How a test is run.
    pub runner: &'a RunnerSettings,
    /// How the workers work, and where results go.
    pub working: &'a Working,
    /// Whether no other workers can come to the plan: its service is in this process.
    pub alone: bool,
}

/// Works on a plan with the workers of this process.
pub async fn work(
    job: Job<'_>,
    signals: &mut Signals,
    environment: &Environment,
    screen: &Screen,
) -> Result<RunEnd, Failure> {
    let Job {
        client,
        plan,
        discovery,
        clock_ahead_ms,
        runner,
        working,
        alone,
    } = job;
    let (status, planned) = signals.or_interrupted(survey(&client, plan.id)).await?;
    if let Some(planned) = &planned {
        something_fits(plan.id, planned, &working.offered)?;
        if alone {
            tell_of_the_rest(planned, &working.offered, screen);
        }
    }
    connect::make_folder(&working.out.join("logs"), "--out")?;
    let executor = Executor {
        runner: runner.clone(),
        // A child runs in its own folder, so what it is told must not depend on ours.
        out: std::path::absolute(&working.out).map_err(Failure::infrastructure)?,
        plan: plan.id,
        offered: working.offered.clone(),
        capture_limit: CAPTURE_LIMIT,
        suite_turns: SuiteTurns::default(),
    };
    let folders: Vec<&Path> = runner.working_directory.as_deref().into_iter().collect();
    let (_, checkout) = connect::checked_out(environment, &folders);
    let upload = uploader(&client, working, environment)?;
    match &upload {
        Some(_) if !executor.runner.wants_results_folder() => screen.warn(
            "nothing will be uploaded: by testplan.yml the runner's command writes no result files",
        ),
        Some(Uploader { labels }) => screen.info(format_args!(
            "results are uploaded to {}, labelled {}",
            client.endpoint(),
            super::upload::shown(labels)
        )),
        None => {}
    }
    let order = WorkOrder {
        client,
        plan,
        clock_ahead_ms,
        status,
        planned,
        discovery,
        checkout,
        settings: Arc::new(WorkerSettings {
            offered: working.offered.clone(),
            lease: working.lease,
            allocate_server: working.allocate_server,
            executor,
            upload,
            alone,
        }),
        workers: working.workers,
        deadline: working.deadline,
        // Nobody else knows of a service inside this process.
        grace: if alone { Duration::ZERO } else { working.grace },
        records: working.out.join("records"),
        name: process_name(environment)?,
        held: environment.get(HELD).map(PathBuf::from),
    };
    let mut progress = Progress::new(screen, working.offered.clone(), status);
    let end = crate::run::work(order, signals, &mut progress).await;
    drop(progress);
    end.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!(
            "the record file could not be written: {error}"
        ))
    })
}

/// What uploads results, if they are to be: a label that Test Center would refuse is told before any work.
fn uploader(
    client: &Client,
    working: &Working,
    environment: &Environment,
) -> Result<Option<Uploader>, Failure> {
    let wanted = match working.upload {
        UploadPolicy::Always => true,
        UploadPolicy::Never => false,
        // The service was asked before: by now it is known.
        UploadPolicy::Auto => client.is_ours() == Some(false),
    };
    if !wanted {
        return Ok(None);
    }
    let labels = super::upload::labels(&working.offered, &connect::ci(environment))?;
    Ok(Some(Uploader { labels }))
}

/// Workers that can take nothing of a plan, whatever happens to it, are a mistake that is told before any waiting.
fn something_fits(
    plan: PlanId,
    planned: &[PlannedExecution],
    offered: &Capabilities,
) -> Result<(), Failure> {
    // Without case: a service that compares strictly has the last word.
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
        .filter_map(|needed| Unoffered::of(&needed.required, [offered], LabelCase::Folded))
        .map(|unoffered| unoffered.meant())
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

/// Says what no worker will ever take where there are no others.
fn tell_of_the_rest(planned: &[PlannedExecution], offered: &Capabilities, screen: &Screen) {
    let mut left: BTreeMap<Unoffered, u64> = BTreeMap::new();
    for needed in planned {
        if let Some(unoffered) = Unoffered::of(&needed.required, [offered], LabelCase::Folded) {
            *left.entry(unoffered).or_default() += 1;
        }
    }
    for (unoffered, count) in left.iter().take(MOST_SHOWN) {
        let line = format!(
            "{count} of {} executions will stay open: {} {}, and these workers, the only ones that can come, lack {}{}",
            planned.len(),
            if *count == 1 { "it needs" } else { "they need" },
            unoffered.required,
            offered.missing(&unoffered.required, LabelCase::Folded),
            unoffered.meant()
        );
        screen.info(&console_line(&line, LONGEST_LINE));
    }
}

/// What stays open now that these workers leave, and for lack of what.
pub fn tell_of_what_stays(end: &RunEnd, offered: &Capabilities, screen: &Screen) {
    let Some(waiting) = &end.waiting else { return };
    // The service knows these workers no more, so it would ask for others; but it was not them that was lacking.
    let told =
        |need: &Need| end.starved.is_some() && offered.covers(&need.required, LabelCase::Folded);
    let lacking: Vec<&Need> = waiting.lacking().filter(|need| !told(need)).collect();
    for line in wording::lines_of(&lacking, waiting) {
        screen.info(format_args!(
            "stays open: {}",
            console_line(&line, LONGEST_LINE)
        ));
    }
}

/// How far the plan is, and what there is to run where the service can list it.
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

/// What a stopped or broken run comes to, before any report is looked at; `None` if it went to its end.
pub fn cut_short(end: &RunEnd) -> Option<Conclusion> {
    if end.broken.is_some() {
        return Some(Conclusion::Bug);
    }
    match end.stop {
        Some(Stop::Signal(kind)) => Some(conclusion_of(kind)),
        Some(Stop::Deadline | Stop::Starved) => Some(Conclusion::Incomplete),
        None if end.cannot_start.is_some() => Some(Conclusion::Infrastructure),
        None => end.service.as_ref().map(|error| error.conclusion()),
    }
}

/// Tells what ended the work of this process before the plan was done.
pub fn tell_the_end(end: &RunEnd, screen: &Screen) {
    if let Some(error) = &end.service {
        screen.always(format_args!("error: {error}\nhelp: {}", error.help()));
    }
    if let Some(why) = &end.cannot_start {
        screen.always(format_args!(
            "error: this machine cannot start the tests: {why}\nhelp: its tests went back to the plan; correct that and \
             start the worker again"
        ));
    }
    if let Some(why) = &end.no_squish_server {
        screen.always(format_args!(
            "error: {why}\nhelp: start it again (testplan servers start), or remove it (testplan servers list, servers remove)"
        ));
    }
}

/// Whether somebody gave this worker its name, so that it is the same when its job comes back.
pub fn is_named(environment: &Environment) -> bool {
    environment.get(WORKER).is_some()
}

/// Unique among all workers of a plan, and safe as a file name: `TESTPLAN_WORKER` or the machine's name, and a number.
pub fn process_name(environment: &Environment) -> Result<String, Failure> {
    let machine = gethostname::gethostname();
    let named = environment
        .get(WORKER)
        .map_or_else(|| machine.to_string_lossy().into_owned(), str::to_owned);
    Ok(format!(
        "{}-{:08x}",
        fs::safe_name(&named, LONGEST_NAME),
        random()?
    ))
}

/// A number that nobody can guess.
pub fn random() -> Result<u32, Failure> {
    getrandom::u32()
        .map_err(|error| Failure::infrastructure(anyhow::anyhow!("no random numbers: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, ExecutionId, Test};

    #[test]
    fn a_slip_of_the_pen_is_asked_for_before_any_waiting() {
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
            let fits = something_fits(PlanId(1), &planned, &set(offer));
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

    #[test]
    fn names_of_matrix_workers_differ_and_those_of_their_attempts_too() {
        let set = "OS=Linux, browser=chrome, resolution=1920x1080, language=de";
        let name = |worker: u32| {
            let named = format!("{set} {worker}/12");
            process_name(&Environment::from_iter([(WORKER, named)])).unwrap()
        };
        let (one, again, two) = (name(1), name(1), name(2));
        assert_ne!(one, again);
        let job = |name: &str| name.rsplit_once('-').unwrap().0.to_owned();
        assert_eq!(job(&one), job(&again));
        assert_ne!(job(&one), job(&two));
        assert!(job(&one).ends_with("de-1-12"), "{one}");
    }
}
