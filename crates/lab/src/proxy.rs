//! An HTTP proxy as offices have it: it makes TCP connections to port 443, and nothing else
//! (RFC 9110, section 9.3.6).

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::Host;

const PORT: u16 = 3128;
const LONGEST_REQUEST: u64 = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// A running proxy. Dropped, it takes no more connections.
pub struct Proxy {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

/// A name that the proxy can resolve, and its address.
type Known = (String, IpAddr);

impl Proxy {
    /// Starts one on `host` for those who reach it at `address`. Besides addresses it can connect to
    /// `known`.
    pub fn start(host: &Host, address: Ipv4Addr, known: Known) -> Result<Self> {
        let address = SocketAddr::from((address, PORT));
        let listener = host.enter(|| TcpListener::bind(address))??;
        listener.set_nonblocking(true)?;
        let ended = Arc::new(AtomicBool::new(false));
        let (host, until) = (host.clone(), ended.clone());
        // Threads are where the thread that starts them is: they connect from the host, too.
        thread::spawn(move || {
            if host.enter_this_thread().is_ok() {
                serve(&listener, &known, &until);
            }
        });
        Ok(Self { address, ended })
    }

    /// Where browsers find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, known: &Known, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) => {
                let known = known.clone();
                thread::spawn(move || tunnel(client, &known));
            }
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn tunnel(mut client: TcpStream, known: &Known) -> Result<()> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let target = read_request(&client).and_then(|authority| allowed(&authority, known));
    let server = target.and_then(|at| Ok(TcpStream::connect_timeout(&at, PATIENCE)?));
    let server = match server {
        Ok(server) => server,
        Err(error) => {
            client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")?;
            return Err(error);
        }
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    client.set_read_timeout(None)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| pour(&client, &server));
        pour(&server, &client);
    });
    Ok(())
}

/// The authority of a `CONNECT` request, whose client sends nothing more before the answer.
fn read_request(client: &TcpStream) -> Result<String> {
    let mut lines = BufReader::new(io::Read::take(client, LONGEST_REQUEST)).lines();
    let first = lines.next().context("no request")??;
    let authority = first.strip_prefix("CONNECT ").context("not CONNECT")?;
    let authority = authority.split(' ').next().unwrap_or_default().to_owned();
    for line in lines {
        if line?.is_empty() {
            return Ok(authority);
        }
    }
    anyhow::bail!("no end of the request")
}

fn allowed(authority: &str, (name, address): &Known) -> Result<SocketAddr> {
    let (host, port) = authority.rsplit_once(':').context("no port")?;
    ensure!(port == "443", "port {port}");
    let ip = if host == name {
        *address
    } else {
        host.parse()?
    };
    Ok((ip, 443).into())
}

fn pour(mut from: &TcpStream, mut to: &TcpStream) {
    io::copy(&mut from, &mut to).ok();
    to.shutdown(Shutdown::Write).ok();
}
