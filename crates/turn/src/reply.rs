//! Answers to requests: decided as values, written last, over the request they answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::connections::ConnectionId;
use crate::discovery::Discovered;
use crate::mobility::SealedTicket;
use crate::nonce;
use crate::reservations::Token;
use crate::stun::{
    Class, Integrity, Key, Message, Method, PasswordAlgorithm, TransactionId, Writer,
    attribute as attr,
};

/// What an answer takes over from its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    method: Method,
    transaction: TransactionId,
    /// An answer carries FINGERPRINT if its request does.
    fingerprint: bool,
    /// Set once the request is authenticated: from then on answers are signed, too.
    signature: Option<(Integrity, Key)>,
}

impl Envelope {
    pub(crate) fn of(message: &Message<'_>) -> Envelope {
        Envelope {
            method: message.method(),
            transaction: message.transaction(),
            fingerprint: message.has_fingerprint(),
            signature: None,
        }
    }

    pub(crate) fn signed(mut self, integrity: Integrity, key: Key) -> Envelope {
        self.signature = Some((integrity, key));
        self
    }
}

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Binding: where the request came from.
    Mapped,
    /// The same with what RFC 5780 adds.
    Discovered(Discovered),
    /// Allocate.
    Allocated(Box<Granted>),
    /// Refresh.
    Refreshed {
        lifetime: Duration,
        ticket: Option<Box<SealedTicket>>,
    },
    /// CreatePermission, ChannelBind and ConnectionBind.
    Done,
    /// Connect.
    Connected(ConnectionId),
    /// 300 with where to go instead.
    TryAlternate(Box<Alternates>),
    /// An error that is only a number.
    Refused(Refusal),
    /// 420 with the list.
    Unknown(UnknownAttributes),
    /// 401 or 438 with what the client needs to try again.
    Challenge(Challenge, [u8; nonce::LEN]),
}

/// What Allocate is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) relayed: SocketAddr,
    /// Of the other address family.
    pub(crate) other: Option<SocketAddr>,
    /// The address family that could not be had, and why.
    pub(crate) missing: Option<(u8, Refusal)>,
    pub(crate) lifetime: Duration,
    pub(crate) reserved: Option<Token>,
    pub(crate) ticket: Option<Box<SealedTicket>>,
}

/// Servers to go to instead of this one (RFC 8489 section 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alternates {
    /// Of the client's family.
    pub(crate) first: SocketAddr,
    /// Of the other.
    pub(crate) second: Option<SocketAddr>,
    pub(crate) domain: Option<Arc<str>>,
}

/// Error codes (RFC 8489 section 14.8, RFC 8656 section 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Refusal {
    BadRequest = 400,
    Forbidden = 403,
    MobilityForbidden = 405,
    AllocationMismatch = 437,
    FamilyNotSupported = 440,
    WrongCredentials = 441,
    TransportNotSupported = 442,
    PeerFamilyMismatch = 443,
    ConnectionExists = 446,
    ConnectionFailed = 447,
    QuotaReached = 486,
    InsufficientCapacity = 508,
}

/// Errors that ask for another try with the realm and nonce they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Challenge {
    Unauthenticated = 401,
    StaleNonce = 438,
}

/// Types that would have to be understood and are not. More than these are not listed: a client
/// that sends so many learns enough from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownAttributes {
    kinds: [u16; 16],
    len: usize,
}

/// Comprehension-required types this server understands, or can leave aside without harm because
/// only answers carry them.
const KNOWN: [u16; 21] = [
    0x0001, // MAPPED-ADDRESS
    attr::USERNAME,
    attr::MESSAGE_INTEGRITY,
    attr::ERROR_CODE,
    attr::UNKNOWN_ATTRIBUTES,
    attr::CHANNEL_NUMBER,
    attr::LIFETIME,
    attr::XOR_PEER_ADDRESS,
    attr::DATA,
    attr::REALM,
    attr::NONCE,
    attr::XOR_RELAYED_ADDRESS,
    attr::REQUESTED_ADDRESS_FAMILY,
    attr::EVEN_PORT,
    attr::REQUESTED_TRANSPORT,
    attr::DONT_FRAGMENT,
    attr::RESERVATION_TOKEN,
    attr::MESSAGE_INTEGRITY_SHA256,
    attr::PASSWORD_ALGORITHM,
    attr::USERHASH,
    attr::XOR_MAPPED_ADDRESS,
];

impl UnknownAttributes {
    /// The unknown comprehension-required attributes of a message, if it has any.
    pub(crate) fn of(message: &Message<'_>) -> Option<UnknownAttributes> {
        UnknownAttributes::beyond(message, &[])
    }

    /// The same where some more types are known.
    pub(crate) fn beyond(message: &Message<'_>, also: &[u16]) -> Option<UnknownAttributes> {
        let is_known = |kind: &u16| KNOWN.contains(kind) || also.contains(kind);
        let mut kinds = [0; 16];
        let mut len = 0;
        let unknown = message
            .attributes()
            .map(|(kind, _)| kind)
            .filter(|kind| attr::is_comprehension_required(*kind) && !is_known(kind));
        for kind in unknown {
            if len < kinds.len() && !kinds[..len].contains(&kind) {
                kinds[len] = kind;
                len += 1;
            }
        }
        (len > 0).then_some(UnknownAttributes { kinds, len })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let mut value = [0; 32];
        for (out, kind) in value.chunks_exact_mut(2).zip(&self.kinds[..self.len]) {
            out.copy_from_slice(&kind.to_be_bytes());
        }
        writer.attribute(attr::UNKNOWN_ATTRIBUTES, &value[..2 * self.len]);
    }
}

/// Writes an answer to a client and gives its length; `None` if the buffer is too small for it.
pub(crate) fn write(
    buffer: &mut [u8],
    envelope: &Envelope,
    answer: &Answer,
    client: SocketAddr,
    realm: &str,
) -> Option<usize> {
    let class = match answer {
        Answer::TryAlternate(_)
        | Answer::Refused(_)
        | Answer::Unknown(_)
        | Answer::Challenge(..) => Class::Error,
        _ => Class::Success,
    };
    let mut writer = Writer::new(buffer, class, envelope.method, envelope.transaction);
    write_body(
        &mut writer,
        answer,
        client,
        realm,
        envelope.signature.is_some(),
    );
    if let Some((integrity, key)) = &envelope.signature
        && !matches!(answer, Answer::Challenge(..))
    {
        writer.integrity(*integrity, key);
    }
    if envelope.fingerprint {
        writer.fingerprint();
    }
    writer.finish()
}

fn write_body(
    writer: &mut Writer<'_>,
    answer: &Answer,
    client: SocketAddr,
    realm: &str,
    explain: bool,
) {
    match answer {
        Answer::Mapped => {
            writer.xor_address(attr::XOR_MAPPED_ADDRESS, client);
        }
        Answer::Discovered(discovered) => write_discovered(writer, discovered),
        Answer::Allocated(granted) => write_granted(writer, granted, client),
        Answer::Refreshed { lifetime, ticket } => {
            write_lifetime(writer, *lifetime);
            write_ticket(writer, ticket.as_deref());
        }
        Answer::Done => {}
        Answer::Connected(connection) => {
            writer.attribute(attr::CONNECTION_ID, &connection.to_bytes());
        }
        Answer::TryAlternate(alternates) => {
            writer.error_code(300, "Try Alternate");
            for address in [Some(alternates.first), alternates.second]
                .into_iter()
                .flatten()
            {
                writer.address(attr::ALTERNATE_SERVER, address);
            }
            if let Some(domain) = &alternates.domain {
                writer.attribute(attr::ALTERNATE_DOMAIN, domain.as_bytes());
            }
        }
        Answer::Refused(refusal) => {
            // A stranger gets the bare number: the answer must not outweigh the request.
            let reason = if explain { refusal.reason() } else { "" };
            writer.error_code(*refusal as u16, reason);
        }
        Answer::Unknown(unknown) => {
            writer.error_code(420, "");
            unknown.write(writer);
        }
        Answer::Challenge(challenge, nonce) => {
            writer
                .error_code(*challenge as u16, "")
                .attribute(attr::REALM, realm.as_bytes())
                .attribute(attr::NONCE, nonce)
                .attribute(attr::PASSWORD_ALGORITHMS, &PasswordAlgorithm::OFFER);
        }
    }
}

fn write_discovered(writer: &mut Writer<'_>, discovered: &Discovered) {
    writer
        .xor_address(attr::XOR_MAPPED_ADDRESS, discovered.mapped)
        .address(attr::RESPONSE_ORIGIN, discovered.origin)
        .address(attr::OTHER_ADDRESS, discovered.other);
    if let Some(len) = discovered.padding {
        writer.zeros(attr::PADDING, len);
    }
}

fn write_granted(writer: &mut Writer<'_>, granted: &Granted, client: SocketAddr) {
    for relayed in [Some(granted.relayed), granted.other].into_iter().flatten() {
        writer.xor_address(attr::XOR_RELAYED_ADDRESS, relayed);
    }
    writer.xor_address(attr::XOR_MAPPED_ADDRESS, client);
    write_lifetime(writer, granted.lifetime);
    if let Some((family, refusal)) = granted.missing {
        let code = refusal as u16;
        let value = [family, 0, (code / 100) as u8, (code % 100) as u8];
        writer.attribute(attr::ADDRESS_ERROR_CODE, &value);
    }
    if let Some(token) = &granted.reserved {
        writer.attribute(attr::RESERVATION_TOKEN, token);
    }
    write_ticket(writer, granted.ticket.as_deref());
}

fn write_lifetime(writer: &mut Writer<'_>, lifetime: Duration) {
    let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
    writer.attribute(attr::LIFETIME, &seconds.to_be_bytes());
}

fn write_ticket(writer: &mut Writer<'_>, ticket: Option<&SealedTicket>) {
    if let Some(ticket) = ticket {
        writer.attribute(attr::MOBILITY_TICKET, ticket);
    }
}

impl Refusal {
    fn reason(self) -> &'static str {
        match self {
            Refusal::BadRequest => "Bad Request",
            Refusal::Forbidden => "Forbidden",
            Refusal::MobilityForbidden => "Mobility Forbidden",
            Refusal::AllocationMismatch => "Allocation Mismatch",
            Refusal::FamilyNotSupported => "Address Family not Supported",
            Refusal::WrongCredentials => "Wrong Credentials",
            Refusal::TransportNotSupported => "Unsupported Transport Protocol",
            Refusal::PeerFamilyMismatch => "Peer Address Family Mismatch",
            Refusal::ConnectionExists => "Connection Already Exists",
            Refusal::ConnectionFailed => "Connection Timeout or Failure",
            Refusal::QuotaReached => "Allocation Quota Reached",
            Refusal::InsufficientCapacity => "Insufficient Capacity",
        }
    }
}
