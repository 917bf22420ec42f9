//! What one client address may take: so many connections, so many tickets.
//!
//! Both are counted in one bounded table. An address here is an IPv4 address or an IPv6 /64,
//! which is what one subscriber has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::addresses::subscriber;

/// Connections one address may have open. Fewer would trouble an office behind one address,
/// more would let one machine take the server's file descriptors.
const CONNECTIONS: usize = 512;

/// Connections in all; the usual limit of open files leaves room for this many.
const CONNECTIONS_IN_ALL: usize = 8_192;

/// Tickets an address gets at once after a pause, and how long one more takes.
const TICKETS_BURST: u32 = 120;
const TICKET_EVERY: Duration = Duration::from_millis(100);

/// The table. Cloning gives another handle to the same one.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    connections: usize,
    by_address: HashMap<IpAddr, Source>,
}

#[derive(Debug)]
struct Source {
    connections: usize,
    /// When the address will have all its tickets again.
    tickets_full_at: Instant,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub struct Counted {
    sources: Sources,
    address: IpAddr,
}

impl Sources {
    /// Counts a connection, unless there are too many.
    pub fn connect(&self, address: IpAddr) -> Option<Counted> {
        let address = subscriber(address);
        self.with(|table| {
            table.forget_idle();
            if table.connections >= CONNECTIONS_IN_ALL {
                return None;
            }
            let source = table.by_address.entry(address).or_insert_with(Source::new);
            if source.connections >= CONNECTIONS {
                return None;
            }
            source.connections += 1;
            table.connections += 1;
            Some(Counted {
                sources: self.clone(),
                address,
            })
        })
    }

    /// Takes a ticket's worth from the address's allowance; otherwise how long to wait.
    pub fn take_ticket(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        self.with(|table| {
            // A ticket is asked for over a connection, so the address is in the table already.
            let source = table
                .by_address
                .entry(subscriber(address))
                .or_insert_with(Source::new);
            let full_at = source.tickets_full_at.max(now) + TICKET_EVERY;
            let excess = (full_at - now).checked_sub(TICKET_EVERY * TICKETS_BURST);
            match excess {
                Some(wait) if !wait.is_zero() => Err(wait),
                _ => {
                    source.tickets_full_at = full_at;
                    Ok(())
                }
            }
        })
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.with(|table| table.connections)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Table) -> T) -> T {
        f(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    /// Only addresses with a connection, or with tickets to wait for, are remembered; and of the
    /// latter not more than there may be connections.
    fn forget_idle(&mut self) {
        if self.by_address.len() > 2 * CONNECTIONS_IN_ALL {
            self.by_address.retain(|_, source| source.connections > 0);
        }
    }
}

impl Source {
    fn new() -> Source {
        Source {
            connections: 0,
            tickets_full_at: Instant::now(),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.sources.with(|table| {
            table.connections -= 1;
            if let Some(source) = table.by_address.get_mut(&self.address) {
                source.connections -= 1;
                if source.connections == 0 && source.tickets_full_at <= Instant::now() {
                    table.by_address.remove(&self.address);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_address_and_given_back() {
        let sources = Sources::default();
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let held: Vec<_> = (0..CONNECTIONS)
            .map_while(|_| sources.connect(here))
            .collect();
        assert_eq!(held.len(), CONNECTIONS);
        assert!(sources.connect(here).is_none());
        assert!(sources.connect("192.0.2.2".parse().unwrap()).is_some());
        drop(held);
        let again = sources.connect(here);
        assert!(again.is_some());
        drop(again);
        assert_eq!(sources.connections(), 0);
        assert!(sources.with(|table| table.by_address.is_empty()));
    }

    #[test]
    fn one_subscriber_cannot_count_as_many() {
        let sources = Sources::default();
        let a = sources.connect("2001:db8::1".parse().unwrap());
        let b = sources.connect("2001:db8::2".parse().unwrap());
        let c = sources.connect("2001:db8:0:1::2".parse().unwrap());
        assert_eq!(sources.with(|table| table.by_address.len()), 2);
        drop((a, b, c));
    }

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
