//! Checks what a first run needs: observes first, then judges the observations by plain functions, listed in [`CHECKS`].

#![expect(
    clippy::unnecessary_wraps,
    reason = "checks of one table have one signature"
)]

pub(crate) mod batching;
mod check_capabilities;
mod check_clock;
mod check_configuration;
mod check_dialect;
mod check_github;
mod check_machine;
mod check_plan;
mod check_service;
pub(crate) mod finding;
pub(crate) mod observe;
pub(crate) mod page;

use self::{
    finding::Finding,
    observe::{Observations, doctor_request::DoctorRequest, requirements::RequirementRow},
};
use crate::exit_code::Conclusion;

/// The group whose findings the table of requirements precedes.
const CAPABILITIES: &str = "Capabilities";

/// Judges observations; `None` if the check does not apply.
type Judge = fn(&Observations<'_>) -> Option<Finding>;

/// Every check in the order of the page: heading of its group, its id there, which is stable over versions, and its judge.
const CHECKS: [(&str, &str, Judge); 30] = [
    ("Configuration", "file", check_configuration::file),
    ("Configuration", "workers", check_configuration::workers),
    ("Configuration", "variables", check_configuration::variables),
    ("Configuration", "proxy", check_configuration::proxy),
    ("Service", "url", check_service::url),
    ("Service", "credentials", check_service::credentials),
    ("Service", "connection", check_service::connection),
    ("Service", "tls", check_service::tls),
    ("Service", "answer", check_service::answer),
    ("Service", "access", check_service::access),
    ("Clock", "difference", check_clock::difference),
    ("Plan", "template", check_plan::template),
    ("Plan", "plan", check_plan::started),
    ("Dialect", "service", check_dialect::service),
    ("Dialect", "leases", check_dialect::leases),
    ("Dialect", "status", check_dialect::status),
    ("Dialect", "managed", check_dialect::managed),
    (CAPABILITIES, "needs", check_capabilities::needs),
    (CAPABILITIES, "worker", check_capabilities::worker),
    (CAPABILITIES, "nobody", check_capabilities::unoffered),
    (CAPABILITIES, "servers", check_capabilities::servers),
    ("Runner", "program", check_machine::program),
    ("Runner", "version", check_machine::version),
    ("Runner", "licence", check_machine::licence),
    ("Runner", "suites", check_machine::suites),
    ("Output", "folder", check_machine::out_folder),
    ("GitHub", "repository", check_github::repository),
    ("GitHub", "status", check_github::status),
    ("GitHub", "check-run", check_github::check_run),
    ("GitHub", "comment", check_github::comment),
];

/// A finding with the group and id of its check.
#[derive(Debug)]
pub(crate) struct CheckedFinding {
    pub(crate) group: &'static str,
    pub(crate) id: &'static str,
    pub(crate) finding: Finding,
}

/// All findings, and the table of requirements.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) findings: Vec<CheckedFinding>,
    pub(crate) rows: Vec<RequirementRow>,
}

impl Diagnosis {
    /// The exit code of the problem to fix first.
    pub(crate) fn conclusion(&self) -> Conclusion {
        finding::conclusion(self.findings.iter().map(|checked| &checked.finding))
    }
}

/// Observes and judges. Needs an installed TLS provider.
pub(crate) async fn diagnose(request: DoctorRequest<'_>) -> Diagnosis {
    let observations = observe::observe(request).await;
    let findings = CHECKS.iter().filter_map(|(group, id, judge)| {
        let finding = judge(&observations)?;
        Some(CheckedFinding { group, id, finding })
    });
    Diagnosis {
        findings: findings.collect(),
        rows: observations.rows,
    }
}
