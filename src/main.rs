//! The binary `testplan`: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    testplan::cli::main()
}
