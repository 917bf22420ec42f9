//! How people who are not looking, and programs that want to know, are reached.

use std::sync::Arc;

use crate::outgoing::Outgoing;
use crate::webhooks::Webhooks;

/// What requests need of it.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Judges the addresses that users name.
    pub outgoing: Arc<Outgoing>,
    /// To be woken when there is news for them.
    pub webhooks: Webhooks,
    /// What browsers subscribe with.
    pub push_key: String,
}
