//! What a check came to: plain values, made by plain functions from what was seen.

use serde_json::{Value, json};

use crate::{exit_code::Conclusion, failure::Failure};

/// What a finding is about. Printed in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// testplan.yml, flags and variables.
    Configuration,
    /// The way to the service, and whether it lets us in.
    Service,
    /// Its clock and ours.
    Clock,
    /// The template to start, or the plan that runs.
    Plan,
    /// What the service can do.
    Dialect,
    /// What executions need, and who offers it.
    Capabilities,
    /// The program that runs a test.
    Runner,
    /// The folder of the results.
    Output,
    /// What GitHub would be told.
    GitHub,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Configuration,
        Self::Service,
        Self::Clock,
        Self::Plan,
        Self::Dialect,
        Self::Capabilities,
        Self::Runner,
        Self::Output,
        Self::GitHub,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Service => "Service",
            Self::Clock => "Clock",
            Self::Plan => "Plan",
            Self::Dialect => "Dialect",
            Self::Capabilities => "Capabilities",
            Self::Runner => "Runner",
            Self::Output => "Output",
            Self::GitHub => "GitHub",
        }
    }

    /// Its name for programs.
    pub fn name(self) -> String {
        self.title().to_lowercase()
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Fine.
    Ok,
    /// A run can go on with it.
    Warning,
    /// A run would end with this.
    Problem(Conclusion),
    /// Something else has to be there first.
    NotChecked,
}

impl State {
    /// Its word, for people and programs.
    pub fn word(self) -> &'static str {
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
pub struct Finding {
    /// What it is about.
    pub group: Group,
    /// Which check of its group; stays the same over versions.
    pub id: &'static str,
    /// How it ended.
    pub state: State,
    /// What was seen.
    pub text: String,
    /// One thing to do. There unless all is well, or another finding has to be seen to first.
    pub cure: Option<String>,
}

impl Finding {
    fn new(group: Group, id: &'static str, state: State, text: impl Into<String>) -> Self {
        Self {
            group,
            id,
            state,
            text: text.into(),
            cure: None,
        }
    }

    /// All is well.
    pub fn ok(group: Group, id: &'static str, text: impl Into<String>) -> Self {
        Self::new(group, id, State::Ok, text)
    }

    /// A run can go on with it.
    pub fn warning(
        group: Group,
        id: &'static str,
        text: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::new(group, id, State::Warning, text).cured(cure)
    }

    /// A run would end with exit code 3: the service or the machine.
    pub fn problem(
        group: Group,
        id: &'static str,
        text: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        let state = State::Problem(Conclusion::Infrastructure);
        Self::new(group, id, state, text).cured(cure)
    }

    /// The check has to wait for something else.
    pub fn not_checked(group: Group, id: &'static str, text: impl Into<String>) -> Self {
        Self::new(group, id, State::NotChecked, text)
    }

    /// What a command would have ended with. `cure` is for those that have no help of their own.
    pub fn of_failure(group: Group, id: &'static str, failure: &Failure, cure: &str) -> Self {
        let text = format!("{:#}", failure.error);
        let help = failure.help.clone().unwrap_or_else(|| cure.to_owned());
        Self::new(group, id, State::Problem(failure.conclusion), text).cured(help)
    }

    /// The same with another exit code for it.
    pub fn ending(self, conclusion: Conclusion) -> Self {
        Self {
            state: State::Problem(conclusion),
            ..self
        }
    }

    /// The same with one thing to do.
    pub fn cured(self, cure: impl Into<String>) -> Self {
        Self {
            cure: Some(cure.into()),
            ..self
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "id": format!("{}.{}", self.group.name(), self.id),
            "group": self.group.name(),
            "state": self.state.word(),
            "text": self.text,
            "cure": self.cure,
        })
    }
}

/// What all findings come to: the exit code of the problem that has to be seen to first.
pub fn conclusion(findings: &[Finding]) -> Conclusion {
    let problems = findings.iter().filter_map(|finding| match finding.state {
        State::Problem(conclusion) => Some(conclusion),
        State::Ok | State::Warning | State::NotChecked => None,
    });
    problems
        .min_by_key(|conclusion| conclusion.code())
        .unwrap_or(Conclusion::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_to_see_to_decides() {
        let group = Group::Plan;
        let fine = Finding::ok(group, "x", "");
        let odd = Finding::warning(group, "x", "", "");
        let open = Finding::not_checked(group, "x", "");
        let broken = Finding::problem(group, "x", "", "");
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
            let findings: Vec<Finding> = findings.into_iter().cloned().collect();
            assert_eq!(conclusion(&findings), expected, "{findings:?}");
        }
    }
}
