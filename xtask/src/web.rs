//! The web app: its dependencies and its build.

use std::{fs, process::Command};

use crate::shell::{command, is_installed, root, run};

/// Installs the web app's dependencies unless the lock file is the one they came from.
pub fn dependencies() -> Result<(), String> {
    let web = root().join("web");
    let lock = fs::read(web.join("package-lock.json"))
        .map_err(|e| format!("web/package-lock.json: {e}"))?;
    // A copy of the lock file inside the folder it describes: removed with it.
    let installed = web.join("node_modules/.installed-from.json");
    if fs::read(&installed).is_ok_and(|old| old == lock) {
        return Ok(());
    }
    if !is_installed("npm") {
        return Err("npm is missing: install Node.js 20 or newer".into());
    }
    run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&installed, lock).map_err(|e| format!("{}: {e}", installed.display()))
}

/// Builds the web app into `web/dist`, from where the server's build embeds it.
pub fn build() -> Result<(), String> {
    dependencies()?;
    run(npm().args(["run", "build"]))
}

/// npm in the web app's folder.
pub fn npm() -> Command {
    let mut npm = command("npm");
    npm.current_dir(root().join("web"));
    npm
}
