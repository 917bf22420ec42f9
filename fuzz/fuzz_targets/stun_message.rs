#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| turn::fuzzing::stun_message(bytes));
