//! Certificates made for a test, and TLS clients that trust them.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use tempfile::TempDir;

/// The name in every certificate here, beside 127.0.0.1.
pub const NAME: &str = "turn.example.org";

/// What is read and written inside of TLS.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A certificate and its key in files, and who trusts it.
pub struct Identity {
    folder: TempDir,
    certificate: CertificateDer<'static>,
}

impl Identity {
    pub fn new() -> Identity {
        Identity::in_years(2020, 4000)
    }

    /// One whose time begins and ends at New Year of these years.
    pub fn in_years(first: i32, last: i32) -> Identity {
        let folder = tempfile::tempdir().unwrap();
        let certificate = write(&folder, first, last);
        Identity {
            folder,
            certificate,
        }
    }

    /// Another certificate takes this one's place in the files.
    pub fn replace(&mut self) {
        self.certificate = write(&self.folder, 2020, 4000);
    }

    pub fn cert(&self) -> String {
        self.path("cert.pem")
    }

    pub fn key(&self) -> String {
        self.path("key.pem")
    }

    /// A file beside them.
    pub fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// `--cert FILE --key FILE`, and these before.
    pub fn flags(&self, arguments: &[&str]) -> Vec<String> {
        let own = ["--cert", &self.cert(), "--key", &self.key()];
        [arguments, &own]
            .concat()
            .iter()
            .map(|it| (*it).to_owned())
            .collect()
    }

    /// Clients that trust this certificate and no other.
    pub fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.certificate)
    }
}

fn write(folder: &TempDir, first: i32, last: i32) -> CertificateDer<'static> {
    let names = [NAME.to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = rcgen::date_time_ymd(first, 1, 1);
    params.not_after = rcgen::date_time_ymd(last, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// How clients do their handshakes.
#[derive(Clone)]
pub struct TlsClient(ClientConfig);

impl TlsClient {
    fn trusting(certificate: &CertificateDer<'static>) -> TlsClient {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        TlsClient::with(roots, rustls::ALL_VERSIONS)
    }

    fn with(roots: RootCertStore, versions: &[&'static SupportedProtocolVersion]) -> TlsClient {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(versions).unwrap();
        TlsClient(builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// Names what is to be spoken.
    pub fn alpn(mut self, names: &[&str]) -> TlsClient {
        self.0.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// Speaks this version and no other.
    pub fn version(
        mut self,
        identity: &Identity,
        version: &'static SupportedProtocolVersion,
    ) -> TlsClient {
        let mut roots = RootCertStore::empty();
        roots.add(identity.certificate.clone()).unwrap();
        let alpn = std::mem::take(&mut self.0.alpn_protocols);
        self = TlsClient::with(roots, &[version]);
        self.0.alpn_protocols = alpn;
        self
    }

    /// The configuration, for other drivers of it.
    pub fn config(&self) -> ClientConfig {
        self.0.clone()
    }

    /// The same without the sessions of before.
    pub fn fresh(&self) -> TlsClient {
        let mut config = self.0.clone();
        config.resumption = rustls::client::Resumption::default();
        TlsClient(config)
    }

    /// A connection whose handshake has still to be done.
    pub fn begin(&self, stream: TcpStream) -> Tls {
        let name = ServerName::try_from(NAME).unwrap();
        let tls = ClientConnection::new(Arc::new(self.0.clone()), name).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        StreamOwned::new(tls, stream)
    }

    /// A connection with its handshake done.
    pub fn connect(&self, server: SocketAddr) -> Tls {
        self.try_connect(server).unwrap()
    }

    pub fn try_connect(&self, server: SocketAddr) -> std::io::Result<Tls> {
        self.try_connect_on(TcpStream::connect(server).unwrap())
    }

    pub fn try_connect_on(&self, stream: TcpStream) -> std::io::Result<Tls> {
        let mut stream = self.begin(stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// Writes a request and reads until the other side ends it.
pub fn converse(stream: &mut Tls, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
