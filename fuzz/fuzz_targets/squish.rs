#![no_main]

use libfuzzer_sys::fuzz_target;

// What is no Squish report becomes one: bytes are spent on this dialect alone.
fuzz_target!(|bytes: &[u8]| {
    if bytes.windows(12).any(|window| window == b"SquishReport") {
        testplan_fuzz::hold(bytes);
    } else {
        let around = [
            &b"<SquishReport version='3.4'>"[..],
            bytes,
            b"</SquishReport>",
        ];
        testplan_fuzz::hold(&around.concat());
    }
});
