//! Users who only find out whether they could call. Anybody is given such credentials, so a relay gives
//! them little: nothing but each other, for a minute, and not much of it.
//!
//! Their permissions are for addresses of the relay alone. Behind these are also relayed transport
//! addresses of calls, so which ones belong together is looked up for each packet to or from a trial, in
//! [`Siblings`](crate::Siblings), as the two may be clients of different threads.

use std::time::Duration;

use protocol::relay::TRIAL;

/// The age at which their allocations end. They are over before anything else could be done with them.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);

/// Bytes a second of one of their allocations: as much as a call in video has.
pub(crate) const BANDWIDTH: u64 = 250_000;

/// Allocations that one of them has at a time: two ends, on each network interface and by each URL.
pub(crate) const ALLOCATIONS: u32 = 32;

/// About as many as all of them have together, so that they leave ports and line to calls. One address
/// that asks for credentials as often as it may does not fill it.
pub(crate) const IN_ALL: usize = 1024;

/// Whether an account is one of theirs. A static user may be called as they like.
pub(crate) fn is_trial(username: &str, account_at: usize) -> bool {
    account_at > 0 && username[account_at..].starts_with(TRIAL)
}
