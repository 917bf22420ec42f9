//! Accepting connections: bounded in number, and in the time a client may take to ask.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::middleware;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;
use turn::Cidr;
use turn::proxy_header::Endpoints;

use super::hosts::{Hosts, Scheme};
use super::secure::Secure;
use super::sources::Sources;
use super::{Shared, hosts, proxied, router};
use crate::accounts::Accounts;
use crate::certificates::Service;
use crate::net::guests::{Guest, Room};
use crate::reach::Reach;

/// How long a client may take to send a request's headers, and before that for a handshake of TLS.
/// Slow-loris clients hold a connection for this long and no longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes a request's headers may take.
const HEADER_BYTES: usize = 16 * 1024;

/// Connections that may wait to be accepted; the system may allow fewer (`net.core.somaxconn`). Who
/// finds no room tries again after one second, then two, then four, and after a restart of the
/// server everybody comes at once.
const BACKLOG: u32 = 16_384;

/// A pause after the system has refused to accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Addresses that are bound and not yet served.
#[derive(Debug)]
pub struct Listener {
    plain: Vec<TcpListener>,
    secure: Option<TcpListener>,
    /// What plain HTTP gives instead of the app.
    front: Option<Router>,
    proxies: Arc<[Cidr]>,
    room: Room,
}

impl Listener {
    /// Binds every address, or says in one sentence why it cannot and what to do.
    pub fn bind(plain: &[SocketAddr], secure: Option<SocketAddr>) -> anyhow::Result<Listener> {
        let mut listener = Listener {
            plain: Vec::new(),
            secure: None,
            front: None,
            proxies: Arc::default(),
            room: Room::default(),
        };
        for &address in plain {
            listener.plain.push(bind(address, "--http")?);
        }
        if let Some(address) = secure {
            listener.secure = Some(bind(address, "--https")?);
        }
        Ok(listener)
    }

    /// Binds one address for routes of its own; `flag` says which.
    pub fn bind_own(address: SocketAddr, flag: &str) -> anyhow::Result<Listener> {
        Ok(Listener {
            plain: vec![bind(address, flag)?],
            secure: None,
            front: None,
            proxies: Arc::default(),
            room: Room::default(),
        })
    }

    /// The same behind load balancers: connections from there begin with a PROXY header, which
    /// names the client.
    pub fn behind(mut self, proxies: Vec<Cidr>) -> Listener {
        self.proxies = proxies.into();
        self
    }

    /// The same with room for so many connections.
    pub fn with_room(mut self, room: Room) -> Listener {
        self.room = room;
        self
    }

    /// The same with other routes for plain HTTP, if any are given.
    pub fn with_front(mut self, front: Option<Router>) -> Listener {
        self.front = front;
        self
    }

    /// The first address, with the port the system has chosen if it was to choose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.plain[0].local_addr()
    }

    /// The address for HTTPS, likewise.
    pub fn secure_address(&self) -> io::Result<Option<SocketAddr>> {
        self.secure
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()
    }

    /// Every address, likewise.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let all = self.plain.iter().chain(&self.secure);
        all.map(TcpListener::local_addr).collect()
    }

    /// Serves the web side until [`Server::shut_down`]; the address for HTTPS only with what it needs.
    pub fn serve(
        self,
        accounts: Accounts,
        reach: Reach,
        relay: exchange::RelayConfig,
        secure: Option<Secure>,
        hosts: Hosts,
    ) -> Server {
        let sources = Sources::new(self.room);
        let shared = Arc::new(Shared {
            hub: accounts.hub().clone(),
            accounts,
            reach,
            relay,
            sources: sources.clone(),
            embedding: hosts.embedding.clone(),
            next_socket: AtomicU64::new(1),
        });
        self.serve_routes(&router(shared, hosts), secure, sources)
    }

    /// Serves these routes until [`Server::shut_down`], and nothing to a page of another site.
    pub fn serve_own(self, routes: Router) -> Server {
        let check = middleware::from_fn_with_state(Hosts::default(), hosts::check);
        self.serve_routes(&routes.layer(check), None, Sources::default())
    }

    fn serve_routes(self, routes: &Router, secure: Option<Secure>, sources: Sources) -> Server {
        let (stop, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        let plain = self.plain.into_iter().map(|listener| (listener, None));
        let secure = self.secure.zip(secure);
        let secure = secure.map(|(listener, secure)| (listener, Some(secure)));
        for (listener, secure) in plain.chain(secure) {
            let front = self.front.as_ref().filter(|_| secure.is_none());
            let server = Acceptor {
                router: front.unwrap_or(routes).clone(),
                secure,
                proxies: self.proxies.clone(),
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

fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = listen(address);
    listener.map_err(|error| explain(address, flag, &error))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        // It stands for the addresses of IPv4, too, whatever the system's default is.
        SockRef::from(&socket).set_only_v6(false)?;
    }
    // Connections of before a restart do not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn explain(address: SocketAddr, flag: &str, error: &io::Error) -> anyhow::Error {
    let port = address.port();
    // An IPv6 address is written in brackets before a port.
    let with_port = |port| SocketAddr::new(address.ip(), port);
    match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "Port {port} on {} is taken by another program. Stop it, or choose another port with \
             {flag} {}.",
            address.ip(),
            with_port(port.wrapping_add(1).max(1024))
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "Port {port} needs a right this user does not have. Choose a port above 1023 with \
             {flag} {}.",
            with_port(8080)
        ),
        ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "{} is not an address of this machine. Choose one that is with {flag} ADDRESS:{port}; \
             127.0.0.1 always is.",
            address.ip()
        ),
        _ => anyhow::anyhow!("The web server cannot listen on {address}: {error}."),
    }
}

/// What requests of the web come by.
enum Carrier {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

#[derive(Clone)]
struct Acceptor {
    router: Router,
    /// For listeners of TLS.
    secure: Option<Secure>,
    /// Whose connections begin with a PROXY header.
    proxies: Arc<[Cidr]>,
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

    async fn serve(self, stream: TcpStream, from: SocketAddr, counted: Guest) {
        // Signaling messages are small and should leave at once.
        let _ = stream.set_nodelay(true);
        let mut stopped = self.stopped.clone();
        let received = tokio::select! {
            received = timeout(HEADER_TIMEOUT, self.receive(stream, from, counted)) => received,
            () = stopping(&mut stopped) => return,
        };
        // Otherwise it was too late, not what it should be, or is the relay's now.
        if let Ok(Ok(Some((carrier, client, counted)))) = received {
            match carrier {
                Carrier::Tcp(tcp) => self.serve_web(tcp, Scheme::Http, client, counted).await,
                Carrier::Tls(tls) => self.serve_web(tls, Scheme::Https, client, counted).await,
            }
        }
    }

    /// Finds out who comes, and for what; hands those who want the relay to it.
    async fn receive(
        &self,
        mut stream: TcpStream,
        from: SocketAddr,
        mut counted: Guest,
    ) -> io::Result<Option<(Carrier, SocketAddr, Guest)>> {
        let mut endpoints = Endpoints {
            client: from,
            local: stream.local_addr()?,
        };
        // A socket for all addresses takes IPv4 clients as well.
        endpoints = endpoints.canonical();
        let is_proxy = |cidr: &Cidr| cidr.contains(endpoints.client.ip());
        if self.proxies.iter().any(is_proxy)
            && let Some(said) = proxied::read_header(&mut stream).await?
        {
            endpoints = said;
            match self.sources.connect(said.client.ip()) {
                Some(client) => counted = client,
                None => return Ok(None),
            }
        }
        let Some(secure) = &self.secure else {
            return Ok(Some((Carrier::Tcp(stream), endpoints.client, counted)));
        };
        match secure.receive(stream).await? {
            Some((Service::Web, tls)) => Ok(Some((
                Carrier::Tls(Box::new(tls)),
                endpoints.client,
                counted,
            ))),
            Some((Service::Turn, tls)) => {
                secure.hand_over(tls, endpoints)?;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    async fn serve_web(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        scheme: Scheme,
        client: SocketAddr,
        counted: Guest,
    ) {
        let counted = Arc::new(counted);
        let service = service_fn(move |request: Request<Incoming>| {
            let router = self.router.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(client));
            request.extensions_mut().insert(scheme);
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
