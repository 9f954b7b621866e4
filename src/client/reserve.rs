//! Reserves an execution. A lost answer strands an execution for the length of a lease, unless the service is `testplan
//! serve` and recognises the key. So only workers that stay until the plan is drained repeat a reservation freely: they
//! would have to wait for the stranded execution in any case.

use std::time::{Duration, Instant};

use http::Method;

use super::{
    Client, ClientError, answer,
    call::Call,
    leases::millis,
    retry_rule::{Repeat, RetryRule},
};
use crate::{
    api::{
        self,
        reservation::{GrantedResponse, ReserveRequest, ReserveResponse},
    },
    clock,
    model::{Capabilities, ExecutionId, LeaseToken, PlanId, SquishServer, Test, TestId},
    random,
};

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveOptions {
    /// What the worker offers.
    pub offered: Capabilities,
    /// How long the lease shall be.
    pub lease: Duration,
    /// Whether to ask for a Squish server too.
    pub allocate_server: bool,
    /// How long `testplan serve` may hold its answer back until an execution fits; whole seconds. Test Center does not.
    pub wait: Duration,
}

/// What the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// An execution was reserved.
    Granted(Box<Granted>),
    /// No execution fits now.
    NoExecution {
        /// How many fitting ones are reserved now or not yet due, where the service says: leave at 0.
        pending: Option<u64>,
    },
    /// Executions fit, but no Squish server is free.
    NoServer {
        /// How many fitting ones there are, where the service says.
        pending: Option<u64>,
    },
}

/// How many executions to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Most executions, 1 to 1,000.
    pub max: u32,
    /// How much predicted work is wanted; a service of ours decides if absent.
    pub work: Option<Duration>,
    /// The suites whose fixtures the worker has warm, preferred ones first; `None` for the usual order.
    pub near: Option<Vec<String>>,
    /// Most executions where each needs a call of its own, because the service is not ours. It predicts nothing, so this is
    /// a count.
    pub single_calls: u32,
}

impl BatchOptions {
    /// One execution, in the usual order.
    pub fn one() -> Self {
        Self {
            max: 1,
            work: None,
            near: None,
            single_calls: 1,
        }
    }

    /// Whether it is one execution in the usual order.
    pub(super) fn is_one(&self) -> bool {
        self.max <= 1 && self.near.is_none()
    }
}

impl From<Reservation> for Reservations {
    fn from(one: Reservation) -> Self {
        match one {
            Reservation::Granted(granted) => Self::Granted(vec![*granted]),
            Reservation::NoExecution { pending } => Self::NoExecution { pending },
            Reservation::NoServer { pending } => Self::NoServer { pending },
        }
    }
}

/// What the service answered to a request for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservations {
    /// Executions were handed out; never empty.
    Granted(Vec<Granted>),
    /// No execution fits now.
    NoExecution {
        /// How many fitting ones are reserved now or not yet due, where the service says: leave at 0.
        pending: Option<u64>,
    },
    /// Executions fit, but no Squish server is free.
    NoServer {
        /// How many fitting ones there are, where the service says.
        pending: Option<u64>,
    },
}

/// A reserved execution, with its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The execution.
    pub execution: ExecutionId,
    /// Its project.
    pub project: String,
    /// Its plan's batch.
    pub batch: String,
    /// The test.
    pub test: Test,
    /// The test's number.
    pub test_id: TestId,
    /// What it needs, where the service says.
    pub required: Option<Capabilities>,
    /// Number of this attempt, 1 for the first, where the service says.
    pub attempt: Option<u32>,
    /// The right to it; Test Center has none.
    pub lease: Option<LeaseToken>,
    /// Length of the lease from [`Self::sent_at`]: as granted, or as requested if the service does not say.
    pub timeout: Duration,
    /// The Squish server that came with it.
    pub server: Option<SquishServer>,
    /// How long it is expected to run, where the service knows earlier runs of the test.
    pub expected: Option<Duration>,
    /// When the first request was sent that the lease may stem from: the lease ends no earlier than `timeout`
    /// after this.
    pub sent_at: Instant,
}

impl Client {
    /// Reserves an execution for a worker. `worker` is unique in the plan, for the service's log. Repeats the request only
    /// if that cannot reserve a second one.
    pub async fn reserve(
        &self,
        plan: PlanId,
        options: &ReserveOptions,
        worker: &str,
    ) -> Result<Reservation, ClientError> {
        self.reserve_by(Repeat::IfTestplan, plan, options, worker)
            .await
    }

    /// The same for a worker that stays until the plan is drained: it repeats the request, and an execution whose
    /// reservation was lost stays reserved until its lease expires.
    pub(crate) async fn reserve_next(
        &self,
        plan: PlanId,
        options: &ReserveOptions,
        worker: &str,
    ) -> Result<Reservation, ClientError> {
        self.reserve_by(Repeat::Always, plan, options, worker).await
    }

    async fn reserve_by(
        &self,
        repeat: Repeat,
        plan: PlanId,
        options: &ReserveOptions,
        worker: &str,
    ) -> Result<Reservation, ClientError> {
        let answer = self
            .reserve_once(self.service_rule(repeat), plan, options, None, worker)
            .await?;
        Ok(match answer {
            Reservations::Granted(granted) => match granted.into_iter().next() {
                Some(granted) => Reservation::Granted(Box::new(self.fresh(granted).await)),
                None => Reservation::NoExecution { pending: None },
            },
            Reservations::NoExecution { pending } => Reservation::NoExecution { pending },
            Reservations::NoServer { pending } => Reservation::NoServer { pending },
        })
    }

    /// Sends one request, with a batch only to a service of ours, and reads its answer.
    pub(super) async fn reserve_once(
        &self,
        rule: RetryRule,
        plan: PlanId,
        options: &ReserveOptions,
        batch: Option<&BatchOptions>,
        worker: &str,
    ) -> Result<Reservations, ClientError> {
        let call = Call::new(Method::POST, &format!("reserve/{plan}"))
            .header(api::IDEMPOTENCY_KEY, &random::unique_key())
            .header(api::WORKER, worker)
            .json(&ReserveRequest {
                capabilities: options.offered.clone().into(),
                timeout: millis(options.lease),
                allocate_server: options.allocate_server,
                max: batch.map(|batch| batch.max),
                seconds: batch.and_then(|batch| Some(batch.work?.as_secs_f64())),
                near: batch.and_then(|batch| batch.near.clone()),
            });
        let call = match self.job.as_deref().filter(|_| self.is_testplan()) {
            Some(job) => call.header(api::JOB, job),
            None => call,
        };
        let call = self.waiting(call, options.wait);
        let got = self.persist(&call, rule, response).await?;
        let ReserveResponse {
            status,
            granted: first,
            more,
            pending,
        } = got.value;
        let Some(first) = first else {
            return Ok(if status.to_lowercase().starts_with("no servers") {
                Reservations::NoServer { pending }
            } else {
                Reservations::NoExecution { pending }
            });
        };
        // Without a key every request is one of its own, and the lease is that of the last.
        let sent_at = if self.is_testplan() {
            got.sent_at
        } else {
            got.last_sent_at
        };
        let all = std::iter::once(first).chain(more);
        let all = all.map(|wire| granted(wire, options.lease, sent_at));
        Ok(Reservations::Granted(all.collect()))
    }

    /// A lease granted at the end of a long wait, or by a request whose first answer was lost, may have begun at any
    /// time since the request was sent, and counts from then: it would expire before work begins. One heartbeat gives it
    /// a known start. The same for a lease that had to wait for its holder. Sends nothing for a young lease.
    pub async fn fresh(&self, mut granted: Granted) -> Granted {
        let age = clock::monotonic().saturating_duration_since(granted.sent_at);
        if let Some(lease) = &granted.lease
            && age > granted.timeout / 3
        {
            let limit = self.patience().request.min(granted.timeout / 3);
            let beat = self.heartbeat(granted.execution, Some(lease), granted.timeout, limit);
            // A failure changes nothing: the holder sees an old lease and beats at once itself.
            if let Ok(sent_at) = beat.await {
                granted.sent_at = sent_at;
            }
        }
        granted
    }
}

/// Reads a reservation. It was granted if it names an execution; then everything else must be readable too, because
/// "no execution" would be wrong.
fn response(body: &[u8]) -> Result<ReserveResponse, String> {
    let response: ReserveResponse = answer::json("a reservation")(body)?;
    if response.granted.is_none() {
        let raw: serde_json::Value = answer::json("a reservation")(body)?;
        if raw.get("execution_id").is_some_and(|id| !id.is_null()) {
            answer::json::<GrantedResponse>("a reservation")(body)?;
        }
    }
    Ok(response)
}

fn granted(wire: GrantedResponse, asked: Duration, sent_at: Instant) -> Granted {
    Granted {
        execution: wire.execution_id,
        project: wire.project_name,
        batch: wire.batch,
        test: Test {
            suite: wire.suite,
            testcase: wire.testcase,
        },
        test_id: wire.test_id,
        required: wire.labels.map(Capabilities::from),
        attempt: wire.attempt,
        lease: wire.lease,
        timeout: wire
            .timeout
            .and_then(|millis| u64::try_from(millis).ok())
            .map_or(asked, Duration::from_millis),
        server: wire.server.map(SquishServer::from),
        expected: wire.expected_ms.map(Duration::from_millis),
        sent_at,
    }
}
