//! What a load balancer says on a connection in front of everything else.

use std::io::{ErrorKind, Read as _};

use mio::net::TcpStream;
use turn::proxy_header::{self, Endpoints, Progress};

use super::connection::Over;

/// A PROXY header that is being read.
#[derive(Debug, Default)]
pub(super) struct Preamble {
    bytes: Vec<u8>,
}

impl Preamble {
    /// Reads as much of the header as is here, and nothing behind it; `None` if it is not whole.
    pub(super) fn receive(
        &mut self,
        tcp: &mut TcpStream,
    ) -> Result<Option<Option<Endpoints>>, Over> {
        loop {
            let needs = match proxy_header::read(&self.bytes) {
                Ok(Progress::Whole(endpoints)) => return Ok(Some(endpoints)),
                Ok(Progress::Needs(needs)) => needs,
                Err(_) => return Err(Over),
            };
            let before = self.bytes.len();
            self.bytes.resize(before + needs, 0);
            let outcome = tcp.read(&mut self.bytes[before..]);
            self.bytes.truncate(before + outcome.as_ref().unwrap_or(&0));
            match outcome {
                Ok(0) => return Err(Over),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Over),
            }
        }
    }
}
