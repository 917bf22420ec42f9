#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| turn::fuzzing::proxy_header(bytes));
