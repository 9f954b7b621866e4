//! Re-runs: which one this is.

use crate::ci::{Ci, CiSystem};

/// The attempt of the CI's run, where the CI counts attempts of one run: 1 is the first.
pub fn attempt(ci: &Ci) -> Option<u32> {
    // Others tell attempts apart and do not count them, or count them for each job by itself.
    let counts = ci.system == CiSystem::GitHubActions;
    let attempt = ci.run_attempt.as_deref().filter(|_| counts)?.parse();
    attempt.ok().filter(|attempt| *attempt > 0)
}
