//! Runs tests in one way, with the engine of `testplan run`: a service in this process and one worker.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    cli::{
        args::{OutArgs, UploadPolicy, WorkerArgs},
        context::Context,
        local_workers::{self, WorkRequest},
        settings::{self, WorkOptions},
    },
    client::{Client, StartPlan},
    clock,
    doctor::batching::{WayRun, verdicts::Verdict, way::Way},
    failure::Failure,
    leftovers::{self, FinishedPlans},
    listing::{catalog::Catalog, loaded_plan_file::LoadedPlanFile, preset_listing::PresetListing},
    local_service::EmbeddedService,
    model::{Capabilities, Outcome, Plan, PlanId, PlanKind, PlanOrigin, Test},
    report::{AttemptReport, PlanReport},
    report_files,
    run::{RunEnding, RunSummary},
    runner::runner_settings::RunnerSettings,
    signal::{Interrupted, Signals},
    store::{PlannedTest, TemplateDefinition},
    text::counted,
};

/// Runs tests in any way.
pub(super) struct WayRunner<'a> {
    pub(super) workers: &'a WorkerArgs,
    pub(super) named_out: &'a OutArgs,
    pub(super) config: &'a LoadedPlanFile,
    pub(super) context: &'a Context,
    /// For the store of the service; removed at the end.
    pub(super) scratch: &'a Path,
    /// Each way has a folder in it.
    pub(super) out: PathBuf,
    pub(super) time_limit: Duration,
}

/// The verdicts of one way.
pub(super) struct RunVerdicts {
    pub(super) run: WayRun,
    verdicts: HashMap<(Test, Capabilities), Verdict>,
    /// Why the first test that could not run could not.
    pub(super) first_error: Option<String>,
}

impl RunVerdicts {
    pub(super) fn verdict(&self, planned: &PlannedTest) -> Option<Verdict> {
        let key = (planned.test.clone(), planned.required.clone());
        self.verdicts.get(&key).copied()
    }

    /// The tests that have one.
    pub(super) fn with_verdict(&self, tests: &[PlannedTest]) -> Vec<PlannedTest> {
        let tests = tests.iter();
        tests
            .filter(|it| self.verdict(it).is_some())
            .cloned()
            .collect()
    }
}

impl WayRunner<'_> {
    /// Runs the tests of a template in their order.
    pub(super) async fn run(
        &self,
        way: Way,
        runner: &RunnerSettings,
        template: TemplateDefinition,
        signals: &mut Signals,
    ) -> Result<RunVerdicts, Failure> {
        let tests = counted(template.executions.len(), "test");
        let screen = &self.context.screen;
        screen.info(format_args!("{}: {tests}", way.word()));
        let name = (template.project.clone(), template.title.clone());
        let options = self.options(way, runner)?;
        settings::make_folder(&options.out, "--out")?;
        // Of an earlier check; the number of this plan is among theirs.
        leftovers::remove_finished_plans(&options.out, PlanId(0), FinishedPlans::Left);
        let mut catalog = Catalog::default();
        catalog.add_template(template, self.config);
        // A store of its own: durations of another way would change order and size of the batches.
        let file = self.scratch.join(format!("{}.sqlite", way.word()));
        let service = EmbeddedService::start(&file, catalog).await?;
        let plan = start(&service.client, &name).await?;
        let preset = PresetListing {
            kept: Some(local_workers::kept_process(&options)?),
            ..self.config.preset.clone()
        };
        let id = plan.id;
        let request = WorkRequest {
            client: service.client.clone(),
            plan,
            discovery: None,
            policy: None,
            clock_ahead_ms: None,
            runner,
            preset: &preset,
            options: &options,
            alone: true,
        };
        let began = clock::monotonic();
        let worked = Box::pin(local_workers::work(request, signals, self.context)).await;
        let wall = began.elapsed();
        service.close().await?;
        let RunSummary { ending, record, .. } = worked?;
        let is_cut = accept(way, ending)?;
        let report = report_files::merge(&[record], Some(id), None, None)?;
        Ok(verdicts(&report, |repeated| WayRun {
            way,
            wall,
            is_cut,
            repeated,
        }))
    }

    fn options(&self, way: Way, runner: &RunnerSettings) -> Result<WorkOptions, Failure> {
        let (workers, out, runner) = (self.workers, self.named_out, Some(runner));
        let policy = UploadPolicy::Never;
        let options = WorkOptions::resolve(workers, out, policy, runner, self.context)?;
        Ok(WorkOptions {
            // The times compare only with one.
            workers: 1,
            deadline: Some(self.time_limit),
            out: self.out.join(way.word()),
            ..options
        })
    }
}

/// Starts a plan of the only template.
async fn start(client: &Client, (project, title): &(String, String)) -> Result<Plan, Failure> {
    let template = client.find_plan(project, title, PlanKind::Template).await?;
    let request = StartPlan {
        template: template.id,
        project: template.project.clone(),
        title: title.clone(),
        batch: title.clone(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: PlanOrigin::default(),
    };
    Ok(client.execute_plan(&request).await?)
}

/// Whether the time limit ended a way; an error if it did not come to another end that can be compared.
fn accept(way: Way, ending: RunEnding) -> Result<bool, Failure> {
    let conclusion = ending.conclusion();
    match (ending, conclusion) {
        (RunEnding::Deadline, _) => Ok(true),
        (RunEnding::Stopped(kind), _) => Err(Interrupted(kind).into()),
        (_, None) => Ok(false),
        (ending, Some(conclusion)) => {
            let mut failure =
                Failure::infrastructure_text(format_args!("{}: {ending}", way.word()))
                    .help("get one test to run with `testplan run` first");
            failure.conclusion = conclusion;
            Err(failure)
        }
    }
}

fn verdicts(report: &PlanReport, run: impl FnOnce(usize) -> WayRun) -> RunVerdicts {
    let repeated = report.entries.iter().filter(|it| it.attempts.len() > 1);
    let run = run(repeated.count());
    let mut first_error = None;
    let mut verdicts = HashMap::new();
    for entry in &report.entries {
        let Some(verdict) = Verdict::of(entry.status) else {
            continue;
        };
        let outcome = entry.counted().and_then(AttemptReport::outcome);
        if let Some(Outcome::ExecutionError { message, .. }) = outcome {
            first_error.get_or_insert_with(|| format!("{}: {message}", entry.test));
        }
        let required = entry.required.clone().unwrap_or_default();
        verdicts.insert((entry.test.clone(), required), verdict);
    }
    RunVerdicts {
        run,
        verdicts,
        first_error,
    }
}
