//! The example runs.
