//! Shapes that several answers have.

use protocol::id::{LoginId, UserId};
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::guard::Member;
use crate::accounts::Role;
use crate::store::people::Seen;
use crate::store::users::User;

/// Somebody who is signed in, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Their id.
    #[schema(value_type = String, example = "Zk3m8VqT2x5nB7cR1yJ9aw")]
    user: UserId,
    /// What they sign in with.
    #[schema(example = "ada")]
    login: String,
    /// The name others see: 1 to 64 characters.
    #[schema(value_type = String, example = "Ada")]
    name: Name,
    /// What they may do.
    role: Role,
    /// Nobody's call rings.
    do_not_disturb: bool,
    /// A second call rings while the first goes on.
    call_waiting: bool,
    /// Whether they can sign in with a password.
    has_password: bool,
    /// The sign-in (or API token) that asks, among the devices.
    #[schema(value_type = String, example = "c7Yb2K1sR9e4mQ0zX5vN8w")]
    this_device: LoginId,
}

impl Me {
    /// This one.
    pub fn of(user: User, login: LoginId) -> Me {
        Me {
            user: user.user,
            login: user.login,
            name: user.name,
            role: user.role,
            do_not_disturb: user.do_not_disturb,
            call_waiting: user.call_waiting,
            has_password: user.has_password,
            this_device: login,
        }
    }
}

impl From<Member> for Me {
    fn from(member: Member) -> Me {
        Me::of(member.user, member.login)
    }
}

/// Another member of this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    #[schema(value_type = String, example = "Zk3m8VqT2x5nB7cR1yJ9aw")]
    user: UserId,
    /// What they sign in with.
    #[schema(example = "ben")]
    login: String,
    /// Their name.
    #[schema(value_type = String, example = "Ben")]
    name: Name,
    /// Whether you have added them.
    contact: bool,
    /// Whether you have blocked them.
    blocked: bool,
}

impl From<Seen> for Person {
    fn from(seen: Seen) -> Person {
        Person {
            user: seen.user,
            login: seen.login,
            name: seen.name,
            contact: seen.contact,
            blocked: seen.blocked,
        }
    }
}

/// The first half of a passkey ceremony.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    /// Names it in the second half. Good once, for five minutes.
    pub ceremony: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    pub options: Value,
}

/// A password on its way in. It is not printed.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 8, max_length = 256, format = Password)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The secret of a one-time link on its way in. It is not printed.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 43, max_length = 43)]
pub struct LinkToken(pub String);

impl std::fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkToken(…)")
    }
}
