//! The sockets for media, and what all sockets have in common.

pub mod guests;
pub mod relay;
