//! What a client's messages go by.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use super::stream::{Stream, Trust};

/// What the kernel may hold of what was received. Less loses packets while the generator is not
/// running, and that would be counted as the server's loss.
const BUFFER: usize = 4 << 20;

/// How clients reach the server.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection each.
    Tcp,
    /// The same inside of TLS.
    Tls(Trust),
}

impl Transport {
    /// Whether what is sent arrives, or the connection is over.
    pub fn is_reliable(&self) -> bool {
        !matches!(self, Transport::Udp)
    }
}

/// A client's way to the server.
#[derive(Debug)]
pub enum Wire {
    /// UDP, connected.
    Udp(UdpSocket),
    /// A TCP connection, perhaps with TLS inside.
    Stream(Box<Stream>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Yes,
    /// The way is full.
    Full,
}

impl Wire {
    /// From a free port of this address to the server.
    pub fn open(transport: &Transport, from: SocketAddr, server: SocketAddr) -> io::Result<Wire> {
        match transport {
            Transport::Udp => {
                let socket = udp_socket(from)?;
                socket.connect(server)?;
                Ok(Wire::Udp(socket))
            }
            Transport::Tcp => Wire::stream(from, server, None),
            Transport::Tls(trust) => Wire::stream(from, server, Some(trust)),
        }
    }

    fn stream(from: SocketAddr, server: SocketAddr, trust: Option<&Trust>) -> io::Result<Wire> {
        let stream = Stream::connect(from, server, trust)?;
        Ok(Wire::Stream(Box::new(stream)))
    }

    /// Sends one message.
    pub fn send(&mut self, message: &[u8]) -> io::Result<Sent> {
        match self {
            Wire::Udp(socket) => match socket.send(message) {
                Ok(_) => Ok(Sent::Yes),
                Err(error) if is_full(&error) => Ok(Sent::Full),
                Err(error) => Err(error),
            },
            Wire::Stream(stream) => stream.send(message),
        }
    }

    /// Hands over what is there: one datagram, or what one read of a connection completes.
    pub fn receive(&mut self, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Wire::Udp(socket) => {
                if let Some(len) = received(socket.recv(buffer))? {
                    each(&buffer[..len]);
                }
                Ok(())
            }
            Wire::Stream(stream) => stream.receive(buffer, each),
        }
    }

    /// Goes on with what could not be sent whole.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Udp(_) => Ok(()),
            Wire::Stream(stream) => stream.flush(),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Wire::Udp(socket) => socket.as_fd(),
            Wire::Stream(stream) => stream.as_fd(),
        }
    }
}

/// A UDP socket that holds much.
pub fn udp_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    // Only an administrator may go beyond the system's limit.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        let _ = socket.set_recv_buffer_size(BUFFER);
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// What a receive call says: a length, or that there is nothing.
pub fn received(outcome: io::Result<usize>) -> io::Result<Option<usize>> {
    match outcome {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a send call says that there is no room now.
pub fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}
