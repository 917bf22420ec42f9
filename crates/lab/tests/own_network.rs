//! `dialtone dev --lan` in a home with private addresses, and browsers that trust its authority as
//! somebody has told them: by the certificate from the page.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use common::Pair;
use lab::{
    Authority, Browser, BrowserOptions, Host, Nat, Net, Patience, Server, ServerOptions, eventually,
};
use tempfile::TempDir;

/// An address that the server gains.
const GAINED: &str = "192.168.7.77";

/// A home with the server in it.
struct Home {
    server: Server,
    host: Host,
    alice: Host,
    bob: Host,
    /// What the page gave.
    root: PathBuf,
    _folder: TempDir,
    net: Net,
}

impl Home {
    fn build() -> Result<Home> {
        let mut net = Net::new()?;
        let mut lan = net.private_lan("home", Nat::Cone)?;
        let host = net.behind(&mut lan, "server")?;
        let alice = net.behind(&mut lan, "alice")?;
        let bob = net.behind(&mut lan, "bob")?;
        let options = ServerOptions {
            arguments: vec!["--lan".to_owned()],
            ..ServerOptions::default()
        };
        let server = Server::start_with(&host, options)?;
        let folder = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let root = folder.path().join("dialtone.crt");
        let page = (host.address(), server.http().port()).into();
        fs::write(&root, alice.enter(|| download(page))??)?;
        Ok(Home {
            server,
            host,
            alice,
            bob,
            root,
            _folder: folder,
            net,
        })
    }

    fn pair(&self, test: &str) -> Result<Pair> {
        let origin = self.origin();
        Pair::trusting(test, &self.alice, &self.bob, &origin, &self.root)
    }

    /// What the server says that people should open.
    fn origin(&self) -> String {
        format!("https://{}:8443", self.host.address())
    }

    fn meet(&self, pair: &Pair) -> Result<()> {
        let link = pair.alice.start_a_call(&self.origin())?;
        pair.alice.join()?;
        pair.bob.open(&link)?;
        pair.bob.join()
    }

    /// A browser without camera and microphone on Alice's machine.
    fn browser(&self, name: &str, root: Option<&Path>) -> Result<Browser> {
        let options = BrowserOptions {
            authority: root.map(Path::to_owned),
            ..BrowserOptions::default()
        };
        Browser::start(&self.alice, name, &options)
    }
}

/// The root's certificate, from the page by plain HTTP.
fn download(page: std::net::SocketAddr) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(page)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "GET /trust/dialtone.crt HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n"
    )?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    ensure!(all.starts_with(b"HTTP/1.1 200 "), "no certificate");
    let end = all.windows(4).position(|it| it == b"\r\n\r\n");
    Ok(all.split_off(end.context("no end of the head")? + 4))
}

/// Opens a page, without any warning.
fn opens(browser: &Browser, origin: &str) -> Result<()> {
    browser.goto(&format!("{origin}/"))?;
    let shown = browser.script("return location.origin", vec![])?;
    ensure!(shown == origin, "it shows {shown}: {}", text(browser)?);
    Ok(())
}

/// What the browser says instead of opening a page.
fn warning(browser: &Browser, origin: &str) -> Result<String> {
    ensure!(
        opens(browser, origin).is_err(),
        "{origin} opens without a warning"
    );
    text(browser)
}

fn text(browser: &Browser) -> Result<String> {
    let text = browser.script("return document.body.innerText", vec![])?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

#[test]
fn two_people_who_trust_it_call_each_other_and_an_address_gained_meanwhile_works() -> Result<()> {
    let home = Home::build()?;
    let pair = home.pair("own-network")?;
    let call = || {
        home.meet(&pair)?;
        pair.talk("direct")?;
        let other = home.browser("Carol", Some(&home.root))?;
        home.host.sh(&format!("ip addr add {GAINED}/24 dev eth0"))?;
        eventually("the gained address is vouched for", Patience::USUAL, || {
            opens(&other, &format!("https://{GAINED}:8443"))
        })?;
        pair.alice.pictures_go_on_for(Duration::from_secs(3))?;
        pair.talk("direct")?;
        pair.both_have_signaling()?;
        pair.chat()?;
        pair.part()
    };
    call().with_context(|| format!("server: {}", home.server.said()))
}

#[test]
fn where_nothing_else_passes_the_call_goes_by_turn_over_tls_on_the_same_port() -> Result<()> {
    let home = Home::build()?;
    for (host, other) in [(&home.alice, &home.bob), (&home.bob, &home.alice)] {
        host.block_address(other.address())?;
        host.nft(
            "table ip only_8443 {
               chain outgoing { type filter hook output priority 0;
                 oifname lo accept; tcp dport 8443 accept; tcp dport 8080 accept; drop; }
             }",
        )?;
    }
    let pair = home.pair("own-network-tls")?;
    let call = || {
        home.meet(&pair)?;
        for side in &pair.talk("relay")? {
            let local = &side.selected["local"];
            ensure!(local["relayProtocol"] == "tls", "{}", side.selected);
        }
        pair.chat()?;
        pair.part()
    };
    call().with_context(|| format!("server: {}", home.server.said()))
}

#[test]
fn who_does_not_trust_it_is_warned_and_finds_the_page() -> Result<()> {
    let home = Home::build()?;
    let browser = home.browser("Dora", None)?;
    let warning = warning(&browser, &home.origin())?;
    ensure!(warning.contains("ERR_CERT_AUTHORITY_INVALID"), "{warning}");
    browser.goto(&format!("http://{}:8080/trust", home.host.address()))?;
    let title = browser.script("return document.title", vec![])?;
    ensure!(title == "Trust this Dialtone", "{title}");
    Ok(())
}

#[test]
fn with_the_keys_of_the_authority_nobody_fools_a_browser_elsewhere() -> Result<()> {
    let mut home = Home::build()?;
    let elsewhere = home.net.public("elsewhere")?;
    let stolen = fs::read_to_string(home.server.data().join("lan-authority.pem"))?;
    let imitate = |host: &Host| {
        let options = ServerOptions {
            authority: Some(Arc::new(Authority::forge(&stolen, host.address())?)),
            ..ServerOptions::default()
        };
        Server::start_with(host, options)
    };
    let browser = home.browser("Emil", Some(&home.root))?;
    // At home, where they are the keys of the house, they open: what is refused elsewhere is the place.
    let at_home = imitate(&home.bob)?;
    opens(&browser, &at_home.origin())?;
    let server = imitate(&elsewhere)?;
    let warning = warning(&browser, &server.origin())?;
    ensure!(warning.contains("ERR_CERT_"), "{warning}");
    Ok(())
}
