//! The WebSocket: frames in, frames out, each bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use exchange::{Input, SocketId};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::SUBPROTOCOL;
use protocol::close::CloseCode;
use protocol::frame::{self, FrameError};
use protocol::limits;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::sources::Counted;
use crate::hub::{Hub, ToSocket};

/// What a socket may buffer for reading. tungstenite's default of 128 KiB would be most of what
/// an idle client costs; frames longer than this are read in several steps.
const READ_BUFFER: usize = 4 * 1024;

/// How long a client may take to read one frame before it is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// `GET /api/v1/ws`.
pub async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Extension(counted): Extension<Arc<Counted>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(limits::FRAME_BYTES)
        .max_frame_size(limits::FRAME_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * limits::FRAME_BYTES);
    if upgrade.selected_protocol().is_none() {
        let text = "Ask for the WebSocket subprotocol dialtone.v1.\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        let id = shared.fresh_socket();
        run(id, socket, &shared.hub).await;
        shared.hub.input(Input::Closed(id)).await;
        drop(counted);
    })
}

/// Lives until either side has had enough.
async fn run(id: SocketId, socket: WebSocket, hub: &Hub) {
    let from_hub = hub.open(id).await;
    let (sink, stream) = socket.split();
    tokio::select! {
        () = read(id, stream, hub) => {}
        () = write(sink, from_hub) => {}
    }
}

/// Hands frames to the hub, not faster than a client may send them: beyond its allowance the
/// socket is simply not read, which the client's own network stack will make it feel.
async fn read(id: SocketId, mut stream: SplitStream<WebSocket>, hub: &Hub) {
    let mut allowance = Allowance::new();
    while let Some(Ok(message)) = stream.next().await {
        let frame = match message {
            Message::Text(text) => frame::parse(&text),
            Message::Binary(_) => Err(FrameError::NotAFrame("a binary message".to_owned())),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        allowance.take().await;
        let broken = matches!(frame, Err(FrameError::NotAFrame(_)));
        hub.input(Input::Frame(id, frame)).await;
        if broken {
            // Nothing after it is read; the hub closes the socket with the reason.
            std::future::pending::<()>().await;
        }
    }
}

/// Sends what the hub wants sent, until it says to close.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut from_hub: mpsc::Receiver<ToSocket>) {
    while let Some(message) = from_hub.recv().await {
        let (message, last) = match message {
            ToSocket::Frame(text) => (Message::Text(text.into()), false),
            ToSocket::Close(code) => (close_message(code), true),
        };
        let sent = timeout(WRITE_TIMEOUT, sink.send(message)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

fn close_message(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame {
        code: code.number(),
        reason: code.reason().into(),
    }))
}

/// A token bucket: so many frames at once, so many a second in the long run.
struct Allowance {
    /// When the bucket will be full again.
    full_at: Instant,
}

impl Allowance {
    const EVERY: Duration = Duration::from_nanos(1_000_000_000 / limits::FRAMES_PER_SECOND as u64);

    fn new() -> Allowance {
        Allowance {
            full_at: Instant::now(),
        }
    }

    /// Takes one frame's worth, and waits for it if need be.
    async fn take(&mut self) {
        let now = Instant::now();
        self.full_at = self.full_at.max(now) + Self::EVERY;
        let burst = Self::EVERY * limits::FRAMES_BURST;
        if self.full_at - now > burst {
            sleep_until(self.full_at - burst).await;
        }
    }
}
