//! Fresh ids from the seed the exchange was made with.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

/// A source of unguessable 128-bit values. The same seed gives the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Ids(ChaCha12Rng);

impl Ids {
    pub(crate) fn new(seed: [u8; 32]) -> Ids {
        Ids(ChaCha12Rng::from_seed(seed))
    }

    pub(crate) fn fresh(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
