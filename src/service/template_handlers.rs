//! Publishing templates on request, for clients that start plans without a list of tests.

use std::sync::Arc;

use super::{
    http_error::HttpError,
    request_parts::{Object, RequestHead},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::test_list::{PublishTemplatesRequest, PublishTemplatesResponse},
    store::TemplateDefinition,
};

/// `PUT templates`
pub(super) async fn publish(
    shared: Arc<ServiceState>,
    _: RequestHead,
    Object(body): Object<PublishTemplatesRequest>,
) -> Result<PublishTemplatesResponse, HttpError> {
    let PublishTemplatesRequest {
        project,
        templates,
        dry_run,
    } = body;
    let templates = templates
        .into_iter()
        .map(|template| TemplateDefinition {
            project: project.clone(),
            title: template.title,
            description: template.description,
            tags: template.tags,
            executions: template.tests.into_iter().map(Into::into).collect(),
        })
        .collect();
    let differences = shared
        .ask(move |store, now| store.publish_templates(templates, dry_run, now))
        .await?;
    Ok(PublishTemplatesResponse {
        templates: differences.into_iter().map(to_wire::difference).collect(),
    })
}
