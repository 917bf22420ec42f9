//! What carries a connection's bytes: TCP, or TLS on TCP.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;

use mio::net::TcpStream;
use rustls::ServerConnection;
use turn::Transport;

/// Enciphered bytes that may wait inside of TLS for a slow reader: two full records. What there is
/// no room for waits in front of it, where it is counted.
const TLS_ROOM: usize = 32 << 10;

/// A connection's bytes, without waiting for any.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
}

/// TLS on TCP.
#[derive(Debug)]
pub(super) struct TlsStream {
    tcp: TcpStream,
    tls: ServerConnection,
}

impl Stream {
    pub(super) fn tls(tcp: TcpStream, mut tls: ServerConnection) -> Stream {
        tls.set_buffer_limit(Some(TLS_ROOM));
        Stream::Tls(Box::new(TlsStream { tcp, tls }))
    }

    pub(super) fn transport(&self) -> Transport {
        match self {
            Stream::Tcp(_) => Transport::Tcp,
            Stream::Tls(_) => Transport::Tls,
        }
    }

    /// What tells of news.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Stream::Tcp(tcp) => tcp,
            Stream::Tls(stream) => &mut stream.tcp,
        }
    }

    /// Reads what has come; 0 is the end. `Interrupted` says that something came that was not for
    /// the reader, and that there may be more.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(tcp) => tcp.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }

    /// Takes bytes to send, as many as there is room for. Fewer than all means that the system
    /// takes no more, and will tell when it does.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(tcp) => tcp.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    /// Tells the other side that nothing more will come. It may go on sending.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(tcp) => tcp.shutdown(Shutdown::Write),
            Stream::Tls(stream) => {
                stream.tls.send_close_notify();
                stream.push().map(drop)
            }
        }
    }

    /// Whether bytes that were taken have not left yet.
    pub(super) fn has_rest(&self) -> bool {
        match self {
            Stream::Tcp(_) => false,
            Stream::Tls(stream) => stream.tls.wants_write(),
        }
    }
}

impl TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.tls.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            other => return other,
        }
        if self.tls.read_tls(&mut self.tcp)? == 0 {
            return Ok(0);
        }
        let outcome = self.tls.process_new_packets();
        // Part of the handshake, or what is wrong.
        let sent = self.push();
        outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent?;
        match self.tls.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(ErrorKind::Interrupted.into())
            }
            other => other,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while self.push()? && taken < bytes.len() {
            match self.tls.writer().write(&bytes[taken..])? {
                0 => break,
                len => taken += len,
            }
        }
        Ok(taken)
    }

    /// Sends what is enciphered; `true` if nothing is left.
    fn push(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
