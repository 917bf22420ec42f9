//! One port for HTTPS and for TURN over TLS, so that a call works where only that port passes.
//!
//! What a client is after it names in its handshake (ALPN), or its first byte tells: a STUN message
//! begins with two zero bits, an HTTP request with the letters of its method.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncBufReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use turn::proxy_header::Endpoints;

use crate::certificates::{Certificates, Service};
use crate::net::relay::{Adopted, Adopter};

/// Bytes that may wait inside of TLS for a slow reader. What there is no room for stays with the
/// writer, which then waits.
const ROOM: usize = 16 << 10;

/// How TLS connections are taken.
#[derive(Clone)]
pub struct Secure {
    acceptor: TlsAcceptor,
    relay: Adopter,
}

impl Secure {
    /// With these certificates; who comes for TURN goes to that relay.
    pub fn new(certificates: &Arc<Certificates>, relay: Adopter) -> Result<Secure, rustls::Error> {
        let config = certificates.config(&[Service::Web, Service::Turn])?;
        Ok(Secure {
            acceptor: Arc::new(config).into(),
            relay,
        })
    }

    /// Does the handshake, and finds out what the client is after; `None` if it is nothing of ours.
    pub(super) async fn receive(
        &self,
        stream: TcpStream,
    ) -> io::Result<Option<(Service, TlsStream<TcpStream>)>> {
        let limit = |tls: &mut rustls::ServerConnection| tls.set_buffer_limit(Some(ROOM));
        let mut stream = self.acceptor.accept_with(stream, limit).await?;
        let service = match stream.get_ref().1.alpn_protocol() {
            Some(name) => Service::of_alpn(name),
            None => of_first_byte(stream.fill_buf().await?),
        };
        Ok(service.map(|service| (service, stream)))
    }

    /// Hands a connection to the relay, with whatever was read of it.
    pub(super) fn hand_over(
        &self,
        stream: TlsStream<TcpStream>,
        endpoints: Endpoints,
    ) -> io::Result<()> {
        let (tcp, tls) = stream.into_inner();
        self.relay.adopt(Adopted {
            tcp: tcp.into_std()?,
            tls,
            endpoints,
        });
        Ok(())
    }
}

fn of_first_byte(bytes: &[u8]) -> Option<Service> {
    match bytes.first()? {
        // The relay looks at the rest, and ends what is not STUN.
        0..=0x3f => Some(Service::Turn),
        b'A'..=b'Z' => Some(Service::Web),
        _ => None,
    }
}
