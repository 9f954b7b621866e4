//! Notes that a CI shows on a run and beside the code.

/// How bad the subject of an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnotationLevel {
    /// It keeps the plan from passing.
    Error,
    /// It does not, but a person should look.
    Warning,
    /// For information.
    Notice,
}

/// A note on one execution, on the plan, or on a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The CI sorts by it.
    pub level: AnnotationLevel,
    /// One line.
    pub title: String,
    /// Any number of lines.
    pub message: String,
    /// The file it is about, relative to the workspace, with `/`.
    pub file: Option<String>,
    /// The line in it, 1 for the first; no meaning without a file.
    pub line: Option<u32>,
}

impl Annotation {
    /// An annotation that belongs to no file.
    pub fn without_file(level: AnnotationLevel, title: &str, message: String) -> Self {
        Self {
            level,
            title: title.to_owned(),
            message,
            file: None,
            line: None,
        }
    }
}
