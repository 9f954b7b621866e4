//! Classifies what went wrong between this machine and GitHub.

use std::{error::Error, io};

use super::publish_error::NetworkFailure;

/// Classifies an error of octocrab or reqwest.
pub(super) fn classify(error: &(dyn Error + 'static)) -> NetworkFailure {
    let found = chain(error).find_map(<dyn Error>::downcast_ref::<reqwest::Error>);
    let Some(error) = found.filter(|error| error.is_connect()) else {
        return NetworkFailure::Lost;
    };
    let cause = innermost(error);
    if cause.contains("certificate") {
        NetworkFailure::Certificate
    } else if cause.contains("corrupt message") {
        NetworkFailure::NotTls
    } else if error.is_timeout() {
        NetworkFailure::ConnectTimeout
    } else {
        NetworkFailure::Connection
    }
}

/// The last cause, which says what happened; the others name layers and repeat URLs.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last();
    last.map_or_else(String::new, ToString::to_string)
}

/// The error and its causes. An I/O error that wraps another reports its cause and skips the wrapped one.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
