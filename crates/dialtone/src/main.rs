//! Dialtone: everything a voice or video call needs, in one binary.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]




fn main() {}
