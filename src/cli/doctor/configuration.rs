//! testplan.yml, flags and variables.

use super::finding::{Finding, Group};
use crate::{
    cli::settings::WorkOptions,
    client::Endpoint,
    config::{
        credential_sources, duration, environment::Environment, precedence::Setting, suggest,
    },
    failure::Failure,
    listing::loaded_plan_file::LoadedPlanFile,
    text::counted,
};

const GROUP: Group = Group::Configuration;

/// Whether testplan.yml is there and makes sense.
pub fn judge_file(config: &Result<Option<LoadedPlanFile>, Failure>) -> Finding {
    const ID: &str = "file";
    match config {
        Ok(Some(loaded)) => {
            let file = &loaded.file;
            let text = format!(
                "{} makes sense: {}, {}, {}",
                loaded.path.display(),
                counted(file.templates.len(), "template"),
                counted(file.servers.len(), "Squish server"),
                if file.runner.is_some() {
                    "a runner"
                } else {
                    "no runner"
                }
            );
            Finding::ok(GROUP, ID, text)
        }
        Ok(None) => Finding::warning(
            GROUP,
            ID,
            "there is no testplan.yml here, so `run` and `work` do not know how a test is run",
            "name one with --config FILE; `testplan demo` shows what it can hold",
        ),
        Err(failure) => {
            let cure = "correct it; `testplan validate` shows the place";
            Finding::of_failure(GROUP, ID, failure, cure)
        }
    }
}

/// Whether the workers' flags and variables fit.
pub fn judge_workers(working: &Result<WorkOptions, Failure>) -> Finding {
    const ID: &str = "workers";
    match working {
        Ok(working) => {
            let offer = if working.offered.is_empty() {
                "no capabilities".to_owned()
            } else {
                working.offered.to_string()
            };
            let server = if working.allocate_server {
                ", and ask for a Squish server each"
            } else {
                ""
            };
            let text = format!(
                "{} here, with leases of {}; they offer {offer}{server}",
                working.workers,
                duration::format(working.lease)
            );
            Finding::ok(GROUP, ID, text)
        }
        Err(failure) => {
            Finding::of_failure(GROUP, ID, failure, "correct the variable, or unset it")
        }
    }
}

/// Which proxy is between us and the service, and why not another.
pub fn judge_proxy(
    endpoint: Option<&Endpoint>,
    proxy: Option<&str>,
    environment: &Environment,
) -> Finding {
    const ID: &str = "proxy";
    let set: Vec<&str> = PROXIES
        .into_iter()
        .filter(|name| environment.get(name).is_some())
        .collect();
    let text = match (endpoint, proxy) {
        _ if set.is_empty() => "no variable names one".to_owned(),
        (None, _) => format!("{} would be followed", set.join(", ")),
        (Some(_), Some(proxy)) => format!("requests to the service go through {proxy}"),
        (Some(endpoint), None) if endpoint.is_loopback() => {
            format!("{} does not hold for this machine itself", set.join(", "))
        }
        (Some(endpoint), None) => format!(
            "{} is set, and does not hold for {endpoint}",
            set.join(", ")
        ),
    };
    Finding::ok(GROUP, ID, text)
}

const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Variables that look like ours and are not: a slip of the pen is otherwise never told.
pub fn judge_variables(environment: &Environment) -> Finding {
    const ID: &str = "variables";
    let settings = Setting::ALL.iter().filter_map(|setting| setting.variable);
    let known: Vec<&'static str> = settings
        .chain([
            credential_sources::TOKEN,
            credential_sources::USER,
            credential_sources::PASSWORD,
        ])
        .chain(["TESTPLAN_WORKER"])
        .collect();
    let slips: Vec<(&str, &str)> = environment
        .names()
        .filter(|name| !known.contains(name) && !FACTS.contains(name))
        .filter_map(|name| Some((name, meant(name, &known)?)))
        .collect();
    let Some((name, near)) = slips.first() else {
        return Finding::ok(GROUP, ID, "none that looks like a slip of the pen");
    };
    let names: Vec<&str> = slips.iter().map(|(name, _)| *name).collect();
    Finding::warning(
        GROUP,
        ID,
        format!("nobody reads {}", names.join(", ")),
        format!("did you mean {near} by {name}? Otherwise unset it"),
    )
}

/// The variable that is like this one behind its first word, of which there are two.
fn meant(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let rest = |name: &'static str| name.split_once('_').map_or(name, |(_, rest)| rest);
    let ours = ["TESTPLAN_", "TESTCENTER_"];
    let wanted = ours.iter().find_map(|start| name.strip_prefix(start))?;
    let near = suggest::nearest(wanted, known.iter().map(|known| rest(known)))?;
    known.iter().copied().find(|known| rest(known) == near)
}

/// What tests and leases are told by variables: none of them is a setting.
const FACTS: [&str; 12] = [
    "TESTPLAN_SUITE",
    "TESTPLAN_TESTCASE",
    "TESTPLAN_RESULTS",
    "TESTPLAN_EXECUTION_ID",
    "TESTPLAN_PLAN_ID",
    "TESTPLAN_PROJECT",
    "TESTPLAN_BATCH",
    "TESTPLAN_SERVER_HOST",
    "TESTPLAN_SERVER_PORT",
    "TESTPLAN_ATTEMPT",
    "TESTPLAN_LEASE_TOKEN",
    "TESTPLAN_HELD",
];

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn slips_of_the_pen_are_told_and_facts_are_not() {
        let table = [
            ("TESTCENTER_URL", None),
            ("TESTPLAN_WORKERS", None),
            ("TESTPLAN_SUITE", None),
            ("TESTPLAN_CAPABILITY_OS", None),
            ("TESTPLAN_SOMETHING_ELSE", None),
            ("PATH", None),
            ("TESTCENTER_TOKN", Some("TESTCENTER_TOKEN")),
            ("TESTPLAN_URL", Some("TESTCENTER_URL")),
            ("TESTCENTER_LEASE", Some("TESTPLAN_LEASE")),
        ];
        for (name, expected) in table {
            let finding = judge_variables(&Environment::from_iter([(name, "hunter2")]));
            assert_eq!(
                finding.state == State::Warning,
                expected.is_some(),
                "{name}"
            );
            let said = format!("{finding:?}");
            assert!(said.contains(expected.unwrap_or("none that")), "{said}");
            assert!(!said.contains("hunter2"));
        }
    }
}
