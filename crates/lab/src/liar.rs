//! A server that lies: what stands between the browsers and the built binary, reads every frame of their
//! WebSockets, and passes on something else.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context, Result};
use serde_json::Value;

/// Longest head of a request or of an answer, and longest frame, in bytes.
const LONGEST: usize = 1 << 20;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a browser.
    In,
    /// To a browser.
    Out,
}

/// What becomes of a frame: these go on in its place. Sockets are numbered in the order they came.
pub type Lie = Box<dyn FnMut(usize, Way, Value) -> Vec<Value> + Send>;

/// The liar. It works as long as the process does.
pub struct Liar {
    address: SocketAddr,
    heart: Arc<Heart>,
}

struct Heart {
    server: SocketAddr,
    lie: Mutex<Lie>,
    /// Everything that browsers have sent: heads of requests, bodies, and frames.
    seen: Mutex<Vec<u8>>,
    sockets: Mutex<usize>,
}

impl Liar {
    /// Stands before the server at this address of this machine, and is honest until told otherwise.
    pub fn before(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let heart = Arc::new(Heart {
            server,
            lie: Mutex::new(Box::new(|_, _, frame| vec![frame])),
            seen: Mutex::default(),
            sockets: Mutex::new(0),
        });
        let shared = heart.clone();
        thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let heart = shared.clone();
                // What ends a connection early is seen by the browser, and by the test through it.
                thread::spawn(move || heart.serve(browser, address));
            }
        });
        Ok(Self { address, heart })
    }

    /// What browsers are told to open.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub fn lie(&self, lie: impl FnMut(usize, Way, Value) -> Vec<Value> + Send + 'static) {
        *self.heart.lie.lock().expect("no panic while lying") = Box::new(lie);
    }

    /// Whether browsers have ever sent this, in whatever request or frame.
    pub fn has_seen(&self, text: &str) -> bool {
        let seen = self.heart.seen.lock().expect("no panic while noting");
        seen.windows(text.len())
            .any(|window| window == text.as_bytes())
    }
}

impl Heart {
    fn serve(&self, browser: TcpStream, ours: SocketAddr) -> Result<()> {
        let server = TcpStream::connect(self.server)?;
        let mut from_browser = BufReader::new(browser.try_clone()?);
        let mut from_server = BufReader::new(server.try_clone()?);
        let head = read_head(&mut from_browser)?;
        self.note(head.as_bytes());
        let upgrade = head.to_ascii_lowercase().contains("upgrade: websocket");
        (&server).write_all(self.rewritten(&head, ours, upgrade).as_bytes())?;
        if upgrade {
            let answer = read_head(&mut from_server)?;
            (&browser).write_all(answer.as_bytes())?;
            return self.pass_frames(browser, server, from_browser, from_server);
        }
        thread::scope(|scope| {
            scope.spawn(|| self.pass_body(&mut from_browser, &server));
            // The server closes after its answer: it was asked to.
            let _ = io::copy(&mut from_server, &mut &browser);
            let _ = browser.shutdown(Shutdown::Both);
        });
        Ok(())
    }

    /// The server knows itself by its own address; one connection carries one request; no compression.
    fn rewritten(&self, head: &str, ours: SocketAddr, upgrade: bool) -> String {
        let head = head.replace(&ours.to_string(), &self.server.to_string());
        let dropped = |line: &&str| {
            let name = line.split(':').next().unwrap_or("").to_ascii_lowercase();
            name == "sec-websocket-extensions" || (!upgrade && name == "connection")
        };
        let lines: Vec<&str> = head
            .trim_end()
            .lines()
            .filter(|line| !dropped(line))
            .collect();
        let close = if upgrade { "" } else { "Connection: close\r\n" };
        format!("{}\r\n{close}\r\n", lines.join("\r\n"))
    }

    fn pass_body(&self, from: &mut impl Read, mut to: &TcpStream) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            self.note(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    }

    fn pass_frames(
        &self,
        browser: TcpStream,
        server: TcpStream,
        mut from_browser: BufReader<TcpStream>,
        mut from_server: BufReader<TcpStream>,
    ) -> Result<()> {
        let number = {
            let mut sockets = self.sockets.lock().expect("no panic while counting");
            *sockets += 1;
            *sockets - 1
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = self.pass(number, Way::In, &mut from_browser, &server);
                let _ = server.shutdown(Shutdown::Both);
            });
            let _ = self.pass(number, Way::Out, &mut from_server, &browser);
            let _ = browser.shutdown(Shutdown::Both);
        });
        Ok(())
    }

    fn pass(
        &self,
        socket: usize,
        way: Way,
        from: &mut impl Read,
        mut to: &TcpStream,
    ) -> Result<()> {
        loop {
            let frame = Frame::read(from)?;
            let Some(message) = frame.message() else {
                to.write_all(&frame.bytes(way))?;
                continue;
            };
            if way == Way::In {
                self.note(&frame.payload);
            }
            let passed = (self.lie.lock().expect("no panic while lying"))(socket, way, message);
            for message in passed {
                let payload = message.to_string().into_bytes();
                to.write_all(
                    &Frame {
                        first: frame.first,
                        payload,
                    }
                    .bytes(way),
                )?;
            }
        }
    }

    fn note(&self, bytes: &[u8]) {
        let mut seen = self.seen.lock().expect("no panic while noting");
        seen.extend_from_slice(bytes);
    }
}

/// A WebSocket frame (RFC 6455, section 5.2) that is not cut into several: nobody here does that.
struct Frame {
    first: u8,
    payload: Vec<u8>,
}

impl Frame {
    fn read(from: &mut impl Read) -> Result<Self> {
        let mut start = [0; 2];
        from.read_exact(&mut start)?;
        let length = match start[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(take(from)?)),
            127 => u64::from_be_bytes(take(from)?),
            short => u64::from(short),
        };
        let mask: [u8; 4] = if start[1] & 0x80 == 0 {
            [0; 4]
        } else {
            take(from)?
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length <= LONGEST);
        let mut payload = vec![0; length.context("a frame is too long")?];
        from.read_exact(&mut payload)?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        Ok(Self {
            first: start[0],
            payload,
        })
    }

    /// What it says; nothing for anything but text.
    fn message(&self) -> Option<Value> {
        let text = self.first & 0x0f == 1;
        text.then(|| serde_json::from_slice(&self.payload).ok())?
    }

    fn bytes(&self, way: Way) -> Vec<u8> {
        // A mask of zeros is one: browsers must mask, and nobody says with what.
        let masked = if way == Way::In { 0x80 } else { 0 };
        let mut bytes = vec![self.first];
        match self.payload.len() {
            short @ 0..=125 => bytes.push(masked | short as u8),
            middle @ 126..=0xffff => {
                bytes.push(masked | 126);
                bytes.extend((middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(masked | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        if way == Way::In {
            bytes.extend([0; 4]);
        }
        bytes.extend(&self.payload);
        bytes
    }
}

fn take<const LENGTH: usize>(from: &mut impl Read) -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_head(from: &mut impl BufRead) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let read = from.take(LONGEST as u64).read_until(b'\n', &mut head)?;
        anyhow::ensure!(read > 0 && head.len() < LONGEST, "no whole head");
    }
    Ok(String::from_utf8(head)?)
}
