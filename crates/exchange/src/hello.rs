//! The first frame on a socket: who is it, and does a session go on or begin?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::close::CloseCode;
use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::text::Token;
use protocol::time::Now;

use crate::call::CallInput;
use crate::session::Session;
use crate::timers::Timer;
use crate::{Bearer, Exchange, SocketId};

impl Exchange {
    pub(super) fn handle_first_frame(&mut self, now: Now, socket: SocketId, frame: ClientFrame) {
        let re = frame.id.as_ref();
        match frame.message {
            ClientMessage::Hello(hello) => {
                let signed = format!("dialtone hello\n{}", hello.ticket);
                let known = self.authenticate(now, hello.ticket, &hello.device, &signed);
                let Some((device, bearer)) = known else {
                    return self.unauthorized(now, socket, re);
                };
                if let Some(welcome) = self.open_session(now, socket, device, bearer, re) {
                    let session = welcome.session;
                    self.send(socket, re, &Box::new(welcome).into());
                    self.greet_member(session);
                }
            }
            ClientMessage::Resume(resume) => self.handle_resume(now, socket, re, &resume),
            _ => {
                let text = "Say hello or resume first.";
                self.send_error(socket, re, ErrorCode::BadState, text);
            }
        }
    }

    fn handle_resume(&mut self, now: Now, socket: SocketId, re: Option<&Token>, resume: &Resume) {
        let signed = format!("dialtone resume\n{}\n{}", resume.ticket, resume.session);
        let known = self.authenticate(now, resume.ticket, &resume.device, &signed);
        let Some((device, bearer)) = known else {
            return self.unauthorized(now, socket, re);
        };
        let verdict = match self.sessions.get(&resume.session) {
            _ if resume.epoch != self.epoch => Err(ResetReason::NewEpoch),
            None => Err(ResetReason::UnknownSession),
            Some(session) => session.can_resume(resume, device, &bearer),
        };
        match verdict {
            Ok(()) => self.resume_session(now, socket, re, resume),
            Err(reason) => {
                if let Some(welcome) = self.open_session(now, socket, device, bearer, re) {
                    let session = welcome.session;
                    self.send(socket, re, &Box::new(Reset { reason, welcome }).into());
                    self.greet_member(session);
                }
            }
        }
    }

    fn resume_session(&mut self, now: Now, socket: SocketId, re: Option<&Token>, resume: &Resume) {
        let token = ResumeToken::from_bytes(self.ids.fresh());
        let id = resume.session;
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.resume(socket, re, resume, token, &mut self.outputs);
        self.counters.sessions_resumed += 1;
        self.touched.insert(id);
        self.bind(now, socket, id);
        self.tell_calls_of(now, id, || CallInput::Attached(id));
    }

    /// Which device this is and whose, if the ticket is good and the device has proved itself.
    fn authenticate(
        &mut self,
        now: Now,
        ticket: Ticket,
        proof: &DeviceProof,
        signed: &str,
    ) -> Option<(DeviceId, Bearer)> {
        let bearer = self.tickets.redeem(now.tick, ticket);
        let key = URL_SAFE_NO_PAD.decode(&*proof.key).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(&*proof.signature).ok()?;
        let good_proof = (self.config.verify)(&key, signed.as_bytes(), &signature);
        let bearer = bearer.filter(|_| good_proof)?;
        let device = DeviceId::of(&key);
        let known = match &bearer {
            Bearer::Guest => true,
            // The account may have been closed since the ticket was issued.
            Bearer::Member { user, .. } => self.people.get(*user).is_some(),
            Bearer::Visitor(visitor) => visitor.device == device,
        };
        known.then_some((device, bearer))
    }

    fn unauthorized(&mut self, now: Now, socket: SocketId, re: Option<&Token>) {
        let text = "The ticket or the device's signature is not valid. Get a new ticket.";
        self.send_error(socket, re, ErrorCode::Unauthorized, text);
        self.close(now, socket, CloseCode::Unauthorized);
    }

    fn open_session(
        &mut self,
        now: Now,
        socket: SocketId,
        device: DeviceId,
        bearer: Bearer,
        re: Option<&Token>,
    ) -> Option<Welcome> {
        if self.sessions.len() >= self.config.max_sessions {
            let text = "The server has as many clients as it can take. Try again in a minute.";
            self.send_error(socket, re, ErrorCode::Unavailable, text);
            self.close(now, socket, CloseCode::TooMany);
            return None;
        }
        let id = SessionId::from_bytes(self.ids.fresh());
        let token = ResumeToken::from_bytes(self.ids.fresh());
        let session = Session::new(device, bearer, token, socket);
        let account = session.user().and_then(|user| self.people.account(user));
        self.sessions.insert(id, session);
        self.counters.sessions_opened += 1;
        self.bind(now, socket, id);
        Some(Welcome {
            session: id,
            epoch: self.epoch,
            resume_token: token,
            window_ms: limits::WINDOW_MS,
            ping_ms: limits::PING_IDLE_MS,
            you: You { device, account },
            features: Vec::new(),
        })
    }

    fn bind(&mut self, now: Now, socket: SocketId, id: SessionId) {
        self.sockets.insert(socket, Some(id));
        self.timers.clear(Timer::Hello(socket));
        self.timers.clear(Timer::Window(id));
        self.schedule_ping(now, id);
    }
}
