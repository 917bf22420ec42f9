//! Accounts: who somebody is, and how they prove it.
//!
//! What is kept is in the store; what is only of this run is here: who guesses passwords, which
//! ceremonies go on. Whatever changes is told to the exchange, which then tells those whom it
//! concerns.

pub mod names;
pub mod passkeys;
pub mod passwords;
mod remembered;
mod roles;
pub mod secrets;
pub mod throttle;
mod watch;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use exchange::Bearer;
use protocol::id::{LoginId, Ticket, UserId};
use tokio::sync::Notify;

use crate::clock;
use crate::hub::Hub;
use crate::store::invitations::NewLink;
use crate::store::logins::NewLogin;
use crate::store::{Error, Store};
use names::LoginName;
use passkeys::{Ceremonies, RelyingParty};
use passwords::Passwords;
use remembered::Remembered;
use secrets::{Secret, random};
use throttle::{Attempt, Throttle};

pub use roles::{Role, Scope, Scopes};

/// The setting that holds the host name passkeys are bound to.
const RELYING_PARTY: &str = "relying_party";

/// The setting that says whether one can call without an account.
const GUESTS: &str = "guests";

/// The setting that says where the server was reached last, for links that commands make.
const URL: &str = "url";

/// How long a link can be good, in hours: up to a year.
pub const HOURS: std::ops::RangeInclusive<u32> = 1..=8760;

/// How long an invitation is good if nothing else is said.
pub const LINK_HOURS: u32 = 72;

/// How long a link is good that sets a password.
pub const RESET_HOURS: u32 = 24;

/// Everything about accounts that requests need. A clone is the same.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    hub: Hub,
    passwords: Passwords,
    throttle: Mutex<Throttle>,
    ceremonies: Ceremonies,
    party: Option<RelyingParty>,
    /// Held while the exchange is told about somebody, so that the newest is told last.
    telling: tokio::sync::Mutex<()>,
    /// Something was revoked by this process.
    revoked: Arc<Notify>,
    /// What to go by when the store does not answer.
    remembered: Mutex<Remembered>,
}

/// What came of comparing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It is theirs.
    Same,
    /// It is not, or there is nobody of that name.
    Different,
    /// There were too many failures: this long.
    Wait(Duration),
    /// Too many others are waiting.
    Busy,
}

impl Accounts {
    /// With the host that people type, of `url`; also starts to look for what is revoked.
    pub async fn open(store: Store, hub: Hub, url: &str, host: &str) -> anyhow::Result<Accounts> {
        let party = relying_party(&store, host).await?;
        store.set_setting(URL, url).await?;
        store.forget_logins(now_ms()).await?;
        let accounts = Accounts(Arc::new(Inner {
            passwords: Passwords::new().context("Passwords cannot be hashed")?,
            throttle: Mutex::default(),
            ceremonies: Ceremonies::default(),
            party,
            telling: tokio::sync::Mutex::default(),
            revoked: Arc::default(),
            remembered: Mutex::default(),
            store,
            hub,
        }));
        watch::start(&accounts).await?;
        Ok(accounts)
    }

    /// What is kept.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What is going on.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// Passkey ceremonies that are going on.
    pub fn ceremonies(&self) -> &Ceremonies {
        &self.0.ceremonies
    }

    /// What this server is to passkeys for those who reach it under this name.
    pub fn party(&self, host: &str) -> Option<&RelyingParty> {
        let party = self.0.party.as_ref()?;
        party.id().eq_ignore_ascii_case(host).then_some(party)
    }

    // ---- passwords ----

    /// Whether this is the password of that account, for somebody at that address; and if so, whose
    /// it is and what is kept of it.
    pub async fn compare(
        &self,
        from: IpAddr,
        login: &str,
        password: String,
    ) -> Result<(Compared, Option<(UserId, String)>), Error> {
        let key = login.to_ascii_lowercase();
        let attempt = self.throttle().begin(Instant::now(), from, &key);
        let attempt = match attempt {
            Ok(attempt) => attempt,
            Err(wait) => return Ok((Compared::Wait(wait), None)),
        };
        let compared = self.compare_now(login, password).await;
        match &compared {
            Ok((Compared::Different, _)) => {}
            Ok((Compared::Same, _)) => self.throttle().succeeded(&attempt),
            // Nothing was learnt by it.
            _ => self.withdraw(&attempt),
        }
        compared
    }

    async fn compare_now(
        &self,
        login: &str,
        password: String,
    ) -> Result<(Compared, Option<(UserId, String)>), Error> {
        let kept = match login.parse::<LoginName>() {
            Ok(login) => self.0.store.password_of(&login).await?,
            Err(_) => None,
        };
        let hash = kept.as_ref().map(|(_, hash)| hash.clone());
        let same = self.0.passwords.matches(password, hash).await;
        Ok(match same {
            Ok(true) => (Compared::Same, kept),
            Ok(false) => (Compared::Different, None),
            Err(_) => (Compared::Busy, None),
        })
    }

    /// What is kept of a new password.
    pub async fn hash(&self, password: String) -> Result<String, passwords::Failure> {
        self.0.passwords.hash(password).await
    }

    fn withdraw(&self, attempt: &Attempt) {
        self.throttle().withdrawn(attempt);
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        let throttle = self.0.throttle.lock();
        throttle.unwrap_or_else(PoisonError::into_inner)
    }

    // ---- settings ----

    /// Whether one can call without an account.
    pub async fn guests(&self) -> Result<bool, Error> {
        let setting = self.0.store.setting(GUESTS).await?;
        let allowed = setting.as_deref() != Some("off");
        self.remembered().guests = Some(allowed);
        Ok(allowed)
    }

    /// Lets people call without an account, or not.
    pub async fn set_guests(&self, allowed: bool) -> Result<(), Error> {
        let value = if allowed { "on" } else { "off" };
        self.0.store.set_setting(GUESTS, value).await
    }

    // ---- while the store does not answer ----

    /// What calls that go on need to come back to, should the store not answer.
    pub fn remembered(&self) -> MutexGuard<'_, Remembered> {
        let remembered = self.0.remembered.lock();
        remembered.unwrap_or_else(PoisonError::into_inner)
    }

    // ---- the first run ----

    /// What the link of the first run holds, if nobody can administer the server yet.
    pub async fn first_link(&self) -> anyhow::Result<Option<Secret>> {
        let secret = Secret::draw()?;
        let store = &self.0.store;
        let made = store
            .add_first_link(now_ms(), random()?, secret.hash())
            .await?;
        Ok(made.then_some(secret))
    }

    // ---- the exchange ----

    /// Somebody's ticket.
    pub async fn ticket(&self, bearer: Bearer) -> Option<Ticket> {
        self.0.hub.ticket(bearer).await
    }

    /// By which sign-ins somebody can be called now.
    pub async fn online(&self, user: UserId) -> BTreeSet<LoginId> {
        self.0.hub.online_logins(user).await
    }

    /// These API tokens or join tokens are good no more: sockets that were opened with them are closed.
    pub async fn tokens_revoked(&self, tokens: Vec<LoginId>) {
        self.remembered().forget();
        for token in tokens {
            self.0.hub.revoke(token).await;
        }
    }

    /// Somebody's name, contacts, blocks or settings may have changed.
    pub async fn changed(&self, user: UserId) -> Result<(), Error> {
        let _turn = self.0.telling.lock().await;
        let person = self.0.store.person(user).await?;
        self.0.hub.person_changed(user, person).await;
        Ok(())
    }

    /// Something was revoked in the store: sockets are closed at once.
    pub fn revoked(&self) {
        self.remembered().forget();
        self.0.revoked.notify_one();
    }
}

/// A sign-in that begins, and what its cookie holds.
pub fn new_login(name: String) -> Result<(NewLogin, Secret), getrandom::Error> {
    let secret = Secret::draw()?;
    let login = NewLogin {
        login: LoginId::from_bytes(random()?),
        secret: secret.hash(),
        name,
    };
    Ok((login, secret))
}

/// A link that begins, and what it holds.
pub fn new_link(
    role: Role,
    resets: Option<UserId>,
    created_by: Option<UserId>,
    hours: u32,
) -> Result<(NewLink, Secret), getrandom::Error> {
    let secret = Secret::draw()?;
    let link = NewLink {
        id: random()?,
        token: secret.hash(),
        role,
        resets,
        created_by,
        expires_ms: now_ms() + u64::from(hours) * 60 * 60 * 1000,
    };
    Ok((link, secret))
}

/// The address of a one-time link. What it holds stands after the `#`, which browsers keep to
/// themselves: no log on the way has it.
pub fn welcome(url: &str, secret: &Secret) -> String {
    format!("{url}/welcome#{}", secret.write())
}

/// Where the server was reached last.
pub async fn last_url(store: &Store) -> Result<Option<String>, Error> {
    store.setting(URL).await
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    clock::now().unix.as_millis().try_into().unwrap_or(u64::MAX)
}

/// What passkeys are bound to: the host of the first run. As long as nobody has a passkey it may
/// still change.
async fn relying_party(store: &Store, host: &str) -> anyhow::Result<Option<RelyingParty>> {
    let Some(party) = RelyingParty::of(host) else {
        return Ok(None);
    };
    let fixed = store.fix_setting(RELYING_PARTY, party.id()).await?;
    if fixed == party.id() {
        return Ok(Some(party));
    }
    if !store.has_passkeys().await? {
        store.set_setting(RELYING_PARTY, party.id()).await?;
        return Ok(Some(party));
    }
    tracing::warn!(
        "Passkeys of this server are for {fixed} and cannot be used at {host}: people sign in \
         with their passwords there"
    );
    Ok(RelyingParty::of(&fixed))
}
