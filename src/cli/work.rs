//! `testplan work`: be worker(s) on a started plan until nothing is left for them.

use clap::Args;

use super::{
    args::{ConfigArgs, OutArgs, ServiceArgs, WorkerArgs},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
    settings::Working,
    showing::absolute,
    step::Output,
    working::{self, Job},
};
use crate::{
    config::environment::Environment, exit_code::Conclusion, model::PlanId, run::state::Tally,
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
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    out: OutArgs,
}

/// `testplan work`.
pub async fn run(command: Work, environment: &Environment, screen: &Screen) -> Ended {
    let config = connect::config(&command.config, environment, screen)?.ok_or_else(|| {
        Failure::usage_text("there is no testplan.yml here, so how a test is run is not known")
            .help("name one with --config FILE")
    })?;
    let runner = config.runner()?;
    let working = Working::choose(&command.workers, &command.out, environment)?;
    // Before all work: a later step takes the records away, above all those of a job that was cancelled.
    screen.output(Output::PlanId, command.plan_id);
    let records = absolute(&working.out.join("records"));
    screen.output(Output::RecordsPath, records.display());
    let client = connect::client(&command.service, environment, screen)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let plan = tokio::select! {
        plan = client.plan(command.plan_id) => plan?,
        kind = signals.next() => return Ok(screen.cancelled(kind)),
    };
    let job = Job {
        client,
        plan,
        runner: &runner,
        working: &working,
    };
    let end = match working::work(job, &mut signals, environment, screen).await? {
        Ok(end) => end,
        Err(cancelled) => return Ok(cancelled),
    };
    if let Some(error) = &end.service {
        screen.insist(&format!("error: {error}\nhelp: {}", error.help()));
    }
    let Tally {
        passed,
        failed,
        errors,
        lost,
    } = end.tally;
    screen.say(&format!(
        "worked on plan {}: {passed} passed, {failed} failed, {errors} could not run, {lost} not counted; record {}",
        command.plan_id,
        end.record.display()
    ));
    let conclusion = working::cut_short(&end).unwrap_or_else(|| verdict(end.tally));
    screen.conclude(conclusion);
    Ok(conclusion)
}

/// What this process's own executions come to. Whether the plan is complete is `wait`'s and `report`'s to say.
fn verdict(tally: Tally) -> Conclusion {
    match (tally.errors, tally.failed) {
        (0, 0) => Conclusion::Passed,
        (0, _) => Conclusion::Failed,
        (_, _) => Conclusion::Infrastructure,
    }
}
