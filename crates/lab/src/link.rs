//! A cable that can be made bad while it is in use.
//!
//! A frame read from the tap at one end is written to the tap at the other, later or never. Done
//! here because the kernels of test machines have seldom been built with netem.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::Host;

/// How long what waits for a narrow pipe may have to wait; what would wait longer is dropped.
const QUEUE: Duration = Duration::from_millis(250);
/// Longer than any frame of an Ethernet with the usual MTU.
const FRAME: usize = 2_048;

/// What happens to frames, in each direction alike.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// The part of them that is lost, 0 to 1.
    pub loss: f64,
    /// How much later they arrive.
    pub delay: Duration,
    /// By how much more or less at most; they overtake one another then, as with netem.
    pub jitter: Duration,
    /// How many bits pass in a second; nothing for as many as come.
    pub rate: Option<u64>,
}

/// A cable between two hosts. It ends with the namespaces that its ends are in.
#[derive(Clone, Debug, Default)]
pub struct Link(Arc<Mutex<Shape>>);

impl Link {
    /// Makes an interface in each of two namespaces, and carries what is sent into either to the
    /// other.
    pub(crate) fn between(a: (&Host, &str), b: (&Host, &str)) -> Result<Self> {
        let link = Self::default();
        let [a, b] = [tap(a)?, tap(b)?].map(Arc::new);
        link.carry(a.clone(), b.clone(), 1);
        link.carry(b, a, 2);
        Ok(link)
    }

    /// From now on this happens to what passes.
    pub fn set(&self, shape: Shape) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shape;
    }

    fn shape(&self) -> Shape {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, from: Arc<SyncDevice>, to: Arc<SyncDevice>, seed: u64) {
        let link = self.clone();
        let (queue, queued) = channel::<(Instant, Vec<u8>)>();
        thread::spawn(move || {
            let mut lane = Lane::new(seed);
            let mut frame = [0; FRAME];
            // The tap is gone when its namespace is.
            while let Ok(length) = from.recv(&mut frame) {
                let due = lane.admit(link.shape(), Instant::now(), length);
                let Some(due) = due else { continue };
                if queue.send((due, frame[..length].to_vec())).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            // A tap that is not up yet takes nothing, like a cable that is not plugged in.
            deliver(&queued, |frame| drop(to.send(frame)));
        });
    }
}

/// Passes on each frame when it is due, until nobody sends any more.
fn deliver(queued: &Receiver<(Instant, Vec<u8>)>, send: impl Fn(&[u8])) {
    let mut waiting = BTreeMap::<(Instant, u64), Vec<u8>>::new();
    let mut count = 0;
    loop {
        let now = Instant::now();
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            send(&first.remove());
        }
        let pause = match waiting.first_key_value() {
            Some((&(due, _), _)) => due - now,
            None => QUEUE,
        };
        match queued.recv_timeout(pause) {
            Ok((due, frame)) => {
                count += 1;
                waiting.insert((due, count), frame);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn tap((host, name): (&Host, &str)) -> Result<SyncDevice> {
    let build = || {
        DeviceBuilder::new()
            .name(name)
            .layer(Layer::L2)
            .build_sync()
    };
    host.enter(build)?
        .with_context(|| format!("no tap {name} on {}", host.name()))
}

/// One direction: decides what becomes of each frame.
#[derive(Debug)]
struct Lane {
    dice: u64,
    /// When the narrow pipe has let through everything before.
    free: Option<Instant>,
}

impl Lane {
    fn new(seed: u64) -> Self {
        Self {
            dice: seed,
            free: None,
        }
    }

    /// When a frame of that many bytes that comes `now` arrives; nothing if it never does.
    fn admit(&mut self, shape: Shape, now: Instant, bytes: usize) -> Option<Instant> {
        // Both are rolled for every frame: the same ones are lost whatever else happens to them.
        let [lost, late] = [self.roll(), self.roll()];
        if lost < shape.loss {
            return None;
        }
        let start = self.free.map_or(now, |free| free.max(now));
        if start - now > QUEUE {
            return None;
        }
        let through = match shape.rate {
            Some(rate) => start + Duration::from_secs_f64(bytes as f64 * 8.0 / rate as f64),
            None => now,
        };
        self.free = Some(through);
        let jitter = shape.jitter.mul_f64(late * 2.0);
        Some(through + (shape.delay + jitter).saturating_sub(shape.jitter))
    }

    /// An even number from 0 to 1 (splitmix64).
    fn roll(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What becomes of `count` frames of 1250 bytes (10,000 bits), one every millisecond.
    fn send(shape: Shape, count: u32) -> Vec<Option<Duration>> {
        let (mut lane, start) = (Lane::new(7), Instant::now());
        let frames = (0..count).map(|n| (start + MS * n, n));
        frames
            .map(|(now, _)| Some(lane.admit(shape, now, 1_250)? - now))
            .collect()
    }

    #[test]
    fn a_good_cable_delivers_at_once() {
        let at_once = send(Shape::default(), 100);
        assert!(at_once.iter().all(|late| *late == Some(Duration::ZERO)));
    }

    #[test]
    fn that_part_is_lost() {
        let loss = Shape {
            loss: 0.15,
            ..Shape::default()
        };
        let lost = send(loss, 10_000).iter().filter(|l| l.is_none()).count();
        assert!((1_350..1_650).contains(&lost), "{lost}");
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let shape = Shape {
            delay: MS * 150,
            jitter: MS * 30,
            ..Shape::default()
        };
        let late: Vec<_> = send(shape, 1_000).into_iter().flatten().collect();
        assert_eq!(late.len(), 1_000);
        assert!(late.iter().all(|l| (MS * 120..=MS * 180).contains(l)));
        assert!(late.iter().min() < Some(&(MS * 135)) && late.iter().max() > Some(&(MS * 165)));
    }

    #[test]
    fn a_narrow_pipe_lets_its_rate_through_and_drops_what_would_wait_too_long() {
        let shape = Shape {
            rate: Some(1_000_000),
            ..Shape::default()
        };
        // Ten times as much as passes.
        let late = send(shape, 1_000);
        let passed = late.iter().flatten().count();
        assert!((124..=127).contains(&passed), "{passed}");
        assert_eq!(late[0], Some(MS * 10));
        assert!(late.iter().flatten().all(|l| *l <= QUEUE + MS * 10));
    }
}
