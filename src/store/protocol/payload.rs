//! What makes two requests or results the same, and the bounds on the texts of a result.

use super::{
    super::{ExecutePlan, Finish, NewImport, Reserve, TemplateDefinition},
    digest::{CanonicalForm, Digested},
    legacy_digest::{self, LegacyDigest, visible},
};
use crate::model::{Outcome, PlannedTest, TestVerdict};

/// Most bytes kept of a result's message.
pub(crate) const MAX_MESSAGE: usize = 8 * 1024;
/// Most bytes kept of why a test failed.
pub(crate) const MAX_FAILURE: usize = 500;
/// Most bytes kept of a result's details.
pub(crate) const MAX_DETAILS: usize = 64 * 1024;

/// Message, details and outcome: text, text, option of (verdict as the number 0 passed, 1 failed, 2 skipped; number of
/// milliseconds; flag flaky).
impl Digested for Finish {
    const KIND: &'static str = "result";

    fn write(&self, form: &mut CanonicalForm) {
        form.text(&self.message);
        form.text(&self.details);
        form.option(self.result, |form, result| {
            form.number(match result.verdict {
                TestVerdict::Passed => 0,
                TestVerdict::Failed => 1,
                TestVerdict::Skipped => 2,
            });
            form.number(i64::try_from(result.duration_ms).unwrap_or(i64::MAX));
            form.flag(result.flaky);
        });
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_result(self)
    }
}

/// Title, batch, template, planned time, repositories, tests: text, text, number, option of number, number of repositories
/// and a number and a text of each, option of the digest of the list. Whether the list itself was sent makes no difference.
impl Digested for ExecutePlan {
    const KIND: &'static str = "execute";

    fn write(&self, form: &mut CanonicalForm) {
        form.text(&self.title);
        form.text(&self.batch);
        form.number(self.template.0);
        form.option(self.planned, |form, planned| form.number(planned.0));
        form.count(self.repositories.len());
        for repository in &self.repositories {
            form.number(repository.id);
            form.text(&repository.branch);
        }
        form.option(self.tests.as_ref(), |form, tests| {
            form.bytes(tests.digest.bytes());
        });
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_execute(self)
    }
}

/// Project, batch, labels, files: text, option of text, labels, number of files and three texts of each. A batch that the
/// service made for the upload is none, and hidden labels are left out: they name the uploading CI job, and a later job
/// may repeat the upload.
impl Digested for NewImport {
    const KIND: &'static str = "import";

    fn write(&self, form: &mut CanonicalForm) {
        form.text(&self.project);
        let batch = (!self.is_new_batch).then_some(&self.batch);
        form.option(batch, |form, batch| form.text(batch));
        form.labels(visible(&self.labels));
        form.count(self.files.len());
        for file in &self.files {
            form.text(&file.sha256);
            form.text(&file.content_type);
            form.text(&file.name);
        }
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_import(self)
    }
}

/// Plan, offered labels, timeout, whether a Squish server is wanted, worker: number, labels, duration, flag, option of
/// text. If several executions are asked for, the most of them, the work wanted and the warm
/// suites follow: number, option of duration, option of the number of suites and a text of each.
impl Digested for Reserve {
    const KIND: &'static str = "reserve";

    fn write(&self, form: &mut CanonicalForm) {
        form.number(self.plan.0);
        form.labels(self.offered.iter());
        form.duration(self.timeout);
        form.flag(self.allocate_server);
        form.option(self.worker.as_ref(), |form, worker| form.text(worker));
        if let Some(batch) = &self.batch {
            form.number(batch.max.into());
            form.option(batch.work, CanonicalForm::duration);
            form.option(batch.near.as_ref(), |form, near| {
                form.count(near.len());
                for suite in near {
                    form.text(suite);
                }
            });
        }
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_reserve(self)
    }
}

/// Description, tags, tests: text, number of tags and a text of each, number of tests and suite, test case and labels of
/// each. Project and title name the template and are not part of it.
impl Digested for TemplateDefinition {
    const KIND: &'static str = "template";

    fn write(&self, form: &mut CanonicalForm) {
        form.text(&self.description);
        form.count(self.tags.len());
        for tag in &self.tags {
            form.text(tag);
        }
        form.count(self.executions.len());
        for PlannedTest { test, required } in &self.executions {
            form.text(&test.suite);
            form.text(&test.testcase);
            form.labels(required.iter());
        }
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_template(self)
    }
}

/// An idempotency key of one principal for one kind of request.
#[derive(Clone, Copy, Debug)]
pub struct RequestKey<'a> {
    /// The kind of request.
    pub purpose: &'static str,
    /// Who sent it.
    pub principal: &'a str,
    /// The key.
    pub key: &'a str,
}

/// Purpose, principal, key: three texts.
impl Digested for RequestKey<'_> {
    const KIND: &'static str = "key";

    fn write(&self, form: &mut CanonicalForm) {
        form.text(self.purpose);
        form.text(self.principal);
        form.text(self.key);
    }

    fn legacy(&self) -> LegacyDigest {
        legacy_digest::of_key(self.purpose, self.principal, self.key)
    }
}

/// The outcome of a result. A message or details mean that the test could not run, whatever the verdict.
pub(crate) fn outcome(finish: &Finish) -> Outcome {
    if finish.message.is_empty() && finish.details.is_empty() {
        Outcome::Completed {
            result: finish.result,
        }
    } else {
        Outcome::ExecutionError {
            message: cut(&finish.message, MAX_MESSAGE),
            details: cut(&finish.details, MAX_DETAILS),
        }
    }
}

/// The verdict of an outcome, if it has one.
pub(crate) fn verdict(outcome: &Outcome) -> Option<TestVerdict> {
    match outcome {
        Outcome::Completed { result } => result.map(|r| r.verdict),
        Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => None,
    }
}

/// A text cut to at most `most` bytes between two characters, without NUL. No result is refused for its length.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, time::Duration};

    use super::*;
    use crate::{
        model::{
            Capabilities, Capability, ExecutionId, PlanId, PlanOrigin, Test, TestListDigest,
            TestResult, Timestamp, plan::LinkedRepository,
        },
        store::{KeptFile, RequestedTests, protocol::digest::StoredDigest},
    };

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("häuser", 2), "h");
        assert_eq!(cut("häuser", 3), "hä");
        assert_eq!(cut("a\0b", 9), "a\u{fffd}b");
        assert_eq!(cut("", 0), "");
    }

    fn result(verdict: TestVerdict) -> Finish {
        Finish {
            execution: ExecutionId(2),
            lease: None,
            message: String::new(),
            details: String::new(),
            result: Some(TestResult {
                verdict,
                duration_ms: 12,
                flaky: true,
            }),
            server_trouble: None,
            principal: "token".to_owned(),
            failure: String::new(),
        }
    }

    fn execute() -> ExecutePlan {
        let repository = |id, branch: &str| LinkedRepository {
            id,
            branch: branch.to_owned(),
        };
        ExecutePlan {
            template: PlanId(1),
            title: "run \"1\"".to_owned(),
            batch: "b é".to_owned(),
            planned: Some(Timestamp(1000)),
            repositories: vec![repository(3, "ma\"in\té"), repository(4, "x")],
            tests: None,
            discovery: None,
            origin: PlanOrigin::default(),
            principal: "token".to_owned(),
            key: None,
        }
    }

    fn import() -> NewImport {
        NewImport {
            project: "P".to_owned(),
            batch: "b é".to_owned(),
            is_new_batch: false,
            labels: labels(&[(".ci", "job"), ("OS", "Linux")]),
            folder: "f".to_owned(),
            files: vec![KeptFile {
                name: "001-r.xml".to_owned(),
                content_type: "application/xml".to_owned(),
                bytes: 68,
                sha256: "d87c1d508390d5bfd81934632eab8b0eab30593c8b771f084e41650a0a87dd4e"
                    .to_owned(),
                notes: Vec::new(),
            }],
            cases: 1,
            tests: Vec::new(),
            key: None,
            principal: "token".to_owned(),
        }
    }

    fn reserve() -> Reserve {
        Reserve {
            plan: PlanId(2),
            offered: labels(&[("OS", "Lin\"ux"), ("B", "é\u{200b}")]),
            timeout: Duration::from_millis(3_600_500),
            allocate_server: false,
            principal: "token".to_owned(),
            worker: Some("w \"1\"".to_owned()),
            key: None,
            batch: None,
        }
    }

    fn template(description: &str, tags: &[&str], testcases: &[&str]) -> TemplateDefinition {
        TemplateDefinition {
            project: "P".to_owned(),
            title: "T".to_owned(),
            description: description.to_owned(),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            executions: testcases
                .iter()
                .map(|&testcase| PlannedTest {
                    test: Test {
                        suite: "s".to_owned(),
                        testcase: testcase.to_owned(),
                    },
                    required: Capabilities::default(),
                })
                .collect(),
        }
    }

    fn key(purpose: &'static str, key: &'static str) -> RequestKey<'static> {
        RequestKey {
            purpose,
            principal: "token",
            key,
        }
    }

    fn labels(pairs: &[(&str, &str)]) -> Capabilities {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| Capability::new(*key, *value))
            .collect()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The digests of a value: of version 1, and of releases before there were versions.
    fn digests<T: Digested>(value: &T) -> [String; 2] {
        let stored = StoredDigest::of(value);
        assert!(stored.matches(value));
        assert!(StoredDigest::Legacy(value.legacy()).matches(value));
        [hex(stored.bytes()), hex(&value.legacy())]
    }

    /// Databases hold these bytes. The second of each pair was read from a database that the release before versioned
    /// digests wrote.
    #[test]
    fn digests_never_change() {
        let actual = [
            digests(&result(TestVerdict::Passed)),
            digests(&execute()),
            digests(&import()),
            digests(&reserve()),
            digests(&template("", &[], &["a", "b", "c"])),
            digests(&template("d", &["x"], &["q"])),
            digests(&key("execute", "k-exec")),
            digests(&key("import", "k-imp")),
            digests(&key("reserve", "k-res")),
        ];
        let golden = [
            [
                "016f0a90228d088f574f1da59ea1ffbf59fd381d258e05abf3e28417af3ea1d79a",
                "8f3144ac613276a87d7ec0b489ccd15d3584bdaf66d95121535d8a5fd48610ed",
            ],
            [
                "01f59b8ec450d86483835ae529aa9a065a96eb17020f641c708f3c053a57cf451e",
                "098696a684e47a06cead9bb486bd582cc8f6b54b9f6971ca9a69042ae722498f",
            ],
            [
                "01455345fffdfe3cf6e8fd3e7aec03d472335005cb4eac264ea32ae36734d834ed",
                "d691c9ff9c63e6c306c5c92c0e0590d9193537cde5b40e005bc78392844eb197",
            ],
            [
                "016d289656d1882ce389d7247388ab6171179852ba2a8a7f0b1a4171304146a3a0",
                "07bd01f0cc6e0609c5b09e99bf0fd138136b88b5ce3bba04a69908b1bb85971d",
            ],
            [
                "014d1690eee8122365ad06ff816fdbb6c30e74fddc6689c1eb95e3336571f1c48d",
                "ebeb7d5d0b1274643f5b332fbc088bd862a65c9eb71a62a0f7bf4ce3526f3260",
            ],
            [
                "0130f25be922b09c9723bf53ecff2ddedad336f2e775e771563958c7376a4f3c5b",
                "409503a2392a6e2efb1a42184d399f55cee7c1004c695ecea1f60552fafcc8c0",
            ],
            [
                "01fe106069e57508b6780e65b26891cddb74aaeaf244cd1a8515d073cf83b52b7d",
                "e0710d4f3e4387a6371402b589d2b353d034e31defc085c7dda9fbb94f668c33",
            ],
            [
                "01c1318593e3623c8b1c73015132d82c66d771f3769b43765aceeeb6dac6319f38",
                "231500c1ab67a999be54a5cbdbfad07d438749a270718ad875feaee730feb7a8",
            ],
            [
                "01f5bc933874a422adc57f4e3af4ff4eb6e3b1e609af19f05dcbba7920d24f6c8f",
                "eeab1066ebff310576e7f515b3a5a657a665925b4b5804817aeae80a0588c016",
            ],
        ];
        assert_eq!(actual, golden);
    }

    #[test]
    fn digest_changes_with_every_field() {
        fn distinct<T: Digested>(values: &[T]) {
            for (index, value) in values.iter().enumerate() {
                for other in &values[..index] {
                    assert_ne!(StoredDigest::of(value), StoredDigest::of(other), "{index}");
                    assert_ne!(value.legacy(), other.legacy(), "{index}");
                }
            }
        }
        let failed = result(TestVerdict::Failed);
        distinct(&[
            result(TestVerdict::Passed),
            failed.clone(),
            Finish {
                result: None,
                ..failed.clone()
            },
            Finish {
                message: "ab".to_owned(),
                details: "c".to_owned(),
                ..failed.clone()
            },
            Finish {
                message: "a".to_owned(),
                details: "bc".to_owned(),
                ..failed
            },
        ]);
        distinct(&[
            execute(),
            ExecutePlan {
                tests: Some(RequestedTests {
                    digest: TestListDigest::of(&template("", &[], &["a"]).executions),
                    list: None,
                }),
                ..execute()
            },
            ExecutePlan {
                planned: None,
                ..execute()
            },
            ExecutePlan {
                template: PlanId(2),
                ..execute()
            },
            ExecutePlan {
                repositories: Vec::new(),
                ..execute()
            },
            ExecutePlan {
                title: "other".to_owned(),
                ..execute()
            },
            ExecutePlan {
                batch: "other".to_owned(),
                ..execute()
            },
        ]);
        distinct(&[
            import(),
            NewImport {
                is_new_batch: true,
                ..import()
            },
            NewImport {
                labels: Capabilities::default(),
                ..import()
            },
            NewImport {
                files: Vec::new(),
                ..import()
            },
        ]);
        distinct(&[
            reserve(),
            Reserve {
                worker: None,
                ..reserve()
            },
            Reserve {
                allocate_server: true,
                ..reserve()
            },
            Reserve {
                timeout: Duration::from_secs(1),
                ..reserve()
            },
            Reserve {
                offered: Capabilities::default(),
                ..reserve()
            },
        ]);
    }

    #[test]
    fn hidden_labels_do_not_make_another_upload() {
        let other_job = NewImport {
            labels: labels(&[(".ci", "other"), ("OS", "Linux")]),
            ..import()
        };
        assert_eq!(digests(&import()), digests(&other_job));
    }
}
