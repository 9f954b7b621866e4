//! How many files this process may open.

/// Raises the soft limit on open files to the hard one, and returns the limit; `None` if there is none or it is unknown.
#[cfg(unix)]
pub fn raise_open_files() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let before = getrlimit(Resource::Nofile);
    if before.current != before.maximum {
        let raised = Rlimit {
            current: before.maximum,
            maximum: before.maximum,
        };
        // macOS accepts no more than this, whatever the hard limit is.
        let modest = Rlimit {
            current: Some(10_240),
            maximum: before.maximum,
        };
        let is_more = before.current.is_some_and(|current| current < 10_240);
        if let Err(error) = setrlimit(Resource::Nofile, raised)
            && !(is_more && setrlimit(Resource::Nofile, modest).is_ok())
        {
            tracing::warn!(%error, limit = ?before.current, "the limit on open files stays as it is");
        }
    }
    let files = getrlimit(Resource::Nofile).current?;
    usize::try_from(files).ok()
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise_open_files() -> Option<usize> {
    None
}
