//! A call in the process of a session. The process is started if there is none; where none takes calls, the session is given up
//! and each call gets a process of its own.

use std::{collections::BTreeMap, path::PathBuf, sync::atomic::Ordering};

use super::{
    call_leases::CallLeases,
    call_process::{NoProcess, ToolCall},
    held_result::HeldResult,
    kept_tool::KeptTool,
    worker_session::{InSession, WorkerSession},
};
use crate::{
    clock,
    model::Test,
    resident::{NotStarted, ResidentStart},
    run::{
        SessionEvent,
        supervisor::{NoEnding, Supervisor},
    },
    runner::{
        command_line, process_end::ProcessEnd, runner_settings::PresetSettings,
        stream_results::EVENTS_FILE,
    },
    single::output_tail,
};

/// Processes in a row that end before they take a call, after which no other is started.
const MOST_FRUITLESS_STARTS: u32 = 2;

/// How a call of a session ended.
#[derive(Debug)]
pub(super) struct SessionCall {
    pub(super) ended: Result<ProcessEnd, NoEnding>,
    pub(super) facts: InSession,
}

impl ToolCall {
    /// Runs the call in the process that stays; `None` if no process takes calls.
    pub(super) async fn run_in_session(
        &mut self,
        session: &mut WorkerSession,
        settings: &PresetSettings,
        supervisor: &Supervisor<CallLeases>,
    ) -> Result<Option<SessionCall>, NoProcess> {
        if self.call.setup.test.runner.has_variables_of_executions() {
            let why = "`environment` of the runner has facts of one execution";
            self.refuse_session(why);
            return Ok(None);
        }
        self.make_results_folder()?;
        let tests: Vec<Test> = (self.call.called.iter())
            .map(|it| it.work.granted.test.clone())
            .collect();
        let events = self.call.results.join(EVENTS_FILE);
        let results = self.call.results.to_string_lossy().into_owned();
        let variables = BTreeMap::from([(command_line::RESULTS, results)]);
        let mut fruitless = 0;
        loop {
            let mut tool = match session.tool.take() {
                Some(tool) => tool,
                None => self.start_tool(session, settings).await?,
            };
            let is_warm = tool.is_warm();
            if is_warm {
                self.continue_log(&mut tool).await?;
            }
            self.report_started(tool.pid());
            self.began = clock::monotonic();
            let mut call = tool.call(&tests, &events, &variables);
            let ended = self.bounded(supervisor, &mut call).await;
            let progress = call.into_progress();
            let end = match &ended {
                Ok(end) if progress.obstacles.is_empty() && !progress.is_begun => *end,
                Ok(_) if !progress.obstacles.is_empty() => {
                    let _ = tool.end(&mut supervisor.phase.clone()).await;
                    self.refuse_session(&progress.obstacles.join("; "));
                    return Ok(None);
                }
                _ => {
                    let log = self.log_path(&tool);
                    let held = match &ended {
                        Ok(end) if !progress.is_answered => {
                            session.process_ended(*end, false, &log, &self.call.setup.trust)
                        }
                        // The process lives, or was ended for another reason.
                        _ => session.held.take().map(HeldResult::counts),
                    };
                    self.report_held(held);
                    if progress.is_answered {
                        session.tool = Some(tool);
                    }
                    let facts = InSession {
                        is_answered: progress.is_answered,
                        is_warm,
                    };
                    return Ok(Some(SessionCall { ended, facts }));
                }
            };
            if is_warm {
                let (log, trust) = (self.log_path(&tool), &self.call.setup.trust);
                self.report_held(session.process_ended(end, true, &log, trust));
            }
            // A process that was there may have ended since its last call.
            fruitless += u32::from(!is_warm);
            if fruitless >= MOST_FRUITLESS_STARTS {
                let output = output_tail(&self.call.setup.test.out.join(&self.call.log));
                self.refuse_session(&format!(
                    "its process ended before it took a call ({end})\n{output}"
                ));
                return Ok(None);
            }
        }
    }

    async fn start_tool(
        &self,
        session: &WorkerSession,
        settings: &PresetSettings,
    ) -> Result<KeptTool, NoProcess> {
        let setup = &self.call.setup;
        let reporters = self.reporters()?;
        let mut command = self.command_of_many()?;
        command.argv.extend(settings.session_arguments(reporters));
        command_line::remove_results(&mut command);
        let number = setup.sockets.fetch_add(1, Ordering::Relaxed);
        let start = ResidentStart {
            command,
            settings: [("worker".to_owned(), session.worker.into())]
                .into_iter()
                .collect(),
            folder: reporters.to_owned(),
            name: format!("s{number}"),
            mark: session.mark.clone(),
            log: setup.test.out.join(&self.call.log),
            capture_limit: setup.test.capture_limit,
        };
        KeptTool::start(&start, &self.call.log)
            .await
            .map_err(|error| match error {
                NotStarted::Spawn(error) => NoProcess::Spawn(error),
                NotStarted::NoDoor(_) => NoProcess::Folder(error.to_string()),
            })
    }

    fn log_path(&self, tool: &KeptTool) -> PathBuf {
        self.call.setup.test.out.join(tool.log())
    }

    fn report_held(&self, event: Option<SessionEvent>) {
        if let Some(event) = event {
            self.report(event);
        }
    }

    async fn continue_log(&mut self, tool: &mut KeptTool) -> Result<(), NoProcess> {
        let test = &self.call.setup.test;
        let log = tool
            .continue_in(&test.out, &self.call.log, test.capture_limit)
            .await
            .map_err(|error| NoProcess::Folder(format!("{}: {error}", self.call.log)))?;
        self.call.log = log;
        Ok(())
    }

    fn refuse_session(&self, why: &str) {
        let setup = &self.call.setup;
        let name = (setup.batch.preset.as_ref()).map_or("the tool", |it| it.preset.name);
        let is_required = setup.session().is_some_and(|it| it.is_required);
        if setup.refusal.set(why) && !is_required {
            tracing::warn!("each call of {name} has a process of its own: {why}");
        }
    }
}
