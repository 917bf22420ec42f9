//! Calls that are shown by the service worker, while no page has to be open.
//!
//! A browser here cannot subscribe, since its push service is far away: push messages are handed to
//! it by the DevTools protocol, as the push service would.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use lab::{Browser, BrowserOptions, Host, Patience, Server, eventually};
use serde_json::{Value, json};

const RING: &str = "R1i4N7g0R3i6N9g2R5i8Ng";

/// What is shown, as a page of the app can list it.
const SHOWN: &str = "const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(
        ({ title, body, tag, silent, requireInteraction, actions, data }) =>
            ({ title, body, tag, silent, requireInteraction, data, actions: actions.map((one) => one.action) }));";

/// A browser whose service worker is ready.
fn ready(server: &Server) -> Result<Browser> {
    let origin = server.origin();
    let browser = Browser::start(&Host::here(), "sleeper", &BrowserOptions::default())?;
    let permissions = json!({ "origin": origin, "permissions": ["notifications"] });
    browser.cdp("Browser.grantPermissions", permissions)?;
    browser.goto(&format!("{origin}/"))?;
    let register = "await navigator.serviceWorker.register('/sw.js');
        const { scope, active } = await navigator.serviceWorker.ready;
        return [scope, active.scriptURL, Notification.permission];";
    let registered = browser.script(register, vec![])?;
    let expected = json!([format!("{origin}/"), format!("{origin}/sw.js"), "granted"]);
    ensure!(registered == expected, "{registered}");
    browser.cdp("ServiceWorker.enable", json!({}))?;
    Ok(browser)
}

/// Hands the service worker a push message. The first registration of a fresh profile is number 0.
fn deliver(browser: &Browser, server: &Server, message: &str) -> Result<()> {
    let parameters = json!({ "origin": server.origin(), "registrationId": "0", "data": message });
    browser
        .cdp("ServiceWorker.deliverPushMessage", parameters)
        .map(drop)
}

/// Delivers these, one after the other, until what is shown is as it should be.
///
/// A browser that is asked what it shows forgets what is only on its way to the screen. So it is
/// left alone for a moment, and given the same again when it had no time: that changes nothing.
fn until_shown(
    browser: &Browser,
    server: &Server,
    messages: &[&str],
    wanted: impl Fn(&[Value]) -> Result<()>,
) -> Result<()> {
    eventually(&messages.join(", "), Patience::USUAL, || {
        for message in messages {
            deliver(browser, server, message)?;
            sleep(Duration::from_secs(1));
        }
        let shown = browser.script(SHOWN, vec![])?;
        let list = shown.as_array().context("no list")?;
        wanted(list).with_context(|| shown.to_string())
    })
}

fn ringing(expires_in_ms: i64) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let expires_ms = i64::try_from(now)? + expires_in_ms;
    let message = json!({
        "kind": "ring", "ring": RING, "name": "Ada", "video": true, "expires_ms": expires_ms,
    });
    // As the server pads it.
    Ok(format!("{message:1024}"))
}

#[test]
fn a_call_is_shown_and_its_end_takes_its_place() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let browser = ready(&server)?;
    let begins = ringing(45_000)?;
    until_shown(&browser, &server, &[&begins], |list| {
        ensure!(list.len() == 1, "not one");
        ensure!(list[0]["title"] == "Ada", "title");
        ensure!(list[0]["body"] == "Incoming video call", "body");
        ensure!(list[0]["requireInteraction"] == true, "it goes by itself");
        let actions = json!(["answer", "decline"]);
        ensure!(list[0]["actions"] == actions, "actions");
        ensure!(
            list[0]["data"] == json!({ "ring": RING, "over": false }),
            "data"
        );
        Ok(())
    })?;
    let over = json!({ "kind": "over", "ring": RING, "name": "Ada", "reason": "missed" });
    let over = over.to_string();
    let is_over = |list: &[Value]| {
        ensure!(list.len() == 1, "not one");
        ensure!(list[0]["title"] == "Missed call from Ada", "title");
        ensure!(list[0]["silent"] == true, "it makes a noise");
        ensure!(list[0]["requireInteraction"] == false, "it stays");
        ensure!(list[0]["actions"] == json!([]), "actions");
        Ok(())
    };
    until_shown(&browser, &server, &[&over], is_over)?;
    // The beginning comes late, as from a push service that was slow: it does not ring again.
    until_shown(&browser, &server, &[&over, &begins], is_over)
}

#[test]
fn what_is_old_or_cannot_be_read_does_not_ring() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let browser = ready(&server)?;
    until_shown(&browser, &server, &["not of this server"], |list| {
        ensure!(list.len() == 1 && list[0]["title"] == "Dialtone", "another");
        Ok(())
    })?;
    until_shown(&browser, &server, &[&ringing(-120_000)?], |list| {
        let missed = |one: &Value| one["title"] == "Missed call from Ada";
        ensure!(list.iter().any(missed), "none");
        let rings = |one: &Value| one["requireInteraction"] == true;
        ensure!(!list.iter().any(rings), "it rings");
        Ok(())
    })
}
