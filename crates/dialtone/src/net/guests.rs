//! How many connections an address has open, and all of them together.
//!
//! An address here is an IPv4 address or an IPv6 /64, which is what one subscriber has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::addresses::subscriber;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub in_all: u32,
    /// Of one address.
    pub of_one_address: u32,
}

/// Counts connections. Cloning gives another handle to the same count.
#[derive(Clone, Debug, Default)]
pub struct Guests {
    room: Room,
    count: Arc<Mutex<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    in_all: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub struct Guest {
    guests: Guests,
    address: IpAddr,
}

impl Default for Room {
    /// The usual limit of open files leaves room for so many in all. Fewer of one address would
    /// trouble an office behind one, more would let one machine take the server's file descriptors.
    fn default() -> Room {
        Room {
            in_all: 8_192,
            of_one_address: 512,
        }
    }
}

impl Guests {
    /// With room for so many.
    pub fn new(room: Room) -> Guests {
        Guests {
            room,
            count: Arc::default(),
        }
    }

    /// Counts a connection, unless there are too many.
    pub fn admit(&self, address: IpAddr) -> Option<Guest> {
        let address = subscriber(address);
        let mut count = self.lock();
        let of_address = count.by_address.get(&address).copied().unwrap_or(0);
        if count.in_all >= self.room.in_all || of_address >= self.room.of_one_address {
            return None;
        }
        count.in_all += 1;
        count.by_address.insert(address, of_address + 1);
        Some(Guest {
            guests: self.clone(),
            address,
        })
    }

    /// Connections that are open.
    pub fn count(&self) -> u32 {
        self.lock().in_all
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut count = self.guests.lock();
        count.in_all -= 1;
        if let Some(of_address) = count.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                count.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_address_and_given_back() {
        let guests = Guests::new(Room {
            in_all: 4,
            of_one_address: 3,
        });
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let held: Vec<_> = (0..3).map_while(|_| guests.admit(here)).collect();
        assert_eq!(held.len(), 3);
        assert!(guests.admit(here).is_none());
        let last = guests.admit("192.0.2.2".parse().unwrap());
        assert!(last.is_some());
        assert!(guests.admit("192.0.2.3".parse().unwrap()).is_none());
        drop(last);
        drop(held);
        let again = guests.admit(here);
        assert!(again.is_some());
        drop(again);
        assert_eq!(guests.count(), 0);
        assert!(guests.lock().by_address.is_empty());
    }

    #[test]
    fn one_subscriber_cannot_count_as_many() {
        let guests = Guests::default();
        let a = guests.admit("2001:db8::1".parse().unwrap());
        let b = guests.admit("2001:db8::2".parse().unwrap());
        let c = guests.admit("2001:db8:0:1::2".parse().unwrap());
        assert_eq!(guests.lock().by_address.len(), 2);
        drop((a, b, c));
    }
}
