//! Allocate (RFC 8656 section 7.2).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::time::Now;

use super::authenticate::User;
use super::{Decision, Server, whole_seconds};
use crate::action::{Action, NoRelay, RelayRequest};
use crate::allocation::{Allocation, FiveTuple};
use crate::config::{DEFAULT_LIFETIME, RelayAddress};
use crate::reply::{Answer, Envelope, Refusal};
use crate::stun::{Message, attribute as attr};

impl Server {
    /// Takes the outcome of opening a relay socket: the port it got, or that there is none.
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
            ..
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
            Answer::Refused(Refusal::InsufficientCapacity)
        } else if !self.allocations.set_relayed(id, relayed) {
            self.close(id);
            Answer::Refused(Refusal::InsufficientCapacity)
        } else {
            self.allocations.set_deadline(id, now.tick + lifetime);
            self.counters.allocations_created += 1;
            Answer::Allocated {
                relayed,
                mapped: path.client,
                lifetime,
            }
        };
        self.emit(path, buffer, Decision::Answer(envelope, answer))
    }

    pub(super) fn decide_allocate(
        &mut self,
        path: FiveTuple,
        message: &Message<'_>,
        user: User<'_>,
    ) -> Decision {
        if let Some((_, allocation)) = self.allocations.on_path(&path) {
            return decide_again(allocation, message, user.envelope);
        }
        match self.begin_allocation(path, message, &user) {
            Err(refusal) => Decision::Answer(user.envelope, Answer::Refused(refusal)),
            Ok((allocation, bind, lifetime)) => {
                let allocation = self.allocations.insert(allocation);
                Decision::Act(Action::OpenRelay(RelayRequest {
                    allocation,
                    bind,
                    path,
                    envelope: user.envelope,
                    lifetime,
                }))
            }
        }
    }

    fn begin_allocation(
        &self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<(Allocation, IpAddr, Duration), Refusal> {
        check_transport(message)?;
        let family = requested_family(message)?;
        let requested = requested_lifetime(message)?;
        let relay = self.relay_for(family.unwrap_or(attr::FAMILY_IPV4), path)?;
        let account_at = self.credentials.account_at(user.name);
        if self.allocations.count_of(&user.name[account_at..]) >= self.limits.user_quota {
            return Err(Refusal::QuotaReached);
        }
        let allocation = Allocation::opening(
            path,
            user.name,
            account_at,
            user.key.clone(),
            message.transaction(),
            relay.announced,
        );
        let lifetime = self.lifetime(requested, Duration::ZERO);
        Ok((allocation, relay.bind, lifetime))
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
fn decide_again(allocation: &Allocation, message: &Message<'_>, envelope: Envelope) -> Decision {
    if allocation.transaction != message.transaction() {
        return Decision::Answer(envelope, Answer::Refused(Refusal::AllocationMismatch));
    }
    if !allocation.is_open() {
        // The first copy of this request is about to be answered.
        return Decision::Ignore;
    }
    let answer = Answer::Allocated {
        relayed: allocation.relayed,
        mapped: allocation.path.client,
        lifetime: allocation.lifetime,
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
