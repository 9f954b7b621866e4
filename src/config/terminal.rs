//! Whether to colour and to animate what people see.

use super::Environment;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// As the environment and the terminal say.
    #[default]
    Auto,
    Always,
    Never,
}

/// Whether output is coloured: `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, GitHub Actions (whose log shows colours),
/// then whether it goes to a terminal.
pub(crate) fn coloured(flag: Colour, environment: &Environment, terminal: bool) -> bool {
    match flag {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if environment.get("NO_COLOR").is_some() => false,
        Colour::Auto if environment.is_on("CLICOLOR_FORCE") => true,
        Colour::Auto if environment.is_github_actions() => true,
        Colour::Auto => terminal && environment.get("TERM") != Some("dumb"),
    }
}

/// Whether a bar may be drawn: on a terminal outside CI only.
pub(crate) fn animated(environment: &Environment, terminal: bool) -> bool {
    terminal && !environment.is_ci() && environment.get("TERM") != Some("dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(list: &[(&str, &str)]) -> Environment {
        list.iter().copied().collect()
    }

    #[test]
    fn colours_by_flag_then_variables_then_terminal() {
        let all = [
            ("NO_COLOR", "1"),
            ("CLICOLOR_FORCE", "1"),
            ("GITHUB_ACTIONS", "true"),
        ];
        let table = [
            (Colour::Always, &all[..], false, true),
            (Colour::Never, &all[1..], true, false),
            (Colour::Auto, &all[..], true, false),
            (Colour::Auto, &all[1..], false, true),
            (Colour::Auto, &all[2..], false, true),
            (Colour::Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Colour::Auto, &[("NO_COLOR", "")], true, true),
            (Colour::Auto, &[], true, true),
            (Colour::Auto, &[], false, false),
            (Colour::Auto, &[("TERM", "dumb")], true, false),
        ];
        for (flag, list, terminal, expected) in table {
            assert_eq!(
                coloured(flag, &env(list), terminal),
                expected,
                "{flag:?} {list:?} {terminal}"
            );
        }
    }

    #[test]
    fn animates_on_a_terminal_outside_ci() {
        assert!(animated(&env(&[]), true));
        assert!(!animated(&env(&[]), false));
        assert!(!animated(&env(&[("CI", "true")]), true));
        assert!(!animated(&env(&[("TERM", "dumb")]), true));
    }
}
