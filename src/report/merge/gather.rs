//! Events become attempts: which worker held which execution, and how each hold ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        Capabilities, DiscoveryAccount, ExecutionId, PlanId, Test, Timestamp,
        record::{Checkout, Record, RecordEvent},
    },
    report::{
        AttemptEnd, AttemptReport, Cases, Counting, PlanFacts, RecordFile, WorkerReport,
        report_entry::EndedAttempt,
    },
};

use super::lack::Serverless;

/// Everything said of one execution.
#[derive(Debug, Default)]
pub(super) struct Dossier {
    pub(super) test: Option<Test>,
    pub(super) required: Option<Capabilities>,
    pub(super) attempts: Vec<AttemptReport>,
    pub(super) resets: Vec<Timestamp>,
}

/// Everything said of a plan.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) facts: Option<PlanFacts>,
    pub(super) total: u64,
    pub(super) executions: BTreeMap<ExecutionId, Dossier>,
    pub(super) workers: Vec<WorkerReport>,
    pub(super) warnings: Vec<String>,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) serverless: Vec<Serverless>,
    pub(super) discovery: Option<DiscoveryAccount>,
    /// Plans that the records are of beside the one that was chosen.
    pub(super) others: BTreeSet<PlanId>,
    /// Where the workers that took an execution ran; `None` for those that ran in no checkout.
    pub(super) checkouts: BTreeSet<Option<Checkout>>,
    /// What came of uploads, by the folder of the results: nothing where they got in, else why they did not.
    uploads: BTreeMap<String, (Timestamp, Option<String>)>,
}

/// Puts the records of one plan together.
pub(super) fn gather(files: Vec<RecordFile>, wanted: Option<PlanId>) -> Gathered {
    let (wanted, others) = choose(&files, wanted);
    let mut gathered = Gathered {
        others,
        ..Gathered::default()
    };
    gathered
        .warnings
        .extend(files.iter().flat_map(without_a_plan));
    let files = files
        .into_iter()
        .filter(|file| concerns(file, wanted.as_ref()));
    for file in without_copies(files.collect(), &mut gathered.warnings) {
        gathered.warnings.extend(file.warnings);
        let mut clock_ahead_ms = 0;
        let mut sessions: BTreeMap<String, Session> = BTreeMap::new();
        let mut plan = file.records.iter().find_map(plan_of);
        let mut all_cases = file.cases.into_iter();
        for mut record in file.records {
            let cases = matches!(record.event, RecordEvent::Ended { .. })
                .then(|| all_cases.next())
                .flatten();
            plan = plan_of(&record).or(plan);
            if plan.is_some() && plan != wanted {
                continue;
            }
            // All times by the service's clock: those of two machines differ.
            if let RecordEvent::Began {
                clock_ahead_ms: it, ..
            } = record.event
            {
                clock_ahead_ms = it.unwrap_or_default();
            }
            record.at = Timestamp(record.at.0.saturating_add(clock_ahead_ms));
            if matches!(record.event, RecordEvent::Began { .. })
                && sessions.contains_key(&record.worker)
            {
                // A second beginning under one name: the first worker was killed, or its file was reused.
                close_all(std::mem::take(&mut sessions), &mut gathered);
            }
            let process = process_of(&record.worker).and_then(|name| sessions.get(name));
            let process = process.map(|it| (it.worker.capabilities.clone(), it.checkout.clone()));
            sessions
                .entry(record.worker.clone())
                .or_insert_with(|| Session::new(&record, process.unwrap_or_default()))
                .take(record, cases, &mut gathered);
        }
        close_all(sessions, &mut gathered);
    }
    gathered.settle_uploads();
    gathered
        .workers
        .sort_by(|a, b| (&a.name, a.began).cmp(&(&b.name, b.began)));
    gathered
}

impl Gathered {
    /// What got in got in, whoever tells it; else the last word counts.
    fn note_upload(&mut self, at: Timestamp, folder: String, trouble: Option<String>) {
        let (last, known) = self
            .uploads
            .entry(folder)
            .or_insert_with(|| (at, trouble.clone()));
        if trouble.is_none() || (known.is_some() && *last <= at) {
            (*last, *known) = (at, trouble);
        }
    }

    fn settle_uploads(&mut self) {
        let attempts = self.executions.values_mut();
        for attempt in attempts.flat_map(|dossier| &mut dossier.attempts) {
            attempt.not_uploaded = attempt
                .results
                .as_ref()
                .and_then(|folder| self.uploads.get(folder)?.1.clone());
        }
    }
}

/// The process that a worker is one of several in: `name/2` is the second of `name`.
fn process_of(worker: &str) -> Option<&str> {
    worker.rsplit_once('/').map(|(process, _)| process)
}

/// Ends all sessions of a file. What a process says of its beginning and end holds for each worker in it; a process
/// that only speaks for its workers is not one itself.
fn close_all(sessions: BTreeMap<String, Session>, all: &mut Gathered) {
    let ends: BTreeMap<String, Option<String>> = sessions
        .iter()
        .map(|(name, session)| (name.clone(), session.worker.left.clone()))
        .collect();
    let speakers: BTreeSet<String> = sessions
        .keys()
        .filter_map(|name| process_of(name))
        .map(str::to_owned)
        .collect();
    for (name, mut session) in sessions {
        if let Some(left) = process_of(&name).and_then(|process| ends.get(process)) {
            session.worker.left = session.worker.left.or_else(|| left.clone());
        }
        let speaks = speakers.contains(&name) && session.held.is_empty() && session.done.is_empty();
        session.close(all, speaks);
    }
}

/// What tells plans apart: a number alone does not, because two services may give out the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    id: PlanId,
    title: String,
    batch: String,
}

fn plan_of(record: &Record) -> Option<Identity> {
    match &record.event {
        RecordEvent::Began {
            plan, title, batch, ..
        } => Some(Identity {
            id: *plan,
            title: title.clone(),
            batch: batch.clone(),
        }),
        _ => None,
    }
}

/// Whether a file says anything of a plan.
fn concerns(file: &RecordFile, plan: Option<&Identity>) -> bool {
    let mut plans = file.records.iter().filter_map(plan_of);
    plans.any(|it| Some(&it) == plan)
}

/// What there is to say of a file that does not say which plan it is of: its first line does, and without it nothing in
/// the file can be counted.
fn without_a_plan(file: &RecordFile) -> Vec<String> {
    if file.records.iter().any(|it| plan_of(it).is_some()) {
        return Vec::new();
    }
    let mut warnings = file.warnings.clone();
    if !file.records.is_empty() {
        warnings.push(format!(
            "{}: no record says which plan it is of; left out",
            file.name
        ));
    }
    warnings
}

/// The plan to report on, and the numbers of the others: the one of the wanted number, or of all, that began last.
fn choose(files: &[RecordFile], wanted: Option<PlanId>) -> (Option<Identity>, BTreeSet<PlanId>) {
    let mut began: BTreeMap<Identity, Timestamp> = BTreeMap::new();
    for record in files.iter().flat_map(|file| &file.records) {
        if let Some(plan) = plan_of(record) {
            // By the service's clock: those of two machines differ.
            let ahead = match record.event {
                RecordEvent::Began { clock_ahead_ms, .. } => clock_ahead_ms.unwrap_or_default(),
                _ => 0,
            };
            let at = Timestamp(record.at.0.saturating_add(ahead));
            let last = began.entry(plan).or_insert(at);
            *last = at.max(*last);
        }
    }
    let chosen = began
        .iter()
        .filter(|(plan, _)| wanted.is_none_or(|wanted| plan.id == wanted))
        .max_by_key(|(plan, last)| (**last, plan.id));
    let chosen = chosen.map(|(plan, _)| plan.clone());
    // Two services may give one number to two plans: then it is among the others as well.
    let others = began
        .into_keys()
        .filter(|plan| Some(plan) != chosen.as_ref());
    let others = others.map(|plan| plan.id).collect();
    (chosen, others)
}

/// Leaves out a file whose records another file has as well: an artifact downloaded twice, or a copy taken early.
fn without_copies(mut files: Vec<RecordFile>, warnings: &mut Vec<String>) -> Vec<RecordFile> {
    files.sort_by(|a, b| (b.records.len(), &a.name).cmp(&(a.records.len(), &b.name)));
    let mut kept: Vec<RecordFile> = Vec::new();
    let mut beginnings: BTreeMap<(Timestamp, String), Vec<usize>> = BTreeMap::new();
    for file in files {
        if let Some(first) = file.records.first() {
            let same = beginnings
                .entry((first.at, first.worker.clone()))
                .or_default();
            if let Some(other) = same.iter().map(|index| &kept[*index]).find(|other| {
                other.records.starts_with(&file.records) && other.cases.starts_with(&file.cases)
            }) {
                warnings.push(format!(
                    "{} is a copy of {}; left out",
                    file.name, other.name
                ));
                continue;
            }
            same.push(kept.len());
        }
        kept.push(file);
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    kept
}

/// One worker from its beginning to its end.
#[derive(Debug)]
struct Session {
    worker: WorkerReport,
    /// The attempts in its hands by execution; with the last one of each kept for its answer.
    held: BTreeMap<ExecutionId, AttemptReport>,
    done: Vec<(ExecutionId, AttemptReport)>,
    /// It opened executions again, or uploaded results of others: a process that does that and takes none is no worker.
    opens: bool,
    checkout: Option<Checkout>,
}

impl Session {
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
            held: BTreeMap::new(),
            done: Vec::new(),
            opens: false,
            checkout,
        }
    }

    fn take(&mut self, record: Record, cases: Option<Cases>, all: &mut Gathered) {
        let at = record.at;
        self.worker.began = self.worker.began.min(at);
        self.worker.ended = self.worker.ended.max(at);
        all.span = Some(
            all.span
                .map_or((at, at), |(first, last)| (first.min(at), last.max(at))),
        );
        match record.event {
            event @ (RecordEvent::Began { .. }
            | RecordEvent::Planned { .. }
            | RecordEvent::Discovered { .. }
            | RecordEvent::Reset { .. }
            | RecordEvent::Left { .. }) => self.take_plan_event(at, event, all),
            event @ (RecordEvent::Uploading { .. }
            | RecordEvent::Uploaded { .. }
            | RecordEvent::NotUploaded { .. }) => self.take_upload_event(at, event, all),
            RecordEvent::CheckedOut(checkout) => self.checkout = Some(checkout),
            RecordEvent::Starved {
                wanted,
                reason: why,
            } => {
                all.serverless.push(Serverless { wanted, why });
            }
            event @ (RecordEvent::Reserved { .. }
            | RecordEvent::Started { .. }
            | RecordEvent::Ended { .. }
            | RecordEvent::Results { .. }
            | RecordEvent::Confirmed { .. }
            | RecordEvent::Released { .. }) => self.take_attempt_event(at, event, cases, all),
        }
    }

    /// Events about the plan and the worker as a whole.
    fn take_plan_event(&mut self, at: Timestamp, event: RecordEvent, all: &mut Gathered) {
        match event {
            RecordEvent::Began {
                plan,
                title,
                project,
                batch,
                capabilities,
                status,
                version: _,
                clock_ahead_ms: _,
            } => {
                self.worker.capabilities = capabilities;
                all.total = all.total.max(status.total());
                all.facts.get_or_insert(PlanFacts {
                    id: plan,
                    title,
                    project,
                    batch,
                });
            }
            RecordEvent::Planned { executions } => {
                all.total = all.total.max(executions.len() as u64);
                for planned in executions {
                    let dossier = all.executions.entry(planned.execution).or_default();
                    dossier.test = Some(planned.test);
                    dossier.required = Some(planned.required);
                }
            }
            RecordEvent::Discovered { account } => {
                all.discovery.get_or_insert(account);
            }
            RecordEvent::Reset { execution } => {
                self.opens = true;
                all.executions.entry(execution).or_default().resets.push(at);
            }
            RecordEvent::Left { reason, status } => {
                self.worker.left = Some(reason);
                let total = status.map_or(0, crate::model::PlanStatus::total);
                all.total = all.total.max(total);
            }
            _ => {}
        }
    }

    /// Events between a reservation and the answer to its result.
    fn take_attempt_event(
        &mut self,
        at: Timestamp,
        event: RecordEvent,
        cases: Option<Cases>,
        all: &mut Gathered,
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
                let dossier = all.executions.entry(execution).or_default();
                dossier.test.get_or_insert(test);
                if let Some(required) = required {
                    dossier.required.get_or_insert(required);
                }
                let attempt = AttemptReport {
                    squish_server,
                    number: attempt,
                    lease,
                    ..self.attempt(at)
                };
                if let Some(former) = self.held.insert(execution, attempt) {
                    self.done.push((execution, former));
                }
            }
            RecordEvent::Started { execution, pid: _ } => {
                self.held(execution, at).started = Some(at);
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
                self.held(execution, at).end = AttemptEnd::Ended(Box::new(EndedAttempt {
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
                self.held(execution, at).results = Some(folder);
            }
            RecordEvent::Confirmed { execution, answer } => {
                let attempt = self.held(execution, at);
                attempt.confirmation = Some(answer);
                attempt.confirmed = Some(at);
            }
            RecordEvent::Released {
                execution,
                server_trouble,
            } => {
                let attempt = self.held(execution, at);
                attempt.server_trouble = server_trouble;
                if attempt.ended().is_none() {
                    attempt.end = AttemptEnd::GivenBack { at };
                }
            }
            _ => {}
        }
    }

    fn take_upload_event(&mut self, at: Timestamp, event: RecordEvent, all: &mut Gathered) {
        let (execution, folder, trouble) = match event {
            RecordEvent::Uploading { execution, folder } => {
                let unclear = "its upload has no end, so it may have been received";
                (execution, folder, Some(unclear.to_owned()))
            }
            RecordEvent::Uploaded {
                execution, folder, ..
            } => (execution, folder, None),
            RecordEvent::NotUploaded {
                execution,
                folder,
                reason,
                ..
            } => (execution, folder, Some(reason)),
            _ => return,
        };
        // Uploading the results of another worker's attempt makes this process no worker.
        self.opens |= !self.held.contains_key(&execution);
        all.note_upload(at, folder, trouble);
    }

    fn attempt(&self, at: Timestamp) -> AttemptReport {
        AttemptReport {
            worker: self.worker.name.clone(),
            capabilities: self.worker.capabilities.clone(),
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

    /// The attempt on an execution; one whose reservation was not readable begins here.
    fn held(&mut self, execution: ExecutionId, at: Timestamp) -> &mut AttemptReport {
        if !self.held.contains_key(&execution) {
            let attempt = self.attempt(at);
            self.held.insert(execution, attempt);
        }
        self.held
            .get_mut(&execution)
            .expect("it was put there if it was not there")
    }

    fn close(mut self, all: &mut Gathered, speaks_for_others: bool) {
        let held = std::mem::take(&mut self.held);
        for (execution, mut attempt) in self.done.into_iter().chain(held) {
            if attempt.end == AttemptEnd::Killed && self.worker.left.is_some() {
                attempt.end = AttemptEnd::Unsaid;
            }
            self.worker.attempts += 1;
            self.worker.busy_ms += attempt.duration_ms().unwrap_or(0);
            let attempts = &mut all.executions.entry(execution).or_default().attempts;
            if attempts.is_empty() {
                // Nearly all have one, and there may be many thousands of executions.
                attempts.reserve_exact(1);
            }
            attempts.push(attempt);
        }
        if self.worker.attempts > 0 {
            all.checkouts.insert(self.checkout);
        }
        let only_opens = self.opens && self.worker.attempts == 0;
        if !speaks_for_others && !only_opens {
            all.workers.push(self.worker);
        }
    }
}
