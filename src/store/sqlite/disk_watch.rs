//! What the writer last learned about the disk: one log line when a fault begins and one when it ends.

use std::{path::PathBuf, sync::Mutex};

use crate::{
    fs::{DiskFault, DiskFaultKind, check_room},
    sync::ignore_poison,
};

/// The state of the disk that the database is on.
#[derive(Debug)]
pub(super) struct DiskWatch {
    folder: PathBuf,
    fault: Mutex<Option<DiskFault>>,
}

impl DiskWatch {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            fault: Mutex::new(None),
        }
    }

    /// The fault that lasts.
    pub(super) fn fault(&self) -> Option<DiskFault> {
        ignore_poison(self.fault.lock()).clone()
    }

    /// Notes how a commit ended. A fault ends only when there is room for more than that commit, because small commits
    /// may still fit into a file that cannot grow.
    pub(super) fn record(&self, fault: Option<DiskFaultKind>) {
        let before = self.fault();
        let now = match (fault, &before) {
            (None, None) => return,
            (None, Some(_)) => check_room(&self.folder).err(),
            // SQLite does not pass on what the system said.
            (Some(DiskFaultKind::Failed), _) => check_room(&self.folder).err().or_else(|| {
                Some(DiskFault {
                    kind: DiskFaultKind::Failed,
                    folder: self.folder.clone(),
                })
            }),
            (Some(kind), _) => Some(DiskFault {
                kind,
                folder: self.folder.clone(),
            }),
        };
        match (&before, &now) {
            (None, Some(fault)) => tracing::error!(
                "{fault}: requests that change something are answered 503 until that is over; {}",
                fault.advice()
            ),
            (Some(fault), None) => {
                tracing::warn!("changes are accepted again (before: {fault})");
            }
            _ => {}
        }
        *ignore_poison(self.fault.lock()) = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_lasts_until_a_commit_succeeds_and_there_is_room() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let watch = DiskWatch::new(folder.clone());
        watch.record(None);
        assert_eq!(watch.fault(), None);
        watch.record(Some(DiskFaultKind::Full));
        assert_eq!(watch.fault().unwrap().kind, DiskFaultKind::Full);
        watch.record(None);
        let fault = watch.fault().expect("nothing can be written there");
        assert_eq!(fault.kind, DiskFaultKind::Gone);
        std::fs::create_dir(&folder).unwrap();
        watch.record(None);
        assert_eq!(watch.fault(), None);
    }

    #[test]
    fn unclear_failure_gets_the_reason_of_the_system() {
        let place = tempfile::tempdir().unwrap();
        let gone = DiskWatch::new(place.path().join("data"));
        gone.record(Some(DiskFaultKind::Failed));
        assert_eq!(gone.fault().unwrap().kind, DiskFaultKind::Gone);
        let there = DiskWatch::new(place.path().to_owned());
        there.record(Some(DiskFaultKind::Failed));
        assert_eq!(there.fault().unwrap().kind, DiskFaultKind::Failed);
    }
}
