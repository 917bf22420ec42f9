//! What one client address may take: so many connections, so many tickets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::addresses::subscriber;
use crate::net::guests::{Guest, Guests, Room};

/// Tickets an address gets at once after a pause, and how long one more takes.
const TICKETS_BURST: u32 = 120;
const TICKET_EVERY: Duration = Duration::from_millis(100);

/// The same of checks. One takes a person half a minute to read; several people may have one address.
const CHECKS_BURST: u32 = 8;
const CHECK_EVERY: Duration = Duration::from_secs(8);

/// Addresses that are remembered for having taken something, before those are forgotten that have
/// all of theirs again.
const REMEMBERED: usize = 16_384;

/// Who is connected, and who took what. Cloning gives another handle to the same.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    guests: Guests,
    tickets: Allowances,
    checks: Allowances,
}

/// When an address will have all of its allowance again, of one thing.
#[derive(Clone, Debug, Default)]
struct Allowances(Arc<Mutex<HashMap<IpAddr, Instant>>>);

impl Sources {
    /// Nobody yet, and room for so many connections.
    pub fn new(room: Room) -> Sources {
        Sources {
            guests: Guests::new(room),
            ..Sources::default()
        }
    }

    /// Counts a connection, unless there are too many.
    pub fn connect(&self, address: IpAddr) -> Option<Guest> {
        self.guests.admit(address)
    }

    /// Takes a ticket's worth from the address's allowance; otherwise how long to wait.
    pub fn take_ticket(&self, address: IpAddr) -> Result<(), Duration> {
        self.tickets.take(address, TICKETS_BURST, TICKET_EVERY)
    }

    /// The same for a check.
    pub fn take_check(&self, address: IpAddr) -> Result<(), Duration> {
        self.checks.take(address, CHECKS_BURST, CHECK_EVERY)
    }

    /// Connections that are open.
    pub fn connections(&self) -> u32 {
        self.guests.count()
    }
}

impl Allowances {
    /// Takes one of `burst`, of which one comes back in every `every`; otherwise how long to wait.
    fn take(&self, address: IpAddr, burst: u32, every: Duration) -> Result<(), Duration> {
        let now = Instant::now();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= REMEMBERED {
            table.retain(|_, full_at| *full_at > now);
        }
        let full_at = table.entry(subscriber(address)).or_insert(now);
        let next = (*full_at).max(now) + every;
        let excess = (next - now).checked_sub(every * burst);
        match excess {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full_at = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_run_out_and_say_when_to_come_back() {
        let sources = Sources::default();
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let given = (0..TICKETS_BURST * 2)
            .filter(|_| sources.take_ticket(here).is_ok())
            .count();
        assert!((TICKETS_BURST as usize..TICKETS_BURST as usize + 10).contains(&given));
        let wait = sources.take_ticket(here).unwrap_err();
        assert!(wait <= TICKET_EVERY, "{wait:?}");
    }
}
