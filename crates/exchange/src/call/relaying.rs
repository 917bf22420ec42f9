//! Relay credentials: who gets them, for how long, and when they are renewed.

use std::time::Duration;

use protocol::id::ParticipantId;
use protocol::limits;
use protocol::message::*;
use protocol::relay;

use super::{Call, CallOutput, Context};

impl Call {
    /// Credentials for one participant. They name the seat and not the session, since a STUN
    /// message carries the username in the clear.
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
        if !cx.relay.turn_urls.is_empty() {
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
        for seat in &self.seats {
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
        self.schedule_renewal(cx);
    }
}
