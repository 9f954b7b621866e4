//! Observes everything that the checks judge. Changes nothing at the service or at GitHub.

pub(crate) mod doctor_request;
pub(crate) mod github_access;
pub(crate) mod out_folder;
pub(crate) mod plan_lookup;
pub(crate) mod program_search;
pub(crate) mod requirements;
pub(crate) mod service_connection;
pub(crate) mod squish_tools;

use std::time::Duration;

use tokio::time::timeout;

use self::{
    doctor_request::DoctorRequest,
    github_access::GitHubAccess,
    out_folder::OutFolder,
    plan_lookup::{FetchedPlan, PlanLookup},
    program_search::ProgramSearch,
    requirements::{RequirementRow, Requirements},
    service_connection::{Connection, ServiceAnswers},
    squish_tools::SquishTools,
};
use crate::{
    failure::Failure,
    model::{Capabilities, SquishServer},
    runner::runner_settings::{RunnerSettings, Tool},
};

/// How long a list of executions may take; for a larger plan the counts per capability show what it requires.
const LISTING: Duration = Duration::from_secs(9);

/// Everything that the checks judge.
#[derive(Debug)]
pub(crate) struct Observations<'a> {
    pub(crate) request: DoctorRequest<'a>,
    /// One for each URL of the service.
    pub(crate) connections: Vec<Connection>,
    pub(crate) answers: ServiceAnswers,
    /// What executions require, if that is known.
    pub(crate) requirements: Option<Requirements>,
    pub(crate) rows: Vec<RequirementRow>,
    pub(crate) offered: Capabilities,
    /// All Squish servers, if they are known.
    pub(crate) servers: Option<Vec<SquishServer>>,
    /// How a test is run, or why testplan.yml does not say so.
    pub(crate) runner: Option<Result<RunnerSettings, Failure>>,
    pub(crate) program: Option<RunnerProgram>,
    pub(crate) out: Option<OutFolder>,
    pub(crate) github: GitHubAccess,
}

/// The program of testplan.yml's runner.
#[derive(Debug)]
pub(crate) enum RunnerProgram {
    Command(ProgramSearch),
    Squish(SquishTools),
}

/// Observes service, GitHub and runner side by side.
pub(super) async fn observe(request: DoctorRequest<'_>) -> Observations<'_> {
    let runner = request.config_file().map(|file| file.runner(None));
    let service = async {
        let connections = request.service.connect().await;
        let template = request.template_name();
        let answers = request
            .service
            .ask(&connections, template, request.plan)
            .await;
        (connections, answers)
    };
    let github = github_access::observe(&request.publication, request.environment, request.ci);
    let program = async {
        let runner = runner.as_ref()?.as_ref().ok()?;
        Some(match &runner.tool {
            Tool::Command(settings) => {
                let name = settings.command.first();
                let name = name.map_or("", |it| it.literal().unwrap_or(it.text()));
                let search = program_search::search(runner, name, request.environment);
                RunnerProgram::Command(search)
            }
            Tool::Squish(settings) => {
                let tools = squish_tools::observe(settings, runner, request.environment);
                RunnerProgram::Squish(tools.await)
            }
        })
    };
    let ((connections, answers), github, program) = tokio::join!(service, github, program);
    let offered = match &request.workers {
        Ok(workers) => workers.offered.clone(),
        Err(_) => Capabilities::default(),
    };
    let servers = match (&answers.servers, request.config_file()) {
        (Some(Ok(servers)), _) => Some(servers.clone()),
        (None, Some(config)) if request.service.is_embedded() => {
            Some(requirements::servers_of(&config.file))
        }
        (None | Some(Err(_)), _) => None,
    };
    let requirements = require(&request, &answers, &offered, servers.as_deref()).await;
    let sets = requirements.as_ref().map_or(&[][..], |it| &it.sets);
    Observations {
        rows: requirements::rows(sets, &offered, servers.as_deref()),
        out: request.out.clone().map(out_folder::observe),
        requirements,
        request,
        connections,
        answers,
        offered,
        servers,
        runner,
        program,
        github,
    }
}

/// What the executions of the started plan require, else those that testplan.yml lists.
async fn require(
    request: &DoctorRequest<'_>,
    answers: &ServiceAnswers,
    offered: &Capabilities,
    servers: Option<&[SquishServer]>,
) -> Option<Requirements> {
    let config = request.config_file();
    if let (Some(client), Some(plan)) = (&answers.client, request.plan)
        && answers.plan.as_ref().and_then(PlanLookup::found).is_some()
    {
        let executions = timeout(LISTING, client.executions(plan)).await;
        if let Ok(Ok(Some(executions))) = executions {
            return Some(requirements::of_executions(plan, &executions));
        }
        let file = config.map(|config| &config.file);
        let capabilities =
            requirements::known_capabilities(offered, servers.unwrap_or_default(), file);
        return Some(requirements::of_counts(client, plan, capabilities).await);
    }
    let title = request.template_name().map(|(_, title)| title);
    requirements::of_file(config?, title)
}

impl Observations<'_> {
    /// The template that the service found.
    pub(crate) fn template(&self) -> Option<&FetchedPlan> {
        self.answers.template.as_ref()?.found()
    }

    /// The started plan that the service found.
    pub(crate) fn plan(&self) -> Option<&FetchedPlan> {
        self.answers.plan.as_ref()?.found()
    }
}
