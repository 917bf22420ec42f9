//! People with accounts, at one browser or more each.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::{Result, ensure};
use lab::{Host, Person, Server};
use serde_json::json;

/// Who takes part. The first of each at the table makes the account, the others sign in to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The administrator.
    Ada,
    Ben,
    Cem,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Who::Ada => "Ada",
            Who::Ben => "Ben",
            Who::Cem => "Cem",
        }
    }

    pub fn login(self) -> String {
        self.name().to_lowercase()
    }

    /// A tone that no harmonic of another's can be taken for.
    pub fn tone(self) -> f64 {
        match self {
            Who::Ada => 440.0,
            Who::Ben => 660.0,
            Who::Cem => 1000.0,
        }
    }
}

/// Starts these browsers, nobody signed in.
pub fn browsers<const N: usize>(
    test: &str,
    server: &Server,
    seats: [(Who, &Host); N],
) -> Result<[Person; N]> {
    browsers_at(test, &server.origin(), seats)
}

/// The same, for people who know the server by another origin than its own.
fn browsers_at<const N: usize>(
    test: &str,
    origin: &str,
    seats: [(Who, &Host); N],
) -> Result<[Person; N]> {
    let count = AtomicU32::new(0);
    let people = thread::scope(|scope| {
        let starts = seats.map(|(who, host)| {
            let name = format!("{}{}", who.name(), count.fetch_add(1, Ordering::Relaxed));
            scope.spawn(move || Person::arrive(test, host, &name, who.tone(), origin))
        });
        starts.map(|start| start.join().expect("no panic while starting"))
    });
    let mut people = people.into_iter().collect::<Result<Vec<_>>>()?.into_iter();
    Ok(std::array::from_fn(|_| {
        people.next().expect("as many as seats")
    }))
}

/// Starts these browsers, signs everybody in, makes them contacts of each other, and waits until
/// it can ring at all of them.
pub fn gather<const N: usize>(
    test: &str,
    server: &Server,
    seats: [(Who, &Host); N],
) -> Result<[Person; N]> {
    gather_at(test, server, &server.origin(), seats)
}

/// The same, for people who know the server by another origin than its own.
pub fn gather_at<const N: usize>(
    test: &str,
    server: &Server,
    origin: &str,
    seats: [(Who, &Host); N],
) -> Result<[Person; N]> {
    let people = browsers_at(test, origin, seats)?;
    let mut users: Vec<(Who, String, &Person)> = Vec::new();
    for ((who, _), person) in seats.iter().zip(&people) {
        if users.iter().any(|(known, ..)| known == who) {
            person.sign_in(origin, &who.login())?;
            continue;
        }
        let link = match users.first() {
            None => server.first_link()?,
            Some((first, _, administrator)) => {
                ensure!(*first == Who::Ada, "Ada comes first: she invites");
                let wanted = json!({ "role": "member", "expires_in_h": 24 });
                let made = administrator.ask("POST", "/admin/invitations", wanted)?;
                made["link"].as_str().unwrap_or_default().to_owned()
            }
        };
        let user = person.sign_up(origin, &link, &who.login(), who.name())?;
        users.push((*who, user, person));
    }
    for (who, _, person) in &users {
        for (_, user, _) in users.iter().filter(|(other, ..)| other != who) {
            person.ask("PUT", &format!("/contacts/{user}"), json!(null))?;
        }
    }
    for person in &people {
        person.wait_at_home(origin)?;
    }
    Ok(people)
}
