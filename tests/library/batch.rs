//! Many tests in one call of a command: which case is whose, and calls of a real program.

mod attributed;
mod calls;
mod crashes;
mod names_of_tests;
mod workbench;
