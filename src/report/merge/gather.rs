//! Collects the records of one plan from all files.

use crate::{
    model::{PlanId, Timestamp, record::RecordEvent},
    report::RecordFile,
};

use super::{
    plan_history::PlanHistory,
    record_selection::{PlanIdentity, choose_plan, clock_ahead_ms, files_of},
    worker_session::WorkerSessions,
};

/// Collects the records of the wanted plan, or of the one that began last.
pub(super) fn gather(files: Vec<RecordFile>, wanted: Option<PlanId>) -> PlanHistory {
    let (chosen, others) = choose_plan(&files, wanted);
    let mut history = PlanHistory {
        others,
        ..PlanHistory::default()
    };
    for file in files_of(chosen.as_ref(), files, &mut history.warnings) {
        history.warnings.extend(file.warnings);
        let mut sessions = WorkerSessions::default();
        let mut ahead = 0;
        let mut plan = file.records.iter().find_map(PlanIdentity::of);
        let mut all_cases = file.cases.into_iter();
        for mut record in file.records {
            let has_cases = matches!(record.event, RecordEvent::Ended { .. });
            let cases = has_cases.then(|| all_cases.next()).flatten();
            plan = PlanIdentity::of(&record).or(plan);
            if plan != chosen {
                continue;
            }
            // By the service's clock, because those of two machines differ.
            ahead = clock_ahead_ms(&record).unwrap_or(ahead);
            record.at = Timestamp(record.at.0.saturating_add(ahead));
            sessions.take(record, cases, &mut history);
        }
        sessions.end(&mut history);
    }
    history.apply_uploads();
    history
        .workers
        .sort_by(|a, b| (&a.name, a.began).cmp(&(&b.name, b.began)));
    history
}
