//! HTTPS in a network of one's own: an authority made once, and certificates for whatever addresses
//! this machine has.

mod authority;
mod constraints;
mod networks;
mod qr;

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use crate::addresses::{self, Address};
use crate::certificates::Certificates;
use crate::clock;
use crate::data::DataFolder;
use crate::http::trust::Root;
pub use authority::{Authority, Unusable};
pub use networks::is_private;
pub use qr::code;

/// Where the authority is kept, in the data folder.
pub const FILE: &str = "lan-authority.pem";

/// Where to listen unless told otherwise: for pages, and for those who have to trust us first.
pub const HTTPS_PORT: u16 = 8443;

/// The authority, and the certificate it has given to this machine.
#[derive(Debug)]
pub struct Lan {
    authority: Authority,
    certificates: Arc<Certificates>,
    /// What the certificate is for, and in which time another one is not needed.
    addresses: Vec<IpAddr>,
    fresh: [Duration; 2],
}

impl Lan {
    /// With the authority in this folder, which is made if it is not there.
    pub fn open(data: &DataFolder) -> anyhow::Result<Lan> {
        let path = path(data.path());
        let now = clock::now().unix;
        if !path.exists() {
            let mut id = [0; 4];
            getrandom::fill(&mut id).context("The system has no randomness to give")?;
            let made = Authority::make(id, now).context("No authority could be made")?;
            data.keep(FILE, made.as_bytes())?;
        }
        let authority = read(&path, now)?;
        let addresses = private_addresses();
        let leaf = authority
            .certify(&addresses, now)
            .map_err(|why| explain(&path, &why))?;
        Ok(Lan {
            authority,
            certificates: Certificates::showing(leaf.certified),
            addresses,
            fresh: leaf.fresh,
        })
    }

    /// What clients are shown: always for the addresses this machine has.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// What others have to trust.
    pub fn root(&self) -> Root {
        Root {
            certificate: self.authority.root().clone(),
            title: self.authority.title(),
            fingerprint: self.authority.fingerprint(),
        }
    }

    /// Makes another certificate if this machine has other addresses now, or the time of the old one
    /// is coming to an end. Connections that exist are not touched.
    pub fn follow(&mut self) {
        let (addresses, now) = (private_addresses(), clock::now().unix);
        let is_fresh = (self.fresh[0]..self.fresh[1]).contains(&now);
        if is_fresh && addresses == self.addresses {
            return;
        }
        match self.authority.certify(&addresses, now) {
            Ok(leaf) => {
                self.certificates.show(leaf.certified);
                tracing::info!("The certificate is a new one, for {addresses:?}");
                self.fresh = leaf.fresh;
            }
            Err(why) => {
                tracing::error!("No new certificate could be made: {FILE} {why}");
                // Not again at once: the next try is with other addresses, or in an hour.
                self.fresh = [now, now + Duration::from_secs(3600)];
            }
        }
        self.addresses = addresses;
    }
}

/// Reads the authority that is kept in this file.
pub fn read(path: &Path, now: Duration) -> anyhow::Result<Authority> {
    let pem = std::fs::read(path).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::NotFound => "start `dialtone dev --lan` to make it",
            _ => "check who owns the data folder, or name another one with --data DIR",
        };
        anyhow!("{} cannot be read ({error}); {remedy}", path.display())
    })?;
    Authority::read(&pem, now).map_err(|why| explain(path, &why))
}

fn explain(path: &Path, why: &Unusable) -> anyhow::Error {
    let path = path.display();
    match why {
        Unusable::NotYet => anyhow!("The authority in {path} {why}; set the clock"),
        _ => anyhow!(
            "The authority in {path} {why}; delete the file, and a new one is made at the next \
             start, which every device has to trust anew"
        ),
    }
}

/// The address of this machine that others in its network are told: that of the default route, if it
/// is a private one, or the first private one there is, IPv4 before IPv6.
pub fn address(found: &[Address]) -> anyhow::Result<IpAddr> {
    let private = found
        .iter()
        .filter(|it| is_private(it.ip) && !it.ip.is_loopback() && !addresses::is_link_local(it.ip));
    let best = private.min_by_key(|it| (!it.verdict.is_announced(), it.ip.is_ipv6()));
    match best {
        Some(best) => Ok(best.ip),
        None => bail!(
            "This machine has no private address that others could reach; connect it to a network, \
             or serve the internet with --https ADDR:PORT and a certificate for your name"
        ),
    }
}

/// Those of this machine that can be vouched for.
fn private_addresses() -> Vec<IpAddr> {
    let mut private = addresses::local();
    private.retain(|ip| is_private(*ip));
    private
}

/// The file of the authority in this folder.
pub fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::Verdict;

    fn found(all: &[(&str, Verdict)]) -> Vec<Address> {
        all.iter()
            .map(|(ip, verdict)| Address {
                ip: ip.parse().unwrap(),
                interface: String::new(),
                verdict: *verdict,
            })
            .collect()
    }

    fn chosen(all: &[(&str, Verdict)]) -> Option<String> {
        address(&found(all)).ok().map(|ip| ip.to_string())
    }

    #[test]
    fn others_are_told_the_address_of_the_way_out() {
        let docker = ("172.17.0.1", Verdict::NotDefault);
        let lan = ("192.168.1.5", Verdict::PrivateDefaultRoute);
        let public = ("1.2.3.4", Verdict::DefaultRoute);
        let site = ("fd00::5", Verdict::UniqueLocal);
        assert_eq!(chosen(&[docker, lan, site]).unwrap(), "192.168.1.5");
        assert_eq!(chosen(&[public, site, docker]).unwrap(), "172.17.0.1");
        assert_eq!(chosen(&[public, site]).unwrap(), "fd00::5");
    }

    #[test]
    fn without_a_private_address_it_says_what_helps() {
        let only = [
            ("127.0.0.1", Verdict::Loopback),
            ("fe80::1", Verdict::LinkLocal),
            ("1.2.3.4", Verdict::DefaultRoute),
        ];
        let error = address(&found(&only)).unwrap_err().to_string();
        assert!(error.contains("--https ADDR:PORT"), "{error}");
    }

    #[test]
    fn the_authority_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let first = Lan::open(&data).unwrap().root().fingerprint;
        let mode = std::fs::metadata(path(folder.path())).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Lan::open(&data).unwrap().root().fingerprint, first);
    }

    #[test]
    fn a_new_certificate_is_made_when_it_is_due_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let mut lan = Lan::open(&data).unwrap();
        let shown = |lan: &Lan| lan.certificates().names().addresses;
        let serial = |lan: &Lan| lan.certificates().leaf();
        let (first, addresses) = (serial(&lan), shown(&lan));
        lan.follow();
        assert_eq!(serial(&lan), first);
        lan.addresses.clear(); // As if it had gained all it has.
        lan.follow();
        let second = serial(&lan);
        assert_ne!(second, first);
        assert_eq!(shown(&lan), addresses);
        let now = clock::now().unix;
        lan.fresh = [now - Duration::from_secs(9), now];
        lan.follow();
        assert_ne!(serial(&lan), second);
    }
}
