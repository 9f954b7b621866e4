//! Worker sets: workers that offer the same capabilities on the same kind of runner.

use std::{fmt, str::FromStr};

use crate::model::{Capabilities, Capability, LabelCase, capability::NotACapability};

/// Workers of one kind, such as `--runs-on 'OS=Linux, browser=chrome: self-hosted, linux'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerSet {
    /// The capabilities that the workers offer.
    pub(crate) capabilities: Capabilities,
    /// Labels of the runner; it must have all of them.
    pub(crate) runs_on: Vec<String>,
}

/// Why a text is not a worker set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAWorkerSet {
    /// No colon, or several colons and none followed by a blank.
    #[error(
        "write CAPABILITIES: RUNNER LABELS, such as 'OS=Linux, browser=chrome: self-hosted, linux'"
    )]
    Form,
    #[error("no runner label after the colon: write one, such as ': ubuntu-latest'")]
    NoLabel,
    #[error("{0:?} is no runner label: separate labels by commas, without brackets and quotes")]
    Label(String),
    /// The text before the colon is not a list of capabilities.
    #[error(transparent)]
    Capability(#[from] NotACapability),
}

/// Most characters of a runner label.
const LONGEST: usize = 256;

impl FromStr for WorkerSet {
    type Err = NotAWorkerSet;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (capabilities, labels) = halves(text).ok_or(NotAWorkerSet::Form)?;
        let capabilities = items(capabilities)
            .map(str::parse::<Capability>)
            .collect::<Result<_, _>>()?;
        let runs_on: Vec<String> = items(labels).map(label).collect::<Result<_, _>>()?;
        if runs_on.is_empty() {
            return Err(NotAWorkerSet::NoLabel);
        }
        Ok(Self {
            capabilities,
            runs_on,
        })
    }
}

/// The texts before and after the colon. Values and labels may contain colons, so one followed by a blank wins.
fn halves(text: &str) -> Option<(&str, &str)> {
    let blank = |(place, _): &(usize, &str)| {
        let rest = &text[place + 1..];
        rest.is_empty() || rest.starts_with(char::is_whitespace)
    };
    let mut colons = text.match_indices(':');
    let (place, _) = match text.match_indices(':').find(blank) {
        Some(found) => found,
        None => colons.next().filter(|_| colons.next().is_none())?,
    };
    Some((&text[..place], &text[place + 1..]))
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn label(text: &str) -> Result<String, NotAWorkerSet> {
    let strange = |c: char| c.is_control() || matches!(c, '[' | ']' | '"' | '\'');
    if text.chars().count() > LONGEST || text.contains(strange) {
        return Err(NotAWorkerSet::Label(text.chars().take(LONGEST).collect()));
    }
    Ok(text.to_owned())
}

impl fmt::Display for WorkerSet {
    /// In the syntax of `--runs-on`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.capabilities.is_empty() {
            write!(f, "{}", self.capabilities)?;
        }
        write!(f, ": {}", self.runs_on.join(", "))
    }
}

impl WorkerSet {
    /// The set for executions that require these capabilities, on a runner of GitHub. `None` if GitHub does not host their
    /// operating system.
    pub(crate) fn guess(capabilities: &Capabilities) -> Option<Self> {
        let mut systems = capabilities
            .iter()
            .filter(|capability| capability.key.eq_ignore_ascii_case("OS"))
            .map(|capability| capability.value.to_lowercase())
            .peekable();
        let label = if systems.peek().is_none() {
            "ubuntu-latest"
        } else {
            systems.find_map(|system| match system.as_str() {
                "linux" => Some("ubuntu-latest"),
                "windows" => Some("windows-latest"),
                "macos" => Some("macos-latest"),
                _ => None,
            })?
        };
        Some(Self {
            capabilities: capabilities.clone(),
            runs_on: vec![label.to_owned()],
        })
    }

    /// Whether its workers can take executions that require this. Ignores case, as our service does by default.
    pub(crate) fn covers(&self, required: &Capabilities) -> bool {
        self.capabilities.covers(required, LabelCase::Folded)
    }

    /// Its capabilities, one per line.
    pub(crate) fn lines(&self) -> String {
        let lines: Vec<String> = self.capabilities.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_set_is_parsed() {
        for (text, capabilities, labels) in [
            (
                "OS=Linux,browser=chrome: self-hosted, linux",
                "OS=Linux, browser=chrome",
                "self-hosted|linux",
            ),
            (": ubuntu-latest", "any", "ubuntu-latest"),
            (":ubuntu-latest", "any", "ubuntu-latest"),
            ("OS=Linux:ubuntu-latest", "OS=Linux", "ubuntu-latest"),
            (
                " OS = Linux , : big:runner , x ",
                "OS=Linux",
                "big:runner|x",
            ),
            ("at=a:b: c", "at=a:b", "c"),
        ] {
            let set: WorkerSet = text.parse().unwrap();
            assert_eq!(set.capabilities.to_string(), capabilities, "{text}");
            assert_eq!(set.runs_on.join("|"), labels, "{text}");
            assert_eq!(set.to_string().parse(), Ok(set), "{text}");
        }
    }

    #[test]
    fn malformed_worker_sets_are_refused() {
        for (text, word) in [
            ("", "CAPABILITIES: RUNNER LABELS"),
            ("ubuntu-latest", "CAPABILITIES: RUNNER LABELS"),
            ("a=b:c:d", "CAPABILITIES: RUNNER LABELS"),
            ("OS=Linux:", "no runner label"),
            ("OS=Linux: ,", "no runner label"),
            ("Linux: ubuntu-latest", "KEY=VALUE"),
            ("OS=Linux: [self-hosted, linux]", "brackets"),
            ("OS=Linux: a\nb", "no runner label"),
        ] {
            let error = text.parse::<WorkerSet>().unwrap_err().to_string();
            let said = error.contains(word) || error.contains("is no runner label");
            assert!(said, "{text:?}: {error}");
        }
    }

    #[test]
    fn runner_is_guessed_from_the_system() {
        for (needed, label) in [
            (vec![], Some("ubuntu-latest")),
            (vec!["browser=chrome"], Some("ubuntu-latest")),
            (vec!["OS=Linux", "browser=chrome"], Some("ubuntu-latest")),
            (vec!["os=WINDOWS"], Some("windows-latest")),
            (vec!["OS=macOS"], Some("macos-latest")),
            (vec!["OS=Debian", "OS=Linux"], Some("ubuntu-latest")),
            (vec!["OS=Solaris"], None),
        ] {
            let needed: Capabilities = needed
                .into_iter()
                .map(|text| text.parse::<Capability>().unwrap())
                .collect();
            let guess = WorkerSet::guess(&needed);
            assert_eq!(
                guess.as_ref().map(|set| set.runs_on[0].as_str()),
                label,
                "{needed}"
            );
            assert!(guess.is_none_or(|set| set.capabilities == needed));
        }
    }
}
