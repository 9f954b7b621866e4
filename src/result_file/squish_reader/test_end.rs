//! What becomes of a test of a report when it ends: whether it was skipped or aborted, and which of its tries counts.

use super::{
    SquishElement, SquishReader, script_location,
    test_element::{EndedTest, TestElement, TestType},
    test_retries::{self, ReportPosition},
    tests,
};
use crate::result_file::case_builder::TroubleBuilder;

impl SquishReader {
    /// A test has ended; without an epilog, it was ended.
    pub(super) fn close(&mut self, mut test: Box<TestElement>) {
        self.find_earlier_try(&mut test, self.open.len());
        if self.is_version_2_suite(&test) {
            (test.kind, test.is_case) = (TestType::Suite, false);
        }
        if test.is_case {
            let parts = std::mem::take(&mut test.parts);
            parts.settle(&mut test.case);
        }
        let needs_epilog = test.is_case || !test.kind.may_lack_epilog();
        if needs_epilog && !test.has_epilog && !test.never_began() {
            let mut aborted = TroubleBuilder::error(
                "aborted: the report has no end of it, squishrunner was stopped or lost the application",
            );
            "aborted".clone_into(&mut aborted.kind);
            aborted.text.push(&format!("no epilog of {:?}", test.name));
            test.case.trouble(aborted);
        }
        let was_skipped = test.was_skipped();
        if was_skipped {
            test.skipped.get_or_insert_default();
        }
        if test.is_case && test.case.file.is_none() {
            test.case.file = script_location::path(&test.place.uri, &self.suite_folder());
            test.case.line = test.place.line;
        }
        let ran = test.ran();
        for frame in &mut self.open {
            if let SquishElement::Test(outer) = frame {
                outer.holds_cases |= test.is_case;
                outer.inner_ran |= ran;
                outer.inner_skipped |= was_skipped;
            }
        }
        match self.innermost() {
            Some(outer) => outer.siblings.add(&test),
            None => self.outermost.add(&test),
        }
        let around = self.tests().filter_map(|outer| outer.retry_since).last();
        let retry_since = test.retry_since.or(around).filter(|_| ran);
        if test.kind.may_be_tried_again() && !test.is_case && self.tests().any(|it| it.is_case) {
            self.settle_part(*test, retry_since);
            return;
        }
        let is_case = test.is_case;
        let closed = {
            let outer: Vec<&TestElement> = self.tests().collect();
            test.close(&outer)
        };
        if let Some(closed) = closed {
            self.settle_case(closed, retry_since.filter(|_| is_case));
        }
    }

    /// Keeps the case of a test that has ended. With `retry_since`, its tries that began before then count no more.
    fn settle_case(&mut self, closed: EndedTest, retry_since: Option<ReportPosition>) {
        let EndedTest {
            mut case,
            only_holds_others,
        } = closed;
        let earlier = retry_since.map_or_else(Vec::new, |since| {
            self.kept
                .take_earlier(&case.classname, &case.name, since.cases)
        });
        for earlier in &earlier {
            case.earlier_case(earlier);
        }
        if only_holds_others && case.worst.is_none() {
            return;
        }
        let case = case.finish("", &mut self.budget);
        self.kept.push(case);
    }

    /// Gives what went wrong in a part to the case that it is of.
    fn settle_part(&mut self, part: TestElement, retry_since: Option<ReportPosition>) {
        let is_case =
            |frame: &SquishElement| matches!(frame, SquishElement::Test(test) if test.is_case);
        let Some(owner) = self.open.iter().rposition(is_case) else {
            return;
        };
        let key = test_retries::part_key(tests(&self.open[owner + 1..]).chain([&part]));
        // A try of the case itself settles all its parts when it ends.
        let since = part.retry_since.or_else(|| {
            tests(&self.open[owner + 1..])
                .filter_map(|it| it.retry_since)
                .last()
        });
        if let Some(SquishElement::Test(test)) = self.open.get_mut(owner) {
            let TestElement { case, parts, .. } = &mut **test;
            let since = since.filter(|_| retry_since.is_some());
            parts.add(case, (key, part.case), part.start, since);
        }
    }

    /// Finds out whether a test within the first `depth` open elements has an earlier try beside it.
    pub(super) fn find_earlier_try(&self, test: &mut TestElement, depth: usize) {
        let siblings = tests(&self.open[..depth])
            .last()
            .map_or(&self.outermost, |outer| &outer.siblings);
        if test.retry_since.is_none() && siblings.have_earlier_try_of(test) {
            test.retry_since = Some(test.start);
        }
    }

    /// Whether a test is a suite of a report before 3.0 that ran no test: it looks like a test case.
    fn is_version_2_suite(&self, test: &TestElement) -> bool {
        test.kind == TestType::Untyped
            && test.is_case
            && self.tests().next().is_none()
            && !test.name.starts_with("tst_")
            && (test.name.starts_with("suite_") || !test.verified && test.case.worst.is_none())
    }
}
