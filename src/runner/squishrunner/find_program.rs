//! Finds a program of Squish: where the user says, below `SQUISH_PREFIX`, or in `PATH`.

use std::{
    env::consts::EXE_SUFFIX,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Where a program may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchPlaces<'a> {
    /// Who could say where it is, as `testplan.yml`.
    pub by: &'a str,
    /// What they say, relative to `folder`.
    pub configured: Option<&'a Path>,
    /// The folder that it runs in.
    pub folder: &'a Path,
    /// `SQUISH_PREFIX`: where Squish was installed.
    pub prefix: Option<&'a OsStr>,
    pub path: Option<&'a OsStr>,
}

/// A program is at none of the places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} was not found: {looked}")]
pub(crate) struct NotFound {
    name: String,
    looked: String,
}

/// Finds a program, as `squishrunner`, and gives its path. The first place that is named decides: what the user or
/// `SQUISH_PREFIX` says is not quietly replaced by another Squish.
pub(crate) fn find(name: &str, places: SearchPlaces<'_>) -> Result<PathBuf, NotFound> {
    let by = places.by;
    let not_found = |looked: String| NotFound {
        name: name.to_owned(),
        looked,
    };
    let file = format!("{name}{EXE_SUFFIX}");
    if let Some(configured) = places.configured {
        let path = places.folder.join(configured);
        if path.is_file() {
            return Ok(path);
        }
        let inside = ["bin", ""].map(|below| path.join(below).join(&file));
        let near = inside.into_iter().find(|path| path.is_file());
        return Err(not_found(match near {
            Some(near) => format!(
                "{by} names the folder {}; the program in it is {}",
                path.display(),
                near.display()
            ),
            None => format!("{by} says {}, and no such file is there", path.display()),
        }));
    }
    if let Some(prefix) = places.prefix {
        let path = places.folder.join(prefix).join("bin").join(&file);
        if path.is_file() {
            return Ok(path);
        }
        return Err(not_found(format!(
            "SQUISH_PREFIX is {}, and {} is no file",
            Path::new(prefix).display(),
            path.display()
        )));
    }
    let mut folders = 0;
    for folder in places.path.iter().flat_map(std::env::split_paths) {
        let path = places.folder.join(folder).join(&file);
        if path.is_file() {
            return Ok(path);
        }
        folders += 1;
    }
    Err(not_found(format!(
        "{by} does not say where it is, SQUISH_PREFIX is not set, and none of the {folders} folders in PATH has \
         {file}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::fs::write_atomic(path, b"").unwrap();
    }

    #[test]
    fn the_first_place_named_decides_and_is_named_when_it_fails() {
        let stage = tempfile::tempdir().unwrap();
        let at = |below: &str| stage.path().join(format!("{below}{EXE_SUFFIX}"));
        let all = ["own/runner", "prefix/bin/squishrunner", "path/squishrunner"].map(at);
        for path in &all {
            touch(path);
        }
        let prefix = stage.path().join("prefix");
        let path = stage.path().join("path");
        let configured = PathBuf::from(format!("own/runner{EXE_SUFFIX}"));
        let mut places = SearchPlaces {
            by: "testplan.yml",
            configured: Some(&configured),
            folder: stage.path(),
            prefix: Some(prefix.as_os_str()),
            path: Some(path.as_os_str()),
        };
        let found = |places| find("squishrunner", places);
        assert_eq!(found(places).as_ref(), Ok(&all[0]));
        places.configured = Some(Path::new("own/other"));
        assert!(found(places).unwrap_err().to_string().contains("own/other"));
        places.configured = Some(Path::new("prefix"));
        let error = found(places).unwrap_err().to_string();
        assert!(error.contains(&all[1].display().to_string()), "{error}");
        places.configured = None;
        assert_eq!(found(places).as_ref(), Ok(&all[1]));
        places.prefix = Some(OsStr::new("elsewhere"));
        let error = found(places).unwrap_err().to_string();
        assert!(error.contains("SQUISH_PREFIX is elsewhere"), "{error}");
        places.prefix = None;
        assert_eq!(found(places).as_ref(), Ok(&all[2]));
        places.path = Some(OsStr::new("nowhere"));
        let error = found(places).unwrap_err().to_string();
        assert!(error.contains("none of the 1 folders in PATH"), "{error}");
    }
}
