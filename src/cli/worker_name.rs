//! The name of this process among the workers of a plan.

use super::context::Context;
use crate::{failure::Failure, fs, random};

/// The variable that names a worker.
const WORKER: &str = "TESTPLAN_WORKER";
/// Longest name, in bytes. The end of a name tells the jobs of a matrix apart.
const LONGEST: usize = 100;

/// Whether `TESTPLAN_WORKER` names this worker, so that it has the same name when its job runs again.
pub(crate) fn is_given(context: &Context) -> bool {
    context.environment.get(WORKER).is_some()
}

/// A name that is unique among all workers of a plan and safe as a file name: `TESTPLAN_WORKER` or the machine's name, and
/// a random number.
pub(crate) fn unique(context: &Context) -> Result<String, Failure> {
    let machine = gethostname::gethostname();
    let name = context.environment.get(WORKER);
    let name = name.map_or_else(|| machine.to_string_lossy(), Into::into);
    let random = random::hex(1).map_err(Failure::infrastructure)?;
    Ok(format!("{}-{random}", fs::safe_name(&name, LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{args::VerbosityArgs, screen::Screen},
        config::environment::Environment,
        publication::step_files::StepFiles,
    };

    #[test]
    fn worker_names_differ_between_matrix_jobs_and_attempts() {
        let set = "OS=Linux, browser=chrome, resolution=1920x1080, language=de";
        let name = |worker: u32| {
            let environment = Environment::from_iter([(WORKER, format!("{set} {worker}/12"))]);
            let step = StepFiles::new(&environment, false);
            let screen = Screen::new(VerbosityArgs::default(), &environment, step);
            unique(&Context::new(environment, screen)).unwrap()
        };
        let (one, again, two) = (name(1), name(1), name(2));
        assert_ne!(one, again);
        let job = |name: &str| name.rsplit_once('-').unwrap().0.to_owned();
        assert_eq!(job(&one), job(&again));
        assert_ne!(job(&one), job(&two));
        assert!(job(&one).ends_with("de-1-12"), "{one}");
    }
}
