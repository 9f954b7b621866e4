//! How a service names the count of executions that are done.

use std::fmt;

use http::Method;

use super::{Client, ClientError, answer, call::Call};
use crate::{api::plan::StatusResponse, model::PlanId};

/// What a service calls the executions that are done: the vendor's page says one word in its table and another in its
/// example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoneField {
    Done,
    Finished,
    /// Both, as in `testplan serve`.
    Both,
    /// Neither: a client cannot see when a plan is drained.
    Neither,
}

impl fmt::Display for DoneField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "`done`",
            Self::Finished => "`finished`",
            Self::Both => "`done` and `finished`",
            Self::Neither => "neither `done` nor `finished`",
        })
    }
}

impl Client {
    /// Asks for the counts of a plan and looks at their names.
    pub(crate) async fn done_field(&self, plan: PlanId) -> Result<DoneField, ClientError> {
        let call = Call::new(Method::GET, &format!("status/{plan}"));
        let read = answer::json::<StatusResponse>("counts of executions");
        let StatusResponse { done, finished, .. } = self.ask(&call, read).await?;
        Ok(match (done, finished) {
            (Some(_), Some(_)) => DoneField::Both,
            (Some(_), None) => DoneField::Done,
            (None, Some(_)) => DoneField::Finished,
            (None, None) => DoneField::Neither,
        })
    }
}
