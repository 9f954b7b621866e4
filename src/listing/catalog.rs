//! What a service offers: the templates and Squish servers of `testplan.yml` files.

use super::{listed_template::ListedTemplate, loaded_plan_file::LoadedPlanFile};
use crate::{
    failure::Failure,
    model::{NewSquishServer, Timestamp},
    store::{Store, TemplateDefinition},
};

/// Templates and Squish servers, ready to be published in a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    templates: Vec<TemplateDefinition>,
    squish_servers: Vec<NewSquishServer>,
}

impl Catalog {
    /// Adds every template and Squish server of a file. Runs its listing commands and passes each template to `listed`.
    pub(crate) async fn add(
        &mut self,
        loaded: &LoadedPlanFile,
        mut listed: impl FnMut(&ListedTemplate),
    ) -> Result<(), Failure> {
        for template in &loaded.file.templates {
            let template = loaded.list(template).await?;
            listed(&template);
            self.templates.push(template.definition);
        }
        self.add_servers(loaded);
        Ok(())
    }

    /// Adds one template of a file, listed before, and the file's Squish servers.
    pub(crate) fn add_template(&mut self, template: TemplateDefinition, loaded: &LoadedPlanFile) {
        self.templates.push(template);
        self.add_servers(loaded);
    }

    fn add_servers(&mut self, loaded: &LoadedPlanFile) {
        let servers = loaded.file.servers.iter().cloned();
        self.squish_servers.extend(servers);
    }

    pub(crate) async fn publish(self, store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
        store
            .publish(self.templates, now)
            .await
            .map_err(Failure::infrastructure)?;
        store
            .register_servers(self.squish_servers, now)
            .await
            .map_err(Failure::infrastructure)
    }
}
