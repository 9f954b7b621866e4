//! A template and what was discovered for it become its executions.

use std::collections::HashSet;

use super::plan_file::{Template, TestSource};
use crate::model::{Capabilities, Test};

/// Executions that a plan may have.
pub(crate) const MOST_EXECUTIONS: usize = 100_000;

/// Why a template cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpandError {
    /// Not one list of tests for each of [`Template::discoveries`].
    #[error("template {title:?} has {wanted} discoveries, but {given} were made")]
    Undiscovered {
        title: String,
        /// Discoveries in the file.
        wanted: usize,
        given: usize,
    },
    /// More than [`MOST_EXECUTIONS`].
    #[error(
        "template {title:?} has {tests} tests in {configurations} configurations: \
         more than {MOST_EXECUTIONS} executions; split it"
    )]
    TooMany {
        title: String,
        tests: usize,
        configurations: usize,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    /// Every test once per configuration: in the order of the file, the configurations of a test together.
    pub executions: Vec<(Test, Capabilities)>,
    /// What was listed and discovered, or discovered twice: each further time, in order. It counts once.
    pub repeated: Vec<Test>,
}

/// Makes the executions of a template.
///
/// `discovered` has the tests of each of [`Template::discoveries`], in that order.
pub(crate) fn expand(
    template: &Template,
    discovered: &[Vec<Test>],
) -> Result<Expanded, ExpandError> {
    let wanted = template.discoveries().count();
    if wanted != discovered.len() {
        return Err(ExpandError::Undiscovered {
            title: template.title.clone(),
            wanted,
            given: discovered.len(),
        });
    }
    let mut discovered = discovered.iter();
    let mut seen = HashSet::new();
    let (tests, repeated): (Vec<&Test>, Vec<&Test>) = template
        .tests
        .iter()
        .filter_map(|source| match source {
            TestSource::Listed(tests) => Some(tests),
            TestSource::Discovered(_) => discovered.next(),
        })
        .flatten()
        .partition(|test| seen.insert(*test));
    let configurations = &template.configurations;
    if tests.len().saturating_mul(configurations.len()) > MOST_EXECUTIONS {
        return Err(ExpandError::TooMany {
            title: template.title.clone(),
            tests: tests.len(),
            configurations: configurations.len(),
        });
    }
    let pair = |test: &Test, required: &Capabilities| (test.clone(), required.clone());
    let executions = tests.into_iter().flat_map(|test| {
        configurations
            .iter()
            .map(move |required| pair(test, required))
    });
    Ok(Expanded {
        executions: executions.collect(),
        repeated: repeated.into_iter().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PlanFile;

    fn template() -> Template {
        let text = r#"
project: p
templates:
  - title: t
    configurations: [{ OS: Linux }, {}]
    tests:
      - discover: { command: [list], line: "(?<suite>.+):(?<testcase>.+)" }
      - { suite: a, testcases: [one, two] }
      - discover: { command: [more], line: "(?<suite>.+):(?<testcase>.+)" }
"#;
        let file = PlanFile::parse("t.yml", text).unwrap();
        file.templates.into_iter().next().unwrap()
    }

    fn test(suite: &str, testcase: &str) -> Test {
        Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        }
    }

    #[test]
    fn gives_every_test_once_per_configuration_in_order() {
        let discovered = [
            vec![test("z", "last"), test("a", "two")],
            vec![test("z", "last"), test("b", "x")],
        ];
        let expanded = expand(&template(), &discovered).unwrap();
        assert_eq!(expanded.repeated, [test("a", "two"), test("z", "last")]);
        let executions: Vec<String> = expanded
            .executions
            .iter()
            .map(|(test, required)| format!("{test} on {required}"))
            .collect();
        assert_eq!(
            executions,
            [
                "z / last on OS=Linux",
                "z / last on any",
                "a / two on OS=Linux",
                "a / two on any",
                "a / one on OS=Linux",
                "a / one on any",
                "b / x on OS=Linux",
                "b / x on any",
            ]
        );
    }

    #[test]
    fn refuses_what_would_lose_tests_or_memory() {
        assert_eq!(
            expand(&template(), &[vec![]]),
            Err(ExpandError::Undiscovered {
                title: "t".to_owned(),
                wanted: 2,
                given: 1
            })
        );
        let many: Vec<Test> = (0..MOST_EXECUTIONS / 2)
            .map(|n| test("m", &n.to_string()))
            .collect();
        let error = expand(&template(), &[many.clone(), vec![]]).unwrap_err();
        assert!(
            matches!(error, ExpandError::TooMany { tests: 50_002, .. }),
            "{error}"
        );
        let fits = many[..many.len() - 2].to_vec();
        assert_eq!(
            expand(&template(), &[fits, vec![]])
                .unwrap()
                .executions
                .len(),
            MOST_EXECUTIONS
        );
    }
}
