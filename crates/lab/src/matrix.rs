//! Two people on every pair of networks: one server, and one browser of a kind for each network and
//! person.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    Authority, BrowserOptions, Engine, Host, Nat, Net, Patience, Person, Proxy, Server,
    ServerOptions,
    access::{Access, Route, optimum},
    eventually,
};

/// The name of the server.
const NAME: &str = "dialtone.test";
/// A call may move to a better path after it is up. After this long it is taken as it is.
const SETTLED: Patience = Patience::seconds(15);

/// A small internet with a server that has IPv4 and IPv6, and people who come as they are needed.
///
/// The server shares port 443 between HTTPS and TURN over TLS.
pub struct Matrix {
    test: String,
    // Before the networks they are on.
    people: BTreeMap<(Seat, Access, Engine), Site>,
    server: Server,
    at: (Ipv4Addr, Ipv6Addr),
    root: PathBuf,
    net: Net,
}

/// Which of the two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seat {
    Alice,
    Bob,
}

/// Somebody, and what is between them and the internet.
struct Site {
    person: Person,
    _proxy: Option<Proxy>,
}

/// A call that went well.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How the media travelled, when nothing better came any more.
    pub route: Route,
    /// The types of the selected pair's candidates: each side's own, as its browser says it.
    pub candidates: [String; 2],
    /// All candidates that each side had, for whoever wants to know why it was not another route.
    pub gathered: [Value; 2],
    /// From the second person's click on "Join" to the first picture of the other.
    pub set_up: Duration,
}

impl Matrix {
    /// Builds the internet and starts the server.
    pub fn build(test: &str) -> Result<Self> {
        let mut net = Net::new()?;
        let host = net.public("server")?;
        let at = (host.address(), net.add_ipv6(&host)?);
        let authority = Arc::new(Authority::certify(NAME)?);
        let root = authority.root();
        let options = ServerOptions {
            address: Some(Ipv6Addr::UNSPECIFIED.into()),
            authority: Some(authority),
            name: Some(NAME.into()),
            arguments: vec!["--allow-peer=2001:db8::/32".into()],
            ..ServerOptions::default()
        };
        Ok(Self {
            test: test.into(),
            people: BTreeMap::new(),
            server: Server::start_with(&host, options)?,
            at,
            root,
            net,
        })
    }

    /// Lets two people who reach the internet like this, by these browsers, call each other, see and
    /// hear each other, and hang up.
    pub fn call(&mut self, a: Access, b: Access, engines: [Engine; 2]) -> Result<Outcome> {
        let seats = [(Seat::Alice, a, engines[0]), (Seat::Bob, b, engines[1])];
        for seat in seats {
            if !self.people.contains_key(&seat) {
                let site = self.settle(seat)?;
                self.people.insert(seat, site);
            }
        }
        let [alice, bob] = seats.map(|seat| &self.people[&seat].person);
        let outcome = self.converse(alice, bob, &optimum(a, b));
        // Whatever became of it, they are free for others.
        for person in [alice, bob] {
            person.browser().goto("about:blank")?;
        }
        outcome.with_context(|| format!("{seats:?}; the server said: {}", self.server.said()))
    }

    /// The products and versions of the browsers.
    pub fn browsers(&self) -> BTreeSet<&str> {
        let sites = self.people.values();
        sites.map(|it| it.person.browser().version()).collect()
    }

    fn converse(&self, alice: &Person, bob: &Person, hoped: &Route) -> Result<Outcome> {
        let link = alice.start_a_call(&self.server.origin())?;
        alice.join()?;
        alice.until_state("connecting")?;
        bob.open(&link)?;
        bob.join()?;
        let set_up = bob.first_picture().map_err(|error| alice.explain(error))?;
        for (person, other) in [(alice, bob), (bob, alice)] {
            person.until_state("active")?;
            person.sees_moving_pictures()?;
            person.hears(other.tone())?;
        }
        let pair = [alice, bob];
        let arrived = || {
            let (route, candidates) = travelled(pair)?;
            ensure!(route == *hoped, "{route}");
            Ok((route, candidates))
        };
        let (route, candidates) =
            eventually("the best path", SETTLED, arrived).or_else(|_| travelled(pair))?;
        let gathered = [gathered(alice)?, gathered(bob)?];
        bob.hang_up()?;
        alice.until_state("ended")?;
        Ok(Outcome {
            route,
            candidates,
            gathered,
            set_up,
        })
    }

    /// A person at a browser on a network of their own.
    fn settle(&mut self, (seat, access, engine): (Seat, Access, Engine)) -> Result<Site> {
        let name = format!("{seat:?}{access:?}{engine:?}");
        let at: IpAddr = match access {
            Access::Ipv6Only => self.at.1.into(),
            _ => self.at.0.into(),
        };
        let (host, proxy) = self.connect(&name, access)?;
        let options = BrowserOptions {
            engine,
            tone: Some(match seat {
                Seat::Alice => 440.0,
                Seat::Bob => 660.0,
            }),
            authority: Some(self.root.clone()),
            // Behind a proxy the names of the internet are not known.
            name: Some((NAME.into(), proxy.is_none().then_some(at))),
            proxy: proxy.as_ref().map(Proxy::address),
            ..BrowserOptions::default()
        };
        Ok(Site {
            person: Person::with(&self.test, &host, &name, &options)?,
            _proxy: proxy,
        })
    }

    fn connect(&mut self, name: &str, access: Access) -> Result<(Host, Option<Proxy>)> {
        let server = self.at.0;
        let net = &mut self.net;
        let nat = match access {
            Access::Public => return Ok((net.public(name)?, None)),
            Access::Ipv6Only => return Ok((net.public_ipv6(name)?.0, None)),
            Access::Carrier => {
                let mut carrier = net.lan(&format!("{name}-carrier"), Nat::Cone)?;
                let mut home = net.lan_behind(&mut carrier, &format!("{name}-home"), Nat::Cone)?;
                return Ok((net.behind(&mut home, name)?, None));
            }
            Access::FullCone => Nat::FullCone,
            Access::Restricted => Nat::RestrictedCone,
            Access::PortRestricted => Nat::Cone,
            Access::Symmetric => Nat::Symmetric,
            Access::UdpBlocked => Nat::OnlyTcp,
            Access::Only443 => Nat::Only443(server),
            Access::Proxy443 => Nat::Closed,
        };
        let mut home = net.lan(&format!("{name}-home"), nat)?;
        let host = net.behind(&mut home, name)?;
        let known = (NAME.to_owned(), server.into());
        let proxy = (access == Access::Proxy443)
            .then(|| Proxy::start(&home.router, home.gateway(), known))
            .transpose()?;
        Ok((host, proxy))
    }
}

/// The connection that carries the call.
fn live(page: &Value) -> Result<&Value> {
    let connections = page["connections"].as_array();
    let mut connections = connections.into_iter().flatten();
    let live = connections.find(|it| !it["selected"].is_null());
    live.context("no connection with a selected pair")
}

fn gathered(person: &Person) -> Result<Value> {
    Ok(live(&person.sense()?)?["local"].clone())
}

/// How the media of these two travels now, and the types of both sides' own candidates.
fn travelled(pair: [&Person; 2]) -> Result<(Route, [String; 2])> {
    let mut types = Vec::new();
    let mut relays = Vec::new();
    let mut shown = Vec::new();
    for person in pair {
        let page = person.sense()?;
        let own = &live(&page)?["selected"]["local"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if own["type"] == "relay" {
            relays.push(text(&own["relayProtocol"]).parse()?);
        }
        types.push(text(&own["type"]));
        shown.push(text(&page["path"]));
    }
    relays.sort();
    let route = match relays.is_empty() {
        true => Route::Direct,
        false => Route::Relayed(relays),
    };
    ensure!(
        shown.iter().all(|path| path == route.path()),
        "{route}, and the pages say {shown:?}"
    );
    let types = types.try_into();
    Ok((route, types.map_err(|_| anyhow::anyhow!("two people"))?))
}
