//! The process of a tool that stays: started once, then sent one call after the other.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time};

use crate::{
    model::Test,
    resident::{NotStarted, ProcessEvent, ResidentProcess, ResidentStart, resident_mib},
    run::{Phase, phase::moved_past, supervisor::Supervised},
    runner::{process_end::ProcessEnd, runner_settings::FreshProcess},
    text::format_duration,
};

/// How long a process may take to end in order: it ends what its tests share.
const END_GRACE: Duration = Duration::from_secs(60);

/// What the tool sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum FromTool {
    /// It takes calls.
    Hello {
        /// Why this project cannot have a session.
        #[serde(default)]
        obstacles: Vec<String>,
    },
    /// A call begins.
    Started { n: u64 },
    /// A call ended, as a process of its own would have ended with this exit code.
    Done { n: u64, exit: i32 },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// What is sent to it.
#[derive(Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum ToTool<'a> {
    /// Run these tests.
    Call {
        n: u64,
        events: &'a str,
        tests: &'a [Test],
        variables: &'a BTreeMap<&'static str, String>,
    },
    /// Nothing more comes.
    End,
}

impl ToTool<'_> {
    fn line(&self) -> Vec<u8> {
        // Texts and numbers alone: cannot fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// A process that stays. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct KeptTool {
    process: ResidentProcess,
    /// Where its output goes; relative to the `--out` folder.
    log: String,
    takes_calls: bool,
    calls: u64,
    tests: u32,
    has_failed: bool,
}

impl KeptTool {
    /// Starts the tool. `log` is the file of `start`, relative to the `--out` folder.
    pub(crate) async fn start(start: &ResidentStart, log: &str) -> Result<Self, NotStarted> {
        Ok(Self {
            process: ResidentProcess::start(start).await?,
            log: log.to_owned(),
            takes_calls: false,
            calls: 0,
            tests: 0,
            has_failed: false,
        })
    }

    /// Number of its group.
    pub(crate) fn pid(&self) -> u32 {
        self.process.group()
    }

    /// Whether it has run a call.
    pub(crate) fn is_warm(&self) -> bool {
        self.calls > 0
    }

    /// Puts the output of the next call into a file of its own, where the system can do that. Returns the file that it goes
    /// to, relative to the `--out` folder.
    pub(crate) async fn continue_in(
        &mut self,
        out: &Path,
        log: &str,
        limit: u64,
    ) -> io::Result<String> {
        if self.process.continue_in(&out.join(log), limit).await? {
            log.clone_into(&mut self.log);
        }
        Ok(self.log.clone())
    }

    /// A call of these tests, to be waited for.
    pub(crate) fn call(
        &mut self,
        tests: &[Test],
        events: &Path,
        variables: &BTreeMap<&'static str, String>,
    ) -> CallInSession<'_> {
        self.calls += 1;
        let count = u32::try_from(tests.len()).unwrap_or(u32::MAX);
        self.tests = self.tests.saturating_add(count);
        let call = ToTool::Call {
            n: self.calls,
            events: &events.to_string_lossy(),
            tests,
            variables,
        };
        CallInSession {
            call: call.line(),
            tool: self,
            is_sent: false,
            progress: CallProgress::default(),
        }
    }

    /// A test of a call failed.
    pub(crate) fn note_failure(&mut self) {
        self.has_failed = true;
    }

    /// Whether a fresh process is to take the next call.
    pub(crate) fn is_due(&self, fresh: FreshProcess) -> bool {
        let memory = || self.process.pid().and_then(resident_mib);
        fresh.is_due(self.tests, self.has_failed, memory)
    }

    /// The file of its output, relative to the `--out` folder.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// Ends it in order, unless the run stops meanwhile. Returns what is wrong, if it did not end as a tool whose tests passed.
    pub(crate) async fn end(mut self, phase: &mut watch::Receiver<Phase>) -> Option<String> {
        self.process.send(&ToTool::End.line()).await;
        let ending = async {
            loop {
                match self.process.event::<FromTool>().await {
                    ProcessEvent::Message(_) => {}
                    ProcessEvent::Ended(end) => return Ok(end),
                    ProcessEvent::Broken(why) => return Err(why),
                }
            }
        };
        let trouble = tokio::select! {
            ended = time::timeout(END_GRACE, ending) => match ended {
                Ok(Ok(ProcessEnd::Exited(0))) => None,
                // What the tool says of tests that failed.
                Ok(_) if self.has_failed => None,
                Ok(Ok(end)) => Some(format!("it ended with {end}")),
                Ok(Err(why)) => Some(why),
                Err(_) => Some(format!("it did not end within {}", format_duration(END_GRACE))),
            },
            _ = moved_past(phase, Phase::Working) => None,
        };
        self.process.stop(Duration::ZERO).await;
        trouble
    }
}

/// How far a call of a session came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallProgress {
    /// The tool has begun it.
    pub(crate) is_begun: bool,
    /// The tool has answered: then its process lives on.
    pub(crate) is_answered: bool,
    /// Why the project cannot have a session.
    pub(crate) obstacles: Vec<String>,
    end: Option<ProcessEnd>,
}

/// A call that a tool runs, or will run once it takes calls.
pub(crate) struct CallInSession<'a> {
    tool: &'a mut KeptTool,
    call: Vec<u8>,
    is_sent: bool,
    progress: CallProgress,
}

impl CallInSession<'_> {
    /// How far it came.
    pub(crate) fn into_progress(self) -> CallProgress {
        self.progress
    }

    async fn next(&mut self) -> Option<ProcessEnd> {
        let tool = &mut *self.tool;
        if tool.takes_calls && !self.is_sent {
            self.is_sent = true;
            tool.process.send(&self.call).await;
        }
        match tool.process.event::<FromTool>().await {
            ProcessEvent::Message(FromTool::Hello { obstacles }) if obstacles.is_empty() => {
                tool.takes_calls = true;
                None
            }
            ProcessEvent::Message(FromTool::Hello { obstacles }) => {
                self.progress.obstacles = obstacles;
                Some(ProcessEnd::Exited(0))
            }
            ProcessEvent::Message(FromTool::Started { n }) if n == tool.calls => {
                self.progress.is_begun = true;
                None
            }
            ProcessEvent::Message(FromTool::Done { n, exit }) if n == tool.calls => {
                tool.process.flush_output().await;
                self.progress.is_answered = true;
                Some(ProcessEnd::Exited(exit))
            }
            ProcessEvent::Message(_) => None,
            ProcessEvent::Ended(end) => Some(end),
            ProcessEvent::Broken(why) => {
                tracing::warn!(%why, "the process of a session is killed");
                tool.process.stop(Duration::ZERO).await;
                Some(ProcessEnd::Signalled(KILL))
            }
        }
    }
}

/// SIGKILL.
const KILL: i32 = 9;

impl Supervised for CallInSession<'_> {
    async fn wait(&mut self) -> io::Result<ProcessEnd> {
        loop {
            if let Some(end) = self.progress.end {
                return Ok(end);
            }
            self.progress.end = self.next().await;
        }
    }

    fn ended(&self) -> Option<ProcessEnd> {
        self.progress.end
    }

    async fn stop(&mut self, grace: Duration) -> io::Result<ProcessEnd> {
        self.tool.process.terminate(grace).await
    }
}
