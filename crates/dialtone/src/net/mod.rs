//! The sockets for media.

pub mod relay;
