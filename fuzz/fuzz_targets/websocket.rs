//! Bytes of a socket, through the WebSocket reader set up as the server's, into frames.
#![no_main]

use std::io::{self, Read, Write};

use protocol::{frame, limits};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

/// As in `crates/dialtone/src/http/ws.rs`.
const READ_BUFFER: usize = 4 * 1024;
const MESSAGE_BYTES: usize = 2 * limits::FRAME_BYTES;

/// What a client sent, in pieces as TCP might deliver it; what it is sent is thrown away.
struct Pipe<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.piece).min(self.bytes.len());
        buffer[..len].copy_from_slice(&self.bytes[..len]);
        self.bytes = &self.bytes[len..];
        Ok(len)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * limits::FRAME_BYTES);
    let pipe = Pipe {
        bytes,
        piece: usize::from(piece) + 1,
    };
    let mut socket = WebSocket::from_raw_socket(pipe, Role::Server, Some(config));
    while let Ok(message) = socket.read() {
        assert!(message.len() <= MESSAGE_BYTES);
        if let tungstenite::Message::Text(text) = message {
            let _ = frame::parse(&text);
        }
    }
});
