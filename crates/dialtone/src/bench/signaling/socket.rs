//! A connection that never waits.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::libc;
use socket2::{Domain, SockRef, Socket as RawSocket, Type};

use crate::bench::wire::is_full;

/// Bytes that an idle connection may keep for what comes later.
const KEPT: usize = 4096;

/// A TCP connection to the server.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// What came and is not a whole message yet.
    unread: Vec<u8>,
    /// What the system has not taken yet.
    unsent: Vec<u8>,
}

impl Socket {
    /// Begins to connect; the socket can be written to once it is connected.
    pub fn connect(from: Option<IpAddr>, server: SocketAddr) -> io::Result<Socket> {
        let socket = RawSocket::new(Domain::for_address(server), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        Ok(Socket {
            stream: socket.into(),
            unread: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// Whether connecting went well, once it is over.
    pub fn connected(&self) -> io::Result<()> {
        self.stream.take_error()?.map_or(Ok(()), Err)
    }

    /// What is to be sent; [`Socket::flush`] sends it.
    pub fn unsent(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    /// Sends as much as the system takes; whether that was all.
    pub fn flush(&mut self) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if is_full(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        forget_room(&mut self.unsent);
        Ok(true)
    }

    /// Reads once; `false` if the server has ended it.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.stream.read(buffer) {
            Ok(len) => {
                self.unread.extend_from_slice(&buffer[..len]);
                Ok(len > 0)
            }
            Err(error) if is_full(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What came and was not [read](Socket::has_read).
    pub fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// So much of it was.
    pub fn has_read(&mut self, len: usize) {
        self.unread.drain(..len);
        forget_room(&mut self.unread);
    }

    /// Breaks it as a network that is gone does, without a word to the other end that would be
    /// delivered after everything else.
    pub fn cut(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }
}

fn forget_room(buffer: &mut Vec<u8>) {
    if buffer.is_empty() && buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
