//! The binary `testplan`: parse, dispatch, exit code.

fn main() {}
