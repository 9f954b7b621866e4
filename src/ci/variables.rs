//! Reading of environment variables.

/// Looks a variable up; `None` for absent and for empty ones.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;
