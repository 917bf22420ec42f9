//! How many may do something at once, of each kind.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A room for every key, each with the same number of places. Empty rooms are forgotten.
#[derive(Debug)]
pub struct Rooms<K: Eq + Hash> {
    places: usize,
    rooms: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

/// A place in a room, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    key: K,
    permit: Option<OwnedSemaphorePermit>,
    rooms: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

impl<K: Eq + Hash + Clone> Rooms<K> {
    /// Rooms of so many places.
    pub fn of(places: usize) -> Rooms<K> {
        Rooms {
            places,
            rooms: Arc::default(),
        }
    }

    /// Waits for a place.
    pub async fn enter(&self, key: K) -> Place<K> {
        let room = {
            let mut rooms = lock(&self.rooms);
            let fresh = || Arc::new(Semaphore::new(self.places));
            rooms.entry(key.clone()).or_insert_with(fresh).clone()
        };
        // Made before the wait: who is dropped while waiting closes the room behind them, too.
        let mut place = Place {
            key,
            permit: None,
            rooms: self.rooms.clone(),
        };
        place.permit = room.acquire_owned().await.ok();
        place
    }

    #[cfg(test)]
    fn open(&self) -> usize {
        lock(&self.rooms).len()
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        self.permit = None;
        let mut rooms = lock(&self.rooms);
        // Who is in, or waits, holds the room as well.
        let is_empty = |room: &Arc<Semaphore>| Arc::strong_count(room) == 1;
        if rooms.get(&self.key).is_some_and(is_empty) {
            rooms.remove(&self.key);
        }
    }
}

fn lock<K>(
    rooms: &Mutex<HashMap<K, Arc<Semaphore>>>,
) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_full_room_keeps_nobody_out_of_another() {
        let rooms = Rooms::of(2);
        let first = rooms.enter("a").await;
        let _second = rooms.enter("a").await;
        assert!(rooms.enter("a").now_or_never().is_none());
        assert!(rooms.enter("b").now_or_never().is_some());
        drop(first);
        assert!(rooms.enter("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn rooms_nobody_is_in_are_forgotten() {
        let rooms = Rooms::of(1);
        let place = rooms.enter("a").await;
        let mut waiting = Box::pin(rooms.enter("a"));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(waiting);
        assert_eq!(rooms.open(), 1);
        drop(place);
        assert_eq!(rooms.open(), 0);
    }
}
