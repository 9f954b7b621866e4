//! Reserves several executions: by one call of a service of ours, by one call for each elsewhere.

use std::time::Duration;

use super::{
    BatchOptions, Client, ClientError, Granted, LeaseRenewal, Reservations, ReserveOptions,
    ServiceKind,
    retry_rule::{Repeat, RetryRule},
};
use crate::{clock, model::PlanId};

impl Client {
    /// Reserves executions for a worker that stays until the plan is drained, as [`Self::reserve_next`] does. With a Squish
    /// server it is one execution. An older service of ours hands out one. Where each execution needs a call of its own,
    /// asks `goes_on` before each further one.
    pub async fn reserve_many(
        &self,
        plan: PlanId,
        options: &ReserveOptions,
        batch: &BatchOptions,
        worker: &str,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Reservations, ClientError> {
        if batch.is_one() {
            let one = self.reserve_next(plan, options, worker).await?;
            return Ok(one.into());
        }
        if self.service_kind() == ServiceKind::Unknown {
            self.plan(plan).await?;
        }
        if !self.is_testplan() {
            return self
                .reserve_singly(plan, options, batch, worker, goes_on)
                .await;
        }
        let answer = self
            .reserve_once(
                self.service_rule(Repeat::Always),
                plan,
                options,
                Some(batch),
                worker,
            )
            .await?;
        Ok(match answer {
            Reservations::Granted(granted) => {
                Reservations::Granted(self.all_fresh(plan, granted).await)
            }
            other => other,
        })
    }

    /// Reserves one after the other until nothing fits. An error after the first one ends it; earlier reservations
    /// are kept.
    async fn reserve_singly(
        &self,
        plan: PlanId,
        options: &ReserveOptions,
        batch: &BatchOptions,
        worker: &str,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Reservations, ClientError> {
        let most = if options.allocate_server {
            1
        } else {
            batch.max.min(batch.single_calls).max(1) as usize
        };
        let mut all = match self.reserve_next(plan, options, worker).await?.into() {
            Reservations::Granted(granted) => granted,
            nothing => return Ok(nothing),
        };
        let at_once = ReserveOptions {
            wait: Duration::ZERO,
            ..options.clone()
        };
        // Leases are held already, so no call waits for the service to come back.
        let once = RetryRule {
            budget: Duration::ZERO,
            ..self.service_rule(Repeat::IfNotDone)
        };
        while all.len() < most && goes_on() {
            let next = self.reserve_once(once, plan, &at_once, None, worker).await;
            let Ok(Reservations::Granted(next)) = next else {
                break;
            };
            all.extend(next);
        }
        Ok(Reservations::Granted(all))
    }

    /// The same as [`Self::fresh`] for all leases of an answer, with one heartbeat.
    async fn all_fresh(&self, plan: PlanId, mut granted: Vec<Granted>) -> Vec<Granted> {
        let now = clock::monotonic();
        let old: Vec<usize> = (0..granted.len())
            .filter(|at| {
                let Granted {
                    lease,
                    sent_at,
                    timeout,
                    ..
                } = &granted[*at];
                lease.is_some() && now.saturating_duration_since(*sent_at) > *timeout / 3
            })
            .collect();
        let Some(shortest) = old.iter().map(|at| granted[*at].timeout).min() else {
            return granted;
        };
        let beats: Vec<LeaseRenewal> = old
            .iter()
            .map(|at| LeaseRenewal {
                execution: granted[*at].execution,
                lease: granted[*at].lease.clone(),
                timeout: granted[*at].timeout,
            })
            .collect();
        let limit = self.patience().request.min(shortest / 3);
        let answers = self.heartbeat_many(plan, &beats, limit).await;
        for (at, answer) in old.into_iter().zip(answers) {
            // A failure changes nothing: the holder sees an old lease and beats at once itself.
            if let Ok(sent_at) = answer {
                granted[at].sent_at = sent_at;
            }
        }
        granted
    }
}
