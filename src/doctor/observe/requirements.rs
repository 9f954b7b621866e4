//! The capabilities that executions require, and what fits them.

use std::collections::BTreeMap;

use crate::{
    client::Client,
    config::plan_file::{Discovery, PlanFile, Template, TestSource},
    listing::{loaded_plan_file::LoadedPlanFile, squish_setup},
    model::{
        Capabilities, Capability, Execution, ExecutionState, LabelCase, PlanId, SquishServer,
        SquishServerId,
    },
};

/// Most capabilities whose executions a service without lists of executions counts.
const MOST_ASKED: usize = 24;

/// A set of capabilities that executions require; empty fits any worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) required: Capabilities,
    pub(crate) executions: u64,
    /// Whether a listing command may find more executions.
    pub(crate) and_more: bool,
}

/// The requirements and their source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirements {
    pub(crate) source: String,
    pub(crate) sets: Vec<Requirement>,
    /// Whether the sets cover every execution, each in one set.
    pub(crate) is_complete: bool,
}

/// From the templates of testplan.yml, or from one of them.
pub(super) fn of_file(config: &LoadedPlanFile, title: Option<&str>) -> Option<Requirements> {
    let templates = config.file.templates.iter();
    let mut templates = templates
        .filter(|template| title.is_none_or(|title| template.title == title))
        .peekable();
    templates.peek()?;
    let mut sets: BTreeMap<&Capabilities, (u64, bool)> = BTreeMap::new();
    for template in templates {
        let sources = template.tests.iter();
        let counts = sources.map(|source| listed(template, source, config));
        let counts: Vec<Option<usize>> = counts.collect();
        let listed: usize = counts.iter().flatten().sum();
        for required in &template.configurations {
            let (executions, and_more) = sets.entry(required).or_default();
            *executions += u64::try_from(listed).unwrap_or(u64::MAX);
            *and_more |= counts.contains(&None);
        }
    }
    Some(Requirements::complete("testplan.yml".to_owned(), sets))
}

/// The number of tests of a source; `None` if only a listing command knows it.
fn listed(template: &Template, source: &TestSource, config: &LoadedPlanFile) -> Option<usize> {
    match source {
        TestSource::Listed(tests) => Some(tests.len()),
        TestSource::Discovered(Discovery::Command(_) | Discovery::Preset) => None,
        TestSource::Discovered(Discovery::Squish(folders)) => {
            let folder = config.runner(Some(template)).ok()?.working_directory?;
            let found = squish_setup::find_suites(folders, &folder).ok()?;
            Some(found.suites.iter().map(|suite| suite.testcases.len()).sum())
        }
    }
}

/// From the executions of a plan that are not done yet.
pub(super) fn of_executions(plan: PlanId, executions: &[Execution]) -> Requirements {
    let mut sets: BTreeMap<&Capabilities, (u64, bool)> = BTreeMap::new();
    let open = executions.iter();
    for execution in open.filter(|execution| execution.state != ExecutionState::Done) {
        sets.entry(&execution.required).or_default().0 += 1;
    }
    Requirements::complete(format!("plan {plan}"), sets)
}

impl Requirements {
    fn complete(source: String, sets: BTreeMap<&Capabilities, (u64, bool)>) -> Self {
        let sets = sets.into_iter();
        Self {
            source,
            sets: sets
                .map(|(required, (executions, and_more))| Requirement {
                    required: required.clone(),
                    executions,
                    and_more,
                })
                .collect(),
            is_complete: true,
        }
    }
}

/// From the counts of a plan per capability, for a service without lists of executions.
pub(super) async fn of_counts(
    client: &Client,
    plan: PlanId,
    capabilities: Vec<Capability>,
) -> Requirements {
    let asked = capabilities.into_iter().take(MOST_ASKED);
    let asked = asked.map(async |capability| {
        let required = Capabilities::from(vec![capability]);
        let status = client.status(plan, &required).await.ok()?;
        let executions = status.open + status.reserved;
        (executions > 0).then_some(Requirement {
            required,
            executions,
            and_more: false,
        })
    });
    let sets = futures_util::future::join_all(asked).await;
    Requirements {
        source: format!("counts of plan {plan}, one capability at a time"),
        sets: sets.into_iter().flatten().collect(),
        is_complete: false,
    }
}

/// Every capability of the worker, the servers and the file, once.
pub(super) fn known_capabilities(
    offered: &Capabilities,
    servers: &[SquishServer],
    file: Option<&PlanFile>,
) -> Vec<Capability> {
    let templates = file.into_iter().flat_map(|file| &file.templates);
    let sets = templates.flat_map(|template| &template.configurations);
    let sets = sets
        .chain(servers.iter().map(|server| &server.labels))
        .chain([offered]);
    let all: Capabilities = sets.flat_map(Capabilities::iter).cloned().collect();
    Vec::from(all)
}

/// The Squish servers that the service of `testplan run` would allocate.
pub(super) fn servers_of(file: &PlanFile) -> Vec<SquishServer> {
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
            note: String::new(),
        })
        .collect()
}

/// Whether a Squish server can be allocated now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerAvailability {
    Free,
    Busy,
    /// It gave trouble and cools down.
    CoolingDown,
    Disabled,
}

impl ServerAvailability {
    pub(crate) const ALL: [Self; 4] = [Self::Free, Self::Busy, Self::CoolingDown, Self::Disabled];

    pub(crate) fn of(server: &SquishServer) -> Self {
        match (server.enabled, server.busy_with, server.cooling) {
            (false, _, _) => Self::Disabled,
            (true, Some(_), _) => Self::Busy,
            (true, None, Some(_)) => Self::CoolingDown,
            (true, None, None) => Self::Free,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Busy => "busy",
            Self::CoolingDown => "resting",
            Self::Disabled => "disabled",
        }
    }
}

/// A requirement and what fits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequirementRow {
    pub(crate) requirement: Requirement,
    /// Whether this worker offers all of it.
    pub(crate) fits_worker: bool,
    /// Squish servers that offer all of it; `None` if the servers are not known.
    pub(crate) servers: Option<Vec<(SquishServerId, ServerAvailability)>>,
    /// What neither this worker nor any Squish server offers.
    pub(crate) unoffered: Capabilities,
}

impl RequirementRow {
    pub(crate) fn count(&self, state: ServerAvailability) -> usize {
        let servers = self.servers.iter().flatten();
        servers.filter(|(_, other)| *other == state).count()
    }

    /// Whether an enabled Squish server fits.
    pub(crate) fn has_enabled_server(&self) -> bool {
        let mut servers = self.servers.iter().flatten();
        servers.any(|(_, state)| *state != ServerAvailability::Disabled)
    }
}

/// Compares requirements with offers; those that nothing fits come first.
pub(crate) fn rows(
    requirements: &[Requirement],
    offered: &Capabilities,
    servers: Option<&[SquishServer]>,
) -> Vec<RequirementRow> {
    // Without case: only a service that compares strictly can tell more.
    let case = LabelCase::Folded;
    let row = |requirement: &Requirement| {
        let required = &requirement.required;
        let unoffered = offered.missing(required, case);
        let unoffered = servers
            .unwrap_or_default()
            .iter()
            .fold(unoffered, |left, server| server.labels.missing(&left, case));
        let fitting = |servers: &[SquishServer]| {
            let fitting = servers.iter().filter(|it| it.labels.covers(required, case));
            fitting
                .map(|it| (it.id, ServerAvailability::of(it)))
                .collect()
        };
        RequirementRow {
            fits_worker: offered.covers(required, case),
            servers: servers.map(fitting),
            unoffered,
            requirement: requirement.clone(),
        }
    };
    let mut rows: Vec<RequirementRow> = requirements.iter().map(row).collect();
    rows.sort_by_key(|row| {
        let required = row.requirement.required.clone();
        (row.unoffered.is_empty(), row.fits_worker, required)
    });
    rows
}
