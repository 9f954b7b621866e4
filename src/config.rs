//! Flags, environment and `testplan.yml`, with one precedence; the only reader of the environment.
