//! Noticing what is revoked, also by another process: `dialtone user close` while the server runs.
//!
//! Whoever revokes something counts it in the store. Only when that count has changed the server
//! looks what it was, and has the exchange close the sockets.

use std::sync::Weak;
use std::time::Duration;

use super::{Accounts, Inner, now_ms};
use crate::store::Error;

/// How often the count is looked at.
const LOOK: Duration = Duration::from_millis(400);

/// How far back it is looked: telling the exchange twice does no harm, and clocks of two machines
/// differ.
const BACK_MS: u64 = 10 * 60 * 1000;

/// Starts to look, until the accounts are gone.
pub async fn start(accounts: &Accounts) -> Result<(), Error> {
    let mut count = accounts.store().revocations().await?;
    let inner = std::sync::Arc::downgrade(&accounts.0);
    let revoked = accounts.0.revoked.clone();
    tokio::spawn(async move {
        loop {
            let _ = tokio::time::timeout(LOOK, revoked.notified()).await;
            let Some(accounts) = upgrade(&inner) else {
                return;
            };
            match look(&accounts, &count).await {
                Ok(Some(new)) => count = Some(new),
                Ok(None) => {}
                // It is looked for again in a moment.
                Err(error) => tracing::warn!("What is revoked cannot be looked up: {error}"),
            }
        }
    });
    Ok(())
}

fn upgrade(inner: &Weak<Inner>) -> Option<Accounts> {
    inner.upgrade().map(Accounts)
}

async fn look(accounts: &Accounts, before: &Option<String>) -> Result<Option<String>, Error> {
    let store = accounts.store();
    let count = store.revocations().await?;
    if count == *before {
        return Ok(None);
    }
    accounts.remembered().forget();
    let since = now_ms().saturating_sub(BACK_MS);
    let (logins, users) = store.revoked_since(since).await?;
    for login in logins {
        accounts.hub().revoke(login).await;
    }
    for user in users {
        accounts.changed(user).await?;
    }
    Ok(count)
}
