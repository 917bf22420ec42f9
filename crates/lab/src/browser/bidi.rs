//! WebDriver BiDi: a WebSocket that takes commands and answers them, one after the other.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::remote::Remote;
use crate::Host;

/// Longer than any single command may take on a busy machine.
const COMMAND_PATIENCE: Duration = Duration::from_secs(90);

/// The keys that are not characters, as WebDriver writes them.
const CONTROL: &str = "\u{E009}";
const DELETE: &str = "\u{E017}";

/// Brings the element that was found into sight, and refuses one that a person could not hit.
const REACH: &str = "
    const element = await find();
    if (!element) throw new Error('it is not shown');
    element.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
    const { x, y, width, height } = element.getBoundingClientRect();
    const hit = document.elementFromPoint(x + width / 2, y + height / 2);
    if (!element.contains(hit)) throw new Error(`it is behind ${hit?.outerHTML.slice(0, 200)}`);
    return element;";

/// A BiDi session.
pub(super) struct Bidi {
    line: Mutex<Line>,
    tab: Mutex<String>,
    version: String,
}

/// The WebSocket, and how many commands it has carried.
struct Line {
    socket: WebSocket<TcpStream>,
    sent: u64,
}

impl Bidi {
    /// Opens a session with the browser that listens at `address` of `host`.
    pub(super) fn connect(host: &Host, address: SocketAddr) -> Result<Self> {
        let stream = host.enter(|| TcpStream::connect(address))??;
        stream.set_read_timeout(Some(COMMAND_PATIENCE))?;
        stream.set_nodelay(true)?;
        let (socket, _) = client(format!("ws://{address}/session"), stream)
            .map_err(|error| anyhow!("no WebSocket: {error}"))?;
        let mut bidi = Self {
            line: Mutex::new(Line { socket, sent: 0 }),
            tab: Mutex::default(),
            version: String::new(),
        };
        let session = bidi.command("session.new", json!({ "capabilities": {} }))?;
        let said = |what: &str| text(&session["capabilities"][what]);
        bidi.version = format!("{}/{}", said("browserName"), said("browserVersion"));
        let tree = bidi.command("browsingContext.getTree", json!({}))?;
        bidi.look_at(&text(&tree["contexts"][0]["context"]))?;
        Ok(bidi)
    }

    fn command(&self, method: &str, parameters: Value) -> Result<Value> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.command(method, parameters)
            .with_context(|| method.to_owned())
    }

    /// The same about the tab that is looked at.
    fn command_here(&self, method: &str, mut parameters: Value) -> Result<Value> {
        parameters["context"] = self.tab()?.into();
        self.command(method, parameters)
    }

    /// Calls a function without arguments; its value is described as BiDi describes values.
    fn call(&self, function: &str) -> Result<Value> {
        let parameters = json!({
            "functionDeclaration": function,
            "awaitPromise": true,
            "target": { "context": self.tab()? },
            "userActivation": false,
        });
        let mut said = self.command("script.callFunction", parameters)?;
        if said["type"] == "exception" {
            bail!("{}", text(&said["exceptionDetails"]["text"]));
        }
        Ok(said["result"].take())
    }

    /// Clicks in the middle of the element that a script finds.
    fn press(&self, find: &str, arguments: Vec<Value>) -> Result<()> {
        let find = applied(find, arguments);
        let element = self.call(&format!("async () => {{ const find = {find};{REACH} }}"))?;
        ensure!(element["type"] == "node", "no element: {element}");
        let origin = json!({ "type": "element", "element": { "sharedId": element["sharedId"] } });
        let pointer = json!({ "type": "pointer", "id": "mouse", "actions": [
            { "type": "pointerMove", "x": 0, "y": 0, "origin": origin },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ] });
        self.command_here("input.performActions", json!({ "actions": [pointer] }))
            .map(drop)
    }

    fn keys(&self, actions: Vec<Value>) -> Result<()> {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command_here("input.performActions", json!({ "actions": [keyboard] }))
            .map(drop)
    }
}

impl Line {
    fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.sent += 1;
        let command = json!({ "id": self.sent, "method": method, "params": parameters });
        self.socket.send(Message::text(command.to_string()))?;
        loop {
            let Message::Text(frame) = self.socket.read()? else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&frame)?;
            // Everything else is an event, or an answer that came too late for an earlier command.
            if answer["id"] == self.sent {
                ensure!(
                    answer["type"] == "success",
                    "{}: {}",
                    answer["error"],
                    answer["message"]
                );
                return Ok(answer["result"].take());
            }
        }
    }
}

impl Remote for Bidi {
    fn version(&self) -> Result<String> {
        Ok(self.version.clone())
    }

    fn prepend(&self, script: &str) -> Result<()> {
        let parameters = json!({ "functionDeclaration": format!("() => {{ {script}\n }}") });
        self.command("script.addPreloadScript", parameters)
            .map(drop)
    }

    fn goto(&self, url: &str) -> Result<()> {
        let parameters = json!({ "url": url, "wait": "complete" });
        self.command_here("browsingContext.navigate", parameters)
            .map(drop)
    }

    fn reload(&self) -> Result<()> {
        let parameters = json!({ "wait": "complete" });
        self.command_here("browsingContext.reload", parameters)
            .map(drop)
    }

    fn tab(&self) -> Result<String> {
        Ok(self
            .tab
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    fn open_tab(&self) -> Result<String> {
        let tab = self.command("browsingContext.create", json!({ "type": "tab" }))?;
        Ok(text(&tab["context"]))
    }

    fn look_at(&self, tab: &str) -> Result<()> {
        *self.tab.lock().unwrap_or_else(PoisonError::into_inner) = tab.to_owned();
        self.command_here("browsingContext.activate", json!({}))
            .map(drop)
    }

    fn script(&self, source: &str, arguments: Vec<Value>) -> Result<Value> {
        let run = applied(source, arguments);
        // As text it comes as it is, and not in BiDi's description of values.
        let said = self.call(&format!(
            "async () => JSON.stringify(await ({run})() ?? null)"
        ))?;
        Ok(serde_json::from_str(
            said["value"].as_str().unwrap_or("null"),
        )?)
    }

    fn click(&self, find: &str, arguments: Vec<Value>) -> Result<()> {
        self.press(find, arguments)
    }

    fn type_into(&self, find: &str, arguments: Vec<Value>, text: &str) -> Result<()> {
        self.press(find, arguments)?;
        let down = |key: &str| json!({ "type": "keyDown", "value": key });
        let up = |key: &str| json!({ "type": "keyUp", "value": key });
        let mut actions = vec![down(CONTROL), down("a"), up("a"), up(CONTROL)];
        let typed = text.chars().map(String::from);
        for key in std::iter::once(DELETE.to_owned()).chain(typed) {
            actions.extend([down(&key), up(&key)]);
        }
        self.keys(actions)
    }

    fn picture(&self) -> Result<Vec<u8>> {
        let shot = self.command_here("browsingContext.captureScreenshot", json!({}))?;
        Ok(BASE64_STANDARD.decode(text(&shot["data"]))?)
    }
}

/// A function without arguments that runs this body of one with these.
fn applied(body: &str, arguments: Vec<Value>) -> String {
    let arguments = Value::Array(arguments);
    format!("() => (async function () {{ {body}\n }}).apply(null, {arguments})")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
