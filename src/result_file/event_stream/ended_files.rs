//! Which files of a running tool are done, so that the results of their tests cannot change any more.

use std::collections::{HashSet, VecDeque};

/// The files of a stream.
#[derive(Debug, Default)]
pub(super) struct EndedFiles {
    /// Every tool that has started says that nothing more comes for a file after its end.
    final_files: Option<bool>,
    /// Done and not taken, in the order in which they ended.
    ended: VecDeque<String>,
    /// Those with an error outside of a test: only the end of the call shows what it means.
    with_errors: HashSet<String>,
    /// There was an error that names no file.
    has_error_elsewhere: bool,
}

impl EndedFiles {
    pub(super) fn run_started(&mut self, final_files: bool) {
        self.final_files = Some(self.final_files.unwrap_or(true) && final_files);
    }

    pub(super) fn file_started(&mut self, file: &str) {
        self.ended.retain(|it| it != file);
    }

    pub(super) fn file_ended(&mut self, file: &str) {
        self.file_started(file);
        self.ended.push_back(file.to_owned());
    }

    pub(super) fn error(&mut self, file: &str) {
        if file.is_empty() {
            self.has_error_elsewhere = true;
        }
        self.with_errors.insert(file.to_owned());
    }

    /// The files whose results are final. The one that ended last stays: if the call fails as a whole after that, there is
    /// still a test that can say so.
    pub(super) fn take(&mut self) -> Vec<String> {
        if self.final_files != Some(true) || self.has_error_elsewhere {
            return Vec::new();
        }
        let before_last = self.ended.len().saturating_sub(1);
        let mut files: Vec<String> = self.ended.drain(..before_last).collect();
        files.retain(|file| !self.with_errors.contains(file));
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(files: &[&str]) -> EndedFiles {
        let mut ended = EndedFiles::default();
        ended.run_started(true);
        for file in files {
            ended.file_started(file);
            ended.file_ended(file);
        }
        ended
    }

    #[test]
    fn files_are_taken_once_and_the_last_one_stays() {
        let mut files = ended(&["a", "b", "c"]);
        assert_eq!(files.take(), ["a", "b"]);
        assert!(files.take().is_empty());
        files.file_ended("d");
        assert_eq!(files.take(), ["c"]);
    }

    #[test]
    fn file_that_begins_again_is_not_done() {
        let mut files = ended(&["a", "b", "c"]);
        files.file_started("a");
        assert_eq!(files.take(), ["b"]);
        files.file_ended("a");
        assert_eq!(files.take(), ["c"]);
    }

    #[test]
    fn errors_leave_everything_that_they_may_concern_to_the_end() {
        let mut files = ended(&["a", "b", "c"]);
        files.error("a");
        assert_eq!(files.take(), ["b"]);
        let mut files = ended(&["a", "b", "c"]);
        files.error("");
        assert!(files.take().is_empty());
    }

    #[test]
    fn every_tool_must_say_that_its_files_are_final() {
        assert!(EndedFiles::default().take().is_empty());
        let mut files = ended(&["a", "b"]);
        files.run_started(false);
        files.run_started(true);
        assert!(files.take().is_empty());
    }
}
