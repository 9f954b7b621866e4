//! `testplan run --managed`: start, wait until Test Center has run everything, take the verdict from its counts.

use std::time::Duration;

use super::{RunArgs, RunOutcome, finish};
use crate::{
    cli::{
        args::WorkerArgs,
        context::Context,
        managed, select,
        settings::{self, ServiceSettings},
        start::{self, StartSettings, StartedPlan},
    },
    client::ClientError,
    clock,
    config::{duration, precedence::Setting},
    exit_code::Conclusion,
    failure::{Failure, conclusion_of},
    listing::template_tests,
    model::Plan,
    report::time_text::utc_text,
    signal::Signals,
    wait::{PlanCounts, ResultsWatch, service_time},
};

/// How long to wait for results after the last execution, unless --results-patience says otherwise.
const RESULTS_PATIENCE: Duration = Duration::from_secs(600);

/// Why a wait ended.
enum Ended {
    Results(PlanCounts),
    Service(ClientError),
    Cut(Conclusion),
}

/// Has Test Center run a plan, and reports.
pub(super) async fn run(
    command: &RunArgs,
    context: &Context,
    signals: &mut Signals,
) -> Result<RunOutcome, Failure> {
    let screen = &context.screen;
    let service = ServiceSettings::resolve(&command.plan.service, context)?.ok_or_else(|| {
        Failure::usage_text("--managed: no service is named, and testplan's own runs no scripts")
            .help("name a Test Center with --url URL or TESTCENTER_URL")
    })?;
    let deadline = refuse_worker_flags(&command.workers)?;
    let deadline = context.choose(Setting::DEADLINE, deadline, duration::parse)?;
    let config = command.plan.config.load(context)?;
    let client = service.connect()?;
    let settings = StartSettings::resolve(&command.plan.start, context)?;
    let out = command.report.out.folder(context)?;
    settings::make_folder(&out, "--out")?;
    let began = clock::wall();
    let starting = async {
        let name = command.plan.template.resolve(config.as_ref())?;
        let template = template_tests::find_template(&client, name, config.as_ref()).await?;
        let time = managed::start_time(&command.plan.managed, &client, &template, screen)?;
        let source = (&template, config.as_ref());
        let wanted = command.wanted(&settings);
        let tests = select::at_service(&client, source, wanted, context).await?;
        let StartedPlan { plan, .. } =
            start::start(&client, source, tests, &settings, time, context).await?;
        Ok::<_, Failure>((plan, time.unwrap_or_default()))
    };
    let (plan, time) = signals.or_interrupted(starting).await?;
    screen.info(format_args!(
        "plan {} started: {}; Test Center runs it itself from {}",
        plan.id,
        plan.title,
        utc_text(time)
    ));

    let patience = command.results_patience.unwrap_or(RESULTS_PATIENCE);
    let starts = time.since(service_time(&plan));
    let mut watch = ResultsWatch::new(&client, plan.id);
    let deadline = async {
        match deadline {
            Some(span) => tokio::time::sleep(span).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        results = watch.until_complete(patience, starts, |line| screen.info(line)) => match results {
            Ok(seen) => Ended::Results(seen),
            Err(error) => Ended::Service(error),
        },
        () = deadline => Ended::Cut(Conclusion::Incomplete),
        kind = signals.next() => Ended::Cut(conclusion_of(kind)),
    };
    let last = watch.counts;
    let (seen, stopped) = match ended {
        Ended::Results(seen) => (seen, None),
        Ended::Service(error) => {
            let Some(seen) = last else {
                return Err(error.into());
            };
            screen.always(format_args!("error: {error}\nhelp: {}", error.help()));
            (seen, Some(error.conclusion()))
        }
        Ended::Cut(conclusion) => {
            screen.always("Test Center keeps running the plan: stop it there");
            let Some(seen) = last else {
                screen.conclude(conclusion);
                return Ok(RunOutcome {
                    result: Ok(conclusion),
                    report: None,
                    is_stopped: true,
                });
            };
            (seen, Some(conclusion))
        }
    };
    let is_stopped = matches!(
        stopped,
        Some(Conclusion::Interrupted | Conclusion::Terminated)
    );
    let plan = Plan {
        // Test Center may leave out the revisions that it got.
        repositories: settings.linked,
        ..seen.plan
    };
    let mut report = managed::report(&client, plan, seen.status, context.ci());
    report.span = Some((began, clock::wall()));
    report.stopped = stopped;
    if config.is_some_and(|it| it.file.quarantine.is_some() || it.file.flaky.is_some()) {
        report.warnings.push(
            "`quarantine` and `flaky` of testplan.yml have no effect: Test Center reports only how many tests failed"
                .to_owned(),
        );
    }
    let commit = settings.tested.commit;
    Ok(finish(
        command,
        report,
        &out,
        commit.as_deref(),
        is_stopped,
        || {},
        context,
    ))
}

/// Refuses flags of workers, which Test Center does not have. Returns the deadline.
fn refuse_worker_flags(args: &WorkerArgs) -> Result<Option<Duration>, Failure> {
    let WorkerArgs {
        capabilities,
        workers,
        allocate_server,
        lease,
        deadline,
        grace,
    } = args;
    for (flag, is_given) in [
        ("--capability", !capabilities.is_empty()),
        ("--workers", workers.is_some()),
        ("--allocate-server", *allocate_server),
        ("--lease", lease.is_some()),
        ("--grace", grace.grace.is_some()),
    ] {
        if is_given {
            return Err(Failure::usage_text(format_args!(
                "--managed and {flag}: Test Center runs the tests, so there is no worker here"
            ))
            .help(format!("leave {flag} out")));
        }
    }
    Ok(*deadline)
}
