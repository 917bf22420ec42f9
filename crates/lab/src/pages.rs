//! A page without any of our code, and the smallest web server that can deliver it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

use crate::Host;

const BARE_PAGE: &str = include_str!("scripts/bare.html");

/// Serves the bare page on a host until dropped.
pub struct Pages {
    origin: String,
    ended: Arc<AtomicBool>,
}

impl Pages {
    /// Starts serving on a free port of `host`.
    pub fn serve(host: &Host) -> Result<Self> {
        let listener = host.enter(|| TcpListener::bind((host.address(), 0)))??;
        let address = listener.local_addr()?;
        // A page on the machine itself is a secure context only under this name.
        let name = if address.ip().is_loopback() {
            "localhost".into()
        } else {
            address.ip().to_string()
        };
        let ended = Arc::new(AtomicBool::new(false));
        listener.set_nonblocking(true)?;
        let until = ended.clone();
        thread::spawn(move || serve(&listener, &until));
        Ok(Self {
            origin: format!("http://{name}:{}", address.port()),
            ended,
        })
    }

    /// The same where others know the host by another address.
    pub fn serve_as(host: &Host, announced: Ipv4Addr) -> Result<Self> {
        let mut pages = Self::serve(host)?;
        let own = host.address().to_string();
        pages.origin = pages.origin.replace(&own, &announced.to_string());
        Ok(pages)
    }

    /// Scheme, address and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => drop(answer(stream)),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nonblocking(false)?;
    // A browser may open connections it never uses.
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut request)?;
    for line in reader.lines() {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match request.split_whitespace().nth(1) {
        Some("/") => ("200 OK", BARE_PAGE),
        _ => ("404 Not Found", ""),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}
