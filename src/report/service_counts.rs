//! What is known of tests that the service ran itself: how many passed, failed and were skipped, and no more. Which ones
//! stands only there, so every surface says so.

use crate::model::{Plan, PlanStatus};

use super::{PlanFacts, PlanReport, Proof, ServiceCounts};

/// What a reader must know of such results.
pub(super) const RAN_THERE: &str = "Test Center ran these tests itself and reports only how many passed, failed or were skipped; each result is there, \
     under Tests, Plan Executions";

impl ServiceCounts {
    /// What is to be known of them, and where each is.
    pub fn sentence(&self) -> String {
        format!("{RAN_THERE}: {}", self.url)
    }

    /// Where each result is, if that can be a link of a page.
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
    /// Says where a service that counts uploaded results has fewer than the records. One that has none counts none.
    pub fn hold_against(&mut self, plan: &Plan) {
        let counts = self.counts();
        let recorded = counts.passed + counts.failed + counts.skipped;
        if (1..recorded).contains(&plan.results()) {
            self.warnings.push(format!(
                "Test Center shows {} results so far, the records have {recorded}: it may not have read all of \
                 them yet, and what was not uploaded is in the records alone",
                plan.results()
            ));
        }
    }

    /// The report of a plan that the service ran itself, by its own counts. What has no result is missing.
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
