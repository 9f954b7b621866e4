//! Records told in the words of what happened. Every story goes through the text of record files.

use testplan::{
    model::{
        Capabilities, Capability, CaseResult, Execution, ExecutionId, ExecutionState, Outcome,
        PlanId, PlanStatus, ServerTrouble, Test, TestId, TestResult, TestVerdict, Timestamp,
        outcome::{CaseVerdict, Trouble},
        record::{Confirmation, PlannedExecution, RECORD_VERSION, Record, RecordEvent},
    },
    report::{Evidence, PlanReport, RecordFile, ReportEntry, merge, parse_record_file},
};

pub(crate) const PLAN: PlanId = PlanId(105);

/// One worker's record, growing. Its clock moves a second per event unless told otherwise.
#[derive(Clone)]
pub(crate) struct Worker {
    name: String,
    now: i64,
    pub records: Vec<Record>,
}

impl Worker {
    /// Begins on a plan of so many executions.
    pub(crate) fn begins(name: &str, labels: &[&str], total: u64) -> Self {
        Self::begins_on(PLAN, name, labels, total)
    }

    pub(crate) fn begins_on(plan: PlanId, name: &str, labels: &[&str], total: u64) -> Self {
        let worker = Self {
            name: name.to_owned(),
            now: 1_790_000_000_000,
            records: Vec::new(),
        };
        worker.tell(RecordEvent::Began {
            plan,
            title: "Nightly regression".into(),
            project: "example".into(),
            batch: "main 11c02e5".into(),
            capabilities: set(labels),
            status: PlanStatus {
                open: total,
                reserved: 0,
                done: 0,
            },
            version: "0.1.0".into(),
            clock_ahead_ms: None,
            page_url: None,
        })
    }

    pub(crate) fn tell(mut self, event: RecordEvent) -> Self {
        self.records.push(Record {
            v: RECORD_VERSION,
            at: Timestamp(self.now),
            worker: self.name.clone(),
            event,
        });
        self.now += 1000;
        self
    }

    /// Its clock is so many milliseconds behind the service's, and it knows.
    pub(crate) fn behind(mut self, milliseconds: i64) -> Self {
        for record in &mut self.records {
            record.at.0 -= milliseconds;
            if let RecordEvent::Began { clock_ahead_ms, .. } = &mut record.event {
                *clock_ahead_ms = Some(milliseconds);
            }
        }
        self.now -= milliseconds;
        self
    }

    /// Lets time pass, in milliseconds.
    pub(crate) fn after(mut self, milliseconds: i64) -> Self {
        self.now += milliseconds;
        self
    }

    pub(crate) fn plans(self, executions: &[(i64, &str, &str, &[&str])]) -> Self {
        let executions = executions
            .iter()
            .map(|(id, suite, testcase, labels)| PlannedExecution {
                execution: ExecutionId(*id),
                test: test(suite, testcase),
                required: set(labels),
            })
            .collect();
        self.tell(RecordEvent::Planned { executions })
    }

    pub(crate) fn takes(self, id: i64, attempt: Option<u32>) -> Self {
        self.takes_with(id, attempt, None)
    }

    pub(crate) fn takes_with(
        self,
        id: i64,
        attempt: Option<u32>,
        squish_server: Option<&str>,
    ) -> Self {
        self.tell(RecordEvent::Reserved {
            execution: ExecutionId(id),
            test: test("suite", &format!("case {id}")),
            required: None,
            attempt,
            lease: attempt.map(|n| format!("lease{n}")),
            squish_server: squish_server.map(str::to_owned),
        })
        .tell(RecordEvent::Started {
            execution: ExecutionId(id),
            pid: 7,
        })
    }

    pub(crate) fn ends(self, id: i64, outcome: Outcome) -> Self {
        self.ends_with(id, outcome, Vec::new(), "")
    }

    pub(crate) fn ends_with(
        self,
        id: i64,
        outcome: Outcome,
        cases: Vec<CaseResult>,
        output: &str,
    ) -> Self {
        let log = (!output.is_empty()).then(|| format!("logs/{id}.log"));
        self.after(2_249).tell(RecordEvent::Ended {
            execution: ExecutionId(id),
            outcome,
            duration_ms: 3_249,
            cases,
            not_kept: testplan::model::CaseCounts::default(),
            log,
            output_tail: output.to_owned(),
        })
    }

    pub(crate) fn hears(self, id: i64, answer: Confirmation) -> Self {
        self.tell(RecordEvent::Confirmed {
            execution: ExecutionId(id),
            answer,
        })
    }

    pub(crate) fn counted(self, id: i64) -> Self {
        self.hears(id, Confirmation::Counted)
    }

    pub(crate) fn releases(self, id: i64) -> Self {
        self.tell(RecordEvent::Released {
            execution: ExecutionId(id),
            server_trouble: None,
        })
    }

    /// Gives it back because nobody answers at its Squish server.
    pub(crate) fn finds_its_server_gone(self, id: i64) -> Self {
        self.tell(RecordEvent::Released {
            execution: ExecutionId(id),
            server_trouble: Some(ServerTrouble::Unreachable),
        })
    }

    pub(crate) fn resets(self, id: i64) -> Self {
        self.tell(RecordEvent::Reset {
            execution: ExecutionId(id),
        })
    }

    pub(crate) fn leaves(self) -> Self {
        self.tell(RecordEvent::Left {
            reason: "drained".into(),
            status: None,
        })
    }

    /// What one of several workers of the process tells, under a name of its own.
    pub(crate) fn in_slot(mut self, slot: u32, story: impl FnOnce(Self) -> Self) -> Self {
        let process = self.name.clone();
        self.name = format!("{process}/{slot}");
        Self {
            name: process,
            ..story(self)
        }
    }

    /// Takes, runs and confirms one execution.
    pub(crate) fn runs(self, id: i64, attempt: u32, outcome: Outcome) -> Self {
        self.takes(id, Some(attempt)).ends(id, outcome).counted(id)
    }

    pub(crate) fn text(&self) -> String {
        self.records
            .iter()
            .map(|record| serde_json::to_string(record).unwrap() + "\n")
            .collect()
    }

    pub(crate) fn file(&self) -> RecordFile {
        parse_record_file(&format!("records/{}.ndjson", self.name), &self.text()).unwrap()
    }
}

pub(crate) fn evidence(workers: &[Worker]) -> Evidence {
    Evidence {
        files: workers.iter().map(Worker::file).collect(),
        ..Evidence::default()
    }
}

pub(crate) fn report(workers: &[Worker]) -> PlanReport {
    merge(evidence(workers)).unwrap()
}

pub(crate) fn entry(report: &PlanReport, id: i64) -> &ReportEntry {
    report
        .entries
        .iter()
        .find(|entry| entry.execution == ExecutionId(id))
        .unwrap()
}

pub(crate) fn said(report: &PlanReport, id: i64) -> Vec<String> {
    entry(report, id)
        .explanations
        .iter()
        .map(ToString::to_string)
        .collect()
}

pub(crate) fn set(labels: &[&str]) -> Capabilities {
    labels
        .iter()
        .map(|text| {
            // Not parsed: a record may hold what no flag would let in.
            let (key, value) = text.split_once('=').unwrap();
            Capability::new(key, value)
        })
        .collect()
}

pub(crate) fn test(suite: &str, testcase: &str) -> Test {
    Test {
        suite: suite.to_owned(),
        testcase: testcase.to_owned(),
    }
}

fn result(verdict: TestVerdict, flaky: bool) -> Outcome {
    Outcome::Completed {
        result: Some(TestResult {
            verdict,
            duration_ms: 3_249,
            flaky,
        }),
    }
}

pub(crate) fn passed() -> Outcome {
    result(TestVerdict::Passed, false)
}

pub(crate) fn flaky() -> Outcome {
    result(TestVerdict::Passed, true)
}

pub(crate) fn failed() -> Outcome {
    result(TestVerdict::Failed, false)
}

pub(crate) fn skipped() -> Outcome {
    result(TestVerdict::Skipped, false)
}

pub(crate) fn error() -> Outcome {
    Outcome::ExecutionError {
        message: "the command was not found".into(),
        details: "pytest: no such file\nPATH=/usr/bin".into(),
    }
}

pub(crate) fn late() -> Confirmation {
    Confirmation::NotCounted {
        reason: "1301: lease lost".into(),
    }
}

pub(crate) fn case(classname: &str, name: &str, verdict: CaseVerdict) -> CaseResult {
    CaseResult {
        classname: classname.to_owned(),
        name: name.to_owned(),
        verdict,
        duration_ms: Some(1_500),
        file: None,
        line: None,
        output: String::new(),
        attachments: Vec::new(),
    }
}

pub(crate) fn case_passed(classname: &str, name: &str) -> CaseResult {
    case(classname, name, CaseVerdict::Passed { flaky: false })
}

pub(crate) fn case_failed(classname: &str, name: &str, message: &str) -> CaseResult {
    case(
        classname,
        name,
        CaseVerdict::Failed(Trouble {
            message: message.to_owned(),
            kind: "AssertionError".into(),
            text: format!("Traceback:\n    {message}"),
            is_expected: false,
        }),
    )
}

/// An execution as the service lists it.
pub(crate) fn listed(
    id: i64,
    state: ExecutionState,
    outcome: Option<Outcome>,
    attempts: u32,
) -> Execution {
    Execution {
        id: ExecutionId(id),
        test: test("suite", &format!("case {id}")),
        test_id: TestId(id),
        required: set(&["OS=Linux"]),
        state,
        attempts,
        generation: 0,
        outcome,
        failure: None,
        duration_ms: Some(5_000),
        expected_ms: None,
    }
}

/// A night with everything in it that can happen.
pub(crate) fn nightly() -> Vec<Worker> {
    let linux: &[&str] = &["OS=Linux"];
    let windows: &[&str] = &["OS=Windows"];
    let first = Worker::begins("linux-1", linux, 11)
        .plans(&[
            (1, "tests/test_api.py", "test_get", linux),
            (2, "tests/test_api.py", "test_get", windows),
            (3, "tests/test_api.py", "test_put", linux),
            (4, "tests/test_api.py", "test_put", windows),
            (5, "suite_login", "tst_lost", linux),
            (6, "suite_login", "tst_flaky", linux),
            (7, "suite_login", "tst_skipped", linux),
            (8, "suite_login", "tst_late", linux),
            (9, "suite_login", "tst_killed", windows),
            (10, "suite_login", "tst_plain", linux),
        ])
        .takes(1, Some(1))
        .ends_with(
            1,
            passed(),
            vec![
                case_passed("tests.test_api", "test_get"),
                case(
                    "tests.test_api",
                    "test_twice",
                    CaseVerdict::Passed { flaky: true },
                ),
            ],
            "",
        )
        .counted(1)
        .takes(3, Some(1))
        .ends_with(
            3,
            failed(),
            vec![
                CaseResult {
                    file: Some("tests/test_api.py".into()),
                    line: Some(42),
                    ..case_failed(
                        "tests.test_api",
                        "test_put[a|b]",
                        "expected 200 < 300 & got 500",
                    )
                },
                case(
                    "tests.test_api",
                    "test_post",
                    CaseVerdict::Skipped {
                        message: "needs a network".into(),
                    },
                ),
            ],
            "collected 2 items\n\u{1b}[31mFAILED\u{1b}[0m\ttest_put\n```\n::error::not ours\n",
        )
        .counted(3)
        .takes(5, Some(1))
        .ends(5, Outcome::LeaseLost)
        .takes(6, Some(1))
        .ends_with(6, failed(), Vec::new(), "first try\nboom\n")
        .counted(6)
        .takes(8, Some(1))
        .ends(8, failed())
        .hears(8, late())
        .leaves();
    let second = Worker::begins("linux-2", linux, 11)
        .after(30_000)
        .resets(6)
        .runs(6, 2, passed())
        .runs(5, 2, passed())
        .runs(7, 1, skipped())
        .runs(8, 2, passed())
        .runs(10, 1, passed())
        .leaves();
    let third = Worker::begins("windows-1", windows, 11)
        .takes_with(2, Some(1), Some("10.0.0.7:4322"))
        .ends_with(
            2,
            passed(),
            vec![case_passed("tests.test_api", "test_get")],
            "",
        )
        .counted(2)
        .runs(4, 1, error())
        .takes(9, Some(1));
    vec![first, second, third]
}
