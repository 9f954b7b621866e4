"""Model modifier for Robot Framework: keeps the tests of TESTPLAN_SELECTION."""
import testplan_events as events
from robot.api import SuiteVisitor


class robot_selection(SuiteVisitor):
    def __init__(self):
        self.wanted = events.selection()

    def start_suite(self, suite):
        suite.tests = [test for test in suite.tests if (events.file(test.source), events.clean(test.name)) in self.wanted]

    def end_suite(self, suite):
        suite.suites = [inner for inner in suite.suites if inner.test_count > 0]

    def visit_test(self, test):
        pass
