//! `testplan work`: be worker(s) on a started plan until nothing is left for them.

use std::path::PathBuf;

use clap::Args;

use super::{
    args::{ConfigArgs, OutArgs, ServiceArgs, ShowArgs, UploadArgs, WorkerArgs},
    connect,
    leftovers::{self, Over},
    rerun::{Rerun, resume::Resume},
    screen::Screen,
    settings::{self, Working},
    showing, squish,
    working::{self, Job},
};
use crate::{
    ci::Ci,
    clock,
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{PlanId, PlanStatus},
    publication::outputs::{self, StepOutput},
    run::{RunEnd, state::Tally},
    signal::Signals,
};

/// Works on a started plan.
#[derive(Args, Debug)]
pub struct Work {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// The plan.
    #[arg(long, value_name = "N")]
    plan_id: PlanId,
    /// The attempt of the CI run that started the plan. In a later one (GitHub's re-run of failed jobs) what failed or
    /// could not run is opened again first, each once [default: as the plan's default title says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    plan_attempt: Option<u32>,
    /// Records of earlier attempts, which tell what failed where the service cannot list executions; repeat for more.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    records: Vec<PathBuf>,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// `testplan work`.
pub async fn run(command: Work, environment: &Environment, screen: &Screen) -> CommandResult {
    leftovers::remove_results(&settings::folder(&command.out, environment)?)?;
    let config = connect::config(&command.config, environment, screen)?.ok_or_else(|| {
        Failure::usage_text("there is no testplan.yml here, so how a test is run is not known")
            .help("name one with --config FILE")
    })?;
    let runner = squish::located(config.runner()?, environment)?;
    let working = Working::choose(&command.workers, &command.out, Some(&runner), environment)?
        .uploading(command.upload.upload);
    // Before all work: a later step takes the records away, above all those of a job that was cancelled.
    screen.output(StepOutput::PlanId, command.plan_id);
    let records = outputs::absolute(&working.out.join("records"));
    screen.output(StepOutput::RecordsPath, records.display());
    let client = connect::client(&command.service, environment, screen)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let plan = signals
        .or_interrupted(connect::plan(&client, command.plan_id))
        .await?;
    let clock_ahead_ms = plan.clock_ahead_ms(clock::wall());
    leftovers::forget_plans(&working.out, plan.id, Over::Stale);
    if plan.is_handed_over() && client.is_ours() != Some(true) {
        screen.warn(format_args!("plan {} was started with a time and revisions, so Test Center may run it itself: a worker would run \
             its tests a second time",
            plan.id
        ));
    }
    let resume = Resume {
        rerun: Rerun::of(
            &Ci::detect(environment.lookup()),
            command.plan_attempt,
            &plan.title,
        ),
        client: &client,
        plan: &plan,
        offered: &working.offered,
        records: &command.records,
        folder: &working.out.join("records"),
        name: &working::process_name(environment)?,
        is_named: working::is_named(environment),
    };
    let standing = signals.or_interrupted(resume.resume(screen)).await?;
    let job = Job {
        discovery: None,
        client,
        plan,
        clock_ahead_ms,
        runner: &runner,
        working: &working,
        alone: false,
    };
    let end = working::work(job, &mut signals, environment, screen).await?;
    working::tell_the_end(&end, screen);
    let said = told(command.plan_id, &end);
    screen.info(&said);
    working::tell_of_what_stays(&end, &working.offered, screen);
    showing::show_work(command.plan_id, &end, &said, command.show, screen);
    let conclusion = match working::cut_short(&end).unwrap_or_else(|| verdict(end.tally)) {
        // Green would say that what stands was seen to.
        Conclusion::Passed if standing.is_some() => Conclusion::Incomplete,
        // It left before it knew that nothing is left.
        Conclusion::Passed | Conclusion::Failed if end.no_squish_server.is_some() => {
            Conclusion::Infrastructure
        }
        conclusion => conclusion,
    };
    if let Some(standing) = standing.filter(|_| conclusion == Conclusion::Incomplete) {
        screen.always(format_args!("incomplete: {standing}"));
    }
    screen.conclude_work(conclusion, end.tally == Tally::default());
    Ok(conclusion)
}

fn told(plan: PlanId, end: &RunEnd) -> String {
    let Tally {
        passed,
        skipped,
        failed,
        errors,
        not_uploaded,
        lost,
    } = end.tally;
    let record = end.record.display();
    if end.tally == Tally::default()
        && let Some(PlanStatus {
            open,
            reserved,
            done,
        }) = end.status
    {
        return if end.starved.is_some() {
            format!("no test was run here: no Squish server could come; record {record}")
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

/// What this process's own executions come to. Whether the plan is complete is `wait`'s and `report`'s to say.
fn verdict(tally: Tally) -> Conclusion {
    match (tally.errors + tally.not_uploaded, tally.failed) {
        (0, 0) => Conclusion::Passed,
        (0, _) => Conclusion::Failed,
        (_, _) => Conclusion::Infrastructure,
    }
}
