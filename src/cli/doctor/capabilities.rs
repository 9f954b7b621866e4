//! Which capabilities executions need, and whether this worker and the Squish servers have them.

use std::collections::BTreeMap;

use super::{
    finding::{Finding, Group},
    table::{Need, Row, Standing},
};
use crate::{
    client::Client,
    config::{
        plan_file::{Discovery, PlanFile, Template, TestSource},
        suggest,
    },
    exit_code::Conclusion,
    listing::{loaded_plan_file::LoadedPlanFile, squish_setup},
    model::{
        Capabilities, Capability, Execution, ExecutionState, LabelCase, PlanId, SquishServer,
        SquishServerId,
    },
    text::counted,
};

const GROUP: Group = Group::Capabilities;
/// Most capabilities that a service without lists is asked for.
const MOST_ASKED: usize = 24;
/// Most sets and capabilities that a text names.
const MOST_NAMED: usize = 5;

/// What executions need, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Who says so.
    pub source: String,
    /// The sets.
    pub needs: Vec<Need>,
    /// Whether these are all, each execution in one set.
    pub is_whole: bool,
}

/// By the templates of testplan.yml, or by one of them.
pub fn of_file(loaded: &LoadedPlanFile, title: Option<&str>) -> Option<Needs> {
    let templates: Vec<&Template> = loaded
        .file
        .templates
        .iter()
        .filter(|template| title.is_none_or(|title| template.title == title))
        .collect();
    if templates.is_empty() {
        return None;
    }
    let mut needs: BTreeMap<&Capabilities, (u64, bool)> = BTreeMap::new();
    for template in templates {
        let counts: Vec<Option<usize>> = template
            .tests
            .iter()
            .map(|source| listed(source, loaded))
            .collect();
        let listed: usize = counts.iter().flatten().sum();
        for required in &template.configurations {
            let (executions, and_more) = needs.entry(required).or_default();
            *executions += u64::try_from(listed).unwrap_or(u64::MAX);
            *and_more |= counts.contains(&None);
        }
    }
    let needs = needs.into_iter();
    Some(Needs {
        source: "testplan.yml".to_owned(),
        needs: needs
            .map(|(required, (executions, and_more))| Need {
                required: required.clone(),
                executions,
                and_more,
            })
            .collect(),
        is_whole: true,
    })
}

/// How many tests a source has, where that shows without a command being run.
fn listed(source: &TestSource, loaded: &LoadedPlanFile) -> Option<usize> {
    match source {
        TestSource::Listed(tests) => Some(tests.len()),
        TestSource::Discovered(Discovery::Command(_)) => None,
        TestSource::Discovered(Discovery::Squish(folders)) => {
            let folder = loaded.runner().ok()?.working_directory?;
            let found = squish_setup::find_suites(folders, &folder).ok()?;
            Some(found.suites.iter().map(|suite| suite.testcases.len()).sum())
        }
    }
}

/// By the executions of a plan that are not done yet.
pub fn of_executions(plan: PlanId, executions: &[Execution]) -> Needs {
    let mut needs: BTreeMap<&Capabilities, u64> = BTreeMap::new();
    for execution in executions {
        if execution.state != ExecutionState::Done {
            *needs.entry(&execution.required).or_default() += 1;
        }
    }
    let needs = needs.into_iter();
    Needs {
        source: format!("plan {plan}"),
        needs: needs
            .map(|(required, executions)| Need {
                required: required.clone(),
                executions,
                and_more: false,
            })
            .collect(),
        is_whole: true,
    }
}

/// By the counts of a plan, for each capability that somebody here offers or names: the vendor's API has no list.
pub async fn of_counts(client: &Client, plan: PlanId, known: Vec<Capability>) -> Needs {
    let asked = known.into_iter().take(MOST_ASKED).map(async |capability| {
        let required = Capabilities::from(vec![capability]);
        let status = client.status(plan, &required).await.ok()?;
        let executions = status.open + status.reserved;
        (executions > 0).then_some(Need {
            required,
            executions,
            and_more: false,
        })
    });
    let needs = futures_util::future::join_all(asked).await;
    Needs {
        source: format!("counts of plan {plan}, one capability at a time"),
        needs: needs.into_iter().flatten().collect(),
        is_whole: false,
    }
}

/// Every capability that somebody names, once.
pub fn known(
    offered: &Capabilities,
    servers: &[SquishServer],
    file: Option<&PlanFile>,
) -> Vec<Capability> {
    let templates = file.into_iter().flat_map(|file| &file.templates);
    let sets = templates.flat_map(|template| &template.configurations);
    let sets = sets
        .chain(servers.iter().map(|server| &server.labels))
        .chain([offered]);
    Vec::from(
        sets.flat_map(Capabilities::iter)
            .cloned()
            .collect::<Capabilities>(),
    )
}

/// The Squish servers that `testplan run` would hand out by itself.
pub fn servers_of(file: &PlanFile) -> Vec<SquishServer> {
    let servers = file.servers.iter().zip(1..);
    servers
        .map(|(server, number)| SquishServer {
            id: SquishServerId(number),
            enabled: server.enabled,
            host: server.host().to_owned(),
            port: server.port.to_string(),
            labels: server.labels.clone(),
            busy_with: None,
            busy_test: None,
            cooling: None,
        })
        .collect()
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// What is needed, where it is known.
    pub needs: Option<&'a Needs>,
    /// The same with who fits.
    pub rows: &'a [Row],
    /// What this worker offers.
    pub offered: &'a Capabilities,
    /// All Squish servers, where they are known.
    pub servers: Option<&'a [SquishServer]>,
    /// Whether a Squish server is asked for with each reservation.
    pub allocate_server: bool,
    /// Whether `testplan run` would be the service itself, with the Squish servers of testplan.yml.
    pub is_alone: bool,
}

/// Who fits, and what nobody offers.
pub fn judge(compared: Compared<'_>) -> Vec<Finding> {
    let mut findings = match compared.needs {
        None => vec![
            Finding::not_checked(
                GROUP,
                "needs",
                "what executions need is not known: no testplan.yml lists this template",
            )
            .cured("name a plan that was started from it with --plan-id"),
        ],
        Some(needs) => vec![needed(needs), compared.worker(needs)],
    };
    if compared.needs.is_some() {
        findings.extend(compared.nobody());
    }
    findings.push(compared.squish_servers());
    findings
}

fn needed(needs: &Needs) -> Finding {
    let text = match needs.needs.len() {
        0 if needs.is_whole => format!("nothing is left to run, by {}", needs.source),
        sets => format!("{} by {}", counted(sets, "set"), needs.source),
    };
    Finding::ok(GROUP, "needs", text)
}

impl Compared<'_> {
    /// Whether this worker can take something.
    fn worker(self, needs: &Needs) -> Finding {
        const ID: &str = "worker";
        let others: Vec<&Row> = self.rows.iter().filter(|row| !row.worker).collect();
        let fitting = self.rows.len() - others.len();
        let offer = if self.offered.is_empty() {
            "no capabilities".to_owned()
        } else {
            self.offered.to_string()
        };
        if others.is_empty() {
            return Finding::ok(
                GROUP,
                ID,
                format!("all of them fit this worker, which offers {offer}"),
            );
        }
        let named = sets(&others);
        let cure = format!("offer what they need with --capability KEY=VALUE: {named}");
        if fitting == 0 && needs.is_whole {
            let text = format!("no execution fits this worker, which offers {offer}");
            return Finding::problem(GROUP, ID, text, cure).ending(Conclusion::NothingToRun);
        }
        let text = format!(
            "this worker offers {offer}; {} of {} sets are for other workers",
            others.len(),
            self.rows.len()
        );
        Finding::warning(GROUP, ID, text, format!("if there are none, {cure}"))
    }

    /// What neither this worker nor any Squish server offers.
    fn nobody(self) -> Option<Finding> {
        const ID: &str = "nobody";
        // Servers that are not known may offer anything.
        self.servers?;
        let all = self.rows.iter().flat_map(|row| row.nobody.iter()).cloned();
        let all: Capabilities = all.collect();
        if all.is_empty() {
            return None;
        }
        let mut named: Vec<String> = all
            .iter()
            .take(MOST_NAMED)
            .map(|wanted| match self.near(wanted) {
                Some(near) => format!("{wanted} (but {near} is)"),
                None => wanted.to_string(),
            })
            .collect();
        if all.len() > MOST_NAMED {
            named.push(format!("and {} more", all.len() - MOST_NAMED));
        }
        let text = format!(
            "offered neither here nor by a Squish server: {}",
            named.join(", ")
        );
        let cure = "correct what the template needs, or start a worker that offers it";
        Some(Finding::warning(GROUP, ID, text, cure))
    }

    /// What is offered and differs by a slip of the pen, in key or value.
    fn near(&self, wanted: &Capability) -> Option<&Capability> {
        let servers = self.servers.unwrap_or_default().iter();
        let sets = servers.map(|server| &server.labels).chain([self.offered]);
        let is_near = |one: &str, other: &str| suggest::nearest(one, [other]).is_some();
        sets.flat_map(Capabilities::iter).find(|offered| {
            is_near(&wanted.key, &offered.key) && is_near(&wanted.value, &offered.value)
        })
    }

    /// Whether a reservation would find a Squish server.
    fn squish_servers(self) -> Finding {
        const ID: &str = "servers";
        let Some(servers) = self.servers else {
            return Finding::not_checked(
                GROUP,
                ID,
                "which Squish servers are registered is not known",
            );
        };
        let count = |standing| {
            let here = servers.iter().filter(|it| Standing::of(it) == standing);
            format!("{} {}", here.count(), standing.word())
        };
        if servers.is_empty() {
            return self.no_squish_server();
        }
        let said = format!(
            "{} registered: {}, {}, {}{}",
            counted(servers.len(), "Squish server"),
            count(Standing::Free),
            count(Standing::Busy),
            count(Standing::Disabled),
            if servers
                .iter()
                .any(|it| Standing::of(it) == Standing::Resting)
            {
                format!(", {}", count(Standing::Resting))
            } else {
                String::new()
            }
        );
        if !self.allocate_server {
            let text = format!("{said}; none is asked for without --allocate-server");
            return Finding::ok(GROUP, ID, text);
        }
        // A server has to offer all that the worker does, whatever the execution needs.
        let fits = |server: &&SquishServer| server.labels.covers(self.offered, LabelCase::Folded);
        let fitting: Vec<&SquishServer> = servers.iter().filter(fits).collect();
        if let Some(server) = fitting.first()
            && fitting.iter().all(|server| !server.enabled)
        {
            return Finding::problem(
                GROUP,
                ID,
                format!("{said}; those that fit this worker are disabled"),
                if self.is_alone {
                    "take `enabled: false` from one of them in testplan.yml".to_owned()
                } else {
                    format!(
                        "give one out: `testplan servers update {} --enable`",
                        server.id
                    )
                },
            );
        }
        if fitting.is_empty() {
            return Finding::problem(
                GROUP,
                ID,
                format!(
                    "{said}; none offers all that this worker does: {}",
                    self.offered
                ),
                self.another("or correct --capability"),
            );
        }
        // What this worker takes, its own Squish servers fit; the rest is for workers that may have others.
        let lonely: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.handed_out() == 0)
            .collect();
        if !lonely.is_empty() {
            return Finding::warning(
                GROUP,
                ID,
                format!(
                    "{said}; for other workers, none that is handed out fits {}",
                    sets(&lonely)
                ),
                if self.is_alone {
                    "add one with these labels below `servers:` in testplan.yml, or enable one"
                } else {
                    "register one with `testplan servers add --port N --label KEY=VALUE`, or enable one"
                },
            );
        }
        let free = fitting.iter().any(|it| Standing::of(it) == Standing::Free);
        if free {
            Finding::ok(GROUP, ID, said)
        } else {
            Finding::warning(
                GROUP,
                ID,
                format!("{said}; those that fit this worker are busy or rest"),
                "wait for them, or register more with `testplan servers add`",
            )
        }
    }

    fn no_squish_server(self) -> Finding {
        const ID: &str = "servers";
        if self.allocate_server {
            let text = format!(
                "no Squish server is registered, and this worker{} asks for one each time",
                self.offered.with()
            );
            Finding::problem(
                GROUP,
                ID,
                text,
                self.another("or leave --allocate-server out"),
            )
        } else {
            let text = "no Squish server is registered, and none is asked for";
            Finding::ok(GROUP, ID, text)
        }
    }

    /// How to have one more Squish server: one that is served from testplan.yml is registered there.
    fn another(self, or: &str) -> String {
        let how = if self.is_alone {
            "add one with all labels of this worker below `servers:` in testplan.yml"
        } else {
            "register one with `testplan servers add --port N --label KEY=VALUE`"
        };
        format!("{how}, {or}")
    }
}

/// Some sets in words.
fn sets(rows: &[&Row]) -> String {
    let shown = rows.iter().take(MOST_NAMED);
    let mut named: Vec<String> = shown.map(|row| row.need.required.to_string()).collect();
    if rows.len() > MOST_NAMED {
        named.push(format!("and {} more", rows.len() - MOST_NAMED));
    }
    named.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{super::table, *};

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
        }
    }

    fn said(servers: &[SquishServer], is_alone: bool) -> Finding {
        let offered = set("OS=Linux");
        let need = |os| Need {
            required: set(os),
            executions: 1,
            and_more: false,
        };
        let needs = vec![need("OS=Linux"), need("OS=macOS")];
        let rows = table::rows(needs, &offered, Some(servers));
        Compared {
            needs: None,
            rows: &rows,
            offered: &offered,
            servers: Some(servers),
            allocate_server: true,
            is_alone,
        }
        .squish_servers()
    }

    #[test]
    fn a_cure_is_one_that_can_be_followed() {
        for (servers, is_alone, word, cure) in [
            (vec![], true, "problem", "below `servers:` in testplan.yml"),
            (vec![], false, "problem", "`testplan servers add"),
            (
                vec![server("OS=Windows")],
                false,
                "problem",
                "`testplan servers add",
            ),
            // Its own is there; what others need is not this worker's trouble.
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
            let finding = said(&servers, is_alone);
            assert_eq!(finding.state.word(), word, "{finding:?}");
            assert!(finding.cure.as_ref().unwrap().contains(cure), "{finding:?}");
        }
        let mut off = server("OS=Linux");
        off.enabled = false;
        let cure = said(&[off.clone()], false).cure.unwrap();
        assert!(cure.contains("servers update 1 --enable"), "{cure}");
        let cure = said(&[off], true).cure.unwrap();
        assert!(cure.contains("`enabled: false`"), "{cure}");
    }
}
