//! What testplan does at each message of a warm process, and at its end: state and decisions, without a process.
//!
//! Tests are numbers here, counted by the session. A test is taken (from the engine), sent (to the process), runs, and ends.
//! The process runs what was sent in that order. Only a running test is charged with the end of its process.

use std::collections::VecDeque;

use super::stock::Stock;

/// Processes in a row that ended before they ran a test, after which no other is started.
const MOST_FRUITLESS_STARTS: u32 = 2;

/// What to do next, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send this test to the process.
    Send(u64),
    /// Send that there is no test now.
    SendNone,
    /// Send that nothing more comes.
    SendEnd,
    /// Report that the test runs.
    Started(u64),
    /// Report how it ended.
    Ended(u64, Cause),
    /// Start another process.
    Restart,
}

/// Why a test ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The process ended while it ran.
    ProcessEnded,
    /// The process does not know it.
    Unknown,
    /// No process could be started that runs tests.
    NoProcess,
}

/// How far the process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It starts and collects.
    #[default]
    Starting,
    /// It takes tests.
    Ready,
    /// It was sent the end.
    Ending,
    /// There is none; a test starts one.
    Absent,
    /// There is none, and other sessions run the tests.
    Deferred,
    /// There is none, and none is started any more.
    GivenUp,
}

/// A question of the process that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Nothing runs.
    Idle,
    /// A test waits with its teardown.
    Teardown,
}

/// The state of one worker's warm process.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    stage: Stage,
    /// Taken and not sent.
    waiting: VecDeque<u64>,
    /// Sent and not begun.
    sent: VecDeque<u64>,
    running: Option<u64>,
    question: Option<Question>,
    /// The engine has no test now and will bring one when there is one.
    has_none: bool,
    /// Tests that the present process has begun.
    begun: u32,
    fruitless: u32,
    /// The engine brings nothing more.
    is_closing: bool,
    /// The process is to end once it has run what was sent.
    is_retiring: bool,
    /// No test is asked for before the process needs it.
    one_by_one: bool,
    stock: Stock,
}

impl Conversation {
    /// Never has more than one test on its way to the process.
    pub(crate) fn one_by_one(mut self) -> Self {
        self.one_by_one = true;
        self
    }

    /// Leaves the tests to other sessions for now.
    pub(crate) fn defer(&mut self) {
        self.stage = Stage::Deferred;
    }

    pub(crate) fn is_deferred(&self) -> bool {
        self.stage == Stage::Deferred && !self.is_closing
    }

    /// Another process pays.
    pub(crate) fn start_deferred(&mut self) -> Vec<Step> {
        self.restart()
    }

    /// Asks for a test without a process, which the test then starts.
    pub(crate) fn stand_in(&mut self) -> Vec<Step> {
        self.stage = Stage::Absent;
        Vec::new()
    }

    pub(crate) fn running(&self) -> Option<u64> {
        self.running
    }

    pub(crate) fn question(&self) -> Option<Question> {
        self.question
    }

    pub(crate) fn stock(&mut self) -> &mut Stock {
        &mut self.stock
    }

    /// Tests that the present process has begun.
    pub(crate) fn begun(&self) -> u32 {
        self.begun
    }

    #[cfg(test)]
    fn has_given_up(&self) -> bool {
        self.stage == Stage::GivenUp
    }

    /// All that has not ended, the running one first.
    pub(crate) fn unfinished(&self) -> Vec<u64> {
        let running = self.running.iter();
        running
            .chain(&self.sent)
            .chain(&self.waiting)
            .copied()
            .collect()
    }

    /// How many tests the engine should bring.
    pub(crate) fn wanted(&self) -> usize {
        let at_hand = self.waiting.len() + self.sent.len();
        match self.stage {
            _ if self.is_closing => 0,
            // One more test has to say why none can run.
            Stage::GivenUp | Stage::Absent => usize::from(at_hand == 0),
            Stage::Ready if !self.is_retiring => {
                let process_waits = self.question.is_some();
                if self.one_by_one {
                    return usize::from(process_waits && at_hand == 0);
                }
                self.stock.wanted(at_hand, process_waits)
            }
            _ => 0,
        }
    }

    /// The process has collected its tests.
    pub(crate) fn ready(&mut self) -> Vec<Step> {
        self.stage = Stage::Ready;
        self.send_waiting()
    }

    /// The engine brings tests.
    pub(crate) fn take(&mut self, tests: impl IntoIterator<Item = u64>) -> Vec<Step> {
        self.has_none = false;
        self.waiting.extend(tests);
        match self.stage {
            Stage::Ready if !self.is_retiring => self.send_waiting(),
            Stage::GivenUp => self.refuse_waiting(),
            Stage::Absent | Stage::Deferred if !self.waiting.is_empty() => self.restart(),
            _ => Vec::new(),
        }
    }

    /// The engine has no test now, and brings one when there is one.
    pub(crate) fn none_now(&mut self) -> Vec<Step> {
        self.has_none = true;
        self.answer_none()
    }

    /// A test waits with its teardown no longer.
    pub(crate) fn answer_none(&mut self) -> Vec<Step> {
        if self.question == Some(Question::Teardown) {
            self.question = None;
            return vec![Step::SendNone];
        }
        Vec::new()
    }

    /// The process asks for a test.
    pub(crate) fn asked(&mut self, is_teardown: bool) -> Vec<Step> {
        if !self.sent.is_empty() {
            // A test was on its way when it asked.
            return Vec::new();
        }
        self.question = Some(if is_teardown {
            Question::Teardown
        } else {
            Question::Idle
        });
        let mut steps = self.end_if_due();
        if self.has_none {
            steps.extend(self.answer_none());
        }
        steps
    }

    /// A test begins.
    pub(crate) fn started(&mut self, test: u64) -> Vec<Step> {
        let Some(at) = self.sent.iter().position(|sent| *sent == test) else {
            return Vec::new();
        };
        self.sent.remove(at);
        self.running = Some(test);
        self.begun += 1;
        self.fruitless = 0;
        vec![Step::Started(test)]
    }

    /// A test has a result. Whether it is one that was waited for.
    pub(crate) fn ended(&mut self, test: u64) -> bool {
        let is_running = self.running == Some(test);
        if is_running {
            self.running = None;
        }
        is_running
    }

    /// A test ends here without a word of the process, which must be ended or has to be told.
    pub(crate) fn remove(&mut self, test: u64) {
        if self.running == Some(test) {
            self.running = None;
        }
        self.sent.retain(|sent| *sent != test);
        self.waiting.retain(|waiting| *waiting != test);
    }

    /// The process does not know a test.
    pub(crate) fn unknown(&mut self, test: u64) -> Vec<Step> {
        self.remove(test);
        vec![Step::Ended(test, Cause::Unknown)]
    }

    /// The process is to be replaced, once it has run what it has.
    pub(crate) fn retire(&mut self) -> Vec<Step> {
        self.is_retiring = true;
        self.end_if_due()
    }

    /// The engine brings nothing more.
    pub(crate) fn close(&mut self) -> Vec<Step> {
        self.is_closing = true;
        self.end_if_due()
    }

    /// The process cannot run tests at all.
    pub(crate) fn give_up(&mut self) -> Vec<Step> {
        self.stage = Stage::GivenUp;
        self.return_sent();
        self.refuse_waiting()
    }

    /// The process has ended, by itself or by a bound.
    pub(crate) fn process_ended(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(running) = self.running.take() {
            steps.push(Step::Ended(running, Cause::ProcessEnded));
        }
        self.return_sent();
        let was_fruitless = self.begun == 0 && self.stage != Stage::Ending;
        (self.question, self.begun, self.is_retiring) = (None, 0, false);
        if self.stage == Stage::GivenUp {
            return steps;
        }
        if was_fruitless {
            self.fruitless += 1;
        }
        if self.fruitless >= MOST_FRUITLESS_STARTS {
            self.stage = Stage::GivenUp;
            steps.extend(self.refuse_waiting());
        } else if self.is_closing && self.waiting.is_empty() {
            self.stage = Stage::Absent;
        } else {
            steps.extend(self.restart());
        }
        steps
    }

    fn restart(&mut self) -> Vec<Step> {
        self.stage = Stage::Starting;
        vec![Step::Restart]
    }

    fn send_waiting(&mut self) -> Vec<Step> {
        let tests = std::mem::take(&mut self.waiting);
        if !tests.is_empty() {
            self.question = None;
        }
        self.sent.extend(&tests);
        tests.into_iter().map(Step::Send).collect()
    }

    /// What was sent and did not begin waits for the next process.
    fn return_sent(&mut self) {
        while let Some(test) = self.sent.pop_back() {
            self.waiting.push_front(test);
        }
    }

    fn refuse_waiting(&mut self) -> Vec<Step> {
        let tests = std::mem::take(&mut self.waiting);
        let refused = |test| Step::Ended(test, Cause::NoProcess);
        tests.into_iter().map(refused).collect()
    }

    fn end_if_due(&mut self) -> Vec<Step> {
        let is_due = self.is_retiring || (self.is_closing && self.waiting.is_empty());
        if is_due && self.sent.is_empty() && self.question.is_some() && self.stage == Stage::Ready {
            self.stage = Stage::Ending;
            self.question = None;
            return vec![Step::SendEnd];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Conversation {
        let mut conversation = Conversation::default();
        assert!(conversation.ready().is_empty());
        conversation
    }

    #[test]
    fn tests_are_wanted_once_the_process_is_ready_and_asks() {
        let mut it = Conversation::default();
        assert_eq!(it.wanted(), 0, "no lease is held while the tool starts");
        it.ready();
        assert_eq!(it.wanted(), 0);
        assert!(it.asked(false).is_empty());
        assert_eq!(it.wanted(), 1);
        assert_eq!(it.take([1]), [Step::Send(1)]);
        assert_eq!(it.wanted(), 0);
        assert_eq!(it.started(1), [Step::Started(1)]);
        assert_eq!(it.running(), Some(1));
        assert!(it.ended(1));
        assert!(!it.ended(1), "a second result of a test is not one");
    }

    #[test]
    fn question_in_a_teardown_is_answered_by_a_test_or_by_none() {
        let mut it = ready();
        it.take([1]);
        it.started(1);
        it.asked(true);
        assert_eq!(it.question(), Some(Question::Teardown));
        assert_eq!(it.none_now(), [Step::SendNone]);
        assert_eq!(it.answer_none(), []);
        it.ended(1);
        it.asked(false);
        assert_eq!(it.none_now(), [], "an idle process waits");
        assert_eq!(it.take([2]), [Step::Send(2)]);
        assert_eq!(it.question(), None);
    }

    #[test]
    fn teardown_does_not_wait_where_none_is_known_to_be_there() {
        let mut it = ready();
        it.take([1]);
        it.started(1);
        assert_eq!(it.none_now(), []);
        assert_eq!(it.asked(true), [Step::SendNone]);
        it.take([2]);
        it.started(2);
        assert_eq!(it.asked(true), [], "the engine has some again");
    }

    #[test]
    fn crash_is_charged_to_the_running_test_alone() {
        let mut it = ready();
        it.take([1, 2, 3]);
        it.started(1);
        let steps = it.process_ended();
        assert_eq!(steps, [Step::Ended(1, Cause::ProcessEnded), Step::Restart]);
        assert_eq!(it.unfinished(), [2, 3]);
        assert_eq!(it.ready(), [Step::Send(2), Step::Send(3)]);
    }

    #[test]
    fn two_processes_that_run_no_test_are_the_last() {
        let mut it = Conversation::default();
        it.take([7]);
        assert_eq!(it.process_ended(), [Step::Restart]);
        it.ready();
        assert_eq!(it.process_ended(), [Step::Ended(7, Cause::NoProcess)]);
        assert!(it.has_given_up());
        assert_eq!(it.wanted(), 1, "a test has to carry the reason");
        assert_eq!(it.take([8]), [Step::Ended(8, Cause::NoProcess)]);
    }

    #[test]
    fn process_that_began_a_test_is_not_fruitless() {
        let mut it = Conversation::default();
        for test in 0..5 {
            it.take([test]);
            it.ready();
            it.started(test);
            let steps = it.process_ended();
            assert_eq!(steps.last(), Some(&Step::Restart));
        }
        assert!(!it.has_given_up());
    }

    #[test]
    fn retired_process_ends_after_what_it_has_and_another_goes_on() {
        let mut it = ready();
        it.take([1]);
        it.started(1);
        assert_eq!(it.retire(), []);
        assert_eq!(it.take([2]), [], "it gets nothing more");
        assert_eq!(it.asked(true), [Step::SendEnd]);
        assert!(it.ended(1));
        assert_eq!(it.process_ended(), [Step::Restart]);
        assert_eq!(it.ready(), [Step::Send(2)]);
    }

    #[test]
    fn closing_ends_an_idle_process_and_starts_no_other() {
        let mut it = ready();
        it.asked(false);
        assert_eq!(it.close(), [Step::SendEnd]);
        assert_eq!(it.wanted(), 0);
        assert_eq!(it.process_ended(), []);
        assert!(!it.has_given_up());
    }

    #[test]
    fn deferred_session_starts_a_process_when_it_pays_or_a_test_is_left() {
        let mut it = Conversation::default();
        it.defer();
        assert_eq!(it.wanted(), 0, "other sessions run the tests");
        assert_eq!(it.start_deferred(), [Step::Restart]);
        let mut it = Conversation::default();
        it.defer();
        assert_eq!(it.stand_in(), []);
        assert_eq!(it.wanted(), 1);
        assert_eq!(it.take([1]), [Step::Restart]);
        assert_eq!(it.ready(), [Step::Send(1)]);
    }

    #[test]
    fn unknown_test_ends_alone() {
        let mut it = ready();
        it.take([1, 2]);
        assert_eq!(it.unknown(1), [Step::Ended(1, Cause::Unknown)]);
        assert_eq!(it.unfinished(), [2]);
        assert_eq!(it.asked(false), [], "the second one is on its way");
    }

    #[test]
    fn short_tests_are_wanted_ahead() {
        let mut it = ready();
        it.stock().learn(std::time::Duration::from_millis(1));
        it.take([1]);
        it.started(1);
        assert_eq!(it.wanted(), 25);
    }
}
