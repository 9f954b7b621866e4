//! What every command works with: the environment, the screen, and what the CI says.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::screen::Screen;
use crate::{
    ci::{
        Ci,
        checkout::{self, CheckoutSearch},
    },
    config::{environment::Environment, precedence::Setting},
    failure::Failure,
    model::record::Checkout,
};

/// Largest event payload that is read, in bytes. GitHub sends at most 25 MiB.
const LARGEST_EVENT: u64 = 25 * 1024 * 1024;

/// What every command works with, built once per process.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) screen: Screen,
    ci: OnceLock<Ci>,
}

impl Context {
    pub(crate) fn new(environment: Environment, screen: Screen) -> Self {
        Self {
            environment,
            screen,
            ci: OnceLock::new(),
        }
    }

    /// The value of a setting: its flag, else its variable.
    pub(crate) fn choose<T, E: fmt::Display>(
        &self,
        setting: Setting,
        flag: Option<T>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        let chosen = setting.choose(flag, &self.environment, parse, None);
        Ok(chosen.map_err(Failure::usage)?.map(|chosen| chosen.value))
    }

    /// The path of a setting: its flag, else its variable.
    pub(crate) fn choose_path(
        &self,
        setting: Setting,
        flag: Option<&PathBuf>,
    ) -> Result<Option<PathBuf>, Failure> {
        choose_path(setting, flag, &self.environment)
    }

    /// What the CI, its event and the checkout of this folder say.
    pub(crate) fn ci(&self) -> &Ci {
        self.ci.get_or_init(|| self.checked_out(&[]).0)
    }

    /// What the CI says, and the checkout that tests run in: the first of `folders` that is in one, else this process's
    /// folder.
    pub(crate) fn checked_out(&self, folders: &[&Path]) -> (Ci, Option<Checkout>) {
        checked_out(&self.environment, folders)
    }
}

/// The path of a setting: its flag, else its variable.
pub(crate) fn choose_path(
    setting: Setting,
    flag: Option<&PathBuf>,
    environment: &Environment,
) -> Result<Option<PathBuf>, Failure> {
    let path = |text: &str| Ok::<_, String>(PathBuf::from(text));
    let chosen = setting.choose(flag.cloned(), environment, path, None);
    Ok(chosen.map_err(Failure::usage)?.map(|chosen| chosen.value))
}

/// What the CI says, and the checkout that tests run in.
pub(crate) fn checked_out(environment: &Environment, folders: &[&Path]) -> (Ci, Option<Checkout>) {
    let workspace = environment.get("GITHUB_WORKSPACE").map(Path::new);
    let is_github = environment.is_github_actions();
    let payload = environment.get("GITHUB_EVENT_PATH").filter(|_| is_github);
    let payload = payload.and_then(event_payload);
    let about = Ci::with_event(environment.lookup(), payload.as_ref(), None);
    let here = std::env::current_dir().unwrap_or_default();
    let folders: Vec<PathBuf> = folders
        .iter()
        .map(|folder| here.join(folder))
        .chain([here.clone()])
        .collect();
    let commits: Vec<&str> = [&about.report_on, &about.commit, &about.merge]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    // A step without GITHUB_WORKSPACE may run in any folder.
    let head = (workspace.is_some() || !is_github).then(|| {
        checkout::find(CheckoutSearch {
            folders: &folders,
            workspace: workspace.filter(|_| is_github),
            repository: environment.get("GITHUB_REPOSITORY"),
            commits: &commits,
        })
    });
    let head = head.flatten();
    let ci = Ci::with_event(environment.lookup(), payload.as_ref(), head.as_deref());
    let checkout = head.map(|head| ci.checkout(&head));
    (ci, checkout)
}

fn event_payload(path: &str) -> Option<serde_json::Value> {
    let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= LARGEST_EVENT);
    let bytes = is_small.then(|| std::fs::read(path).ok())??;
    serde_json::from_slice(&bytes).ok()
}
