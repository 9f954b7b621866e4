//! Results that were to be uploaded: what did not get in keeps a plan from being green, until somebody makes it good.

use testplan::{
    exit_code::Conclusion,
    model::{ExecutionId, record::RecordEvent},
};

use crate::report::story::{Worker, failed, passed, report};

const IT: ExecutionId = ExecutionId(1);

fn folder(attempt: u32) -> String {
    format!("results/105-1-{attempt}-suite")
}

/// Runs the execution, with an upload that came to `told`.
fn runs(worker: Worker, attempt: u32, told: Option<RecordEvent>) -> Worker {
    let worker = worker
        .takes(1, Some(attempt))
        .tell(RecordEvent::Results {
            execution: IT,
            folder: folder(attempt),
        })
        .ends(1, passed())
        .tell(RecordEvent::Uploading {
            execution: IT,
            folder: folder(attempt),
        });
    let worker = match told {
        Some(event) => worker.tell(event),
        None => worker,
    };
    worker.counted(1)
}

fn uploaded(attempt: u32) -> RecordEvent {
    RecordEvent::Uploaded {
        execution: IT,
        folder: folder(attempt),
        files: 1,
        bytes: 9,
    }
}

fn refused(attempt: u32) -> RecordEvent {
    RecordEvent::NotUploaded {
        execution: IT,
        folder: folder(attempt),
        reason: "the disk is full".to_owned(),
        unclear: false,
    }
}

#[test]
fn what_got_in_is_green_and_what_did_not_is_code_3_with_its_cure() {
    let worker = || Worker::begins("a", &[], 1);
    let good = report(&[runs(worker(), 1, Some(uploaded(1))).leaves()]);
    assert_eq!(good.conclusion(), Conclusion::Passed);
    assert!(good.warnings.is_empty());
    for (told, why) in [
        (Some(refused(1)), "the disk is full"),
        (None, "it may have been received"),
    ] {
        let bad = report(&[runs(worker(), 1, told).leaves()]);
        assert_eq!(bad.conclusion(), Conclusion::Infrastructure);
        assert_eq!(bad.executions().passed, 1, "the test itself passed");
        assert_eq!(bad.not_uploaded, 1);
        assert!(bad.warnings[0].contains("testplan upload --records"));
        let said = bad.entries[0].explanations[0].to_string();
        assert!(
            said.contains("not uploaded") && said.contains(why),
            "{said}"
        );
    }
}

#[test]
fn a_later_upload_by_somebody_else_makes_it_good_in_any_order_of_files() {
    let worker = runs(Worker::begins("a", &[], 1), 1, Some(refused(1))).leaves();
    let later = Worker::begins("z-upload", &[], 1)
        .after(60_000)
        .tell(RecordEvent::Uploading {
            execution: IT,
            folder: folder(1),
        })
        .tell(uploaded(1))
        .leaves();
    for stories in [[worker.clone(), later.clone()], [later, worker]] {
        let report = report(&stories);
        assert_eq!(report.conclusion(), Conclusion::Passed);
        assert_eq!(report.workers.len(), 1, "an upload is no worker");
        assert_eq!(report.entries[0].attempts.len(), 1, "nor an attempt");
    }
}

#[test]
fn only_the_attempt_that_counts_must_have_got_in() {
    let worker = Worker::begins("a", &[], 1)
        .takes(1, Some(1))
        .tell(RecordEvent::Results {
            execution: IT,
            folder: folder(1),
        })
        .ends(1, failed())
        .tell(refused(1))
        .counted(1)
        .resets(1);
    let worker = runs(worker, 2, Some(uploaded(2))).leaves();
    assert_eq!(report(&[worker]).conclusion(), Conclusion::Passed);
}
