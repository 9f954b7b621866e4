#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| testplan_fuzz::hold_events(bytes));
