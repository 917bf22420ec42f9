//! Allocate (RFC 8656 section 7.2).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::time::{Now, Tick};

use super::authenticate::User;
use super::{Decision, Server, whole_seconds};
use crate::action::{Action, NoRelay, PortWish, RelayRequest};
use crate::allocation::{Allocation, AllocationId, FiveTuple, Transport};
use crate::config::{DEFAULT_LIFETIME, RelayAddress};
use crate::mobility::SealedTicket;
use crate::quota::{Most, Share};
use crate::reply::{Answer, Envelope, Refusal};
use crate::reservations::{Reservation, Token};
use crate::stun::{Message, attribute as attr};

/// Where a relay socket is to be opened.
struct Place {
    bind: IpAddr,
    announced: IpAddr,
    port: PortWish,
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
            path,
            envelope,
            lifetime,
            bind,
            port,
        } = request;
        let Some(allocation) = self.allocations.get_mut(id) else {
            return Action::Nothing;
        };
        let relayed = SocketAddr::new(allocation.relayed.ip(), outcome.unwrap_or(0));
        allocation.created = now.tick;
        allocation.lifetime = lifetime;
        let answer = if relayed.port() == 0 {
            // There is no socket, so there is nothing to tell of.
            self.allocations.remove(id);
            self.bid_farewell(path);
            Answer::Refused(Refusal::InsufficientCapacity)
        } else if !self.allocations.set_relayed(id, relayed) {
            self.close(id);
            Answer::Refused(Refusal::InsufficientCapacity)
        } else {
            self.siblings.insert(relayed);
            self.allocations.set_deadline(id, now.tick + lifetime);
            self.count_created(path.transport);
            Answer::Allocated {
                relayed,
                lifetime,
                reserved: (port == PortWish::EvenAndNext)
                    .then(|| self.reserve_next(now.tick, id, bind))
                    .flatten(),
                ticket: self.ticket_of(id),
            }
        };
        self.emit(path, buffer, Decision::Answer(envelope, answer))
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
        if let Some((id, allocation)) = self.allocations.on_path(&path) {
            let ticket = self.ticket_of(id);
            return decide_again(allocation, ticket, message, user.envelope);
        }
        if let Some(elsewhere) = self.reservation_elsewhere(message) {
            return elsewhere;
        }
        if let Some(answer) = self.turn_away(path.client) {
            return Decision::Answer(user.envelope, answer);
        }
        match self.begin_allocation(path, message, &user) {
            Err(refusal) => Decision::Answer(user.envelope, Answer::Refused(refusal)),
            Ok((allocation, place, lifetime)) => {
                let allocation = self.allocations.insert(allocation);
                self.visit(path);
                Decision::Act(Action::OpenRelay(RelayRequest {
                    allocation,
                    bind: place.bind,
                    port: place.port,
                    path,
                    envelope: user.envelope,
                    lifetime,
                }))
            }
        }
    }

    fn begin_allocation(
        &mut self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Allocation, Place, Duration), Refusal> {
        check_transport(message)?;
        let requested = requested_lifetime(message)?;
        let mobile = self.wants_mobility(message)?;
        let (place, share) = match message.first(attr::RESERVATION_TOKEN) {
            Some(token) => self.reserved_place(token, message, user)?,
            None => self.new_place(path, message, user)?,
        };
        let mut allocation = Allocation::opening(
            path,
            share,
            user.key.clone(),
            message.transaction(),
            place.announced,
        );
        allocation.mobile = mobile;
        let lifetime = self.lifetime(requested, Duration::ZERO);
        Ok((allocation, place, lifetime))
    }

    /// A port that was kept. It has counted against the quota all the time.
    fn reserved_place(
        &mut self,
        token: &[u8],
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Place, Share), Refusal> {
        let excluded = [attr::EVEN_PORT, attr::REQUESTED_ADDRESS_FAMILY];
        if token.len() != 8 || excluded.iter().any(|kind| message.first(*kind).is_some()) {
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
        Ok((place, reservation.share))
    }

    /// A port to be picked, if the quota allows one more, or two.
    fn new_place(
        &self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Place, Share), Refusal> {
        let port = requested_port(message)?;
        let family = requested_family(message)?;
        let relay = self.relay_for(family.unwrap_or(attr::FAMILY_IPV4), path)?;
        let needed = 1 + u32::from(port == PortWish::EvenAndNext);
        let share = self.take_share(path, user, needed)?;
        let place = Place {
            bind: relay.bind,
            announced: relay.announced,
            port,
        };
        Ok((place, share))
    }

    fn take_share(&self, path: FiveTuple, user: &User<'_>, count: u32) -> Result<Share, Refusal> {
        let account_at = self.credentials.account_at(&user.name);
        let most = Most {
            per_account: self.limits.user_quota,
            per_source: self.limits.address_quota,
        };
        self.quotas
            .take(&user.name, account_at, path.client.ip(), count, most)
            .ok_or(Refusal::QuotaReached)
    }

    /// What is granted to who asks for this, at this age of the allocation.
    pub(super) fn lifetime(&self, requested: Option<Duration>, age: Duration) -> Duration {
        let asked = requested.unwrap_or(DEFAULT_LIFETIME);
        let granted = asked.clamp(DEFAULT_LIFETIME, self.limits.max_lifetime);
        let left = self.limits.max_allocation_age.saturating_sub(age);
        whole_seconds(granted.min(left))
    }

    /// The relay address of a family; of several, rather the one the client already talks to.
    fn relay_for(&self, family: u8, path: FiveTuple) -> Result<RelayAddress, Refusal> {
        let of_family = || {
            let same = move |relay: &&RelayAddress| family_of(relay.announced) == family;
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

/// Allocate on a 5-tuple that has an allocation of the same user.
fn decide_again(
    allocation: &Allocation,
    ticket: Option<Box<SealedTicket>>,
    message: &Message<'_>,
    envelope: Envelope,
) -> Decision {
    if allocation.transaction != message.transaction() {
        return Decision::Answer(envelope, Answer::Refused(Refusal::AllocationMismatch));
    }
    if !allocation.is_open() {
        // The first copy of this request is about to be answered.
        return Decision::Ignore;
    }
    let answer = Answer::Allocated {
        relayed: allocation.relayed,
        lifetime: allocation.lifetime,
        reserved: allocation.reserved,
        ticket,
    };
    Decision::Answer(envelope, answer)
}

fn check_transport(message: &Message<'_>) -> Result<(), Refusal> {
    let value = message.first(attr::REQUESTED_TRANSPORT);
    match value.and_then(attr::read_first_of_four) {
        None => Err(Refusal::BadRequest),
        Some(attr::TRANSPORT_UDP) => Ok(()),
        Some(_) => Err(Refusal::TransportNotSupported),
    }
}

/// EVEN-PORT (RFC 8656 section 18.6).
fn requested_port(message: &Message<'_>) -> Result<PortWish, Refusal> {
    let additional = message.first(attr::ADDITIONAL_ADDRESS_FAMILY);
    match message.first(attr::EVEN_PORT) {
        None => Ok(PortWish::Any),
        Some([flags]) if flags & 0x80 == 0 => Ok(PortWish::Even),
        Some([_]) if additional.is_none() => Ok(PortWish::EvenAndNext),
        Some(_) => Err(Refusal::BadRequest),
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

/// The family number of an address.
pub(super) fn family_of(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => attr::FAMILY_IPV4,
        IpAddr::V6(_) => attr::FAMILY_IPV6,
    }
}
