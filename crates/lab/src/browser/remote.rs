//! What steers a browser, whichever it is.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

/// A browser's remote control. All commands go to the tab that is looked at.
pub(crate) trait Remote: Send + Sync {
    /// Product and version.
    fn version(&self) -> Result<String>;

    /// Runs a script in every page of this tab from the next one on, before the page's own scripts.
    fn prepend(&self, script: &str) -> Result<()>;

    /// Opens an address, and waits until the page is loaded.
    fn goto(&self, url: &str) -> Result<()>;

    /// Loads the page again.
    fn reload(&self) -> Result<()>;

    /// The tab that is looked at.
    fn tab(&self) -> Result<String>;

    /// Opens another tab without looking at it.
    fn open_tab(&self) -> Result<String>;

    /// Commands go to this tab from now on.
    fn look_at(&self, tab: &str) -> Result<()>;

    /// Runs the body of a function with these arguments, and awaits what it returns.
    fn script(&self, source: &str, arguments: Vec<Value>) -> Result<Value>;

    /// Clicks the element that such a script finds.
    fn click(&self, find: &str, arguments: Vec<Value>) -> Result<()>;

    /// Empties the text field that such a script finds, and types into it.
    fn type_into(&self, find: &str, arguments: Vec<Value>, text: &str) -> Result<()>;

    /// Presses keys one after the other, wherever the focus is.
    fn press_keys(&self, _keys: &str) -> Result<()> {
        bail!("keys are pressed in Chromium alone")
    }

    /// Presses a key and holds it, or lets it go.
    fn hold_key(&self, _key: char, _held: bool) -> Result<()> {
        bail!("keys are pressed in Chromium alone")
    }

    /// Chooses a file in the page's field for files.
    fn choose_file(&self, _path: &Path) -> Result<()> {
        bail!("files are chosen in Chromium alone")
    }

    /// Commands go to the page in the frame that a script finds.
    fn enter(&self, _find: &str) -> Result<()> {
        bail!("frames are entered in Chromium alone")
    }

    /// Commands go to the page itself again.
    fn leave(&self) -> Result<()> {
        Ok(())
    }

    /// A picture of the page (PNG).
    fn picture(&self) -> Result<Vec<u8>>;

    /// Sends a command of the DevTools protocol.
    fn cdp(&self, command: &str, _parameters: Value) -> Result<Value> {
        bail!("{command} is a command for Chromium")
    }
}
