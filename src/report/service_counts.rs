//! Results of tests that the service ran itself: it reports how many passed, failed and were skipped. Which ones is known
//! only there, and every surface says so.

use crate::model::{Plan, PlanStatus};

use super::{PlanFacts, PlanReport, Proof, ServiceCounts};

pub(super) const RAN_THERE: &str = "Test Center ran these tests itself and reports only how many passed, failed or were skipped; each result is there, \
     under Tests, Plan Executions";

impl ServiceCounts {
    /// Where each result is, and why it is not here.
    pub fn sentence(&self) -> String {
        format!("{RAN_THERE}: {}", self.url)
    }

    /// The address of the results, if a page can link to it.
    pub fn link(&self) -> Option<&str> {
        let is_web = ["https://", "http://"]
            .iter()
            .any(|scheme| self.url.starts_with(scheme));
        let is_plain = self
            .url
            .chars()
            .all(|c| c.is_ascii_graphic() && !r#"<>"'`\|"#.contains(c));
        (is_web && is_plain).then_some(&self.url)
    }
}

impl PlanReport {
    /// Warns if the service counts fewer results than the records have. A service without any does not count results.
    pub fn hold_against(&mut self, plan: &Plan) {
        let counts = self.executions();
        let recorded = counts.passed + counts.failed + counts.quarantined + counts.skipped;
        if (1..recorded).contains(&plan.results()) {
            self.warnings.push(format!(
                "Test Center shows {} results so far, the records have {recorded}: it may not have read all of \
                 them yet, and what was not uploaded is in the records alone",
                plan.results()
            ));
        }
    }

    /// The report of a plan that the service ran itself, from its counts. An execution without a result is missing.
    pub fn of_counts(plan: Plan, status: PlanStatus, url: String) -> Self {
        let counts = ServiceCounts {
            passed: plan.passes,
            failed: plan.failed,
            skipped: plan.skipped,
            url,
        };
        let results = plan.results();
        let total = status.total().max(results);
        let mut warnings = Vec::new();
        if results > status.total() {
            warnings.push(format!(
                "Test Center counts {results} results of {} executions: some have several",
                status.total()
            ));
        } else if results < status.total() {
            warnings.push(format!(
                "{} of {total} executions have no result: Test Center's status has {} open, {} reserved and {} done, its \
                 counts have {} passed, {} failed and {} skipped",
                total - results,
                status.open,
                status.reserved,
                status.done,
                counts.passed,
                counts.failed,
                counts.skipped
            ));
        }
        Self {
            plan: Some(PlanFacts::from(plan)),
            total,
            unnamed_missing: total - results,
            open_at_service: status.open + status.reserved,
            service_counts: Some(counts),
            proof: Proof::Counts,
            warnings,
            ..Self::default()
        }
    }
}
