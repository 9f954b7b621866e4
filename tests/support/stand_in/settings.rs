//! What `squishserver --config` writes down: the applications that it may start.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// `--config addAUT NAME FOLDER`, `removeAUT NAME FOLDER`, `setAUTTimeout SECONDS`, `setResponseTimeout SECONDS`.
pub(crate) fn configure(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut lines = lines();
    match words[..] {
        ["addAUT", name, folder] => {
            if !Path::new(folder).is_dir() {
                return Err(format!("{folder} is not a folder"));
            }
            let line = format!("AUT/{name} = \"{folder}\"");
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        ["removeAUT", name, folder] => {
            let line = format!("AUT/{name} = \"{folder}\"");
            lines.retain(|known| *known != line);
        }
        [key @ ("setAUTTimeout" | "setResponseTimeout"), seconds]
            if seconds.parse::<u32>().is_ok() =>
        {
            let key = &key[3..];
            lines.retain(|line| !line.starts_with(&format!("{key} = ")));
            lines.push(format!("{key} = {seconds}"));
        }
        _ => return Err(format!("--config {}: not understood", words.join(" "))),
    }
    let path = file();
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
        .map_err(|error| error.to_string())?;
    let text = lines.join("\n") + "\n";
    fs::write(path, text).map_err(|error| error.to_string())
}

/// Whether an application was registered.
pub(crate) fn is_registered(name: &str) -> bool {
    let begins = format!("AUT/{name} = ");
    lines().iter().any(|line| line.starts_with(&begins))
}

fn lines() -> Vec<String> {
    let text = fs::read_to_string(file()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn file() -> PathBuf {
    let folder = std::env::var_os("SQUISH_USER_SETTINGS_DIR").map_or_else(
        || {
            let home = if cfg!(windows) { "APPDATA" } else { "HOME" };
            PathBuf::from(std::env::var_os(home).unwrap_or_default()).join(".squish")
        },
        PathBuf::from,
    );
    folder.join("ver1/server.ini")
}
