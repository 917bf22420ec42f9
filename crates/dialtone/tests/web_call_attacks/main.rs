//! Calls and rings against those who cheat, race, replay and guess, through the running server.
//!
//! What is tried at signaling and calls, and where, for a reader who looks for one of them:
//!
//! | attempt | test |
//! | --- | --- |
//! | the caller answers for the callee; offers, candidates, video while it rings | [`rings::nothing_of_the_callee_reaches_the_caller_before_the_answer`] |
//! | accepts and cancels at the same instant | [`rings::of_accepts_and_a_cancel_at_once_one_wins`]; every order: `crates/sim/tests/exploration.rs` |
//! | replayed invite and accept | [`rings::what_is_sent_again_rings_nobody_again`] |
//! | invites without end, from one and from many; blocked callers | [`rings::one_caller_rings_so_often_and_not_more`], [`rings::many_callers_ring_one_person_so_often_and_the_blocked_never`] |
//! | calls one is not in, guessed ids | [`strangers::what_is_not_ones_own_looks_as_if_it_were_not_there`], `web_accounts` |
//! | forged senders | [`strangers::who_somebody_is_the_server_says`] |
//! | broken, duplicate, deep, huge, compressed frames | `web_frames`, [`sessions::compression_is_not_spoken`] |
//! | stolen, guessed, old resume token; a cut between resume and answer | [`sessions::a_stolen_resume_token_opens_nothing`], [`sessions::an_answer_that_is_lost_locks_nobody_out`] |
//! | foreign Origin, CSRF, foreign Host | `web_requests`, `web_account_attacks`, [`text::every_door_of_the_api_withstands_rubbish`] |
//! | the callee's camera and microphone before the answer | `crates/lab/tests/ringing.rs` |
//! | the relay as a proxy for anybody | [`sessions::who_is_alone_gets_no_relay`], `relay_strangers` |
//! | push endpoints and webhooks that point inside | `web_push`, `web_webhooks`, `outgoing` (unit) |
//! | no hello, half-open TLS, slow readers, floods | `web_frames`, `web_https`, `web_floods`, `web_requests` |
//! | who was kicked or signed out resumes | [`sessions::who_was_sent_away_stays_away`], `web_account_calls` |
//! | script in names, chat, messages | [`text::script_stays_text`], `web_accounts` |
//! | path traversal, oversized bodies, redirects | [`text::no_path_of_the_api_leads_elsewhere`], [`text::every_door_of_the_api_withstands_rubbish`], `web_requests` |
//! | guessing passwords and passkeys, who exists | `web_account_attacks`, `web_passkeys` |
//!
//! What a page does by itself with a link, swapped DTLS fingerprints, and devices that a server adds
//! are for the clients to notice.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

#[path = "../account_support/mod.rs"]
mod account_support;
#[path = "../web_support/mod.rs"]
mod web_support;

mod rings;
mod sessions;
mod speech;
mod strangers;
mod text;
