//! The records of one worker, from its beginning to its end, become attempts.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        Capabilities, Day, ExecutionId, PlanStatus, Timestamp,
        record::{Checkout, Record, RecordEvent},
    },
    report::{
        AttemptEnd, AttemptReport, Cases, Counting, PlanFacts, WorkerReport,
        report_entry::EndedAttempt,
    },
};

use super::{missing_reasons::UnservedWorker, plan_history::PlanHistory};

/// The sessions in a record file, by the name of the worker.
#[derive(Debug, Default)]
pub(super) struct WorkerSessions(BTreeMap<String, WorkerSession>);

impl WorkerSessions {
    /// Takes a record, with the cases of an [`RecordEvent::Ended`].
    pub(super) fn take(&mut self, record: Record, cases: Option<Cases>, history: &mut PlanHistory) {
        let begins = matches!(record.event, RecordEvent::Began { .. });
        if begins && self.0.contains_key(&record.worker) {
            // A worker of this name was killed, or its file is used again.
            std::mem::take(self).end(history);
        }
        let process = process_of(&record.worker).and_then(|name| self.0.get(name));
        let process = process.map(|it| (it.worker.capabilities.clone(), it.checkout.clone()));
        self.0
            .entry(record.worker.clone())
            .or_insert_with(|| WorkerSession::new(&record, process.unwrap_or_default()))
            .take(record, cases, history);
    }

    /// Ends all sessions. The end of a process is the end of each worker in it. A process that only writes records for its
    /// workers is no worker.
    pub(super) fn end(self, history: &mut PlanHistory) {
        let left: BTreeMap<String, Option<String>> = self
            .0
            .iter()
            .map(|(name, session)| (name.clone(), session.worker.left.clone()))
            .collect();
        let processes: BTreeSet<String> = self
            .0
            .keys()
            .filter_map(|name| process_of(name))
            .map(str::to_owned)
            .collect();
        for (name, mut session) in self.0 {
            if let Some(left) = process_of(&name).and_then(|process| left.get(process)) {
                session.worker.left = session.worker.left.or_else(|| left.clone());
            }
            session.end(history, processes.contains(&name));
        }
    }
}

/// The process of a worker: `name` of `name/2`.
fn process_of(worker: &str) -> Option<&str> {
    worker.rsplit_once('/').map(|(process, _)| process)
}

/// One worker from its beginning to its end.
#[derive(Debug)]
struct WorkerSession {
    worker: WorkerReport,
    /// The last attempt on each execution.
    current: BTreeMap<ExecutionId, AttemptReport>,
    earlier: Vec<(ExecutionId, AttemptReport)>,
    /// It reset executions, or uploaded results of other workers. A process that does that and runs no test is no worker.
    serves_others: bool,
    checkout: Option<Checkout>,
}

impl WorkerSession {
    fn new(record: &Record, (capabilities, checkout): (Capabilities, Option<Checkout>)) -> Self {
        Self {
            worker: WorkerReport {
                name: record.worker.clone(),
                capabilities,
                began: record.at,
                ended: record.at,
                left: None,
                attempts: 0,
                busy_ms: 0,
            },
            current: BTreeMap::new(),
            earlier: Vec::new(),
            serves_others: false,
            checkout,
        }
    }

    fn take(&mut self, record: Record, cases: Option<Cases>, history: &mut PlanHistory) {
        let at = record.at;
        self.worker.began = self.worker.began.min(at);
        self.worker.ended = self.worker.ended.max(at);
        history.extend_span(at);
        match record.event {
            event @ (RecordEvent::Reserved { .. }
            | RecordEvent::Started { .. }
            | RecordEvent::Ended { .. }
            | RecordEvent::Results { .. }
            | RecordEvent::Confirmed { .. }
            | RecordEvent::Released { .. }) => self.take_attempt_event(at, event, cases, history),
            RecordEvent::Uploading { execution, folder } => {
                let unclear = "its upload has no end, so it may have been received".to_owned();
                self.serves_others |= !self.current.contains_key(&execution);
                history.note_upload(at, folder, Some(unclear));
            }
            RecordEvent::Uploaded {
                execution, folder, ..
            } => {
                self.serves_others |= !self.current.contains_key(&execution);
                history.note_upload(at, folder, None);
            }
            RecordEvent::NotUploaded {
                execution,
                folder,
                reason,
                ..
            } => {
                self.serves_others |= !self.current.contains_key(&execution);
                history.note_upload(at, folder, Some(reason));
            }
            RecordEvent::Began {
                plan,
                title,
                project,
                batch,
                capabilities,
                status,
                version: _,
                clock_ahead_ms: _,
                page_url,
            } => {
                self.worker.capabilities = capabilities;
                history.total = history.total.max(status.total());
                history.facts.get_or_insert(PlanFacts {
                    id: plan,
                    title,
                    project,
                    batch,
                    page_url,
                });
            }
            RecordEvent::Planned { executions } => {
                history.total = history.total.max(executions.len() as u64);
                for planned in executions {
                    let execution = history.execution(planned.execution);
                    execution.test = Some(planned.test);
                    execution.required = Some(planned.required);
                }
            }
            RecordEvent::Discovered { account } => {
                history.discovery.get_or_insert(account);
            }
            RecordEvent::Policy { policy } => history.policy.add(*policy, Day::of(at)),
            RecordEvent::CheckedOut(checkout) => self.checkout = Some(checkout),
            RecordEvent::Starved { wanted, reason } => {
                history.unserved.push(UnservedWorker { wanted, reason });
            }
            RecordEvent::Reset { execution } => {
                self.serves_others = true;
                history.execution(execution).resets.push(at);
            }
            RecordEvent::Left { reason, status } => {
                self.worker.left = Some(reason);
                let total = status.map_or(0, PlanStatus::total);
                history.total = history.total.max(total);
            }
        }
    }

    /// Events between a reservation and the answer to its result.
    fn take_attempt_event(
        &mut self,
        at: Timestamp,
        event: RecordEvent,
        cases: Option<Cases>,
        history: &mut PlanHistory,
    ) {
        match event {
            RecordEvent::Reserved {
                execution,
                test,
                required,
                attempt,
                lease,
                squish_server,
            } => {
                let known = history.execution(execution);
                known.test.get_or_insert(test);
                if let Some(required) = required {
                    known.required.get_or_insert(required);
                }
                let attempt = AttemptReport {
                    squish_server,
                    number: attempt,
                    lease,
                    ..new_attempt(&self.worker, at)
                };
                if let Some(former) = self.current.insert(execution, attempt) {
                    self.earlier.push((execution, former));
                }
            }
            RecordEvent::Started { execution, pid: _ } => {
                self.attempt(execution, at).started = Some(at);
            }
            RecordEvent::Ended {
                execution,
                outcome,
                duration_ms,
                cases: _,
                not_kept,
                log,
                output_tail,
            } => {
                self.attempt(execution, at).end = AttemptEnd::Ended(Box::new(EndedAttempt {
                    at,
                    outcome,
                    duration_ms,
                    cases: cases.unwrap_or_default(),
                    not_kept,
                    log,
                    output_tail,
                }));
            }
            RecordEvent::Results { execution, folder } => {
                self.attempt(execution, at).results = Some(folder);
            }
            RecordEvent::Confirmed { execution, answer } => {
                let attempt = self.attempt(execution, at);
                attempt.confirmation = Some(answer);
                attempt.confirmed = Some(at);
            }
            RecordEvent::Released {
                execution,
                server_trouble,
            } => {
                let attempt = self.attempt(execution, at);
                attempt.server_trouble = server_trouble;
                if attempt.ended().is_none() {
                    attempt.end = AttemptEnd::GivenBack { at };
                }
            }
            _ => {}
        }
    }

    /// The attempt on an execution. It begins here if its reservation could not be read.
    fn attempt(&mut self, execution: ExecutionId, at: Timestamp) -> &mut AttemptReport {
        self.current
            .entry(execution)
            .or_insert_with(|| new_attempt(&self.worker, at))
    }

    fn end(mut self, history: &mut PlanHistory, is_process: bool) {
        for (execution, mut attempt) in self.earlier.into_iter().chain(self.current) {
            if attempt.end == AttemptEnd::Killed && self.worker.left.is_some() {
                attempt.end = AttemptEnd::Unsaid;
            }
            self.worker.attempts += 1;
            self.worker.busy_ms += attempt.duration_ms().unwrap_or(0);
            let attempts = &mut history.execution(execution).attempts;
            if attempts.is_empty() {
                // Most executions have one attempt, and there may be many thousands of them.
                attempts.reserve_exact(1);
            }
            attempts.push(attempt);
        }
        if self.worker.attempts > 0 {
            history.checkouts.insert(self.checkout);
        } else if is_process || self.serves_others {
            return;
        }
        history.workers.push(self.worker);
    }
}

fn new_attempt(worker: &WorkerReport, at: Timestamp) -> AttemptReport {
    AttemptReport {
        worker: worker.name.clone(),
        capabilities: worker.capabilities.clone(),
        squish_server: None,
        number: None,
        lease: None,
        reserved: at,
        started: None,
        end: AttemptEnd::Killed,
        server_trouble: None,
        confirmation: None,
        confirmed: None,
        counting: Counting::Not,
        results: None,
        not_uploaded: None,
    }
}
