//! Has the store note the CI jobs of workers.

use std::sync::Arc;

use super::service_state::ServiceState;
use crate::model::PlanId;

/// Has the store note the page of the job of a worker that got a reservation. The worker does not wait for it.
pub(super) fn note(shared: &Arc<ServiceState>, plan: PlanId, worker: String, url: String) {
    let job = (plan, worker, url);
    if !shared.worker_jobs.is_new(&job) {
        return;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let (plan, worker, url) = job.clone();
        let noted = shared.ask(move |store, now| store.note_worker_job(plan, worker, url, now));
        if noted.await.is_err() {
            // The next reservation tries again.
            shared.worker_jobs.forget(&job);
        }
    });
}
