//! What a server has done, in numbers.

/// A struct of numbers that can be added up.
macro_rules! numbers {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $kind,)*
        }

        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: $name) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

numbers! {
    /// Plain counters since the start; all of them only grow, except `allocations`.
    Counters {
        /// Allocations that exist now.
        allocations: u64,
        /// Allocations made so far.
        allocations_created: u64,
        /// Of those, whose clients came by UDP; the rest came by TCP or TLS.
        allocations_created_udp: u64,
        /// Of those, whose clients came by TLS.
        allocations_created_tls: u64,
        /// Times an allocation moved to another 5-tuple (RFC 8016).
        moves: u64,
        /// Binding requests answered with an address.
        bindings: u64,
        /// Requests granted, Binding excepted.
        granted: u64,
        /// Requests refused with an error, challenges (401, 438) excepted.
        refused: u64,
        /// The same by error code.
        refusals: Refusals,
        /// Answers of 401 or 438.
        challenges: u64,
        /// Requests that would have been answered by 401, had their source not used up its rate.
        throttled: u64,
        /// Requests with an integrity attribute that no known key fits.
        bad_credentials: u64,
        /// Datagrams that were no well-formed STUN or ChannelData, or must not be answered.
        ignored: u64,
        /// Datagrams from clients that went on to a peer through the kernel.
        to_peers: u64,
        /// Bytes of application data in them.
        to_peers_bytes: u64,
        /// Datagrams from peers that went on to a client.
        to_clients: u64,
        /// Bytes of application data in them.
        to_clients_bytes: u64,
        /// Datagrams from a client that went directly to another client of this server.
        direct: u64,
        /// Bytes of application data in them.
        direct_bytes: u64,
        /// ICMP errors that clients were told of.
        peer_errors: u64,
        /// Application data that was dropped, for any reason.
        dropped: u64,
        /// The same by reason.
        drops: Drops,
    }
}

numbers! {
    /// Refused requests by error code (RFC 8489 section 14.8, RFC 8656 section 19).
    Refusals {
        /// 300 Try Alternate.
        try_alternate: u64,
        /// 400 Bad Request.
        bad_request: u64,
        /// 403 Forbidden: a peer that must not be reached.
        forbidden: u64,
        /// 420 Unknown Attribute.
        unknown_attribute: u64,
        /// 437 Allocation Mismatch.
        allocation_mismatch: u64,
        /// 486 Allocation Quota Reached.
        quota_reached: u64,
        /// 508 Insufficient Capacity.
        insufficient_capacity: u64,
        /// All others.
        other: u64,
    }
}

numbers! {
    /// Application data that was dropped, by the first reason that was found.
    Drops {
        /// The client has no allocation, or no such channel.
        unbound: u64,
        /// The client has no permission for the peer.
        unpermitted: u64,
        /// The peer must not be reached, or not be heard.
        denied: u64,
        /// More than an allocation or the server may relay in a second.
        over_bandwidth: u64,
        /// Too large for what it would have to be wrapped in.
        too_large: u64,
    }
}

impl std::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Counters>>(all: I) -> Counters {
        all.fold(Counters::default(), |mut sum, counters| {
            sum += counters;
            sum
        })
    }
}
