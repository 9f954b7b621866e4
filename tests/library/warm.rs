//! Tests in a warm pytest: a real one, from a Python that `TESTPLAN_PYTEST` names or from `PATH`.

mod bounds;
mod crashes;
mod names;
mod plugins;
mod project_settings;
mod scopes;
mod stage;
mod whole_run;
