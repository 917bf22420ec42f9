//! What people with an account do: sign in, call each other, answer, look at past calls.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{Patience, Person};

/// Asks the API as the page would, with its cookie. Arguments: method, path, body or null.
const ASK: &str = "const [method, path, body] = arguments;
    const headers = body === null ? {} : { 'content-type': 'application/json' };
    const request = { method, headers, ...(body !== null && { body: JSON.stringify(body) }) };
    return (async () => {
      const answer = await fetch('/api/v1' + path, request);
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    })();";

/// When something happened last. Argument: what.
const MARKED: &str =
    "return window.__lab.marks.findLast(({ what }) => what === arguments[0])?.at ?? null;";

/// The lines of the list of past calls, the newest first.
const PAST: &str = "return [...document.querySelectorAll('.history li')].map(
    (line) => line.innerText.replace(/\\s+/g, ' ').trim());";

/// Good enough for the server, and the same for everybody.
pub(crate) const PASSWORD: &str = "eleven quiet telephones";

impl Person {
    /// A request to the REST API from the page that is open; fails unless it is granted.
    pub fn ask(&self, method: &str, path: &str, body: Value) -> Result<Value> {
        let arguments = vec![json!(method), json!(path), body];
        let answer = self.browser().script(ASK, arguments)?;
        match answer["status"].as_u64() {
            Some(200..300) => Ok(answer["body"].clone()),
            _ => bail!("{}: {method} {path}: {answer}", self.browser().name()),
        }
    }

    /// Makes an account with a one-time link, by the API; returns the id of the user.
    pub fn sign_up(&self, origin: &str, link: &str, login: &str, name: &str) -> Result<String> {
        let token = link.split('#').nth(1).context("no token in the link")?;
        self.browser().goto(&format!("{origin}/"))?;
        let account = json!({ "token": token, "login": login, "name": name, "password": PASSWORD });
        let me = self.ask("POST", "/accounts", account)?;
        Ok(me["user"].as_str().context("no user")?.to_owned())
    }

    /// Signs this browser in, by the API.
    pub fn sign_in(&self, origin: &str, login: &str) -> Result<()> {
        self.browser().goto(&format!("{origin}/"))?;
        let credentials = json!({ "name": login, "password": PASSWORD });
        self.ask("POST", "/login", credentials).map(drop)
    }

    /// Makes an account with a one-time link, by the screens.
    pub fn accept_invitation(&self, link: &str, login: &str, name: &str) -> Result<()> {
        let browser = self.browser();
        browser.goto(link)?;
        self.fill("Your name", name)?;
        self.fill("Login name", login)?;
        // Where passkeys are possible they are offered first.
        if browser.shows("button", "Use a password instead")? {
            self.press("Use a password instead")?;
        }
        self.fill("Password", PASSWORD)?;
        self.press("Create account")?;
        self.is_at_home()
    }

    /// Signs this browser in, by the screens.
    pub fn sign_in_by_hand(&self, origin: &str, login: &str) -> Result<()> {
        self.browser().goto(&format!("{origin}/signin"))?;
        self.fill("Login name", login)?;
        self.fill("Password", PASSWORD)?;
        self.press("Sign in")?;
        self.is_at_home()
    }

    /// Types into a field, waiting until it is there.
    pub fn fill(&self, field: &str, text: &str) -> Result<()> {
        self.until(&format!("a field {field:?}"), |_| {
            ensure!(self.browser().shows("textbox", field)?, "no such field");
            Ok(())
        })?;
        self.browser()
            .type_into(field, text)
            .map_err(|e| self.explain(e))
    }

    /// Opens the start page and waits until it can ring there.
    pub fn wait_at_home(&self, origin: &str) -> Result<()> {
        self.browser().goto(&format!("{origin}/"))?;
        self.is_at_home()
    }

    /// Signed in on the start page, with a line to the server.
    pub fn is_at_home(&self) -> Result<()> {
        self.until("signed in on the start page, with a line", |page| {
            ensure!(page["state"] == "idle", "state {}", page["state"]);
            ensure!(
                self.browser()
                    .shows("textbox", "Search people on this server")?,
                "nobody to call is shown"
            );
            self.has_heard("got people")
        })
    }

    /// The page has heard, or shown, that since it was loaded.
    pub fn has_heard(&self, what: &str) -> Result<()> {
        self.marked(what).map(drop)
    }

    /// When that happened last, in milliseconds of the machine's clock.
    pub fn marked(&self, what: &str) -> Result<f64> {
        let at = self.browser().script(MARKED, vec![json!(what)])?;
        at.as_f64().with_context(|| format!("never {what:?}"))
    }

    /// Presses a button of a row, waiting until it is there.
    pub fn press_in_row(&self, row: &str, name: &str) -> Result<()> {
        self.until(&format!("button {name:?} of {row}"), |_| {
            self.browser().click_in_row(row, "button", name)
        })
    }

    /// Calls somebody in the list of people on the start page.
    pub fn call(&self, name: &str, video: bool) -> Result<()> {
        let kind = if video { "video" } else { "voice" };
        self.press_in_row(name, &format!("Call with {kind}"))
    }

    /// Waits until a call of `name` rings here.
    pub fn rings(&self, name: &str) -> Result<()> {
        let words = format!("{name} is calling");
        self.until(&format!("an alert: {words}"), |page| {
            ensure!(
                page["alerts"] == json!([words]),
                "alerts {}",
                page["alerts"]
            );
            Ok(())
        })
    }

    /// Waits until nothing rings here, and the page shows `state`.
    pub fn is_quiet(&self, state: &str) -> Result<()> {
        self.is_quiet_within(state, Patience::USUAL)
    }

    /// The same, not longer than `patience`.
    pub fn is_quiet_within(&self, state: &str, patience: Patience) -> Result<()> {
        self.until_within(&format!("nothing rings, {state}"), patience, |page| {
            ensure!(page["alerts"] == json!([]), "alerts {}", page["alerts"]);
            ensure!(page["incoming"] == 0, "{} ring", page["incoming"]);
            ensure!(page["state"] == state, "state {}", page["state"]);
            Ok(())
        })
    }

    /// Waits until the page says these words.
    pub fn reads_on_screen(&self, words: &str) -> Result<()> {
        self.reads_on_screen_within(words, Patience::USUAL)
    }

    /// The same, not longer than `patience`.
    pub fn reads_on_screen_within(&self, words: &str, patience: Patience) -> Result<()> {
        self.until_within(&format!("the words {words:?}"), patience, |page| {
            let text = page["text"].as_str().unwrap_or_default();
            ensure!(text.contains(words), "the page reads {text:?}");
            Ok(())
        })
    }

    /// In a call with one other person, whose sound arrives.
    pub fn is_talking(&self) -> Result<()> {
        self.is_talking_within(Patience::USUAL)
    }

    /// The same, not longer than `patience`.
    pub fn is_talking_within(&self, patience: Patience) -> Result<()> {
        let before = sound_packets(&self.sense()?);
        self.until_within("in a call, and sound arrives", patience, |page| {
            ensure!(page["state"] == "active", "state {}", page["state"]);
            ensure!(page["peers"] == "1", "peers {}", page["peers"]);
            let now = sound_packets(page);
            ensure!(now > before + 10, "{before} packets of sound, then {now}");
            Ok(())
        })
    }

    /// Opens the list of past calls, and waits until its newest lines hold these words each.
    pub fn past_calls_are(&self, origin: &str, lines: &[&[&str]]) -> Result<()> {
        self.browser().goto(&format!("{origin}/history"))?;
        self.until(&format!("past calls {lines:?}"), |_| {
            let shown = self.browser().script(PAST, vec![])?;
            let shown: Vec<_> = shown.as_array().into_iter().flatten().collect();
            ensure!(shown.len() >= lines.len(), "the list reads {shown:?}");
            let matches = lines.iter().zip(&shown).all(|(words, line)| {
                let line = line.as_str().unwrap_or_default();
                words.iter().all(|word| line.contains(word))
            });
            ensure!(matches, "the list reads {shown:?}");
            Ok(())
        })
    }
}

/// Packets of sound that have arrived so far, over all connections that live.
fn sound_packets(page: &Value) -> u64 {
    let connections = page["connections"].as_array().into_iter().flatten();
    connections.filter_map(|c| c["packets"].as_u64()).sum()
}
