//! Events in words.

use super::page_state::RUNNING;
use crate::report::view::Mark;

/// The mark of a kind of event, and what it means. A kind of a newer version is shown by its own word.
pub(super) fn of_kind(kind: &str) -> (Mark, &'static str) {
    let lost = |word| (Mark { word, ..Mark::LOST }, "");
    match kind {
        "reserved" => (
            Mark {
                word: "reserved",
                ..RUNNING
            },
            "a worker got a lease",
        ),
        "heartbeat" => (
            Mark {
                word: "lease changed",
                ..Mark::NOTED
            },
            "revived after its end, or of another length",
        ),
        "expired" => (
            lost("lease lost").0,
            "the worker did not renew its lease in time",
        ),
        "extended" => (
            Mark {
                word: "lease extended",
                ..Mark::NOTED
            },
            "by the time that the service was down",
        ),
        "released" => (Mark::GIVEN_BACK, "the worker returned it"),
        "not-started" => (
            Mark {
                word: "not started",
                ..Mark::GIVEN_BACK
            },
            "the worker could not start it",
        ),
        "unstartable" => (
            Mark {
                word: "could not start",
                ..Mark::COULD_NOT_RUN
            },
            "no worker could start it",
        ),
        "finished" => (
            Mark {
                word: "finished",
                ..Mark::NOTED
            },
            "a result was counted",
        ),
        "late-result" => (
            lost("late result").0,
            "came after the lease was lost; not counted",
        ),
        "other-result" => (
            lost("second result").0,
            "differs from the counted one; not counted",
        ),
        "imported" => (
            Mark {
                word: "verdict imported",
                ..Mark::NOTED
            },
            "from uploaded result files",
        ),
        "abandoned" => (
            Mark {
                word: "abandoned",
                ..Mark::COULD_NOT_RUN
            },
            "too many leases on it were lost",
        ),
        "reset" => (
            Mark {
                word: "reset",
                ..Mark::GIVEN_BACK
            },
            "opened again",
        ),
        "server-trouble" => (
            Mark {
                word: "Squish server trouble",
                ..Mark::COULD_NOT_RUN
            },
            "the server cools down",
        ),
        "cancelled" => (
            Mark {
                word: "cancelled",
                ..Mark::COULD_NOT_RUN
            },
            "its plan was cancelled",
        ),
        "plan-cancelled" => (
            Mark {
                word: "plan cancelled",
                ..Mark::COULD_NOT_RUN
            },
            "nothing more is handed out",
        ),
        "revoked" => (
            Mark {
                word: "lease released",
                ..Mark::GIVEN_BACK
            },
            "not by its worker",
        ),
        _ => (
            Mark {
                word: "other event",
                ..Mark::NOTED
            },
            "",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::protocol::EventKind;

    #[test]
    fn every_kind_of_event_has_words() {
        for kind in EventKind::EACH {
            assert_ne!(of_kind(kind.as_str()).0.word, "other event", "{kind:?}");
        }
    }
}
