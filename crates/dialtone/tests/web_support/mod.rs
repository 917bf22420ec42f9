//! Starts `dialtone dev` as a user would, and talks to it over HTTP and WebSockets.

// Every test file uses another part of this.
#![allow(dead_code)]

pub mod frames;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
pub use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::HeaderValue;

pub const ROOM: &str = "RRRRRRRRRRRRRRRRRRRRRA";
pub const CALL: &str = "CCCCCCCCCCCCCCCCCCCCCA";

/// Long enough for a busy machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running `dialtone dev` on ports of its own.
pub struct Server {
    process: Child,
    pub http: SocketAddr,
    /// If it was told to serve HTTPS.
    pub https: Option<SocketAddr>,
    /// What it said until it was ready.
    pub greeting: String,
    data: TempDir,
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    pub fn start() -> Server {
        Server::start_with(&[])
    }

    /// Where it keeps its state.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// With these arguments added.
    pub fn start_with(arguments: &[String]) -> Server {
        Server::start_in_environment(arguments, &[])
    }

    /// With these variables in its environment, too.
    pub fn start_in_environment(
        arguments: &[String],
        variables: &[(&'static str, String)],
    ) -> Server {
        let data = tempfile::tempdir().unwrap();
        Server::start_in(data, arguments.to_vec(), variables.to_vec())
    }

    /// Ends it, and starts one with the same state.
    pub fn start_again(mut self) -> Server {
        self.signal("-TERM");
        self.wait();
        self.start_anew()
    }

    /// Killed without a warning, and started again with the state it left.
    pub fn crash(mut self) -> Server {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.start_anew()
    }

    fn start_anew(mut self) -> Server {
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().unwrap());
        let arguments = std::mem::take(&mut self.arguments);
        Server::start_in(data, arguments, std::mem::take(&mut self.variables))
    }

    fn start_in(
        data: TempDir,
        arguments: Vec<String>,
        variables: Vec<(&'static str, String)>,
    ) -> Server {
        let mut command = command(data.path());
        let mut process = command
            .args(&arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        let url = loop {
            let line = lines.next().expect("it ended before it was ready").unwrap();
            if let Some(url) = line.strip_prefix("ready ") {
                break url.to_owned();
            }
            greeting += &line;
            greeting.push('\n');
        };
        let ports = url
            .split(' ')
            .map(|url| url.rsplit_once(':').unwrap().1.parse().unwrap());
        let mut addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        Server {
            process,
            http: addresses.next().unwrap(),
            https: addresses.next(),
            greeting,
            data,
            arguments,
            variables,
        }
    }

    /// Kilobytes of memory the process has resident.
    pub fn resident(&self) -> i64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        line.unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end, and says how long it took.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A GET with the usual Host.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[])
    }

    /// A request with these headers; they take the place of the usual ones.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        let usual = [
            ("Host", self.http.to_string()),
            ("Connection", "close".to_owned()),
        ];
        for (name, value) in usual {
            if !headers.iter().any(|(given, _)| *given == name) {
                text += &format!("{name}: {value}\r\n");
            }
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        self.raw((text + "\r\n").as_bytes())
    }

    /// Sends bytes and reads until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let text = String::from_utf8_lossy(&all).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let cookie = head.lines().filter_map(|line| line.split_once(": "));
        let cookie = cookie
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        Answer {
            set_cookie: cookie.map(|(_, value)| value.to_owned()),
            status: head
                .split(' ')
                .nth(1)
                .and_then(|s| s.parse().ok())
                .unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub fn ticket(&self) -> String {
        let answer = self.request("POST", "/api/v1/tickets", &[("Content-Length", "0")]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["ticket"].as_str().unwrap().to_owned()
    }

    /// The number of sessions the server tells monitoring about.
    pub fn sessions(&self) -> u64 {
        self.get("/api/v1/health").json()["sessions"]
            .as_u64()
            .unwrap()
    }
}

/// `dialtone dev` on ports the system chooses.
pub fn command(data: &Path) -> Command {
    let mut command = bare_command();
    command.args(["--http", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--data"]);
    command.arg(data);
    command
}

/// `dialtone dev` without what the environment might add.
pub fn bare_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
    command
        .args(["dev", "--no-open"])
        .env_remove("DIALTONE_LOG")
        .env_remove("DIALTONE_STORE")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs a command that should end by itself, and kills it if it does not.
pub fn output(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// An HTTP answer. The head is in lower case.
#[derive(Debug)]
pub struct Answer {
    /// A cookie to be set, as it was written.
    pub set_cookie: Option<String>,
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// A WebSocket client that does what it is told, right or wrong.
pub struct Client<S = tokio::net::TcpStream> {
    pub ws: WebSocketStream<S>,
    key: SigningKey,
    next_request: u32,
    pub last_seq: u64,
}

impl Client {
    /// A socket that has said nothing yet.
    pub async fn open(server: &Server) -> Client {
        let stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
        Client::open_on(server, stream).await
    }

    pub async fn open_on(server: &Server, stream: tokio::net::TcpStream) -> Client {
        Client::open_at(&format!("ws://{}", server.http), stream).await
    }

    /// A session of the device with this number.
    pub async fn hello(server: &Server, device: u8) -> Client {
        let client = Client::open(server).await;
        client.into_session(server, device).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// A socket to the server with this URL, on whatever carries it.
    pub async fn open_at(url: &str, stream: S) -> Client<S> {
        let url = format!("{url}/api/v1/ws");
        let mut request = url.into_client_request().unwrap();
        let protocol = HeaderValue::from_static("dialtone.v1");
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        let (ws, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        Client {
            ws,
            key: SigningKey::from_slice(&[1; 32]).unwrap(),
            next_request: 0,
            last_seq: 0,
        }
    }

    pub async fn into_session(self, server: &Server, device: u8) -> Client<S> {
        self.into_session_with(&server.ticket(), device).await
    }

    /// A session opened with somebody's ticket.
    pub async fn into_session_with(self, ticket: &str, device: u8) -> Client<S> {
        let mut client = self.with_key(device);
        let frame = client.hello_frame(ticket);
        let welcome = client.ask(frame).await;
        assert_eq!(welcome["t"], "welcome", "{welcome}");
        client
    }

    /// The same as the device with this number.
    pub fn with_key(mut self, device: u8) -> Client<S> {
        self.key = SigningKey::from_slice(&[device; 32]).unwrap();
        self
    }

    pub fn hello_frame(&self, ticket: &str) -> Value {
        let signature: Signature = self
            .key
            .sign(format!("dialtone hello\n{ticket}").as_bytes());
        let key = self.key.verifying_key().to_sec1_point(false);
        json!({
            "t": "hello", "ticket": ticket, "features": [],
            "client": { "name": "test", "version": "1" },
            "device": { "key": base64url(key.as_bytes()), "signature": base64url(&signature.to_bytes()) },
        })
    }

    /// Takes up the session of this welcome.
    pub fn resume_frame(&self, ticket: &str, welcome: &Value) -> Value {
        let session = welcome["session"].as_str().unwrap();
        let mut frame = self.hello_frame(ticket);
        let text = format!("dialtone resume\n{ticket}\n{session}");
        let signature: Signature = self.key.sign(text.as_bytes());
        frame["t"] = "resume".into();
        frame["device"]["signature"] = base64url(&signature.to_bytes()).into();
        for name in ["session", "epoch", "resume_token"] {
            frame[name] = welcome[name].clone();
        }
        frame["last_seq"] = 0.into();
        frame
    }

    pub async fn join(&mut self) -> Value {
        let joined = self
            .ask(json!({
                "t": "join", "room": ROOM, "call": CALL, "name": "somebody",
                "media": { "audio": true, "video": true },
            }))
            .await;
        assert_eq!(joined["t"], "joined", "{joined}");
        joined
    }

    pub async fn send_text(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a request and waits for its answer; what comes before it is passed over.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        self.next_request += 1;
        let id = format!("r{}", self.next_request);
        frame["id"] = id.clone().into();
        self.send(frame).await;
        self.until(|got| got["re"] == id.as_str()).await
    }

    /// Waits for a frame; what comes before it is passed over.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("the socket was closed");
            if wanted(&frame) {
                return frame;
            }
        }
    }

    pub async fn until_type(&mut self, t: &str) -> Value {
        self.until(|frame| frame["t"] == t).await
    }

    /// The next frame, or the code the server closed with (0: without one).
    pub async fn next(&mut self) -> Result<Value, u16> {
        let message = timeout(PATIENCE, self.ws.next())
            .await
            .expect("nothing came");
        match message {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.last_seq = frame["seq"].as_u64().unwrap_or(self.last_seq);
                Ok(frame)
            }
            Some(Ok(Message::Close(Some(close)))) => Err(close.code.into()),
            Some(Ok(other)) => panic!("{other:?}"),
            Some(Err(_)) | None => Err(0),
        }
    }

    /// Reads until the server closes, and returns the code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Sends what the server may cut off half-way.
    pub async fn try_send(&mut self, message: Message) -> Result<(), WsError> {
        self.ws.send(message).await
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}
