//! The test tools that pages need: where they are, and what a shell has to know to find them.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::{Stage, skip, stand_in};

/// What a shell on a stage gets for the tools that its page needs.
#[derive(Debug, Default)]
pub(super) struct ToolSetting {
    /// Folders before those of `PATH`.
    pub(super) paths: Vec<PathBuf>,
    /// More variables.
    pub(super) variables: Vec<(&'static str, PathBuf)>,
}

/// Puts testplan and these tools on the stage; `None`, and a skip of the test, if one is not there.
pub(super) fn set_up(stage: &Stage, needs: &[String]) -> Option<ToolSetting> {
    let own = stage.path(".tools");
    fs::create_dir_all(&own).unwrap();
    symlink(env!("CARGO_BIN_EXE_testplan"), own.join("testplan")).unwrap();
    let mut setting = ToolSetting::default();
    for name in ["CARGO_HOME", "RUSTUP_HOME"] {
        let value = env::var_os(name).map(PathBuf::from);
        setting.variables.extend(value.map(|it| (name, it)));
    }
    for need in needs {
        if !add(stage, need, &own, &mut setting) {
            skip::missing(&format!("no {need}"));
            return None;
        }
    }
    setting.paths.push(own);
    Some(setting)
}

/// Adds a tool, if it is there.
fn add(stage: &Stage, need: &str, own: &Path, setting: &mut ToolSetting) -> bool {
    match need {
        "pytest" => {
            let python = variable("TESTPLAN_PYTEST");
            let pytest = python.map(|it| it.with_file_name("pytest"));
            pytest.is_some_and(|it| symlink(it, own.join("pytest")).is_ok())
        }
        "python tools" => {
            let folder = variable("TESTPLAN_PYTHON_TOOLS");
            setting.paths.extend(folder.clone());
            folder.is_some()
        }
        "js" => {
            let tools = variable("TESTPLAN_JS_TOOLS");
            let modules = tools.map(|it| it.join("current/node_modules"));
            let linked = modules.is_some_and(|it| symlink(it, stage.path("node_modules")).is_ok());
            linked && on_path("npx")
        }
        "bats" => {
            let tools = variable("TESTPLAN_JS_TOOLS");
            let folder = tools.map(|it| it.join("current/node_modules/bats/bin"));
            setting.paths.extend(folder.clone());
            folder.is_some_and(|it| it.exists())
        }
        "squish" => {
            let bin = stage.path("squish/bin");
            fs::create_dir_all(&bin).unwrap();
            for name in ["squishrunner", "squishserver"] {
                symlink(stand_in(name), bin.join(name)).unwrap();
            }
            setting
                .variables
                .push(("SQUISH_PREFIX", stage.path("squish")));
            setting
                .variables
                .push(("SQUISH_USER_SETTINGS_DIR", stage.path("settings")));
            true
        }
        program => on_path(program),
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name).filter(|it| !it.is_empty());
    value.map(PathBuf::from)
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).exists())
}
