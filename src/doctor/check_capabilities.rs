//! Checks whether this worker and the Squish servers offer what executions require.

use super::{
    check_configuration::offer,
    finding::{Finding, not_checked, ok, problem, warning},
    observe::{
        Observations,
        requirements::{RequirementRow, ServerAvailability},
    },
};
use crate::{
    config::suggest,
    exit_code::Conclusion,
    model::{Capabilities, Capability, LabelCase, SquishServer},
    text::counted,
};

/// Most sets and capabilities that a text names.
const MOST_NAMED: usize = 5;

pub(super) fn needs(observations: &Observations<'_>) -> Option<Finding> {
    let Some(requirements) = &observations.requirements else {
        return Some(
            not_checked(
                "the requirements of executions are not known: no testplan.yml has this template",
            )
            .cured("name a plan that was started from it with --plan-id"),
        );
    };
    let source = &requirements.source;
    Some(ok(match requirements.sets.len() {
        0 if requirements.is_complete => format!("nothing is left to run, by {source}"),
        sets => format!("{} by {source}", counted(sets, "set")),
    }))
}

/// Checks whether this worker can take anything.
pub(super) fn worker(observations: &Observations<'_>) -> Option<Finding> {
    let is_complete = observations.requirements.as_ref()?.is_complete;
    let rows = &observations.rows;
    let others: Vec<&RequirementRow> = rows.iter().filter(|row| !row.fits_worker).collect();
    let offer = offer(&observations.offered);
    if others.is_empty() {
        return Some(ok(format!(
            "all of them fit this worker, which offers {offer}"
        )));
    }
    let cure = format!(
        "offer what they require with --capability KEY=VALUE: {}",
        named_sets(&others)
    );
    if others.len() == rows.len() && is_complete {
        let text = format!("no execution fits this worker, which offers {offer}");
        return Some(problem(text, cure).ending(Conclusion::NothingToRun));
    }
    let text = format!(
        "this worker offers {offer}; {} of {} sets are for other workers",
        others.len(),
        rows.len()
    );
    Some(warning(text, format!("if there are none, {cure}")))
}

/// Warns of capabilities that neither this worker nor any Squish server offers.
pub(super) fn unoffered(observations: &Observations<'_>) -> Option<Finding> {
    // Servers that are not known may offer anything.
    let servers = observations.servers.as_deref()?;
    let rows = observations.rows.iter();
    let all: Capabilities = rows.flat_map(|row| row.unoffered.iter()).cloned().collect();
    if all.is_empty() {
        return None;
    }
    let mut named: Vec<String> = all
        .iter()
        .take(MOST_NAMED)
        .map(
            |wanted| match near(wanted, &observations.offered, servers) {
                Some(near) => format!("{wanted} (but {near} is)"),
                None => wanted.to_string(),
            },
        )
        .collect();
    if all.len() > MOST_NAMED {
        named.push(format!("and {} more", all.len() - MOST_NAMED));
    }
    let text = format!(
        "offered neither here nor by a Squish server: {}",
        named.join(", ")
    );
    let cure = "correct what the template requires, or start a worker that offers it";
    Some(warning(text, cure))
}

/// An offered capability with a similar key and value.
fn near<'a>(
    wanted: &Capability,
    offered: &'a Capabilities,
    servers: &'a [SquishServer],
) -> Option<&'a Capability> {
    let sets = servers.iter().map(|server| &server.labels).chain([offered]);
    let is_near = |one: &str, other: &str| suggest::nearest(one, [other]).is_some();
    sets.flat_map(Capabilities::iter).find(|offered| {
        is_near(&wanted.key, &offered.key) && is_near(&wanted.value, &offered.value)
    })
}

/// Checks whether a reservation would get a Squish server.
pub(super) fn servers(observations: &Observations<'_>) -> Option<Finding> {
    let Some(servers) = observations.servers.as_deref() else {
        return Some(not_checked("the registered Squish servers are not known"));
    };
    let offers = Offers {
        rows: &observations.rows,
        offered: &observations.offered,
        servers,
        allocate_server: observations.request.asks_for_server(),
        is_embedded: observations.request.service.is_embedded(),
    };
    Some(offers.judge())
}

/// What decides about Squish servers.
#[derive(Clone, Copy, Debug)]
struct Offers<'a> {
    rows: &'a [RequirementRow],
    /// By this worker.
    offered: &'a Capabilities,
    servers: &'a [SquishServer],
    allocate_server: bool,
    is_embedded: bool,
}

impl Offers<'_> {
    fn judge(self) -> Finding {
        let servers = self.servers;
        if servers.is_empty() {
            return self.no_squish_server();
        }
        let registered = registered(servers);
        if !self.allocate_server {
            let text = format!("{registered}; none is asked for without --allocate-server");
            return ok(text);
        }
        // A server has to offer all that the worker does, whatever the execution requires.
        let fits = |server: &&SquishServer| server.labels.covers(self.offered, LabelCase::Folded);
        let fitting: Vec<&SquishServer> = servers.iter().filter(fits).collect();
        let Some(first) = fitting.first() else {
            let text = format!(
                "{registered}; none offers all that this worker does: {}",
                self.offered
            );
            return problem(text, self.register_one("or correct --capability"));
        };
        if fitting.iter().all(|server| !server.enabled) {
            let cure = if self.is_embedded {
                "remove `enabled: false` from one of them in testplan.yml".to_owned()
            } else {
                format!(
                    "enable one: `testplan servers update {} --enable`",
                    first.id
                )
            };
            let text = format!("{registered}; those that fit this worker are disabled");
            return problem(text, cure);
        }
        // The own Squish servers fit what this worker takes; other requirements are for workers that may have others.
        let rows = self.rows.iter();
        let without: Vec<_> = rows.filter(|row| !row.has_enabled_server()).collect();
        if !without.is_empty() {
            let text = format!(
                "{registered}; for other workers, no enabled one fits {}",
                named_sets(&without)
            );
            let cure = if self.is_embedded {
                "add one with these labels below `servers:` in testplan.yml, or enable one"
            } else {
                "register one with `testplan servers add --port N --label KEY=VALUE`, or enable one"
            };
            return warning(text, cure);
        }
        let is_free = |it: &&SquishServer| ServerAvailability::of(it) == ServerAvailability::Free;
        if fitting.iter().any(is_free) {
            return ok(registered);
        }
        warning(
            format!("{registered}; those that fit this worker are busy or cool down"),
            "wait for them, or register more with `testplan servers add`",
        )
    }

    fn no_squish_server(self) -> Finding {
        if self.allocate_server {
            let text = format!(
                "no Squish server is registered, and this worker{} asks for one each time",
                self.offered.with()
            );
            problem(text, self.register_one("or omit --allocate-server"))
        } else {
            let text = "no Squish server is registered, and none is asked for";
            ok(text)
        }
    }

    /// The service of `testplan run` has the servers of testplan.yml.
    fn register_one(self, or: &str) -> String {
        let how = if self.is_embedded {
            "add one with all labels of this worker below `servers:` in testplan.yml"
        } else {
            "register one with `testplan servers add --port N --label KEY=VALUE`"
        };
        format!("{how}, {or}")
    }
}

fn registered(servers: &[SquishServer]) -> String {
    use ServerAvailability::{Busy, CoolingDown, Disabled, Free};
    let count = |state| {
        let servers = servers.iter();
        let count = servers
            .filter(|it| ServerAvailability::of(it) == state)
            .count();
        (count, format!("{count} {}", state.word()))
    };
    let mut counts = vec![count(Free).1, count(Busy).1, count(Disabled).1];
    if let (1.., resting) = count(CoolingDown) {
        counts.push(resting);
    }
    let number = counted(servers.len(), "Squish server");
    format!("{number} registered: {}", counts.join(", "))
}

fn named_sets(rows: &[&RequirementRow]) -> String {
    let shown = rows.iter().take(MOST_NAMED);
    let mut named: Vec<String> = shown
        .map(|row| row.requirement.required.to_string())
        .collect();
    if rows.len() > MOST_NAMED {
        named.push(format!("and {} more", rows.len() - MOST_NAMED));
    }
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{
        super::observe::requirements::{self, Requirement},
        *,
    };
    use crate::model::SquishServerId;

    fn set(text: &str) -> Capabilities {
        Capabilities::from(vec![text.parse::<Capability>().unwrap()])
    }

    fn server(os: &str) -> SquishServer {
        SquishServer {
            id: SquishServerId(1),
            enabled: true,
            host: "lab".to_owned(),
            port: "4322".to_owned(),
            labels: set(os),
            busy_with: None,
            busy_test: None,
            cooling: None,
            note: String::new(),
        }
    }

    fn judged(servers: &[SquishServer], is_embedded: bool) -> Finding {
        let offered = set("OS=Linux");
        let requirement = |os| Requirement {
            required: set(os),
            executions: 1,
            and_more: false,
        };
        let sets = [requirement("OS=Linux"), requirement("OS=macOS")];
        let rows = requirements::rows(&sets, &offered, Some(servers));
        Offers {
            rows: &rows,
            offered: &offered,
            servers,
            allocate_server: true,
            is_embedded,
        }
        .judge()
    }

    #[test]
    fn cure_names_a_command_or_key_that_exists() {
        for (servers, is_embedded, word, cure) in [
            (vec![], true, "problem", "below `servers:` in testplan.yml"),
            (vec![], false, "problem", "`testplan servers add"),
            (
                vec![server("OS=Windows")],
                false,
                "problem",
                "`testplan servers add",
            ),
            // This worker has its server; others have none.
            (
                vec![server("OS=Linux")],
                false,
                "warning",
                "`testplan servers add",
            ),
            (
                vec![server("OS=Linux")],
                true,
                "warning",
                "below `servers:`",
            ),
        ] {
            let finding = judged(&servers, is_embedded);
            assert_eq!(finding.severity.word(), word, "{finding:?}");
            assert!(finding.cure.as_ref().unwrap().contains(cure), "{finding:?}");
        }
        let mut off = server("OS=Linux");
        off.enabled = false;
        let cure = judged(&[off.clone()], false).cure.unwrap();
        assert!(cure.contains("servers update 1 --enable"), "{cure}");
        let cure = judged(&[off], true).cure.unwrap();
        assert!(cure.contains("`enabled: false`"), "{cure}");
    }
}
