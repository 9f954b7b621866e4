//! What of a plan must be the same in both databases.

use sha2::{Digest as _, Sha256};

use crate::model::PlanId;

/// Counts of a plan and a digest of its verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct PlanProof {
    pub(in crate::store) executions: i64,
    pub(in crate::store) events: i64,
    /// The number of its last event.
    pub(in crate::store) last_event: i64,
    /// Open, reserved, done, passed, failed and skipped, over all label sets.
    pub(in crate::store) counts: [i64; 6],
    /// Of all executions.
    pub(in crate::store) verdicts: Vec<u8>,
}

/// The columns of an execution that its verdict is made of, as whole numbers.
pub(in crate::store) const VERDICT_COLUMNS: &str =
    "id, test, label_set, state, epoch, generation, verdict, duration_ms";
/// How many they are, with `flaky`.
pub(in crate::store) const VERDICT_WIDTH: usize = 9;

/// Digests the verdicts of a plan's executions in the order of their numbers.
#[derive(Debug, Default)]
pub(in crate::store) struct VerdictDigest(Sha256);

impl VerdictDigest {
    /// Adds an execution: the columns of [`VERDICT_COLUMNS`] and `flaky`.
    pub(in crate::store) fn add(&mut self, values: [Option<i64>; VERDICT_WIDTH]) {
        for value in values {
            self.0.update([u8::from(value.is_some())]);
            self.0.update(value.unwrap_or_default().to_be_bytes());
        }
    }

    pub(in crate::store) fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// What differs, as a sentence.
pub(in crate::store) fn difference(
    plan: PlanId,
    source: &PlanProof,
    copy: &PlanProof,
) -> Option<String> {
    let plan = plan.0;
    let numbers = [
        ("executions", source.executions, copy.executions),
        ("events", source.events, copy.events),
    ];
    for (what, had, has) in numbers {
        if had != has {
            return Some(format!("plan {plan} has {has} {what} instead of {had}"));
        }
    }
    if source.last_event != copy.last_event {
        return Some(format!(
            "the last event of plan {plan} is {} instead of {}",
            copy.last_event, source.last_event
        ));
    }
    if source.counts != copy.counts {
        return Some(format!("the counts of plan {plan} differ"));
    }
    (source.verdicts != copy.verdicts).then(|| format!("the verdicts of plan {plan} differ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut PlanProof);

    #[test]
    fn each_difference_of_a_plan_is_found() {
        let proof = || {
            let mut digest = VerdictDigest::default();
            digest.add([
                Some(1),
                Some(2),
                None,
                Some(3),
                Some(0),
                None,
                None,
                Some(9),
                None,
            ]);
            PlanProof {
                executions: 3,
                events: 8,
                last_event: 8,
                counts: [0, 0, 3, 2, 1, 0],
                verdicts: digest.finish(),
            }
        };
        let source = proof();
        assert_eq!(difference(PlanId(7), &source, &proof()), None);
        let changes: [(Change, &str); 5] = [
            (|it| it.executions = 2, "2 executions instead of 3"),
            (|it| it.events = 9, "9 events instead of 8"),
            (|it| it.last_event = 9, "last event of plan 7"),
            (|it| it.counts[3] = 3, "counts of plan 7"),
            (|it| it.verdicts[0] ^= 1, "verdicts of plan 7"),
        ];
        for (change, says) in changes {
            let mut copy = proof();
            change(&mut copy);
            let text = difference(PlanId(7), &source, &copy).unwrap();
            assert!(text.contains(says), "{text}");
        }
    }

    #[test]
    fn digest_tells_null_from_zero() {
        let of = |value| {
            let mut digest = VerdictDigest::default();
            digest.add([value; VERDICT_WIDTH]);
            digest.finish()
        };
        assert_ne!(of(None), of(Some(0)));
    }
}
