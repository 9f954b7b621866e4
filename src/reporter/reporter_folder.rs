//! The temporary folder with the files of the reporters.

use std::{
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

use crate::{fs::write_private, random};

/// Names and texts of all files. They load `event-stream.cjs` from beside them.
const FILES: [(&str, &str); 8] = [
    ("event-stream.cjs", include_str!("files/event-stream.cjs")),
    ("vitest.mjs", include_str!("files/vitest.mjs")),
    ("jest.cjs", include_str!("files/jest.cjs")),
    ("mocha.cjs", include_str!("files/mocha.cjs")),
    ("node-hook.mjs", include_str!("files/node-hook.mjs")),
    ("node-reporter.mjs", include_str!("files/node-reporter.mjs")),
    ("playwright.mjs", include_str!("files/playwright.mjs")),
    ("cucumber.mjs", include_str!("files/cucumber.mjs")),
];

/// The folder; dropping it removes it.
#[derive(Debug)]
pub struct ReporterFolder(PathBuf);

impl ReporterFolder {
    /// Makes it, for the present user alone, and writes the files into it.
    pub fn make() -> io::Result<Self> {
        // Tools resolve links in the paths of their reporters.
        let parent = std::env::temp_dir();
        let parent = parent.canonicalize().unwrap_or(parent);
        let path = parent.join(format!("testplan-reporters-{}", random::hex(2)?));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let folder = Self(path);
        for (name, text) in FILES {
            write_private(&folder.0.join(name), text.as_bytes()).map_err(io::Error::other)?;
        }
        Ok(folder)
    }

    /// Where it is; absolute.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ReporterFolder {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
