//! Clients that come by a load balancer, which says in front of everything else who they are.

use std::io::{self, ErrorKind};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use turn::proxy_header::{self, Endpoints, Progress};

/// Reads a PROXY header and nothing behind it.
pub async fn read_header(stream: &mut TcpStream) -> io::Result<Option<Endpoints>> {
    let mut bytes = Vec::new();
    loop {
        let progress = proxy_header::read(&bytes);
        match progress.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))? {
            Progress::Whole(endpoints) => return Ok(endpoints),
            Progress::Needs(needs) => {
                let before = bytes.len();
                bytes.resize(before + needs, 0);
                stream.read_exact(&mut bytes[before..]).await?;
            }
        }
    }
}
