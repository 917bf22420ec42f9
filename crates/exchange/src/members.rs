//! People with accounts: who is connected, who sees whom, and what ends when a sign-in does.

use std::collections::BTreeMap;

use protocol::close::CloseCode;
use protocol::id::{LoginId, ParticipantId, SessionId, UserId};
use protocol::message::*;
use protocol::time::Now;

use crate::Exchange;
use crate::records::Person;
use crate::session::Session;

impl Exchange {
    /// A member has a new session: they are told whom they know, and what rings.
    pub(super) fn greet_member(&mut self, session: SessionId) {
        let Some(user) = self.user_of(session) else {
            return;
        };
        self.people.connect(user, session);
        self.refresh_presence(user);
        // Before `people`, which then says what rings.
        self.add_legs(session, user);
        self.tell_people(session, user);
    }

    /// Tells a session the whole of whom its person knows and what rings for them.
    fn tell_people(&mut self, session: SessionId, user: UserId) {
        let Some(me) = self.people.account(user) else {
            return;
        };
        let people = People {
            me,
            contacts: self.people.contacts(user),
            incoming: self.offers_at(session),
            outgoing: self.rings_from(session),
        };
        self.push(session, None, &Box::new(people).into());
    }

    /// The store has somebody otherwise than before.
    pub(super) fn handle_person(&mut self, now: Now, user: UserId, person: Option<Box<Person>>) {
        let before = self.seen_by_others(user);
        match person {
            Some(person) => self.people.put(user, *person),
            None => {
                // As long as they have a name: those who know them hear that they went, and
                // devices that were woken for a call of theirs that it is over.
                for session in self.people.sessions(user) {
                    self.sign_out(now, session);
                }
                self.people.remove(user);
            }
        }
        for session in self.people.sessions(user) {
            self.tell_people(session, user);
        }
        self.update_availability(user);
        for (viewer, contact) in self.seen_by_others(user) {
            if before.get(&viewer) != Some(&contact) {
                self.tell_contact(viewer, contact);
            }
        }
    }

    /// What came of a sign-in ends, at once.
    pub(super) fn handle_revoked(&mut self, now: Now, login: LoginId) {
        self.tickets.revoke(login);
        let of_login = |(_, session): &(&SessionId, &Session)| session.login() == Some(login);
        let sessions: Vec<_> = self
            .sessions
            .iter()
            .filter(of_login)
            .map(|(id, _)| *id)
            .collect();
        for session in sessions {
            self.sign_out(now, session);
        }
    }

    fn sign_out(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let (socket, device) = (session.socket(), session.device);
        for call in session.calls.clone() {
            self.revoke_relay(now, ParticipantId::of(call, device));
        }
        self.end_session(now, id, true);
        if let Some(socket) = socket {
            self.close(now, socket, CloseCode::SignedOut);
        }
    }

    /// Somebody came, went, or is in a call now: those who may see it are told if it is news. The
    /// others are not told even that nothing is to be seen, or they would know when to look.
    pub(super) fn refresh_presence(&mut self, user: UserId) {
        if !self.update_availability(user) {
            return;
        }
        for viewer in self.people.added_by(user) {
            if let Some(contact) = self.people.contact(viewer, user)
                && !self.people.is_hidden(user, viewer)
            {
                self.tell_contact(viewer, contact);
            }
        }
    }

    fn update_availability(&mut self, user: UserId) -> bool {
        let Some(member) = self.people.get(user) else {
            return false;
        };
        let availability = if member.sessions.is_empty() {
            Availability::Offline
        } else if member.person.do_not_disturb {
            Availability::DoNotDisturb
        } else if self.is_in_call(user) {
            Availability::Busy
        } else {
            Availability::Available
        };
        self.people.set_availability(user, availability)
    }

    /// Whether one of somebody's devices sits in a call.
    pub(super) fn is_in_call(&self, user: UserId) -> bool {
        self.people.sessions(user).any(|id| {
            let session = self.sessions.get(&id);
            session.is_some_and(|session| !session.calls.is_empty())
        })
    }

    /// How somebody looks to those who have added them.
    fn seen_by_others(&self, user: UserId) -> BTreeMap<UserId, Contact> {
        let viewers = self.people.added_by(user).into_iter();
        let seen = viewers.filter_map(|viewer| Some((viewer, self.people.contact(viewer, user)?)));
        seen.collect()
    }

    fn tell_contact(&mut self, viewer: UserId, contact: Contact) {
        let message: ServerMessage = PresenceChange { contact }.into();
        for session in self.people.sessions(viewer) {
            self.push(session, None, &message);
        }
    }
}
