//! What a client's messages go by.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};
use turn::stream::{Framer, MAX_MESSAGE};

/// What the kernel may hold of what was received. Less loses packets while the generator is not
/// running, and that would be counted as the server's loss.
const BUFFER: usize = 4 << 20;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);

/// How clients reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection each.
    Tcp,
}

/// A client's way to the server.
#[derive(Debug)]
pub enum Wire {
    /// UDP, connected.
    Udp(UdpSocket),
    /// A TCP connection.
    Stream(Box<Stream>),
}

/// A connection on which messages follow one another.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    framer: Framer,
    /// What the system has not taken yet: at most one message.
    unsent: Vec<u8>,
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
    pub fn open(transport: Transport, from: SocketAddr, server: SocketAddr) -> io::Result<Wire> {
        match transport {
            Transport::Udp => {
                let socket = udp_socket(from)?;
                socket.connect(server)?;
                Ok(Wire::Udp(socket))
            }
            Transport::Tcp => Ok(Wire::Stream(Box::new(Stream::connect(from, server)?))),
        }
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
            Wire::Stream(stream) => stream.socket.as_fd(),
        }
    }
}

impl Stream {
    fn connect(from: SocketAddr, server: SocketAddr) -> io::Result<Stream> {
        let socket = Socket::new(Domain::for_address(from), Type::STREAM, None)?;
        socket.bind(&from.into())?;
        socket.connect_timeout(&server.into(), PATIENCE)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        Ok(Stream {
            socket: socket.into(),
            framer: Framer::default(),
            unsent: Vec::new(),
        })
    }

    fn send(&mut self, message: &[u8]) -> io::Result<Sent> {
        self.flush()?;
        if !self.unsent.is_empty() {
            return Ok(Sent::Full);
        }
        self.unsent.extend_from_slice(message);
        self.unsent.resize(message.len().next_multiple_of(4), 0);
        self.flush()?;
        Ok(Sent::Yes)
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if is_full(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let Some(len) = received(self.socket.read(buffer))? else {
            return Ok(());
        };
        if len == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed it",
            ));
        }
        self.framer.push(&buffer[..len]);
        while let Some(message) = self
            .framer
            .next_message(MAX_MESSAGE)
            .map_err(io::Error::other)?
        {
            each(message);
        }
        Ok(())
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

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}
