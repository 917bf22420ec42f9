//! Accepting connections: bounded in number, and in the time a client may take to ask.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::sources::{Counted, Sources};
use super::{Shared, router};
use crate::hub::Hub;

/// How long a client may take to send a request's headers. Slow-loris clients hold a connection
/// for this long and no longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes a request's headers may take.
const HEADER_BYTES: usize = 16 * 1024;

/// A pause after the system has refused to accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Addresses that are bound and not yet served.
#[derive(Debug)]
pub struct Listener {
    listeners: Vec<TcpListener>,
}

impl Listener {
    /// Binds every address, or says in one sentence why it cannot and what to do.
    pub async fn bind(addresses: &[SocketAddr]) -> anyhow::Result<Listener> {
        let mut listeners = Vec::new();
        for &address in addresses {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|error| explain(address, &error))?);
        }
        Ok(Listener { listeners })
    }

    /// The first address, with the port the system has chosen if it was to choose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }

    /// Every address, likewise.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Serves until [`Server::shut_down`].
    pub fn serve(self, hub: Hub) -> Server {
        let sources = Sources::default();
        let shared = Arc::new(Shared {
            hub,
            sources: sources.clone(),
            next_socket: AtomicU64::new(1),
        });
        let (stop, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            let server = Acceptor {
                router: router(shared.clone()),
                sources: sources.clone(),
                stopped: stopped.clone(),
            };
            accepting.spawn(server.run(listener));
        }
        Server {
            stop,
            accepting,
            sources,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    stop: watch::Sender<bool>,
    accepting: JoinSet<()>,
    sources: Sources,
}

impl Server {
    /// Accepts nothing more, and waits a moment for what is still being said.
    pub async fn shut_down(mut self) {
        let _ = self.stop.send(true);
        let ended = async {
            while self.accepting.join_next().await.is_some() {}
            // WebSockets live on their own; they are still counted.
            while self.sources.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(DRAIN, ended).await;
    }
}

fn explain(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let port = address.port();
    // An IPv6 address is written in brackets before a port.
    let with_port = |port| SocketAddr::new(address.ip(), port);
    match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "Port {port} on {} is taken by another program. Stop it, or choose another port with \
             --http {}.",
            address.ip(),
            with_port(port.wrapping_add(1).max(1024))
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "Port {port} needs a right this user does not have. Choose a port above 1023 with \
             --http {}.",
            with_port(8080)
        ),
        ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "{} is not an address of this machine. Choose one that is with --http ADDRESS:{port}; \
             127.0.0.1 always is.",
            address.ip()
        ),
        _ => anyhow::anyhow!("The web server cannot listen on {address}: {error}."),
    }
}

#[derive(Clone)]
struct Acceptor {
    router: Router,
    sources: Sources,
    stopped: watch::Receiver<bool>,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => self.start(&mut connections, stream, client),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
                () = stopping(&mut stopped) => break,
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    fn start(&self, connections: &mut JoinSet<()>, stream: TcpStream, client: SocketAddr) {
        // Too many from there: closing at once tells them sooner than a queue would.
        let Some(counted) = self.sources.connect(client.ip()) else {
            return;
        };
        let acceptor = self.clone();
        connections.spawn(acceptor.serve(stream, client, counted));
    }

    async fn serve(self, stream: TcpStream, client: SocketAddr, counted: Counted) {
        // Signaling messages are small and should leave at once.
        let _ = stream.set_nodelay(true);
        let counted = Arc::new(counted);
        let service = service_fn(move |request: Request<Incoming>| {
            let router = self.router.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(client));
            // An upgraded connection outlives this one: it is counted as long as either lives.
            request.extensions_mut().insert(counted.clone());
            async move {
                let response = router.oneshot(request).await;
                Ok::<_, Infallible>(response.unwrap_or_else(|never| match never {}))
            }
        });
        let mut stopped = self.stopped.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            () = stopping(&mut stopped) => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

/// Waits until the server is to stop.
async fn stopping(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped, which is a reason to stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
