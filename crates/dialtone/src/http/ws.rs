//! The WebSocket: frames in, frames out, each bounded.

use std::error::Error as _;
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
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};

use super::Shared;
use crate::hub::{Hub, SocketReceiver, ToSocket};
use crate::net::guests::Guest;

/// What a socket may buffer for reading. tungstenite's default of 128 KiB would be most of what
/// an idle client costs; frames longer than this are read in several steps.
const READ_BUFFER: usize = 4 * 1024;

/// Bytes of frames for one client that are gathered before they are sent. The buffer grows with what
/// is in it.
const WRITE_BUFFER: usize = 16 * 1024;

/// Bytes of a message that is still read whole, only to be refused with the right code. Beyond
/// it the code may be lost: TCP resets a connection that is closed before all was read.
const MESSAGE_BYTES: usize = 2 * limits::FRAME_BYTES;

/// How long a client may take to read one frame before it is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to answer a close. What it sends until then is read and dropped,
/// so that the code reaches it.
const LINGER: Duration = Duration::from_secs(1);

/// `GET /api/v1/ws`.
pub async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Extension(counted): Extension<Arc<Guest>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER + 2 * limits::FRAME_BYTES);
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
    let (sink, mut stream) = socket.split();
    let closed = tokio::select! {
        () = read(id, &mut stream, hub) => false,
        closed = write(sink, from_hub) => closed,
    };
    if closed {
        let drained = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = timeout(LINGER, drained).await;
    }
}

/// Hands frames to the hub, not faster than a client may send them: beyond its allowance the
/// socket is simply not read, which the client's own network stack will make it feel.
async fn read(id: SocketId, stream: &mut SplitStream<WebSocket>, hub: &Hub) {
    let mut allowance = Allowance::new();
    while let Some(message) = stream.next().await {
        allowance.take().await;
        let frame = match message {
            Ok(Message::Text(text)) => frame::parse(&text),
            Ok(Message::Binary(_)) => Err(not_a_frame("a binary message")),
            // Reading on after a close answers it, and then ends.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => continue,
            Err(error) if is_loss(&error) => return,
            Err(_) => Err(not_a_frame(
                "not a WebSocket message, or one that is too long",
            )),
        };
        let broken = matches!(frame, Err(FrameError::NotAFrame(_)));
        hub.input(Input::Frame(id, frame)).await;
        if broken {
            // Nothing after it is read; the hub closes the socket with the reason.
            std::future::pending::<()>().await;
        }
    }
}

fn not_a_frame(reason: &str) -> FrameError {
    FrameError::NotAFrame(reason.to_owned())
}

/// Whether the connection is lost, and not misused.
fn is_loss(error: &axum::Error) -> bool {
    match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(WsError::Capacity(_) | WsError::Utf8(_)) => false,
        Some(WsError::Protocol(what)) => *what == ProtocolError::ResetWithoutClosingHandshake,
        _ => true,
    }
}

/// Sends what the hub wants sent, until it says to close. `true` if the client was told.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut from_hub: SocketReceiver) -> bool {
    while let Some(message) = from_hub.receive().await {
        match timeout(WRITE_TIMEOUT, send(&mut sink, message, &mut from_hub)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => return true,
            Ok(Err(_)) | Err(_) => return false,
        }
    }
    false
}

/// Sends this and what is waiting behind it in as few packets as will hold it; whether that was the
/// last word.
async fn send(
    sink: &mut SplitSink<WebSocket, Message>,
    first: ToSocket,
    from_hub: &mut SocketReceiver,
) -> Result<bool, axum::Error> {
    let (mut next, mut is_last, mut gathered) = (Some(first), false, 0);
    while let Some(message) = next {
        gathered += message.bytes();
        is_last = matches!(message, ToSocket::Close(_));
        let message = match message {
            ToSocket::Frame(text) => Message::Text(text.into()),
            ToSocket::Close(code) => close_message(code),
        };
        sink.feed(message).await?;
        let is_enough = is_last || gathered >= WRITE_BUFFER;
        next = if is_enough {
            None
        } else {
            from_hub.receive_waiting()
        };
    }
    sink.flush().await?;
    Ok(is_last)
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
