//! The session of one worker: takes tests, divides them into calls, and runs one call after the other.

use std::{
    collections::VecDeque,
    fmt, future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    sync::{mpsc, watch},
    time,
};

use super::{
    batch_setup::BatchSetup,
    call::CalledWork,
    call_plan::{PlannedTest, plan_calls},
    call_process, tool_call,
    worker_session::WorkerSession,
};
use crate::{
    client::BatchOptions,
    clock,
    run::{Attempt, Phase, Session, SessionEvent, WorkItem},
    runner::command_line::call_tests::room_for_names,
    single::NO_COMMAND,
};

/// How long an idle session waits for work at least before it ends its process for the result that it holds back; at most;
/// and how many times as long as it waited for work before.
const LEAST_PATIENCE: Duration = Duration::from_millis(500);
const MOST_PATIENCE: Duration = Duration::from_secs(5);
const WAITS: u32 = 2;

/// A session.
pub(crate) struct BatchSession {
    setup: Arc<BatchSetup>,
    phase: watch::Receiver<Phase>,
    calls: VecDeque<Vec<CalledWork>>,
    running: Option<BoxFuture<'static, CallFinished>>,
    /// What is kept from call to call, if the tool has sessions; it is with the call that runs.
    session: Option<WorkerSession>,
    /// What the processes of the session are marked with.
    mark: Option<String>,
    /// Since when it has reported that it wants executions, and got none.
    waits_since: Option<Instant>,
    /// The longest wait for work after a call: results go to the service first, and it may be slow.
    longest_wait: Duration,
    /// It took work before.
    has_worked: bool,
    events: mpsc::UnboundedReceiver<SessionEvent>,
    sender: mpsc::UnboundedSender<SessionEvent>,
}

/// What a call leaves behind: the calls that the tests of a refused one are divided into, and the session.
type CallFinished = (Vec<Vec<CalledWork>>, Option<WorkerSession>);

impl BatchSession {
    pub(crate) fn new(setup: Arc<BatchSetup>, worker: u32, phase: watch::Receiver<Phase>) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let session = setup.session().and_then(|_| WorkerSession::new(worker));
        Self {
            mark: session.as_ref().map(|session| session.mark.clone()),
            session,
            setup,
            phase,
            calls: VecDeque::new(),
            running: None,
            waits_since: None,
            longest_wait: Duration::ZERO,
            has_worked: false,
            events,
            sender,
        }
    }

    async fn next_event(&mut self) -> SessionEvent {
        loop {
            if let Ok(event) = self.events.try_recv() {
                return event;
            }
            if self.running.is_none()
                && let Some(work) = self.calls.pop_front()
            {
                let (setup, phase) = (Arc::clone(&self.setup), self.phase.clone());
                let (sender, mut session) = (self.sender.clone(), self.session.take());
                let running = async move {
                    let kept = session.as_mut();
                    let divided = tool_call::run(setup, work, kept, phase, sender).await;
                    (divided, session)
                };
                self.running = Some(running.boxed());
            }
            let Some(running) = &mut self.running else {
                let Some(since) = self.waits_since else {
                    self.waits_since = Some(clock::monotonic());
                    return SessionEvent::Wants(self.wants());
                };
                if self.session.as_ref().is_none_or(|it| it.held.is_none()) {
                    return future::pending().await;
                }
                // Nothing more may come before this result is there.
                let patience = self.longest_wait * WAITS;
                let patience = patience.clamp(LEAST_PATIENCE, MOST_PATIENCE);
                time::sleep_until((since + patience).into()).await;
                self.running = Some(self.ended_session());
                continue;
            };
            let (divided, session) = tokio::select! {
                biased;
                Some(event) = self.events.recv() => return event,
                finished = running => finished,
            };
            self.running = None;
            self.session = session;
            for call in divided.into_iter().rev() {
                self.calls.push_front(call);
            }
        }
    }

    /// Ends the process of the session, and reports the result that it holds back.
    fn ended_session(&mut self) -> BoxFuture<'static, CallFinished> {
        let (sender, mut session) = (self.sender.clone(), self.session.take());
        let (setup, mut phase) = (Arc::clone(&self.setup), self.phase.clone());
        async move {
            if let Some(session) = &mut session
                && let Some(event) = session.end(&setup.test.out, &mut phase).await
            {
                // Received for as long as the session lives.
                let _ = sender.send(event);
            }
            (Vec::new(), session)
        }
        .boxed()
    }

    fn wants(&self) -> BatchOptions {
        let BatchSetup {
            batch, trust, test, ..
        } = &*self.setup;
        if trust.is_lost() || test.runner.asks_for_server() {
            return BatchOptions::one();
        }
        BatchOptions {
            max: batch.most,
            work: batch.target,
            // No suite is warm, but whole ones are wanted.
            near: batch.wants_whole_suites().then(Vec::new),
            single_calls: trust.count(batch.target, batch.most),
        }
    }

    /// Divides the work into calls. A test that no call can name could not run.
    fn plan(&mut self, work: Vec<WorkItem>) {
        let setup = &self.setup;
        let mut named = Vec::with_capacity(work.len());
        for work in work {
            match call_process::name(setup, &work) {
                Ok(name) => named.push(CalledWork { work, name }),
                Err(refused) => {
                    let why = refused.to_string();
                    let attempt = Attempt::could_not_run(Duration::ZERO, NO_COMMAND, &why);
                    // This session has the receiver.
                    let _ = self.sender.send(SessionEvent::Ended {
                        execution: work.granted.execution,
                        attempt: Box::new(attempt),
                    });
                }
            }
        }
        let tests: Vec<PlannedTest> = named
            .iter()
            .map(|CalledWork { work, name }| PlannedTest {
                length: name.len() + 1,
                alone: work.granted.server.is_some()
                    || setup.trust.is_alone(work.granted.execution),
            })
            .collect();
        let most = usize::try_from(setup.batch.most).unwrap_or(usize::MAX);
        let room = room_for_names(&setup.command.command, setup.batch.selection);
        let mut named: Vec<Option<CalledWork>> = named.into_iter().map(Some).collect();
        for call in plan_calls(&tests, most, room) {
            let work = call.into_iter().filter_map(|place| named[place].take());
            self.calls.push_back(work.collect());
        }
    }
}

impl Session for BatchSession {
    fn take(&mut self, work: Vec<WorkItem>) {
        if let (Some(since), true) = (self.waits_since.take(), self.has_worked) {
            let waited = clock::monotonic().saturating_duration_since(since);
            self.longest_wait = self.longest_wait.max(waited);
        }
        self.has_worked = true;
        self.plan(work);
    }

    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(self.next_event())
    }

    fn wants_results_first(&self) -> bool {
        true
    }

    fn mark(&self) -> Option<String> {
        self.mark.clone()
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(session) = &mut self.session {
                // Nothing is held back: each execution has ended.
                let _ = session.end(&self.setup.test.out, &mut self.phase).await;
            }
        })
    }
}

impl fmt::Debug for BatchSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchSession")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}
