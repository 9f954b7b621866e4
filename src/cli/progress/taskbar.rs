//! Progress in the tab or task bar of a terminal that can show it: the sequence `OSC 9;4` that `ConEmu` began with.

use crate::config::environment::Environment;

/// Whether the terminal understands the sequence; others would print or announce it.
pub(crate) fn shows_progress(environment: &Environment) -> bool {
    let program = environment.get("TERM_PROGRAM");
    environment.get("WT_SESSION").is_some()
        || environment.get("ConEmuANSI") == Some("ON")
        || matches!(program, Some("WezTerm" | "ghostty"))
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    /// Per cent, and whether something failed.
    Progress {
        percent: u64,
        is_red: bool,
    },
}

impl Shown {
    pub(super) fn of(ended: u64, total: u64, failed: u64) -> Self {
        Self::Progress {
            percent: (ended.min(total) * 100).checked_div(total).unwrap_or(0),
            is_red: failed > 0,
        }
    }

    /// The sequence.
    pub(crate) fn sequence(self) -> String {
        match self {
            Self::Nothing => "\x1b]9;4;0;\x1b\\".to_owned(),
            Self::Progress { percent, is_red } => {
                let state = if is_red { 2 } else { 1 };
                format!("\x1b]9;4;{state};{percent}\x1b\\")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terminals_that_know_it_get_it() {
        let env = |list: &[(&str, &str)]| list.iter().copied().collect::<Environment>();
        assert!(!shows_progress(&env(&[("TERM_PROGRAM", "vscode")])));
        assert!(!shows_progress(&env(&[("ConEmuANSI", "OFF")])));
        for pair in [
            ("WT_SESSION", "x"),
            ("ConEmuANSI", "ON"),
            ("TERM_PROGRAM", "ghostty"),
        ] {
            assert!(shows_progress(&env(&[pair])), "{pair:?}");
        }
    }

    #[test]
    fn sequence_has_state_and_per_cent() {
        assert_eq!(Shown::of(1, 3, 0).sequence(), "\x1b]9;4;1;33\x1b\\");
        assert_eq!(Shown::of(5, 5, 1).sequence(), "\x1b]9;4;2;100\x1b\\");
        assert_eq!(Shown::of(0, 0, 0).sequence(), "\x1b]9;4;1;0\x1b\\");
        assert_eq!(Shown::Nothing.sequence(), "\x1b]9;4;0;\x1b\\");
    }
}
