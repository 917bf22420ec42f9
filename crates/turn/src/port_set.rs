//! A set of port numbers that several threads share without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// 65,536 bits, 8 KB.
#[derive(Debug)]
pub struct PortSet(Box<[AtomicU64; 1024]>);

impl Default for PortSet {
    fn default() -> PortSet {
        PortSet(Box::new([const { AtomicU64::new(0) }; 1024]))
    }
}

impl PortSet {
    /// Adds a port; `false` if it is in the set already. Of several threads that add the same, one
    /// is told `true`.
    pub fn insert(&self, port: u16) -> bool {
        let (word, bit) = self.place(port);
        word.fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Takes a port out.
    pub fn remove(&self, port: u16) {
        let (word, bit) = self.place(port);
        word.fetch_and(!bit, Ordering::AcqRel);
    }

    /// Whether a port is in the set.
    pub fn contains(&self, port: u16) -> bool {
        let (word, bit) = self.place(port);
        word.load(Ordering::Acquire) & bit != 0
    }

    fn place(&self, port: u16) -> (&AtomicU64, u64) {
        (&self.0[usize::from(port / 64)], 1 << (port % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_ports_each_is_inserted_once_until_it_is_removed() {
        let ports = PortSet::default();
        for port in [0, 63, 64, 65_535] {
            assert!(!ports.contains(port));
            assert!(ports.insert(port));
            assert!(!ports.insert(port));
            assert!(ports.contains(port));
        }
        ports.remove(64);
        assert!(!ports.contains(64) && ports.contains(63));
        assert!(ports.insert(64));
    }
}
