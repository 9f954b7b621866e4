//! The result of a check.

use crate::{config::config_problem::ConfigError, exit_code::Conclusion, failure::Failure};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindingSeverity {
    Ok,
    /// A run can continue.
    Warning,
    /// A run would end with this exit code.
    Problem(Conclusion),
    /// Another check has to pass first.
    NotChecked,
}

impl FindingSeverity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
            Self::NotChecked => "not checked",
        }
    }
}

/// One line of the diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: FindingSeverity,
    /// What was observed.
    pub(crate) text: String,
    /// One thing to do. Absent if all is well, or if another finding has to be fixed first.
    pub(crate) cure: Option<String>,
}

impl Finding {
    /// With another exit code, for a problem.
    pub(super) fn ending(self, conclusion: Conclusion) -> Self {
        Self {
            severity: FindingSeverity::Problem(conclusion),
            ..self
        }
    }

    pub(super) fn cured(self, cure: impl Into<String>) -> Self {
        Self {
            cure: Some(cure.into()),
            ..self
        }
    }
}

fn finding(severity: FindingSeverity, text: impl Into<String>) -> Finding {
    Finding {
        severity,
        text: text.into(),
        cure: None,
    }
}

pub(super) fn ok(text: impl Into<String>) -> Finding {
    finding(FindingSeverity::Ok, text)
}

pub(super) fn warning(text: impl Into<String>, cure: impl Into<String>) -> Finding {
    finding(FindingSeverity::Warning, text).cured(cure)
}

/// A problem of the service or the machine: a run would end with exit code 3.
pub(super) fn problem(text: impl Into<String>, cure: impl Into<String>) -> Finding {
    finding(FindingSeverity::Problem(Conclusion::Infrastructure), text).cured(cure)
}

pub(super) fn not_checked(text: impl Into<String>) -> Finding {
    finding(FindingSeverity::NotChecked, text)
}

/// The failure that a command would end with. `cure` stands in for a missing help.
pub(super) fn of_failure(failure: &Failure, cure: &str) -> Finding {
    let help = failure.help.as_deref().unwrap_or(cure);
    let text = match failure.error.downcast_ref::<ConfigError>() {
        Some(mistakes) => mistakes.in_one_line(),
        None => format!("{:#}", failure.error),
    };
    problem(text, help).ending(failure.conclusion)
}

/// The exit code of the problem to fix first.
pub(super) fn conclusion<'a>(findings: impl Iterator<Item = &'a Finding>) -> Conclusion {
    let problems = findings.filter_map(|finding| match finding.severity {
        FindingSeverity::Problem(conclusion) => Some(conclusion),
        FindingSeverity::Ok | FindingSeverity::Warning | FindingSeverity::NotChecked => None,
    });
    problems
        .min_by_key(|conclusion| conclusion.code())
        .unwrap_or(Conclusion::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_with_the_lowest_code_decides() {
        let fine = ok("");
        let odd = warning("", "");
        let open = not_checked("");
        let broken = problem("", "");
        let none = broken.clone().ending(Conclusion::NothingToRun);
        let usage = broken.clone().ending(Conclusion::Usage);
        let table = [
            (vec![], Conclusion::Passed),
            (vec![&fine, &odd, &open], Conclusion::Passed),
            (vec![&none, &odd], Conclusion::NothingToRun),
            (vec![&none, &broken], Conclusion::Infrastructure),
            (vec![&broken, &usage, &none], Conclusion::Usage),
        ];
        for (findings, expected) in table {
            let found = conclusion(findings.iter().copied());
            assert_eq!(found, expected, "{findings:?}");
        }
    }
}
