//! `dialtone user …` and `dialtone invite`: accounts from the command line, also while the server
//! runs. It notices within a second.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use protocol::id::UserId;
use serde_json::json;

use super::state::StateArguments;
use crate::accounts::names::LoginName;
use crate::accounts::{self, HOURS, RESET_HOURS, Role};
use crate::http::AdminUser;
use crate::store::users::{Administered, Changed, Listed};
use crate::store::{Place, Store};

/// Accounts: list them, let somebody set a new password, close one, change a role
///
/// Example: dialtone user list --data ./state
#[derive(Debug, clap::Args)]
pub struct UserArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all accounts
    ///
    /// Example: dialtone user list --data ./state --json
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Print a link with which somebody sets a new password; it works once and for a day
    ///
    /// Example: dialtone user reset ada --data ./state
    Reset {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        url: Url,
        #[command(flatten)]
        common: Common,
    },
    /// Close an account: it is signed out everywhere and cannot sign in again
    ///
    /// Example: dialtone user close ben --data ./state
    Close {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        common: Common,
    },
    /// Open an account again that was closed
    ///
    /// Example: dialtone user reopen ben --data ./state
    Reopen {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        common: Common,
    },
    /// Make somebody an administrator, or a member
    ///
    /// Example: dialtone user role ben admin --data ./state
    Role {
        #[command(flatten)]
        who: Who,
        /// What they may do from now on
        role: Role,
        #[command(flatten)]
        common: Common,
    },
}

/// Print a link with which somebody makes an account; it works once
///
/// Example: dialtone invite --role member --expires 48 --data ./state
#[derive(Debug, clap::Args)]
pub struct InviteArguments {
    /// What the new account may do
    #[arg(long, value_enum, default_value = "member")]
    role: Role,

    /// How long the link is good, in hours: up to 8760, a year
    #[arg(long, value_name = "HOURS", default_value_t = accounts::LINK_HOURS,
          value_parser = clap::value_parser!(u32).range(1..=8760))]
    expires: u32,

    #[command(flatten)]
    url: Url,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Who {
    /// The login name of the account
    #[arg(value_name = "LOGIN")]
    login: LoginName,
}

#[derive(Debug, clap::Args)]
struct Url {
    /// What the link begins with, such as https://calls.example.org [default: where the server was
    /// reached when it was started last]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    state: StateArguments,

    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Does what is said about accounts.
pub fn user(arguments: UserArguments) -> anyhow::Result<()> {
    wait_for(async move {
        match arguments.action {
            Action::List { common } => list(common).await,
            Action::Reset { who, url, common } => reset(who, url, common).await,
            Action::Close { who, common } => {
                let to = Administered {
                    closed: Some(true),
                    ..Administered::default()
                };
                change(who, common, to, "is closed").await
            }
            Action::Reopen { who, common } => {
                let to = Administered {
                    closed: Some(false),
                    ..Administered::default()
                };
                change(who, common, to, "is open").await
            }
            Action::Role { who, role, common } => {
                let to = Administered {
                    role: Some(role),
                    ..Administered::default()
                };
                let said = match role {
                    Role::Admin => "is an administrator",
                    Role::Member => "is a member",
                };
                change(who, common, to, said).await
            }
        }
    })
}

/// Invites somebody.
pub fn invite(arguments: InviteArguments) -> anyhow::Result<()> {
    debug_assert!(HOURS.contains(&arguments.expires));
    wait_for(async move {
        let store = arguments.common.open().await?;
        let (role, hours) = (arguments.role, arguments.expires);
        link(&store, arguments.url, &arguments.common, role, None, hours).await
    })
}

fn wait_for(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .context("The system gives no event loop")?
        .block_on(work)
}

impl Common {
    /// Opens the store of a server. None is made: a folder with a slip in its name has no accounts.
    async fn open(&self) -> anyhow::Result<Store> {
        if let Place::Sqlite(path) = self.state.place()?
            && !path.exists()
        {
            bail!(
                "There is no server's state in {}. Name its data folder with --data DIR, or start \
                 the server once.",
                self.state
            );
        }
        let (_, store) = self.state.open().await?;
        Ok(store)
    }

    fn say(&self, json: &serde_json::Value, text: &str) {
        match self.json {
            true => println!("{json:#}"),
            false => println!("{text}"),
        }
    }
}

async fn list(common: Common) -> anyhow::Result<()> {
    let store = common.open().await?;
    let users = store.users().await?;
    store.close().await;
    if common.json {
        let users: Vec<AdminUser> = users.into_iter().map(AdminUser::from).collect();
        println!("{}", serde_json::to_string_pretty(&users)?);
        return Ok(());
    }
    if users.is_empty() {
        println!("There are no accounts yet. dialtone invite prints a link that makes one.");
    }
    for user in users {
        println!("{}", line(&user));
    }
    Ok(())
}

fn line(user: &Listed) -> String {
    let role = if user.closed {
        "closed"
    } else {
        user.role.as_str()
    };
    let seen = match user.seen_ms {
        Some(ms) => ago(ms),
        None => "never seen".to_owned(),
    };
    format!("{:<32} {role:<8} {seen:<18} {}", user.login, &*user.name)
}

fn ago(at_ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(at_ms);
    let hours = at.elapsed().unwrap_or_default().as_secs() / 3600;
    match (hours, hours / 24) {
        (0, _) => "seen just now".to_owned(),
        (1..48, _) => format!("seen {hours} h ago"),
        (_, days) => format!("seen {days} d ago"),
    }
}

async fn find(store: &Store, login: &LoginName) -> anyhow::Result<UserId> {
    match store.user_named(login).await? {
        Some(user) => Ok(user),
        None => bail!("There is no account {login}. dialtone user list shows them."),
    }
}

async fn reset(who: Who, url: Url, common: Common) -> anyhow::Result<()> {
    let store = common.open().await?;
    let user = find(&store, &who.login).await?;
    let Some(account) = store.user(user).await? else {
        bail!(
            "The account {0} is closed. dialtone user reopen {0} opens it again.",
            who.login
        );
    };
    link(&store, url, &common, account.role, Some(user), RESET_HOURS).await
}

async fn link(
    store: &Store,
    url: Url,
    common: &Common,
    role: Role,
    resets: Option<UserId>,
    hours: u32,
) -> anyhow::Result<()> {
    let url = match url.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => accounts::last_url(store).await?.context(
            "It is not known where people reach the server: start it once, or say it with --url.",
        )?,
    };
    let (link, secret) = accounts::new_link(role, resets, None, hours)?;
    store.add_link(accounts::now_ms(), link).await?;
    store.close().await;
    let address = accounts::welcome(&url, &secret);
    let json = json!({ "link": address, "role": role, "expires_at_ms": link.expires_ms });
    let text = format!("{address}\nIt works once, for {hours} hours.");
    common.say(&json, &text);
    Ok(())
}

async fn change(who: Who, common: Common, to: Administered, said: &str) -> anyhow::Result<()> {
    let store = common.open().await?;
    let user = find(&store, &who.login).await?;
    let changed = store.administer(accounts::now_ms(), user, to).await?;
    let listed = store
        .users()
        .await?
        .into_iter()
        .find(|listed| listed.user == user);
    store.close().await;
    match changed {
        Changed::Done(_) => {}
        Changed::Unknown => bail!("There is no account {}.", who.login),
        Changed::LastAdministrator => bail!(
            "{} is the last administrator. Make somebody else one first: dialtone user role LOGIN \
             admin.",
            who.login
        ),
    }
    let json = serde_json::to_value(listed.map(AdminUser::from))?;
    common.say(&json, &format!("{} {said}.", who.login));
    Ok(())
}
