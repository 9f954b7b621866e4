//! Looks up the plan that a flag names.

use crate::{
    client::{Client, ClientError, ErrorKind},
    failure::Failure,
    model::{Capabilities, Plan, PlanId, PlanStatus},
};

/// The plan that `--plan-id` names. A usage error if the service does not know it.
pub(crate) async fn plan(client: &Client, id: PlanId) -> Result<Plan, Failure> {
    client.plan(id).await.map_err(|error| explained(error, id))
}

/// The status of the plan that `--plan-id` names, of its executions that require every capability of `filter`.
pub(crate) async fn status(
    client: &Client,
    id: PlanId,
    filter: &Capabilities,
) -> Result<PlanStatus, Failure> {
    let status = client.status(id, filter).await;
    status.map_err(|error| explained(error, id))
}

fn explained(error: ClientError, id: PlanId) -> Failure {
    match error.kind {
        ErrorKind::Refused {
            status: 400 | 404, ..
        } => Failure::usage(error).help(format!(
            "correct --plan-id {id}: `testplan execute` prints the number of the plan that it starts"
        )),
        _ => error.into(),
    }
}
