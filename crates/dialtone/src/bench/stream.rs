//! A connection on which messages follow one another, in the clear or inside of TLS.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use socket2::{Domain, Socket, Type};
use turn::stream::{Framer, MAX_MESSAGE};

use super::wire::{Sent, is_full, received};

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);

/// How TLS clients know the server.
#[derive(Clone, Debug)]
pub struct Trust {
    /// With those who may vouch for it.
    pub config: Arc<rustls::ClientConfig>,
    /// What its certificate has to be for.
    pub name: ServerName<'static>,
}

/// A connection.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    tls: Option<ClientConnection>,
    framer: Framer,
    /// What the system has not taken yet: at most one message, empty inside of TLS.
    unsent: Vec<u8>,
}

impl Stream {
    /// Connects; TLS begins with the first message.
    pub fn connect(
        from: SocketAddr,
        server: SocketAddr,
        trust: Option<&Trust>,
    ) -> io::Result<Stream> {
        let socket = Socket::new(Domain::for_address(from), Type::STREAM, None)?;
        socket.bind(&from.into())?;
        socket.connect_timeout(&server.into(), PATIENCE)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        let begin = |trust: &Trust| ClientConnection::new(trust.config.clone(), trust.name.clone());
        Ok(Stream {
            socket: socket.into(),
            tls: trust.map(begin).transpose().map_err(io::Error::other)?,
            framer: Framer::default(),
            unsent: Vec::new(),
        })
    }

    /// Sends one message, padded to four bytes, unless an earlier one is still in the way.
    pub fn send(&mut self, message: &[u8]) -> io::Result<Sent> {
        self.flush()?;
        let in_the_way = self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        if in_the_way || !self.unsent.is_empty() {
            return Ok(Sent::Full);
        }
        self.unsent.extend_from_slice(message);
        self.unsent.resize(message.len().next_multiple_of(4), 0);
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(&self.unsent)?;
            self.unsent.clear();
        }
        self.flush()?;
        Ok(Sent::Yes)
    }

    /// Goes on with what could not be sent whole.
    pub fn flush(&mut self) -> io::Result<()> {
        loop {
            let outcome = match &mut self.tls {
                Some(tls) if tls.wants_write() => tls.write_tls(&mut self.socket),
                None if !self.unsent.is_empty() => self.socket.write(&self.unsent),
                _ => return Ok(()),
            };
            match outcome {
                // Inside of TLS nothing is unsent here.
                Ok(len) => drop(self.unsent.drain(..len.min(self.unsent.len()))),
                Err(error) if is_full(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands over the messages that one read completes.
    pub fn receive(&mut self, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            let Some(len) = received(self.socket.read(buffer))? else {
                return Ok(());
            };
            return cut(&mut self.framer, not_over(len, buffer)?, &mut each);
        };
        let Some(len) = received(tls.read_tls(&mut self.socket))? else {
            return Ok(());
        };
        not_over(len, buffer)?;
        tls.process_new_packets().map_err(io::Error::other)?;
        while let Some(len) = received(tls.reader().read(buffer))? {
            cut(&mut self.framer, not_over(len, buffer)?, &mut each)?;
        }
        self.flush()
    }
}

/// Takes messages out of what came.
fn cut(framer: &mut Framer, bytes: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<()> {
    framer.push(bytes);
    while let Some(message) = framer.next_message(MAX_MESSAGE).map_err(io::Error::other)? {
        each(message);
    }
    Ok(())
}

/// What was read, unless it is the end.
fn not_over(len: usize, buffer: &[u8]) -> io::Result<&[u8]> {
    match len {
        0 => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server ended it",
        )),
        _ => Ok(&buffer[..len.min(buffer.len())]),
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
