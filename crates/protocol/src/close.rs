//! Codes with which the server closes a WebSocket (RFC 6455, section 7.4.2: 4000–4999 are free).

/// Why the server closed the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CloseCode {
    /// No `hello` or `resume` within 2 s.
    HelloTimeout,
    /// The ticket or the proof was not valid.
    Unauthorized,
    /// A frame that is not a JSON object of this protocol.
    BadFrame,
    /// The session goes on on a newer socket.
    Replaced,
    /// The client did not read or acknowledge what it was sent.
    SlowReader,
    /// The client did not answer pings.
    PingTimeout,
    /// The server is stopping.
    GoingAway,
    /// Too many sockets from one address, or too many in all.
    TooMany,
    /// The sign-in was revoked, or the account is gone.
    SignedOut,
}

impl CloseCode {
    /// Every code, its number, its reason, and whether a client should connect again.
    pub const ALL: &[(CloseCode, u16, &str, bool)] = &[
        (CloseCode::HelloTimeout, 4000, "no hello within 2 s", true),
        (
            CloseCode::Unauthorized,
            4001,
            "the ticket or the device's proof is not valid",
            true,
        ),
        (
            CloseCode::BadFrame,
            4002,
            "a frame that is not of this protocol",
            false,
        ),
        (
            CloseCode::Replaced,
            4003,
            "the session goes on on a newer socket",
            false,
        ),
        (
            CloseCode::SlowReader,
            4004,
            "too much was left unread or unacknowledged",
            true,
        ),
        (
            CloseCode::PingTimeout,
            4005,
            "pings were not answered",
            true,
        ),
        (CloseCode::GoingAway, 4006, "the server is stopping", true),
        (CloseCode::TooMany, 4007, "too many connections", true),
        (CloseCode::SignedOut, 4008, "signed out", false),
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self.row().1
    }

    /// The reason that goes with it.
    pub fn reason(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (CloseCode, u16, &'static str, bool) {
        &Self::ALL[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_finds_its_own_row() {
        for (code, number, reason, _) in CloseCode::ALL {
            assert_eq!((code.number(), code.reason()), (*number, *reason));
        }
    }
}
