//! Asks what a plan waits for, where the service can say.

use http::Method;

use super::{Client, ClientError, ErrorKind, ServiceKind, answer::json, call::Call, retry::Repeat};
use crate::{
    api::{self, waiting::WaitingResponse},
    model::{PlanId, PlanWaiting},
};

impl Client {
    /// What a plan waits for; `None` if the service cannot say: the vendor's API has no such question, and an older
    /// one of ours has it neither.
    pub async fn plan_waiting(&self, plan: PlanId) -> Result<Option<PlanWaiting>, ClientError> {
        if self.service_kind() == ServiceKind::Unknown {
            self.plan(plan).await?;
        }
        if !self.is_testplan() {
            return Ok(None);
        }
        let call = Call::at(
            Method::GET,
            format!("{}/plans/{plan}/waiting", api::TESTPLAN),
        );
        let read = json::<WaitingResponse>("what a plan waits for");
        match self
            .persist(&call, self.service_rule(Repeat::Always), read)
            .await
        {
            Ok(got) => Ok(Some(got.value.into())),
            Err(ClientError {
                kind: ErrorKind::Refused { status: 404, .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
