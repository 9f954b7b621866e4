//! What doctor checks, resolved from flags, environment and files.

use std::{path::PathBuf, time::Duration};

use super::service_connection::ServiceSetup;
use crate::{
    ci::Ci,
    config::environment::Environment,
    failure::Failure,
    listing::loaded_plan_file::LoadedPlanFile,
    model::{Capabilities, PlanId},
    publication::PublicationSettings,
};

#[derive(Debug)]
pub(crate) struct DoctorRequest<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) ci: &'a Ci,
    /// testplan.yml; `None` if there is none.
    pub(crate) config: Result<Option<LoadedPlanFile>, Failure>,
    pub(crate) workers: Result<WorkerOffer, Failure>,
    /// Whether a flag asks for a Squish server with each reservation.
    pub(crate) allocate_server: bool,
    pub(crate) service: ServiceSetup,
    /// Project and title of the template.
    pub(crate) template: Result<(String, String), Failure>,
    pub(crate) plan: Option<PlanId>,
    /// The folder for results, if its setting is well-formed.
    pub(crate) out: Option<PathBuf>,
    pub(crate) publication: PublicationSettings,
}

/// The workers that `testplan work` would start.
#[derive(Debug)]
pub(crate) struct WorkerOffer {
    pub(crate) workers: usize,
    pub(crate) lease: Duration,
    pub(crate) offered: Capabilities,
    pub(crate) allocate_server: bool,
}

impl DoctorRequest<'_> {
    pub(crate) fn config_file(&self) -> Option<&LoadedPlanFile> {
        self.config.as_ref().ok()?.as_ref()
    }

    pub(super) fn template_name(&self) -> Option<(&str, &str)> {
        let (project, title) = self.template.as_ref().ok()?;
        Some((project, title))
    }

    /// Whether workers ask for a Squish server with each reservation.
    pub(crate) fn asks_for_server(&self) -> bool {
        let workers = self.workers.as_ref();
        workers.map_or(self.allocate_server, |workers| workers.allocate_server)
    }
}
