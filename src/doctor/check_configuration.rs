//! Checks testplan.yml, flags and variables.

use super::{
    finding::{Finding, of_failure, ok, warning},
    observe::{Observations, service_connection::ServiceUrl},
};
use crate::{
    config::{
        credential_sources, duration, environment::Environment, precedence::Setting, suggest,
    },
    model::Capabilities,
    text::counted,
};

pub(super) fn file(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &observations.request.config {
        Ok(Some(config)) => {
            let file = &config.file;
            let text = format!(
                "{} is valid: {}, {}, {}",
                config.path.display(),
                counted(file.templates.len(), "template"),
                counted(file.servers.len(), "Squish server"),
                if file.runner.is_some() {
                    "a runner"
                } else {
                    "no runner"
                }
            );
            ok(text)
        }
        Ok(None) => warning(
            "there is no testplan.yml here; `run` and `work` need one, to know how to run a test",
            "name one with --config FILE; `testplan demo` shows an example",
        ),
        Err(failure) => of_failure(failure, "correct it; `testplan validate` shows the place"),
    })
}

pub(super) fn workers(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &observations.request.workers {
        Ok(workers) => {
            let server = if workers.allocate_server {
                ", and ask for a Squish server each"
            } else {
                ""
            };
            let text = format!(
                "{} here, with leases of {}; they offer {}{server}",
                workers.workers,
                duration::format(workers.lease),
                offer(&workers.offered)
            );
            ok(text)
        }
        Err(failure) => of_failure(failure, "correct the variable, or unset it"),
    })
}

pub(super) fn offer(offered: &Capabilities) -> String {
    if offered.is_empty() {
        "no capabilities".to_owned()
    } else {
        offered.to_string()
    }
}

const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

pub(super) fn proxy(observations: &Observations<'_>) -> Option<Finding> {
    let request = &observations.request;
    let set: Vec<&str> = PROXIES
        .into_iter()
        .filter(|name| request.environment.get(name).is_some())
        .collect();
    let names = set.join(", ");
    if set.is_empty() {
        return Some(ok("no variable names one"));
    }
    let urls = request.service.urls();
    let text = |url: &ServiceUrl| match &url.proxy {
        Some(proxy) => format!("requests to the service go through {proxy}"),
        None if url.endpoint.is_loopback() => {
            format!("{names} does not apply to this machine itself")
        }
        None => format!("{names} is set, and does not apply to {}", url.endpoint),
    };
    let text = match urls {
        [] => format!("{names} would be used"),
        [url] => text(url),
        urls => {
            let each = urls.iter();
            let each = each.map(|url| format!("{}: {}", url.endpoint, text(url)));
            each.collect::<Vec<_>>().join("; ")
        }
    };
    Some(ok(text))
}

/// Warns of variables that look like misspelt variables of testplan: no command reads them.
pub(super) fn variables(observations: &Observations<'_>) -> Option<Finding> {
    Some(misspelt(observations.request.environment))
}

fn misspelt(environment: &Environment) -> Finding {
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
        .filter(|name| !known.contains(name) && !SET_FOR_TESTS.contains(name))
        .filter_map(|name| Some((name, meant(name, &known)?)))
        .collect();
    let Some((name, near)) = slips.first() else {
        return ok("no misspelt variable");
    };
    let names: Vec<&str> = slips.iter().map(|(name, _)| *name).collect();
    warning(
        format!("no command reads {}", names.join(", ")),
        format!("did you mean {near} by {name}? Otherwise unset it"),
    )
}

/// The known variable that this one resembles after its prefix.
fn meant(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let rest = |name: &'static str| name.split_once('_').map_or(name, |(_, rest)| rest);
    let ours = ["TESTPLAN_", "TESTCENTER_"];
    let wanted = ours.iter().find_map(|start| name.strip_prefix(start))?;
    let near = suggest::nearest(wanted, known.iter().map(|known| rest(known)))?;
    known.iter().copied().find(|known| rest(known) == near)
}

/// Variables that testplan sets for tests and steps; none is a setting.
const SET_FOR_TESTS: [&str; 12] = [
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
    use super::{super::finding::FindingSeverity, *};

    #[test]
    fn misspelt_variables_are_warned_of_without_their_values() {
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
            let finding = misspelt(&Environment::from_iter([(name, "hunter2")]));
            let is_warning = finding.severity == FindingSeverity::Warning;
            assert_eq!(is_warning, expected.is_some(), "{name}");
            let shown = format!("{finding:?}");
            assert!(shown.contains(expected.unwrap_or("no misspelt")), "{shown}");
            assert!(!shown.contains("hunter2"));
        }
    }
}
