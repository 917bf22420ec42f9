//! What an account, and what an API token, may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account may do. Whoever has none is a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, for everybody.
    Admin,
    /// Calling, and what concerns only oneself.
    Member,
}

impl Role {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        match text {
            "admin" => Ok(Role::Admin),
            "member" => Ok(Role::Member),
            _ => Err("no role".to_owned()),
        }
    }
}

/// What an API token may be used for, beside asking whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Tickets: calling and being called.
    Calls,
    /// Finding people; contacts and blocks.
    People,
    /// Past calls.
    History,
    /// Join tokens, if its owner is an administrator: letting people without an account into calls.
    Join,
    /// What administrators do, if its owner is one.
    Admin,
}

impl Scope {
    const ALL: [Scope; 5] = [
        Scope::Calls,
        Scope::People,
        Scope::History,
        Scope::Join,
        Scope::Admin,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Calls => "calls",
            Scope::People => "people",
            Scope::History => "history",
            Scope::Join => "join",
            Scope::Admin => "admin",
        }
    }
}

/// Several of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Vec<Scope>)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Reads what [`fmt::Display`] writes: words with a space between.
    pub fn of(text: &str) -> Scopes {
        let named = |word: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
        Scopes(text.split(' ').filter_map(named).collect())
    }

    /// Whether this is one of them.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_and_others_are_nothing() {
        let all = Scopes(Scope::ALL.into());
        assert_eq!(Scopes::of(&all.to_string()), all);
        assert!(Scopes::of("").is_empty());
        assert!(Scopes::of("everything calls,admin").is_empty());
    }
}
