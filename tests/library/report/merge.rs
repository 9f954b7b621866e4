//! Which attempts count, what is missing, and how it is explained.

use testplan::{
    exit_code::Conclusion,
    model::{
        Execution, ExecutionState, Outcome, PlanId, PlanStatus,
        record::{Checkout, Confirmation, RecordEvent},
    },
    report::{Counting, EntryStatus, Evidence, MergeError, json, merge, parse_record_file},
};

use crate::report::story::{
    PLAN, Worker, entry, error, evidence, failed, late, listed, nightly, passed, report, said, set,
    skipped,
};

const LINUX: &[&str] = &["OS=Linux"];

#[test]
fn a_night_adds_up() {
    let report = report(&nightly());
    let counts = report.executions();
    assert_eq!(
        (
            counts.passed,
            counts.failed,
            counts.skipped,
            counts.errors,
            counts.missing
        ),
        (6, 1, 1, 1, 2)
    );
    assert_eq!((counts.total, report.unnamed_missing), (11, 1));
    assert_eq!((counts.flaky, counts.recovered), (2, 2));
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
    assert!(report.broken.is_empty() && report.warnings.is_empty());
}

#[test]
fn planned_is_the_most_that_anybody_spoke_of() {
    let worker = Worker::begins("a", LINUX, 2).runs(1, 1, passed()).leaves();
    assert_eq!(
        report(std::slice::from_ref(&worker)).executions().missing,
        1
    );
    let told_later = Evidence {
        status: Some(PlanStatus {
            open: 0,
            reserved: 0,
            done: 5,
        }),
        ..evidence(&[worker])
    };
    let report = merge(told_later).unwrap();
    assert_eq!((report.total, report.executions().missing), (5, 4));
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
}

#[test]
fn nothing_planned_is_nothing_to_run() {
    let worker = Worker::begins("a", LINUX, 0).leaves();
    assert_eq!(report(&[worker]).conclusion(), Conclusion::NothingToRun);
    let nobody = merge(Evidence::default()).unwrap();
    assert_eq!(nobody.conclusion(), Conclusion::NothingToRun);
}

#[test]
fn a_lost_lease_is_recovered_and_not_flaky() {
    let a = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends(1, Outcome::LeaseLost)
        .leaves();
    let b = Worker::begins("b", LINUX, 1)
        .after(60_000)
        .runs(1, 2, passed())
        .leaves();
    let report = report(&[b, a]);
    assert_eq!(
        said(&report, 1),
        ["lease lost on worker a, recovered by worker b"]
    );
    assert_eq!(report.conclusion(), Conclusion::Passed);
    assert_eq!(
        (report.executions().flaky, report.executions().recovered),
        (0, 1)
    );
    let workers: Vec<&str> = entry(&report, 1)
        .attempts
        .iter()
        .map(|attempt| attempt.worker.as_str())
        .collect();
    assert_eq!(workers, ["a", "b"]);
}

#[test]
fn a_killed_worker_is_told_and_its_test_rescued() {
    let a = Worker::begins("a", LINUX, 1).takes(1, Some(1));
    let b = Worker::begins("b", LINUX, 1)
        .after(60_000)
        .runs(1, 2, passed())
        .leaves();
    let rescued = report(&[a.clone(), b]);
    assert_eq!(
        said(&rescued, 1),
        ["worker a was killed (its record has no end), recovered by worker b"]
    );
    assert_eq!(rescued.conclusion(), Conclusion::Passed);
    let alone = report(&[a]);
    assert_eq!(
        said(&alone, 1),
        ["worker a was killed (its record has no end)"]
    );
    assert_eq!(alone.conclusion(), Conclusion::Incomplete);
    assert_eq!(alone.workers[0].left, None);
}

#[test]
fn a_process_speaks_for_its_workers() {
    let a = Worker::begins("a", LINUX, 3)
        .in_slot(1, |it| it.runs(1, 1, passed()))
        .in_slot(2, |it| it.runs(2, 1, passed()).takes(3, Some(1)))
        .leaves();
    let killed = Worker::begins("b", LINUX, 3).in_slot(1, |it| it.takes(3, Some(2)));
    let idle = Worker::begins("c", LINUX, 3).leaves();
    let report = report(&[a, killed, idle]);
    let workers: Vec<_> = report
        .workers
        .iter()
        .map(|it| (it.name.as_str(), it.attempts, it.left.as_deref()))
        .collect();
    assert_eq!(
        workers,
        [
            ("a/1", 1, Some("drained")),
            ("a/2", 2, Some("drained")),
            ("b/1", 1, None),
            ("c", 0, Some("drained")),
        ]
    );
    assert!(
        report
            .workers
            .iter()
            .all(|it| it.capabilities == set(LINUX))
    );
    assert!(
        report
            .attempts()
            .all(|(_, attempt)| attempt.capabilities == set(LINUX))
    );
    assert_eq!(
        said(&report, 3),
        [
            "worker a/2 stopped without reporting a result",
            "worker b/1 was killed (its record has no end)"
        ]
    );
}

#[test]
fn a_late_result_never_counts() {
    let a = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends(1, failed())
        .hears(1, late())
        .leaves();
    let b = Worker::begins("b", LINUX, 1).runs(1, 2, passed()).leaves();
    let both = report(&[a.clone(), b]);
    assert_eq!(
        said(&both, 1),
        ["late result not counted: failed on worker a (1301: lease lost)"]
    );
    assert_eq!(both.conclusion(), Conclusion::Passed);
    assert_eq!(entry(&both, 1).attempts[0].counting, Counting::Not);
    assert_eq!(report(&[a]).conclusion(), Conclusion::Incomplete);
}

#[test]
fn a_squish_server_that_is_gone_is_told_and_is_not_flaky() {
    let gone = |worker: Worker, attempt| {
        worker
            .takes_with(1, Some(attempt), Some("lab:4322"))
            .ends(1, Outcome::Cancelled)
            .finds_its_server_gone(1)
    };
    let worker = gone(Worker::begins("a", LINUX, 1), 1)
        .runs(1, 2, passed())
        .leaves();
    let recovered = report(&[worker]);
    let counts = recovered.executions();
    assert_eq!((counts.passed, counts.flaky, counts.recovered), (1, 0, 1));
    assert_eq!(
        said(&recovered, 1),
        ["given back: Squish server lab:4322 unreachable (worker a)"]
    );
    let twice = gone(gone(Worker::begins("a", LINUX, 1), 1), 2).leaves();
    let missing = report(&[twice]);
    assert_eq!(missing.conclusion(), Conclusion::Incomplete);
    assert_eq!(said(&missing, 1).len(), 2, "each attempt is told");
}

#[test]
fn released_execution_is_missing_until_taken_again() {
    let a = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends(1, Outcome::Cancelled)
        .releases(1)
        .leaves();
    assert_eq!(
        said(&report(std::slice::from_ref(&a)), 1),
        ["given back by worker a"]
    );
    assert_eq!(
        report(std::slice::from_ref(&a)).conclusion(),
        Conclusion::Incomplete
    );
    let b = Worker::begins("b", LINUX, 1).runs(1, 2, passed()).leaves();
    let report = report(&[a, b]);
    assert_eq!(report.conclusion(), Conclusion::Passed);
    assert!(!entry(&report, 1).recovered);
}

#[test]
fn a_reset_and_a_pass_are_flaky() {
    let a = Worker::begins("a", LINUX, 1).runs(1, 1, failed()).leaves();
    let b = Worker::begins("b", LINUX, 1)
        .after(30_000)
        .resets(1)
        .runs(1, 2, passed())
        .leaves();
    let report = report(&[a, b]);
    assert_eq!(
        said(&report, 1),
        ["reset after failure, passed on attempt 2"]
    );
    assert!(entry(&report, 1).flaky && report.broken.is_empty());
    assert_eq!(report.conclusion(), Conclusion::Passed);
}

#[test]
fn what_could_not_run_at_first_is_recovered_not_flaky() {
    let a = Worker::begins("a", LINUX, 1)
        .runs(1, 1, error())
        .resets(1)
        .runs(1, 2, passed())
        .leaves();
    let report = report(&[a]);
    assert_eq!(
        said(&report, 1),
        ["reset after execution error, passed on attempt 2"]
    );
    assert!(!entry(&report, 1).flaky && entry(&report, 1).recovered);
}

#[test]
fn a_reset_without_another_run_leaves_it_open() {
    let a = Worker::begins("a", LINUX, 1)
        .runs(1, 1, failed())
        .resets(1)
        .leaves();
    let open = report(std::slice::from_ref(&a));
    assert_eq!(said(&open, 1), ["reset after failure, not run again"]);
    assert_eq!(open.conclusion(), Conclusion::Incomplete);
    // A second reset that came late and did nothing: the service says that nothing is open.
    let drained = Evidence {
        status: Some(PlanStatus {
            open: 0,
            reserved: 0,
            done: 1,
        }),
        ..evidence(&[a])
    };
    assert_eq!(merge(drained).unwrap().conclusion(), Conclusion::Failed);
    let passed = Worker::begins("a", LINUX, 1)
        .runs(1, 1, failed())
        .resets(1)
        .runs(1, 2, passed())
        .resets(1)
        .leaves();
    assert_eq!(report(&[passed]).conclusion(), Conclusion::Passed);
}

#[test]
fn counted_twice_is_a_broken_invariant_and_hides_nothing() {
    let a = Worker::begins("a", LINUX, 1).runs(1, 1, failed()).leaves();
    let b = Worker::begins("b", LINUX, 1)
        .after(30_000)
        .runs(1, 2, passed())
        .leaves();
    let report = report(&[a, b]);
    assert_eq!(
        report.broken,
        [
            "execution 1 (suite / case 1): results of a and b were all counted without a reset between them; the service lost one \
             after it had confirmed it (a failover to a standby that lacked it, a restored backup), or counted several"
        ]
    );
    assert_eq!(report.conclusion(), Conclusion::Infrastructure);
    assert_eq!(report.counted_attempts(), 1);
}

#[test]
fn the_same_file_twice_is_one() {
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, passed()).leaves();
    let mut early = worker.file();
    early.records.truncate(3);
    early.name = "early.ndjson".into();
    let report = merge(Evidence {
        files: vec![early, worker.file(), worker.file()],
        ..Evidence::default()
    })
    .unwrap();
    assert_eq!(report.conclusion(), Conclusion::Passed);
    assert!(report.broken.is_empty());
    assert_eq!((report.workers.len(), report.warnings.len()), (1, 2));
}

#[test]
fn attempts_are_ordered_by_number_before_time() {
    // The second worker's clock is an hour behind.
    let a = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends(1, Outcome::LeaseLost)
        .leaves();
    let b = Worker::begins("b", LINUX, 1)
        .after(-3_600_000)
        .runs(1, 2, passed())
        .leaves();
    let report = report(&[a, b]);
    assert_eq!(
        said(&report, 1),
        ["lease lost on worker a, recovered by worker b"]
    );
}

#[test]
fn an_unconfirmed_result_counts_only_by_the_services_word() {
    let worker = |answer: Option<Confirmation>| {
        let worker = Worker::begins("a", LINUX, 1)
            .takes(1, Some(1))
            .ends(1, passed());
        match answer {
            Some(answer) => worker.hears(1, answer).leaves(),
            None => worker,
        }
    };
    let undelivered = Confirmation::Undelivered {
        reason: "no answer in 10 minutes".into(),
    };
    for answer in [None, Some(undelivered)] {
        let alone = report(&[worker(answer.clone())]);
        assert_eq!(alone.conclusion(), Conclusion::Incomplete);
        assert!(said(&alone, 1)[0].starts_with("result never confirmed: passed on worker a"));

        let with_list = |outcome, state| {
            merge(Evidence {
                executions: Some(vec![listed(1, state, outcome, 1)]),
                ..evidence(&[worker(answer.clone())])
            })
            .unwrap()
        };
        let agreed = with_list(Some(passed()), ExecutionState::Done);
        assert_eq!(agreed.conclusion(), Conclusion::Passed);
        assert_eq!(agreed.counted_attempts(), 1);

        let differing = with_list(Some(failed()), ExecutionState::Done);
        assert_eq!(differing.conclusion(), Conclusion::Incomplete);
        assert_eq!(differing.counted_attempts(), 0);

        let unknown = Outcome::Completed { result: None };
        let unknown = with_list(Some(unknown), ExecutionState::Done);
        assert_eq!(unknown.conclusion(), Conclusion::Incomplete);
        let open = with_list(None, ExecutionState::Open);
        assert_eq!(open.conclusion(), Conclusion::Incomplete);
    }
}

#[test]
fn the_list_names_what_is_missing_and_what_the_service_gave_up() {
    let worker = Worker::begins("a", LINUX, 3).runs(1, 1, passed()).leaves();
    let poison = Outcome::ExecutionError {
        message: "abandoned after 5 expired reservations".into(),
        details: String::new(),
    };
    let report = merge(Evidence {
        executions: Some(vec![
            listed(1, ExecutionState::Done, Some(passed()), 1),
            listed(2, ExecutionState::Open, None, 0),
            listed(3, ExecutionState::Done, Some(poison), 5),
        ]),
        ..evidence(&[worker])
    })
    .unwrap();
    assert_eq!(said(&report, 2), ["no worker in the given records ran it"]);
    assert_eq!(entry(&report, 3).status, EntryStatus::CouldNotRun);
    assert_eq!(
        json(&report)["executions"][2]["message"],
        "abandoned after 5 expired reservations"
    );
    assert_eq!(report.unnamed_missing, 0);
}

#[test]
fn execution_without_a_record_is_missing() {
    let worker = Worker::begins("a", LINUX, 2).runs(1, 1, passed()).leaves();
    for (outcome, word) in [(passed(), "passed"), (failed(), "failed")] {
        let report = merge(Evidence {
            executions: Some(vec![
                listed(1, ExecutionState::Done, Some(passed()), 1),
                listed(2, ExecutionState::Done, Some(outcome), 1),
            ]),
            ..evidence(std::slice::from_ref(&worker))
        })
        .unwrap();
        assert_eq!(report.conclusion(), Conclusion::Incomplete);
        assert_eq!(
            said(&report, 2),
            [format!(
                "{word} according to the service, but no given record has it: the records of a worker are missing"
            )]
        );
    }
}

#[test]
fn the_service_has_the_last_word() {
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, failed()).leaves();
    let with = |execution| {
        merge(Evidence {
            executions: Some(vec![execution]),
            ..evidence(std::slice::from_ref(&worker))
        })
        .unwrap()
    };
    let reopened = with(listed(1, ExecutionState::Open, None, 1));
    assert_eq!(reopened.conclusion(), Conclusion::Incomplete);
    let later = with(listed(1, ExecutionState::Done, Some(passed()), 2));
    // The later attempt's record was not given: known to be counted, but with nothing to show for it.
    assert_eq!(later.conclusion(), Conclusion::Incomplete);
    assert!(
        said(&later, 1)
            .iter()
            .any(|it| it.contains("the records of a worker are missing"))
    );
    assert!(later.broken.is_empty());
    // The same attempt with another verdict cannot be: the worse one counts.
    let contradiction = with(listed(1, ExecutionState::Done, Some(skipped()), 1));
    assert_eq!(contradiction.conclusion(), Conclusion::Infrastructure);
    assert_eq!(contradiction.broken.len(), 1);
}

#[test]
fn results_that_the_service_confirmed_and_lost_are_named() {
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, failed()).leaves();
    let with = |execution| {
        merge(Evidence {
            executions: Some(vec![execution]),
            ..evidence(std::slice::from_ref(&worker))
        })
        .unwrap()
    };
    let open = listed(1, ExecutionState::Open, None, 0);
    let lost = with(open.clone());
    assert_eq!(lost.conclusion(), Conclusion::Incomplete);
    assert_eq!(
        said(&lost, 1),
        [
            "failed on worker a, which the service confirmed and lost: its database failed over to a standby that lacked the \
             result, or a backup was restored"
        ]
    );
    // One that was reset is open for another reason.
    let reset = with(Execution {
        generation: 1,
        ..open
    });
    assert_eq!(
        said(&reset, 1),
        [
            "reset after failure, not run again",
            "not done according to the service"
        ]
    );
}

#[test]
fn workers_of_one_process_share_its_beginning_and_end() {
    let began = r#"{"v":1,"at":1,"worker":"host","event":"began","plan":1,"title":"t","project":"p","batch":"b","capabilities":[{"key":"OS","value":"Linux"}],"status":{"open":1,"reserved":0,"done":0},"version":"0"}"#;
    let reserved = r#"{"v":1,"at":2,"worker":"host/2","event":"reserved","execution":1,"suite":"s","testcase":"c","attempt":1}"#;
    let ended = r#"{"v":1,"at":3,"worker":"host/2","event":"ended","execution":1,"outcome":{"kind":"completed","result":{"verdict":"passed","duration_ms":1}},"duration_ms":1}"#;
    let confirmed = r#"{"v":1,"at":4,"worker":"host/2","event":"confirmed","execution":1,"answer":{"answer":"counted"}}"#;
    let left = r#"{"v":1,"at":5,"worker":"host","event":"left","reason":"nothing left"}"#;
    let merged = |lines: &[&str]| {
        let file = parse_record_file("host.ndjson", &lines.join("\n")).unwrap();
        assert_eq!(file.warnings, Vec::<String>::new());
        merge(Evidence {
            files: vec![file],
            ..Evidence::default()
        })
        .unwrap()
    };
    let whole = merged(&[began, reserved, ended, confirmed, left]);
    let workers: Vec<_> = whole
        .workers
        .iter()
        .map(|w| (w.name.as_str(), w.left.as_deref()))
        .collect();
    assert_eq!(workers, [("host/2", Some("nothing left"))]);
    assert_eq!(whole.workers[0].capabilities.to_string(), "OS=Linux");
    assert_eq!(whole.conclusion(), Conclusion::Passed);

    let killed = merged(&[began, reserved]);
    assert_eq!(killed.workers[0].left, None);
    assert_eq!(
        said(&killed, 1),
        ["worker host/2 was killed (its record has no end)"]
    );
}

#[test]
fn workers_at_different_commits_are_told() {
    let [one, two] = ["a", "b"].map(|digit| digit.repeat(40));
    let at = |name: &str, id: i64, commit: Option<&str>| {
        let begun = Worker::begins(name, LINUX, 2);
        let begun = match commit {
            Some(commit) => begun.tell(RecordEvent::CheckedOut(Checkout {
                commit: commit.to_owned(),
                stands_for: None,
            })),
            None => begun,
        };
        begun
            .in_slot(1, |worker| worker.runs(id, 1, passed()))
            .leaves()
    };
    let idle = Worker::begins("c", LINUX, 2)
        .tell(RecordEvent::CheckedOut(Checkout {
            commit: two.clone(),
            stands_for: None,
        }))
        .leaves();
    let same = report(&[at("a", 1, Some(&one)), at("b", 2, Some(&one)), idle]);
    assert_eq!(same.commit().as_deref(), Some(one.as_str()));
    assert_eq!(same.warnings, [""; 0]);
    let mixed = report(&[at("a", 1, Some(&one)), at("b", 2, Some(&two))]);
    assert_eq!(mixed.commit(), None);
    let [warning] = &mixed.warnings[..] else {
        panic!("{:?}", mixed.warnings);
    };
    assert!(warning.contains("aaaaaaaaaa, bbbbbbbbbb"), "{warning}");
    let unsaid = report(&[at("a", 1, Some(&one)), at("b", 2, None)]);
    assert_eq!((unsaid.commit(), unsaid.checkouts.len()), (None, 2));
}

#[test]
fn an_open_plan_is_never_green() {
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, passed()).leaves();
    let report = merge(Evidence {
        status: Some(PlanStatus {
            open: 1,
            reserved: 0,
            done: 0,
        }),
        ..evidence(&[worker])
    })
    .unwrap();
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
    assert_eq!(report.warnings.len(), 1);
}

#[test]
fn an_unknown_verdict_is_never_green() {
    let unknown = Outcome::Completed { result: None };
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, unknown).leaves();
    let report = report(&[worker]);
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
    assert_eq!(said(&report, 1), ["done, but without a verdict"]);
}

#[test]
fn plans_are_not_mixed() {
    let ours = Worker::begins("a", LINUX, 1).runs(1, 1, passed()).leaves();
    let other = Worker::begins_on(PlanId(7), "b", LINUX, 50)
        .runs(1, 1, failed())
        .leaves();
    let both = evidence(&[ours, other.clone()]);
    let of = |plan| {
        merge(Evidence {
            plan,
            ..both.clone()
        })
    };
    let report = of(Some(PLAN)).unwrap();
    assert_eq!((report.total, report.conclusion()), (1, Conclusion::Passed));
    assert_eq!(report.workers.len(), 1);
    assert_eq!(report.warnings, [""; 0]);
    assert_eq!(report.other_plans, [PlanId(7)]);
    let unknown = of(Some(PlanId(8))).unwrap_err();
    assert_eq!(
        unknown,
        MergeError::UnknownPlan {
            wanted: PlanId(8),
            found: vec![PlanId(7), PLAN],
        }
    );
    assert_eq!(
        unknown.to_string(),
        "no record is of plan 8: the records are of plans 7, 105"
    );
    // Without a number it is the one that began last.
    let later = Worker::begins("a", LINUX, 1).after(1).runs(1, 1, passed());
    let older = other.text();
    let mut files = evidence(&[later.leaves()]).files;
    files.push(parse_record_file("b.ndjson", &older[..older.len() - 9]).unwrap());
    let newest = merge(Evidence {
        files,
        ..Evidence::default()
    })
    .unwrap();
    assert_eq!(newest.plan.unwrap().id, PLAN);
    assert_eq!(newest.warnings, [""; 0], "a torn end of another plan");
}

#[test]
fn times_of_two_machines_are_compared_by_the_service_s_clock() {
    let worker = |name| Worker::begins(name, LINUX, 2);
    let (a, b) = (
        |it: Worker| it.runs(1, 1, passed()).leaves(),
        |it: Worker| it.after(10_000).runs(2, 1, passed()).leaves(),
    );
    let right = report(&[a(worker("a")), b(worker("b"))]);
    for behind in [3_600_000, -3_600_000] {
        let skewed = report(&[a(worker("a")), b(worker("b").behind(behind))]);
        assert_eq!(skewed.duration_ms(), right.duration_ms());
        assert_eq!(skewed.span, right.span);
        assert_eq!(skewed.entries, right.entries);
    }
}

#[test]
fn what_could_not_run_twice_is_not_recovered() {
    let again = Worker::begins("a", LINUX, 1)
        .runs(1, 1, error())
        .resets(1)
        .runs(1, 2, error())
        .leaves();
    let report = report(&[again]);
    let counts = report.executions();
    assert_eq!((counts.errors, counts.recovered), (1, 0));
    assert!(!entry(&report, 1).recovered);
}

#[test]
fn a_torn_record_is_incomplete_not_green() {
    let text = Worker::begins("a", LINUX, 1).runs(1, 1, passed()).text();
    let file = parse_record_file("a.ndjson", &text[..text.len() - 10]).unwrap();
    let report = merge(Evidence {
        files: vec![file],
        ..Evidence::default()
    })
    .unwrap();
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
    assert!(report.warnings[0].contains("torn"));
}

#[test]
fn attempts_without_numbers_are_ordered_by_time() {
    let a = Worker::begins("a", LINUX, 1)
        .takes(1, None)
        .ends(1, Outcome::LeaseLost)
        .leaves();
    let b = Worker::begins("b", LINUX, 1)
        .after(60_000)
        .takes(1, None)
        .ends(1, passed())
        .counted(1)
        .leaves();
    let report = report(&[b, a]);
    assert_eq!(
        said(&report, 1),
        ["lease lost on worker a, recovered by worker b"]
    );
}

#[test]
fn plans_of_two_services_with_one_number_are_not_mixed() {
    let file = |name: &str, at: u32, title: &str, verdict: &str| {
        let lines = [
            format!(
                r#"{{"v":1,"at":{at},"worker":"{name}","event":"began","plan":2,"title":"{title}","project":"p","batch":"b","capabilities":[],"status":{{"open":1,"reserved":0,"done":0}},"version":"0"}}"#
            ),
            format!(
                r#"{{"v":1,"at":{at},"worker":"{name}","event":"ended","execution":1,"outcome":{{"kind":"completed","result":{{"verdict":"{verdict}","duration_ms":1}}}},"duration_ms":1}}"#
            ),
            format!(
                r#"{{"v":1,"at":{at},"worker":"{name}","event":"confirmed","execution":1,"answer":{{"answer":"counted"}}}}"#
            ),
        ];
        parse_record_file(name, &lines.join("\n")).unwrap()
    };
    let files = vec![
        file("old", 1, "yesterday", "failed"),
        file("new", 2, "today", "passed"),
    ];
    for plan in [None, Some(PlanId(2))] {
        let evidence = Evidence {
            files: files.clone(),
            plan,
            ..Evidence::default()
        };
        let report = merge(evidence).unwrap();
        assert_eq!(report.plan.as_ref().unwrap().title, "today");
        assert_eq!(report.conclusion(), Conclusion::Passed);
        assert_eq!(report.broken, Vec::<String>::new());
    }
}
