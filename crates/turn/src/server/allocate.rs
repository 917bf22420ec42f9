//! Allocate (RFC 8656 section 7.2).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::time::{Now, Tick};

use super::authenticate::User;
use super::{Decision, Server, whole_seconds};
use crate::action::{Action, NoRelay, Place, PortWish, RelayRequest};
use crate::allocation::{Allocation, AllocationId, FiveTuple, PeerTransport, Transport};
use crate::config::{DEFAULT_LIFETIME, RelayAddress};
use crate::quota::{Most, Share};
use crate::reply::{Answer, Envelope, Granted, Refusal};
use crate::reservations::{Reservation, Token};
use crate::stun::{Message, attribute as attr};
use crate::trial::{self, is_trial};

/// The relay sockets of one Allocate.
struct Places {
    first: Place,
    /// One of the other family.
    then: Option<Place>,
    /// The family that was asked for as well and is not to be had.
    missing: Option<(u8, Refusal)>,
}

impl Server {
    /// Takes the outcome of opening a relay socket: the port it got, or that there is none.
    /// For [`PortWish::EvenAndNext`] it is the even one of two that were opened.
    ///
    /// The answer to the client is written over `buffer`, which is at least
    /// [`MIN_BUFFER`](crate::MIN_BUFFER) bytes long.
    pub fn handle_relay_opened(
        &mut self,
        now: Now,
        request: RelayRequest,
        outcome: Result<u16, NoRelay>,
        buffer: &mut [u8],
    ) -> Action {
        let RelayRequest {
            allocation: id,
            place,
            then,
            peer_transport,
            path,
            envelope,
            lifetime,
        } = request;
        let Some(allocation) = self.allocations.get_mut(id) else {
            return Action::Nothing;
        };
        let beside = then.map(|place| (place, allocation.beside(place.announced)));
        let is_open = self.open(now.tick, id, outcome, lifetime);
        if is_open && place.port == PortWish::EvenAndNext {
            self.reserve_next(now.tick, id, place.bind);
        }
        let missing = (!is_open).then(|| {
            let family = attr::family_of(place.announced);
            (family, Refusal::InsufficientCapacity)
        });
        if let Some((place, mut allocation)) = beside {
            allocation.missing = missing;
            return Action::OpenRelay(RelayRequest {
                allocation: self.allocations.insert(allocation),
                place,
                then: None,
                peer_transport,
                path,
                envelope,
                lifetime,
            });
        }
        let first = self.allocations.on_path(&path).map(|(id, _)| id);
        let answer = match first.and_then(|id| self.allocations.get_mut(id)) {
            Some(first) => {
                first.missing = first.missing.or(missing);
                self.granted(path)
            }
            None => {
                self.bid_farewell(path);
                None
            }
        };
        let refused = Answer::Refused(Refusal::InsufficientCapacity);
        let decision = Decision::Answer(envelope, answer.unwrap_or(refused));
        self.emit(path, buffer, decision)
    }

    /// Lets an allocation begin on the port that was opened, or takes it out again.
    fn open(
        &mut self,
        now: Tick,
        id: AllocationId,
        outcome: Result<u16, NoRelay>,
        lifetime: Duration,
    ) -> bool {
        let Some(allocation) = self.allocations.get_mut(id) else {
            return false;
        };
        let relayed = SocketAddr::new(allocation.relayed.ip(), outcome.unwrap_or(0));
        let (path, peer_transport) = (allocation.path, allocation.peer_transport);
        allocation.created = now;
        allocation.lifetime = lifetime;
        let trial = allocation.is_trial.then(|| allocation.share.account());
        let trial = trial.map(Box::<str>::from);
        if relayed.port() == 0 {
            // There is no socket, so there is nothing to tell of.
            self.allocations.remove(id);
            return false;
        }
        if !self.allocations.set_relayed(id, relayed) {
            self.close(id);
            return false;
        }
        self.siblings.insert(relayed, peer_transport);
        if let Some(account) = trial {
            self.siblings.insert_trial(relayed, &account);
        }
        self.allocations.set_deadline(id, now + lifetime);
        self.count_created(path.transport);
        true
    }

    /// What the client on a 5-tuple is told of its allocations, once all of them are open.
    fn granted(&self, path: FiveTuple) -> Option<Answer> {
        let (id, first) = self.allocations.on_path(&path)?;
        let other = first.other.and_then(|id| self.allocations.get(id));
        let are_open = first.is_open() && other.is_none_or(Allocation::is_open);
        are_open.then(|| {
            Answer::Allocated(Box::new(Granted {
                relayed: first.relayed,
                other: other.map(|other| other.relayed),
                missing: first.missing,
                lifetime: first.lifetime,
                reserved: first.reserved,
                ticket: self.ticket_of(id),
            }))
        })
    }

    fn count_created(&mut self, transport: Transport) {
        self.counters.allocations_created += 1;
        match transport {
            Transport::Udp => self.counters.allocations_created_udp += 1,
            Transport::Tls => self.counters.allocations_created_tls += 1,
            Transport::Tcp => {}
        }
    }

    /// Keeps the port above that of an allocation for its user.
    fn reserve_next(&mut self, now: Tick, id: AllocationId, bind: IpAddr) -> Option<Token> {
        let allocation = self.allocations.get_mut(id)?;
        let reservation = Reservation {
            bind,
            announced: allocation.relayed.ip(),
            port: allocation.relayed.port().checked_add(1)?,
            share: allocation.share.split(),
        };
        let token = self.reservations.insert(now, reservation);
        allocation.reserved = Some(token);
        Some(token)
    }

    pub(super) fn decide_allocate(
        &mut self,
        path: FiveTuple,
        message: &Message<'_>,
        user: User<'_>,
    ) -> Decision {
        if let Some((_, allocation)) = self.allocations.on_path(&path) {
            let is_repeated = allocation.transaction == message.transaction();
            return self.decide_again(path, is_repeated, user.envelope);
        }
        if let Some(elsewhere) = self.reservation_elsewhere(message) {
            return elsewhere;
        }
        if let Some(answer) = self.turn_away(path.client) {
            return Decision::Answer(user.envelope, answer);
        }
        match self.begin_allocation(path, message, &user) {
            Err(refusal) => Decision::Answer(user.envelope, Answer::Refused(refusal)),
            Ok((allocation, places, lifetime)) => {
                let peer_transport = allocation.peer_transport;
                let allocation = self.allocations.insert(allocation);
                self.visit(path);
                Decision::Act(Action::OpenRelay(RelayRequest {
                    allocation,
                    place: places.first,
                    then: places.then,
                    peer_transport,
                    path,
                    envelope: user.envelope,
                    lifetime,
                }))
            }
        }
    }

    /// Allocate on a 5-tuple that has an allocation of the same user.
    fn decide_again(&self, path: FiveTuple, is_repeated: bool, envelope: Envelope) -> Decision {
        if !is_repeated {
            return Decision::Answer(envelope, Answer::Refused(Refusal::AllocationMismatch));
        }
        match self.granted(path) {
            Some(answer) => Decision::Answer(envelope, answer),
            // The first copy of this request is about to be answered.
            None => Decision::Ignore,
        }
    }

    fn begin_allocation(
        &mut self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Allocation, Places, Duration), Refusal> {
        let peer_transport = self.requested_transport(path, message)?;
        let requested = requested_lifetime(message)?;
        let mobile = self.wants_mobility(message)?;
        let (places, share) = match message.first(attr::RESERVATION_TOKEN) {
            Some(token) => self.reserved_place(token, message, user)?,
            None => self.new_places(path, message, user)?,
        };
        let mut allocation = Allocation::opening(
            path,
            share,
            user.key.clone(),
            message.transaction(),
            places.first.announced,
        );
        allocation.peer_transport = peer_transport;
        if allocation.is_trial && peer_transport == PeerTransport::Tcp {
            return Err(Refusal::Forbidden);
        }
        // Two allocations do not move, nor does one that is bound to a connection by what it is for:
        // their client is answered as by a server without mobility.
        let moves = places.then.is_none() && peer_transport == PeerTransport::Udp;
        allocation.mobile = mobile.filter(|_| moves);
        allocation.missing = places.missing;
        let lifetime = self.lifetime(requested, Duration::ZERO, allocation.is_trial);
        Ok((allocation, places, lifetime))
    }

    /// REQUESTED-TRANSPORT (RFC 8656 section 7.2, RFC 6062 section 5.1).
    fn requested_transport(
        &self,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<PeerTransport, Refusal> {
        let value = message.first(attr::REQUESTED_TRANSPORT);
        match value.and_then(attr::read_first_of_four) {
            None => Err(Refusal::BadRequest),
            Some(attr::TRANSPORT_UDP) => Ok(PeerTransport::Udp),
            Some(attr::TRANSPORT_TCP) if self.tcp_relay => {
                let excluded = [
                    attr::EVEN_PORT,
                    attr::DONT_FRAGMENT,
                    attr::RESERVATION_TOKEN,
                ];
                let is_excluded = excluded.iter().any(|kind| message.first(*kind).is_some());
                match path.transport.is_stream() && !is_excluded {
                    true => Ok(PeerTransport::Tcp),
                    false => Err(Refusal::BadRequest),
                }
            }
            Some(_) => Err(Refusal::TransportNotSupported),
        }
    }

    /// A port that was kept. It has counted against the quota all the time.
    fn reserved_place(
        &mut self,
        token: &[u8],
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Places, Share), Refusal> {
        let excluded = [attr::EVEN_PORT, attr::REQUESTED_ADDRESS_FAMILY];
        let is_excluded = excluded.iter().any(|kind| message.first(*kind).is_some());
        if token.len() != 8 || is_excluded || additional_family(message).is_some() {
            return Err(Refusal::BadRequest);
        }
        let reservation = self
            .reservations
            .take(token, &user.name)
            .ok_or(Refusal::InsufficientCapacity)?;
        let place = Place {
            bind: reservation.bind,
            announced: reservation.announced,
            port: PortWish::Reserved(reservation.port),
        };
        Ok((Places::one(place), reservation.share))
    }

    /// A port to be picked, or one of each family, if the quota allows so many.
    fn new_places(
        &self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Places, Share), Refusal> {
        let port = requested_port(message)?;
        let family = requested_family(message)?.unwrap_or_else(|| self.default_family());
        let place = |family| {
            let relay = self.relay_for(family, path)?;
            Ok(Place {
                bind: relay.bind,
                announced: relay.announced,
                port,
            })
        };
        let places = if wants_both(message)? {
            Places::both(place(attr::FAMILY_IPV4), place(attr::FAMILY_IPV6))?
        } else {
            Places::one(place(family)?)
        };
        let is_pair = places.then.is_some() || port == PortWish::EvenAndNext;
        let share = self.take_share(path, user, 1 + u32::from(is_pair))?;
        Ok((places, share))
    }

    /// The family of who names none. RFC 8656 section 7.2 says IPv4; where there is none of that,
    /// 440 would keep out browsers, which never name one.
    fn default_family(&self) -> u8 {
        let is_v6 = |relay: &RelayAddress| relay.announced.is_ipv6();
        match self.relays.iter().all(is_v6) {
            true => attr::FAMILY_IPV6,
            false => attr::FAMILY_IPV4,
        }
    }

    fn take_share(&self, path: FiveTuple, user: &User<'_>, count: u32) -> Result<Share, Refusal> {
        let account_at = self.credentials.account_at(&user.name);
        let mut most = Most {
            per_account: self.limits.user_quota,
            per_source: self.limits.address_quota,
        };
        if is_trial(&user.name, account_at) {
            most.per_account = most.per_account.min(trial::ALLOCATIONS);
            if self.siblings.trials() >= trial::IN_ALL {
                return Err(Refusal::QuotaReached);
            }
        }
        self.quotas
            .take(&user.name, account_at, path.client.ip(), count, most)
            .ok_or(Refusal::QuotaReached)
    }

    /// What is granted to who asks for this, at this age of the allocation.
    pub(super) fn lifetime(
        &self,
        requested: Option<Duration>,
        age: Duration,
        is_trial: bool,
    ) -> Duration {
        let asked = requested.unwrap_or(DEFAULT_LIFETIME);
        let granted = asked.clamp(DEFAULT_LIFETIME, self.limits.max_lifetime);
        let oldest = match is_trial {
            true => trial::LIFETIME,
            false => self.limits.max_allocation_age,
        };
        let left = oldest.saturating_sub(age);
        whole_seconds(granted.min(left))
    }

    /// The relay address of a family; of several, rather the one the client already talks to.
    fn relay_for(&self, family: u8, path: FiveTuple) -> Result<RelayAddress, Refusal> {
        let of_family = || {
            let same = move |relay: &&RelayAddress| attr::family_of(relay.announced) == family;
            self.relays.iter().filter(same)
        };
        let here = path.local.ip();
        of_family()
            .find(|relay| relay.announced == here || relay.bind == here)
            .or_else(|| of_family().next())
            .copied()
            .ok_or(Refusal::FamilyNotSupported)
    }
}

impl Places {
    fn one(first: Place) -> Places {
        Places {
            first,
            then: None,
            missing: None,
        }
    }

    /// An IPv4 and an IPv6 one, or that of which there is an address.
    fn both(v4: Result<Place, Refusal>, v6: Result<Place, Refusal>) -> Result<Places, Refusal> {
        let (first, then, missing) = match (v4, v6) {
            (Ok(v4), Ok(v6)) => (v4, Some(v6), None),
            (Ok(v4), Err(why)) => (v4, None, Some((attr::FAMILY_IPV6, why))),
            (Err(why), Ok(v6)) => (v6, None, Some((attr::FAMILY_IPV4, why))),
            (Err(why), Err(_)) => return Err(why),
        };
        Ok(Places {
            first,
            then,
            missing,
        })
    }
}

/// EVEN-PORT (RFC 8656 section 18.6).
fn requested_port(message: &Message<'_>) -> Result<PortWish, Refusal> {
    let additional = additional_family(message);
    match message.first(attr::EVEN_PORT) {
        None => Ok(PortWish::Any),
        Some([flags]) if flags & 0x80 == 0 => Ok(PortWish::Even),
        Some([_]) if additional.is_none() => Ok(PortWish::EvenAndNext),
        Some(_) => Err(Refusal::BadRequest),
    }
}

/// The value of ADDITIONAL-ADDRESS-FAMILY, by either of its numbers.
fn additional_family<'m>(message: &Message<'m>) -> Option<&'m [u8]> {
    let value = message.first(attr::ADDITIONAL_ADDRESS_FAMILY);
    value.or_else(|| message.first(attr::ADDITIONAL_ADDRESS_FAMILY_OF_COTURN))
}

/// Whether there is ADDITIONAL-ADDRESS-FAMILY, and nothing that excludes it (RFC 8656 section 7.2):
/// its value can only be IPv6, as IPv4 is what clients get anyway.
fn wants_both(message: &Message<'_>) -> Result<bool, Refusal> {
    let Some(value) = additional_family(message) else {
        return Ok(false);
    };
    let is_excluded = message.first(attr::REQUESTED_ADDRESS_FAMILY).is_some();
    match attr::read_first_of_four(value) {
        Some(attr::FAMILY_IPV6) if !is_excluded => Ok(true),
        _ => Err(Refusal::BadRequest),
    }
}

/// REQUESTED-ADDRESS-FAMILY, if there is one.
pub(super) fn requested_family(message: &Message<'_>) -> Result<Option<u8>, Refusal> {
    let Some(value) = message.first(attr::REQUESTED_ADDRESS_FAMILY) else {
        return Ok(None);
    };
    match attr::read_first_of_four(value) {
        None => Err(Refusal::BadRequest),
        Some(family @ (attr::FAMILY_IPV4 | attr::FAMILY_IPV6)) => Ok(Some(family)),
        Some(_) => Err(Refusal::FamilyNotSupported),
    }
}

/// LIFETIME, if there is one.
pub(super) fn requested_lifetime(message: &Message<'_>) -> Result<Option<Duration>, Refusal> {
    let Some(value) = message.first(attr::LIFETIME) else {
        return Ok(None);
    };
    let seconds = attr::read_u32(value).ok_or(Refusal::BadRequest)?;
    Ok(Some(Duration::from_secs(seconds.into())))
}
