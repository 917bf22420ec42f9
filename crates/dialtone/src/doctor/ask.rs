//! A client's Binding request (RFC 8489), by UDP, TCP and TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, StreamOwned,
};
use turn::stun::{Class, Message, Method, TransactionId, Writer, attribute as attr};

/// How long an answer is waited for, and how often a datagram is sent.
const PATIENCE: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 3;
/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(3);

const MAX_MESSAGE: usize = 1500;
const HEADER: usize = 20;

/// Whom we believe to be the server.
pub enum Expected {
    /// Who shows this certificate and has its key.
    Leaf(CertificateDer<'static>),
    /// Whom this root vouches for.
    Root(CertificateDer<'static>),
}

/// Asks by UDP where we are seen.
pub fn by_udp(socket: &UdpSocket, server: SocketAddr) -> io::Result<SocketAddr> {
    let (id, request) = request()?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; MAX_MESSAGE];
    let mut last = io::Error::from(ErrorKind::TimedOut);
    for _ in 0..ATTEMPTS {
        // A refusal shows at the next call, whichever it is.
        let received = socket
            .send_to(&request, server)
            .and_then(|_| socket.recv_from(&mut buffer));
        match received {
            Ok((len, from)) if from == server => return mapped(&buffer[..len], id),
            Ok(_) => {}
            Err(error) => last = silent(error),
        }
    }
    Err(last)
}

/// Asks by TCP.
pub fn by_tcp(server: SocketAddr) -> io::Result<SocketAddr> {
    converse(&mut connect(server)?)
}

/// Asks by TLS; `host` is the name we know the server by.
pub fn by_tls(server: SocketAddr, host: &str, expected: Expected) -> io::Result<SocketAddr> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut config = match expected {
        Expected::Root(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root).map_err(io::Error::other)?;
            ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth()
        }
        Expected::Leaf(leaf) => ClientConfig::builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned::new(leaf)?))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"stun.turn".to_vec()];
    let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    converse(&mut StreamOwned::new(tls, connect(server)?))
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, CONNECTING)?;
    stream.set_read_timeout(Some(CONNECTING))?;
    stream.set_write_timeout(Some(CONNECTING))?;
    Ok(stream)
}

fn converse(stream: &mut (impl Read + Write)) -> io::Result<SocketAddr> {
    let (id, request) = request()?;
    stream.write_all(&request).map_err(silent)?;
    let mut answer = vec![0; HEADER];
    stream.read_exact(&mut answer).map_err(silent)?;
    let length = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
    if length > MAX_MESSAGE {
        return Err(strange());
    }
    answer.resize(HEADER + length, 0);
    stream.read_exact(&mut answer[HEADER..]).map_err(silent)?;
    mapped(&answer, id)
}

fn request() -> io::Result<(TransactionId, Vec<u8>)> {
    let mut id = [0; 12];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    let id = TransactionId(id);
    let mut buffer = [0; HEADER];
    Writer::new(&mut buffer, Class::Request, Method::BINDING, id);
    Ok((id, buffer.to_vec()))
}

fn mapped(answer: &[u8], id: TransactionId) -> io::Result<SocketAddr> {
    let message = Message::parse(answer).map_err(|_| strange())?;
    let is_ours = message.transaction() == id && message.class() == Class::Success;
    let value = message.first(attr::XOR_MAPPED_ADDRESS);
    let address = value.and_then(|value| attr::read_xor_address(value, &id));
    address.filter(|_| is_ours).ok_or_else(strange)
}

fn strange() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "what answers there is no STUN server",
    )
}

/// The system says of a time-out that it would have had to wait.
fn silent(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            io::Error::new(ErrorKind::TimedOut, "no answer came")
        }
        _ => error,
    }
}

/// Believes one certificate, whoever vouches for it: that is looked at elsewhere.
#[derive(Debug)]
struct Pinned {
    leaf: CertificateDer<'static>,
    signatures: Arc<WebPkiServerVerifier>,
}

impl Pinned {
    fn new(leaf: CertificateDer<'static>) -> io::Result<Pinned> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Any root will do: it only checks signatures of handshakes.
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let signatures = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        Ok(Pinned {
            leaf,
            signatures: signatures.build().map_err(io::Error::other)?,
        })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *leaf == self.leaf {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_verify_schemes()
    }
}
