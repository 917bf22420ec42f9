#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| turn::fuzzing::stream(bytes));
