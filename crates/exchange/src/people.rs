//! Who has an account, who knows whom, and who can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::id::{SessionId, UserId};
use protocol::limits;
use protocol::message::{Account, Availability, Contact};
use protocol::time::Tick;

use crate::records::Person;

/// Everybody with an account.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct People {
    members: BTreeMap<UserId, Member>,
    /// Who has added whom, seen from the one who was added.
    added_by: BTreeMap<UserId, BTreeSet<UserId>>,
}

/// A person, as far as the exchange has to know them.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Member {
    pub(crate) person: Person,
    /// Their sessions, with a socket or waiting for one.
    pub(crate) sessions: BTreeSet<SessionId>,
    /// What was last told to those who know them.
    told: Availability,
    /// Rings they may still start.
    invites: Bucket,
    /// Rings they may still get.
    rings: Bucket,
}

impl People {
    pub(crate) fn get(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    pub(crate) fn sessions(&self, user: UserId) -> impl Iterator<Item = SessionId> + use<> {
        let sessions = self.get(user).map(|member| member.sessions.clone());
        sessions.into_iter().flatten()
    }

    /// Somebody is new or has changed.
    pub(crate) fn put(&mut self, user: UserId, person: Person) {
        self.forget_contacts(user);
        for contact in &person.contacts {
            self.added_by.entry(*contact).or_default().insert(user);
        }
        match self.members.get_mut(&user) {
            Some(member) => member.person = person,
            None => {
                self.members.insert(user, Member::new(person));
            }
        }
    }

    /// Somebody's account was closed.
    pub(crate) fn remove(&mut self, user: UserId) -> Option<Member> {
        self.forget_contacts(user);
        self.members.remove(&user)
    }

    fn forget_contacts(&mut self, user: UserId) {
        let Some(member) = self.members.get(&user) else {
            return;
        };
        for contact in &member.person.contacts {
            if let Some(others) = self.added_by.get_mut(contact) {
                others.remove(&user);
                if others.is_empty() {
                    self.added_by.remove(contact);
                }
            }
        }
    }

    pub(crate) fn connect(&mut self, user: UserId, session: SessionId) {
        if let Some(member) = self.members.get_mut(&user) {
            member.sessions.insert(session);
        }
    }

    pub(crate) fn disconnect(&mut self, user: UserId, session: SessionId) {
        if let Some(member) = self.members.get_mut(&user) {
            member.sessions.remove(&session);
        }
    }

    pub(crate) fn account(&self, user: UserId) -> Option<Account> {
        let person = &self.get(user)?.person;
        Some(Account {
            user,
            name: person.name.clone(),
            do_not_disturb: person.do_not_disturb,
            call_waiting: person.call_waiting,
        })
    }

    /// Whether `of` has added `user`.
    pub(crate) fn is_contact(&self, of: UserId, user: UserId) -> bool {
        self.get(of)
            .is_some_and(|member| member.person.contacts.contains(&user))
    }

    /// Whether `user` has blocked `other`, or is nobody.
    pub(crate) fn shuts_out(&self, user: UserId, other: UserId) -> bool {
        self.get(user)
            .is_none_or(|member| member.person.blocked.contains(&other))
    }

    /// The contacts of somebody, as they see them.
    pub(crate) fn contacts(&self, of: UserId) -> Vec<Contact> {
        let contacts = self.get(of).map(|member| &member.person.contacts);
        contacts
            .into_iter()
            .flatten()
            .filter_map(|user| self.contact(of, *user))
            .collect()
    }

    /// Somebody as `viewer` sees them; `None` if they are nobody.
    pub(crate) fn contact(&self, viewer: UserId, user: UserId) -> Option<Contact> {
        let member = self.get(user)?;
        Some(Contact {
            user,
            name: member.person.name.clone(),
            presence: if self.is_hidden(user, viewer) {
                Availability::Offline
            } else {
                member.told
            },
        })
    }

    /// Whether `viewer` does not see how `user` can be reached: one has to know the other for that.
    pub(crate) fn is_hidden(&self, user: UserId, viewer: UserId) -> bool {
        !self.is_contact(user, viewer) || self.shuts_out(user, viewer)
    }

    /// Notes how somebody can be reached now. Returns whether that is news.
    pub(crate) fn set_availability(&mut self, user: UserId, now: Availability) -> bool {
        let member = self.members.get_mut(&user);
        member.is_some_and(|member| std::mem::replace(&mut member.told, now) != now)
    }

    /// Those who have added somebody.
    pub(crate) fn added_by(&self, user: UserId) -> Vec<UserId> {
        let others = self.added_by.get(&user);
        others.into_iter().flatten().copied().collect()
    }

    /// Takes a ring from what both may have. `false`: one of them has had too many.
    ///
    /// Those a person has blocked take nothing from them, and so cannot keep others out.
    pub(crate) fn take_ring(&mut self, now: Tick, caller: UserId, callee: UserId) -> bool {
        let hidden = self.shuts_out(callee, caller);
        let Some(member) = self.members.get_mut(&caller) else {
            return false;
        };
        if !member
            .invites
            .take(now, limits::INVITES_BURST, limits::INVITES_PER_MINUTE)
        {
            return false;
        }
        if hidden {
            return true;
        }
        let per_minute = limits::RINGS_PER_MINUTE;
        self.members
            .get_mut(&callee)
            .is_none_or(|member| member.rings.take(now, per_minute, per_minute))
    }
}

impl Member {
    fn new(person: Person) -> Member {
        Member {
            person,
            sessions: BTreeSet::new(),
            told: Availability::Offline,
            invites: Bucket::default(),
            rings: Bucket::default(),
        }
    }
}

/// A leaky bucket: when it will be empty again (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Bucket {
    empty_at: Tick,
}

impl Bucket {
    /// Takes one, if there is room: `burst` at once, and `per_minute` in the long run.
    fn take(&mut self, now: Tick, burst: u32, per_minute: u32) -> bool {
        let each = Duration::from_secs(60) / per_minute;
        let empty_at = self.empty_at.max(now) + each;
        let fits = empty_at - now <= each * burst;
        if fits {
            self.empty_at = empty_at;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId::from_bytes([1; 16]);
    const BEN: UserId = UserId::from_bytes([2; 16]);

    fn person(name: &str, contacts: &[UserId], blocked: &[UserId]) -> Person {
        Person {
            name: name.to_owned().try_into().unwrap(),
            contacts: contacts.iter().copied().collect(),
            blocked: blocked.iter().copied().collect(),
            do_not_disturb: false,
            call_waiting: true,
        }
    }

    fn presence(people: &People) -> Availability {
        people.contact(ADA, BEN).unwrap().presence
    }

    #[test]
    fn only_those_one_has_added_see_whether_one_is_there() {
        let mut people = People::default();
        people.put(ADA, person("Ada", &[BEN], &[]));
        people.put(BEN, person("Ben", &[], &[]));
        assert!(people.set_availability(BEN, Availability::Available));
        assert!(!people.set_availability(BEN, Availability::Available));
        assert_eq!(presence(&people), Availability::Offline);
        people.put(BEN, person("Ben", &[ADA], &[]));
        assert_eq!(presence(&people), Availability::Available);
        people.put(BEN, person("Ben", &[ADA], &[ADA]));
        assert_eq!(presence(&people), Availability::Offline);
        assert!(people.contact(ADA, UserId::from_bytes([9; 16])).is_none());
    }

    #[test]
    fn who_has_added_whom_follows_changes() {
        let mut people = People::default();
        people.put(ADA, person("Ada", &[BEN], &[]));
        people.put(BEN, person("Ben", &[], &[]));
        assert_eq!(people.added_by(BEN), [ADA]);
        people.put(ADA, person("Ada", &[], &[]));
        assert!(people.added_by(BEN).is_empty());
        people.put(ADA, person("Ada", &[BEN], &[]));
        people.remove(ADA);
        assert!(people.added_by.is_empty());
    }

    #[test]
    fn rings_are_limited_for_the_one_and_for_the_many() {
        let mut people = People::default();
        people.put(ADA, person("Ada", &[], &[]));
        people.put(BEN, person("Ben", &[], &[]));
        let start = Tick::default();
        let count = |people: &mut People, now| {
            (0..1000)
                .filter(|_| people.take_ring(now, ADA, BEN))
                .count()
        };
        assert_eq!(count(&mut people, start), limits::INVITES_BURST as usize);
        let later = start + Duration::from_secs(60);
        assert_eq!(
            count(&mut people, later),
            limits::INVITES_PER_MINUTE as usize
        );
        // Everybody together.
        let many = (10..200).filter(|n| {
            let other = UserId::from_bytes([*n; 16]);
            people.put(other, person("Other", &[], &[]));
            people.take_ring(later, other, BEN)
        });
        let rest = limits::RINGS_PER_MINUTE - limits::INVITES_PER_MINUTE;
        assert_eq!(many.count(), rest as usize);
    }
}
