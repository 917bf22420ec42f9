//! The two requests of HTTP that come before a session.

use protocol::SUBPROTOCOL;
use protocol::id::Ticket;

use super::heard::TicketAnswer;

/// Asks for a ticket, with somebody's credentials or as a guest.
pub fn ask_for_ticket(out: &mut Vec<u8>, host: &str, bearer: Option<&str>) {
    let bearer = bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
    let text = format!(
        "POST /api/v1/tickets HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-length: 0\r\n{}\r\n",
        bearer.unwrap_or_default()
    );
    out.extend_from_slice(text.as_bytes());
}

/// Asks for a WebSocket. The key only keeps caches from answering; there are none here.
pub fn ask_for_upgrade(out: &mut Vec<u8>, host: &str) {
    let text = format!(
        "GET /api/v1/ws HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    out.extend_from_slice(text.as_bytes());
}

/// The ticket in a whole answer; `Ok(None)` if more has to come, the status line if it is a refusal.
pub fn ticket(bytes: &[u8]) -> Result<Option<Ticket>, String> {
    let Some((head, body)) = split(bytes) else {
        return Ok(None);
    };
    expect(head, " 200 ")?;
    let answer = serde_json::from_slice::<TicketAnswer>(body);
    Ok(answer.ok().map(|answer| answer.ticket))
}

/// Whether the answer is whole, and the connection a WebSocket from then on; how long it is.
pub fn upgraded(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some((head, _)) = split(bytes) else {
        return Ok(None);
    };
    expect(head, " 101 ")?;
    Ok(Some(head.len() + END.len()))
}

const END: &[u8] = b"\r\n\r\n";

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(END.len()).position(|window| window == END)?;
    Some((&bytes[..at], &bytes[at + END.len()..]))
}

fn expect(head: &[u8], status: &str) -> Result<(), String> {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().next().unwrap_or_default();
    match line.contains(status) {
        true => Ok(()),
        false => Err(line.chars().take(80).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_once_they_are_whole() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\
                      {\"ticket\":\"mJ3kSxq0T0yJm6mUo7q4mA\",\"expires_in_ms\":30000}";
        for part in 0..answer.len() {
            assert_eq!(ticket(&answer.as_bytes()[..part]), Ok(None));
        }
        assert!(ticket(answer.as_bytes()).unwrap().is_some());
        let refusal = b"HTTP/1.1 429 Too Many Requests\r\n\r\n{}";
        assert!(ticket(refusal).unwrap_err().contains("429"));

        let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\nrest";
        assert_eq!(upgraded(answer), Ok(Some(answer.len() - 4)));
        assert_eq!(upgraded(&answer[..20]), Ok(None));
    }
}
