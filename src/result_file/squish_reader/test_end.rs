//! The end of a test: whether it was skipped or aborted, and which of its tries counts.

use super::{
    SquishElement, SquishReader,
    script_location::path_of_uri,
    test_element::{EndedTest, TestElement},
    test_retries::{ReportPosition, key},
    test_type::TestType,
};
use crate::result_file::case_builder::TroubleBuilder;

impl SquishReader {
    /// Ends a test that has been taken from the open elements. Without an epilog it was aborted.
    pub(super) fn end_test(&mut self, mut test: Box<TestElement>) {
        self.find_earlier_try(&mut test);
        if self.is_version_2_suite(&test) {
            (test.test_type, test.is_case) = (TestType::Suite, false);
        }
        if test.is_case {
            std::mem::take(&mut test.parts).move_to(&mut test.case);
        }
        let needs_epilog = test.is_case || !test.test_type.may_lack_epilog();
        if needs_epilog && !test.has_epilog && !test.never_began() {
            let mut aborted = TroubleBuilder::error(
                "aborted: the report has no end of it, squishrunner was stopped or lost the application",
            );
            "aborted".clone_into(&mut aborted.kind);
            aborted.text.push(&format!("no epilog of {:?}", test.name));
            test.case.add_trouble(aborted);
        }
        let was_skipped = test.was_skipped();
        if was_skipped {
            test.skipped.get_or_insert_default();
        }
        if test.is_case && test.case.file.is_none() {
            test.case.file = path_of_uri(&test.location.uri, &self.suite_folder());
            test.case.line = test.location.line;
        }
        let ran = test.ran();
        for outer in self.open.tests_mut() {
            outer.holds_cases |= test.is_case;
            outer.inner_ran |= ran;
            outer.inner_skipped |= was_skipped;
        }
        match self.open.innermost_test() {
            Some(outer) => outer.siblings.add(test.retry_keys()),
            None => self.outermost.add(test.retry_keys()),
        }
        let around = self.open.tests().rev().find_map(|outer| outer.retry_since);
        let retry_since = test.retry_since.or(around).filter(|_| ran);
        let is_part = test.test_type.can_be_retried() && !test.is_case;
        if is_part && self.open.tests().any(|outer| outer.is_case) {
            return self.end_part(*test, ran);
        }
        let retry_since = retry_since.filter(|_| test.is_case);
        if let Some(ended) = test.into_case(self.open.tests()) {
            self.add_case(ended, retry_since);
        }
    }

    /// Adds the case of a test that has ended. With `retry_since`, its tries that began before no longer count.
    fn add_case(&mut self, ended: EndedTest, retry_since: Option<ReportPosition>) {
        let mut case = ended.case;
        if let Some(since) = retry_since {
            for earlier in self.cases.take_earlier(&case, since.cases) {
                case.add_earlier_case(&earlier);
            }
        }
        if !ended.only_holds_cases || case.worst.is_some() {
            self.cases.add(case, "");
        }
    }

    /// Adds the trouble in a part to its case.
    fn end_part(&mut self, part: TestElement, ran: bool) {
        let Some(inner) = self.open.tests().rev().position(|test| test.is_case) else {
            return;
        };
        let outer = self.open.tests().count() - inner;
        let parts = self.open.tests().skip(outer);
        let names: Vec<(TestType, &str)> = parts
            .clone()
            .chain([&part])
            .map(|part| (part.test_type, part.name.as_str()))
            .collect();
        let key = key(&names);
        // A retry of the case itself drops all parts of its earlier tries when it ends.
        let around = parts.filter_map(|part| part.retry_since).last();
        let since = part.retry_since.or(around).filter(|_| ran);
        if let Some(TestElement { case, parts, .. }) = self.open.test_mut(inner) {
            parts.add(case, (key, part.case), part.start, since);
        }
    }

    /// The innermost test has its name and location: looks for an earlier try beside it.
    pub(super) fn end_prolog(&mut self) {
        if let Some(SquishElement::Test(mut test)) = self.open.pop() {
            self.find_earlier_try(&mut test);
            self.open.push(SquishElement::Test(test));
        }
    }

    /// Notes whether a test, which is not among the open elements, has an earlier try beside it.
    fn find_earlier_try(&self, test: &mut TestElement) {
        let siblings = match self.open.tests().next_back() {
            Some(outer) => &outer.siblings,
            None => &self.outermost,
        };
        if test.retry_since.is_none() && siblings.have(test.retry_keys()) {
            test.retry_since = Some(test.start);
        }
    }

    /// Whether a test is a suite of a report before 3.0 that ran no test: it looks like a test case.
    fn is_version_2_suite(&self, test: &TestElement) -> bool {
        test.test_type == TestType::Untyped
            && test.is_case
            && self.open.tests().next().is_none()
            && !test.name.starts_with("tst_")
            && (test.name.starts_with("suite_") || !test.verified && test.case.worst.is_none())
    }
}
