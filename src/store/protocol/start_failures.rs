//! Workers that could not start an execution at all: no attempt is counted, another worker tries, and once nobody is left to
//! try the execution ends with all their reasons.

use serde::{Deserialize, Serialize};

use super::payload::cut;

/// How many machines have to fail before an execution ends, if not all that are there did.
const MOST_MACHINES: usize = 3;
/// Most bytes kept of a reason.
const LONGEST_REASON: usize = 500;

/// The machines that could not start an execution, in the order in which they said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StartFailures(Vec<StartFailure>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StartFailure {
    machine: String,
    reason: String,
}

/// What follows from a failed start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterStartFailure {
    /// Another worker tries.
    TryAgain,
    /// Nobody is left to try.
    End,
}

impl StartFailures {
    /// Whether the machine of this worker failed already.
    pub(crate) fn include(&self, worker: &str) -> bool {
        let machine = machine(worker);
        self.0.iter().any(|failure| failure.machine == machine)
    }

    /// Adds a failed start of `worker`. `live` are the workers there that could run the execution, as far as they are known.
    ///
    /// A single machine fails twice before it counts as all that are there: another one may be about to come.
    pub(crate) fn add(&mut self, worker: &str, reason: &str, live: &[String]) -> AfterStartFailure {
        let is_repeated = self.include(worker);
        if !is_repeated {
            self.0.push(StartFailure {
                machine: machine(worker).to_owned(),
                reason: cut(reason, LONGEST_REASON),
            });
        }
        let all_failed = !live.is_empty() && live.iter().all(|worker| self.include(worker));
        if self.0.len() >= MOST_MACHINES || (is_repeated && all_failed) {
            AfterStartFailure::End
        } else {
            AfterStartFailure::TryAgain
        }
    }

    /// The error of an execution that ends with them: each reason once, with its machines.
    pub(crate) fn error(&self) -> String {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for failure in &self.0 {
            match reasons
                .iter_mut()
                .find(|(reason, _)| *reason == failure.reason)
            {
                Some((_, machines)) => machines.push(&failure.machine),
                None => reasons.push((&failure.reason, vec![&failure.machine])),
            }
        }
        let reasons = reasons
            .iter()
            .map(|(reason, machines)| format!("{reason} (on {})", machines.join(", ")));
        let reasons: Vec<String> = reasons.collect();
        format!("no worker could start it: {}", reasons.join("; "))
    }
}

/// The machine of a worker: a process of ours counts its workers as `NAME/1`, `NAME/2`, and all of them lack the same.
fn machine(worker: &str) -> &str {
    match worker.rsplit_once('/') {
        Some((machine, slot)) if slot.bytes().all(|byte| byte.is_ascii_digit()) => machine,
        _ => worker,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AfterStartFailure::{End, TryAgain};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn three_machines_are_enough() {
        let mut failures = StartFailures::default();
        let live = names(&["a/1", "b/1", "c/1", "d/1"]);
        assert_eq!(failures.add("a/1", "no tool", &live), TryAgain);
        assert_eq!(
            failures.add("a/2", "no tool", &live),
            TryAgain,
            "same machine"
        );
        assert_eq!(failures.add("b/1", "no tool", &live), TryAgain);
        assert_eq!(failures.add("c/1", "no memory", &live), End);
        assert_eq!(
            failures.error(),
            "no worker could start it: no tool (on a, b); no memory (on c)"
        );
    }

    #[test]
    fn all_that_are_there_are_enough_once_one_of_them_tried_twice() {
        let mut failures = StartFailures::default();
        let live = names(&["a/1", "a/2", "b"]);
        assert_eq!(failures.add("a/1", "no tool", &live), TryAgain);
        assert_eq!(
            failures.add("a/2", "no tool", &live),
            TryAgain,
            "b may have it"
        );
        assert_eq!(failures.add("b", "no tool", &live), TryAgain, "first time");
        assert_eq!(failures.add("b", "no tool", &live), End);
    }

    #[test]
    fn unknown_workers_are_not_all_that_are_there() {
        let mut failures = StartFailures::default();
        for _ in 0..9 {
            assert_eq!(failures.add("a", "no tool", &[]), TryAgain);
        }
    }

    #[test]
    fn names_without_a_number_are_machines() {
        let mut failures = StartFailures::default();
        let _ = failures.add("ci/linux", "no tool", &[]);
        assert!(failures.include("ci/linux") && !failures.include("ci/mac"));
    }
}
