//! A host on the loopback that takes what a server posts: a push service, or a receiver of webhooks.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls_support::Identity;
use crate::web_support::{PATIENCE, Server};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Posted {
    pub at: Instant,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or_else(|| panic!("no {name} in {self:?}"), |(_, value)| value)
    }
}

/// The host, and what came.
pub struct Endpoint {
    pub at: SocketAddr,
    came: Receiver<Posted>,
}

impl Endpoint {
    /// Answers with these heads in turn, and then with `201 Created` for ever.
    pub fn start(identity: &Identity, heads: &[&str]) -> Endpoint {
        let certificate = CertificateDer::from_pem_file(identity.cert()).unwrap();
        let key = PrivateKeyDer::from_pem_file(identity.key()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let at = listener.local_addr().unwrap();
        let mut heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
        heads.reverse();
        let heads = Arc::new(Mutex::new(heads));
        let (post, came) = channel();
        // The threads end with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, heads, post) = (config.clone(), heads.clone(), post.clone());
                std::thread::spawn(move || {
                    let tls = ServerConnection::new(config).unwrap();
                    let mut stream = BufReader::new(StreamOwned::new(tls, stream.unwrap()));
                    while let Some(posted) = read(&mut stream) {
                        let next = heads.lock().unwrap().pop();
                        let head = next.unwrap_or_else(|| "201 Created".to_owned());
                        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
                        if post.send(posted).is_err() {
                            return;
                        }
                        let stream = stream.get_mut();
                        let _ = stream
                            .write_all(answer.as_bytes())
                            .and_then(|()| stream.flush());
                    }
                });
            }
        });
        Endpoint { at, came }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.at)
    }

    /// The next request that comes.
    pub fn next(&self) -> Posted {
        self.came.recv_timeout(PATIENCE).expect("nothing came")
    }

    /// Nothing comes for so long.
    pub fn is_silent_for(&self, time: Duration) {
        match self.came.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn read(stream: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>) -> Option<Posted> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Posted {
        at: Instant::now(),
        path,
        headers,
        body,
    })
}

/// A server that trusts this certificate and sends to the loopback. A proxy of the environment
/// would get nothing from it.
pub fn server(identity: &Identity) -> Server {
    Server::start_in_environment(&arguments(), &environment(identity))
}

fn arguments() -> Vec<String> {
    [
        "--allow-outgoing",
        "127.0.0.1",
        "--contact",
        "mailto:ada@example.org",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn environment(identity: &Identity) -> Vec<(&'static str, String)> {
    vec![
        ("SSL_CERT_FILE", identity.cert()),
        ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
        ("ALL_PROXY", "http://127.0.0.1:9".to_owned()),
    ]
}
