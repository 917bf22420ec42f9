//! What a server has done, in numbers.

/// Plain counters since the start; all of them only grow, except `allocations`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Allocations that exist now.
    pub allocations: u64,
    /// Allocations made so far.
    pub allocations_created: u64,
    /// Binding requests answered with an address.
    pub bindings: u64,
    /// Requests granted, Binding excepted.
    pub granted: u64,
    /// Requests refused with an error, challenges (401, 438) excepted.
    pub refused: u64,
    /// Answers of 401 or 438.
    pub challenges: u64,
    /// Requests that would have been answered by 401, had their source not used up its rate.
    pub throttled: u64,
    /// Requests with an integrity attribute that no known key fits.
    pub bad_credentials: u64,
    /// Datagrams that were no well-formed STUN or ChannelData, or must not be answered.
    pub ignored: u64,
    /// Datagrams from clients that went on to a peer through the kernel.
    pub to_peers: u64,
    /// Bytes of application data in them.
    pub to_peers_bytes: u64,
    /// Datagrams from peers that went on to a client.
    pub to_clients: u64,
    /// Bytes of application data in them.
    pub to_clients_bytes: u64,
    /// Datagrams from a client that went directly to another client of this server.
    pub direct: u64,
    /// Bytes of application data in them.
    pub direct_bytes: u64,
    /// Application data that was dropped: no allocation, channel or permission, or a peer that
    /// must not be reached.
    pub dropped: u64,
}

impl std::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Counters>>(all: I) -> Counters {
        all.fold(Counters::default(), |a, b| Counters {
            allocations: a.allocations + b.allocations,
            allocations_created: a.allocations_created + b.allocations_created,
            bindings: a.bindings + b.bindings,
            granted: a.granted + b.granted,
            refused: a.refused + b.refused,
            challenges: a.challenges + b.challenges,
            throttled: a.throttled + b.throttled,
            bad_credentials: a.bad_credentials + b.bad_credentials,
            ignored: a.ignored + b.ignored,
            to_peers: a.to_peers + b.to_peers,
            to_peers_bytes: a.to_peers_bytes + b.to_peers_bytes,
            to_clients: a.to_clients + b.to_clients,
            to_clients_bytes: a.to_clients_bytes + b.to_clients_bytes,
            direct: a.direct + b.direct,
            direct_bytes: a.direct_bytes + b.direct_bytes,
            dropped: a.dropped + b.dropped,
        })
    }
}
