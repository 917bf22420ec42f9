//! Relay credentials: who gets them, for how long, and when they are renewed.

use std::time::Duration;

use protocol::id::ParticipantId;
use protocol::limits;
use protocol::message::*;
use protocol::relay;

use super::seats::Seat;
use super::{Call, CallOutput, Context};

impl Call {
    /// Credentials for one participant. They name the seat and not the session, since a STUN
    /// message carries the username in the clear. There are none as long as the other end is only
    /// what the participant says: anybody could have made it up to use the relay alone.
    pub(super) fn relay_terms(&self, participant: ParticipantId, cx: &Context<'_>) -> RelayTerms {
        let lifetime = Duration::from_millis(limits::RELAY_CREDENTIALS_MS);
        let mut ice_servers = Vec::new();
        if !cx.relay.stun_urls.is_empty() {
            ice_servers.push(IceServer {
                urls: cx.relay.stun_urls.clone(),
                username: None,
                credential: None,
            });
        }
        let others = self.seats.iter();
        let mut others = others.filter(|seat| seat.participant != participant);
        if !cx.relay.turn_urls.is_empty() && others.any(|seat| !seat.is_hearsay()) {
            let expires = cx.now.unix_seconds() + lifetime.as_secs();
            let minted = relay::mint(&cx.relay.secret, &participant.to_string(), expires);
            ice_servers.push(IceServer {
                urls: cx.relay.turn_urls.clone(),
                username: Some(minted.username),
                credential: Some(minted.password),
            });
        }
        RelayTerms {
            ice_servers,
            expires_in_ms: limits::RELAY_CREDENTIALS_MS,
        }
    }

    pub(super) fn schedule_renewal(&self, cx: &mut Context<'_>) {
        let after = Duration::from_millis(limits::RELAY_CREDENTIALS_MS / 4 * 3);
        cx.out
            .push(CallOutput::RenewTimer(Some(cx.now.tick + after)));
    }

    pub(super) fn renew_relay(&self, cx: &mut Context<'_>) {
        self.hand_relay_to(|_| true, cx);
        self.schedule_renewal(cx);
    }

    /// New credentials for those who have a connection already.
    pub(super) fn hand_relay_to(&self, who: impl Fn(&Seat) -> bool, cx: &mut Context<'_>) {
        for seat in self.seats.iter().filter(|seat| who(seat)) {
            let relay = self.relay_terms(seat.participant, cx);
            self.tell(
                seat.participant,
                RelayCredentials {
                    call: self.id,
                    relay,
                }
                .into(),
                cx,
            );
        }
    }
}
