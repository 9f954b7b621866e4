//! The runner of `testplan.yml` with one test per process, and with many.

use crate::runner::runner_settings::{
    ProcessMode, ResultsFormat, RunnerSettings, SessionSettings, Tool,
};

/// Most tests of a call where the file says one: the defaults of `batch.most`.
const MOST: u32 = 200;
const MOST_OF_STREAMS: u32 = 1000;

/// How `testplan.yml` asks for one test per process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SingleKey {
    /// `mode: single` beside a preset.
    Mode,
    /// `batch: { most: 1 }` beside a command with `{tests}`.
    MostOne,
}

/// A runner in both modes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunModes {
    /// Each test in a process of its own.
    pub(crate) single: RunnerSettings,
    /// Many tests in one process, as a run does it by default.
    pub(crate) batched: RunnerSettings,
    pub(crate) key: SingleKey,
    /// Whether the file asks for one test per process now.
    pub(crate) is_single_now: bool,
    /// The tool of a preset that orders the tests of a call itself, perhaps.
    pub(crate) ordering_tool: Option<&'static str>,
}

/// Why a runner has only one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OneMode {
    #[error("squishrunner runs one test case per process, so there is nothing to compare")]
    Squish,
    #[error(
        "the runner's command runs one test per process, so there is nothing to compare: it has no `{{tests}}`"
    )]
    NoTests,
    #[error(
        "a command with `{{server.host}}` or `{{server.port}}` runs one test per process, so there is nothing to compare"
    )]
    Server,
}

impl RunModes {
    /// Both modes of a runner.
    pub(crate) fn of(runner: &RunnerSettings) -> Result<Self, OneMode> {
        let Tool::Command(tool) = &runner.tool else {
            return Err(OneMode::Squish);
        };
        if runner.asks_for_server() {
            return Err(OneMode::Server);
        }
        let (mut single, mut batched) = (tool.clone(), tool.clone());
        let mut modes = Self {
            single: runner.clone(),
            batched: runner.clone(),
            key: SingleKey::Mode,
            is_single_now: false,
            ordering_tool: None,
        };
        if let (Some(alone), Some(session)) = (&mut single.warm, &mut batched.warm) {
            modes.is_single_now = session.mode == ProcessMode::Single;
            alone.mode = ProcessMode::Single;
            // With `auto` a project whose settings allow no session would be compared with itself.
            session.mode = ProcessMode::Session;
        } else if let (Some(alone), Some(batch)) = (&mut single.batch, &mut batched.batch) {
            modes.is_single_now = batch.most == 1;
            alone.most = 1;
            if let Some(settings) = &mut alone.preset {
                settings.session = None;
            }
            if modes.is_single_now {
                batch.most = match tool.results {
                    ResultsFormat::Events => MOST_OF_STREAMS,
                    _ => MOST,
                };
                if let Some(settings) = &mut batch.preset {
                    settings.session = SessionSettings::by_default(settings.preset);
                }
            }
            match &batch.preset {
                Some(settings) => modes.ordering_tool = Some(settings.preset.name),
                None => modes.key = SingleKey::MostOne,
            }
        } else {
            return Err(OneMode::NoTests);
        }
        modes.single.tool = Tool::Command(single);
        modes.batched.tool = Tool::Command(batched);
        Ok(modes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PlanFile;

    const ONE: &str = "templates: [{ title: t, tests: [{ suite: s, testcases: [a] }] }]";

    fn modes(runner: &str) -> Result<RunModes, OneMode> {
        let text = format!("project: p\nrunner: {runner}\n{ONE}\n");
        let file = PlanFile::parse("t.yml", &text).unwrap();
        RunModes::of(file.runner.as_ref().unwrap())
    }

    fn most(runner: &RunnerSettings) -> u32 {
        let Tool::Command(tool) = &runner.tool else {
            panic!("{runner:?}")
        };
        tool.batch.as_ref().unwrap().most
    }

    #[test]
    fn call_has_one_test_or_the_number_of_the_file() {
        for (runner, batched, key, is_single_now) in [
            ("node-test", 1000, SingleKey::Mode, false),
            (
                "{ preset: unittest, batch: { most: 7 } }",
                7,
                SingleKey::Mode,
                false,
            ),
            (
                "{ preset: node-test, mode: single }",
                1000,
                SingleKey::Mode,
                true,
            ),
            ("{ preset: go, mode: single }", 200, SingleKey::Mode, true),
            (
                "{ command: [x, '{tests}'], test: '{testcase}', results: { format: junit } }",
                200,
                SingleKey::MostOne,
                false,
            ),
        ] {
            let modes = modes(runner).unwrap();
            assert_eq!(most(&modes.single), 1, "{runner}");
            assert_eq!(most(&modes.batched), batched, "{runner}");
            assert_eq!((modes.key, modes.is_single_now), (key, is_single_now));
        }
    }

    #[test]
    fn session_of_a_tool_is_compared_with_processes_of_one_test() {
        for (runner, has_session) in [
            ("jest", true),
            ("{ preset: jest, mode: single }", true),
            ("{ preset: jest, mode: batch }", false),
            ("{ preset: mocha, mode: session }", true),
            ("{ preset: mocha, mode: single }", false),
        ] {
            let modes = modes(runner).unwrap();
            let session = |runner: &RunnerSettings| runner.preset().unwrap().1.session;
            assert_eq!(session(&modes.single), None, "{runner}");
            assert_eq!(session(&modes.batched).is_some(), has_session, "{runner}");
        }
    }

    #[test]
    fn pytest_is_compared_with_its_session_whatever_the_file_says() {
        for (runner, is_single_now) in [
            ("pytest", false),
            ("{ preset: pytest, mode: single }", true),
        ] {
            let modes = modes(runner).unwrap();
            let mode = |runner: &RunnerSettings| runner.warm().unwrap().1.mode;
            assert_eq!(mode(&modes.single), ProcessMode::Single);
            assert_eq!(mode(&modes.batched), ProcessMode::Session);
            assert_eq!(modes.is_single_now, is_single_now);
            assert_eq!(
                modes.ordering_tool, None,
                "a session takes one test at a time"
            );
        }
    }

    #[test]
    fn runner_of_one_test_per_process_has_nothing_to_compare() {
        for (runner, expected) in [
            ("{ command: [x, '{testcase}'] }", OneMode::NoTests),
            ("{ squish: {} }", OneMode::Squish),
            (
                "{ command: [x, '{server.port}', '{tests}'], test: '{testcase}', results: { format: junit } }",
                OneMode::Server,
            ),
        ] {
            assert_eq!(modes(runner).err(), Some(expected), "{runner}");
        }
    }
}
