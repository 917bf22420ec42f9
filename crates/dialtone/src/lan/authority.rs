//! An authority that can vouch for private addresses and its own name, and for nothing else.
//!
//! ```text
//!   root     its key is used once, for the line below, and kept nowhere
//!    └─ issuer    its key is in the data folder
//!        └─ leaf      for the addresses of this machine, for some weeks, in memory
//! ```
//!
//! Both the root and the issuer carry the same critical name constraints (RFC 5280 section
//! 4.2.1.10). A client may overlook those of the root, which it only has been told to trust (section
//! 6.1.1 leaves it to the client); it may not overlook those of the issuer. So whoever steals the data
//! folder still cannot make a certificate for a name or an address of the internet.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::constraints::{LOCALHOST, check, permitted};

const DAY: Duration = Duration::from_secs(86_400);

/// How long an authority is good. Longer, and the key it is made with may be too weak; shorter, and
/// everybody has to trust a new one.
const AUTHORITY_LIFETIME: Duration = DAY.saturating_mul(3650);

/// How long a leaf is good. Apple's systems take 825 days of an authority that was installed by
/// hand, and browsers talk of 47. A leaf costs a millisecond.
const LEAF_LIFETIME: Duration = DAY.saturating_mul(30);

/// When a new leaf is made: a laptop may sleep, and its server with it.
const LEAF_LEFT: Duration = DAY.saturating_mul(10);

/// Clocks differ: a device that is behind should not refuse what was made this minute.
const BACKDATED: Duration = DAY;

/// See the module. It can sign leaves.
#[derive(Debug)]
pub struct Authority {
    root: CertificateDer<'static>,
    issuer_certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    name: String,
    /// From and until when both are good (Unix time).
    time: [Duration; 2],
}

/// A certificate for this machine.
#[derive(Debug)]
pub struct Leaf {
    /// It, what leads to the root, and its key.
    pub certified: Arc<CertifiedKey>,
    /// From when a new one is due (Unix time); also before the first, when somebody set the clock.
    pub fresh: [Duration; 2],
}

/// Why what was kept cannot be used. `Display` gives the second half of a sentence that begins with
/// the file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Parts are missing, do not belong together, or allow more than we do.
    #[error("is not as Dialtone made it ({0})")]
    Altered(&'static str),
    /// Its time is over.
    #[error("has expired")]
    Expired,
    /// Its time has not begun.
    #[error(
        "begins in the future, so the clock of this machine is wrong now or was when it was made"
    )]
    NotYet,
}

impl Authority {
    /// Makes one, as text to be kept (PEM). `id` sets it apart from others; `now` is Unix time.
    pub fn make(id: [u8; 4], now: Duration) -> Result<String, rcgen::Error> {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let time = [now.saturating_sub(BACKDATED), now + AUTHORITY_LIFETIME];
        let root_key = KeyPair::generate()?;
        let root = authority(&id, "Dialtone", 1, time);
        let key = KeyPair::generate()?;
        let mut issuer = authority(&id, "Dialtone issuer", 0, time);
        issuer.use_authority_key_identifier_extension = true;
        // What a leaf of it is good for (RFC 5280 section 4.2.1.12): no mail, no programs.
        issuer.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let root_certificate = root.self_signed(&root_key)?;
        let certificate = issuer.signed_by(&key, &Issuer::new(root, root_key))?;
        Ok(root_certificate.pem() + &certificate.pem() + &key.serialize_pem())
    }

    /// Reads what [`Authority::make`] gave, and finds out whether it is still that.
    pub fn read(pem: &[u8], now: Duration) -> Result<Authority, Unusable> {
        let altered = |_| Unusable::Altered("it cannot be read");
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(altered)?;
        let [root, issuer_certificate] = <[CertificateDer<'static>; 2]>::try_from(certificates)
            .map_err(|_| Unusable::Altered("it should hold two certificates"))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|_| Unusable::Altered("it should hold a key"))?;
        let key = KeyPair::try_from(&key).map_err(|_| Unusable::Altered("its key is broken"))?;
        let name = check(&root)?;
        if check(&issuer_certificate)? != name {
            return Err(Unusable::Altered("its parts do not belong together"));
        }
        let time = validity(&root)?;
        if now < time[0] {
            return Err(Unusable::NotYet);
        }
        if now >= time[1] {
            return Err(Unusable::Expired);
        }
        let issuer = Issuer::from_ca_cert_der(&issuer_certificate, key)
            .map_err(|_| Unusable::Altered("it cannot be read"))?;
        let authority = Authority {
            root,
            issuer_certificate,
            issuer,
            name,
            time,
        };
        authority.certify(&[], now)?;
        Ok(authority)
    }

    /// What devices have to trust.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The root's name in the lists of devices.
    pub fn title(&self) -> String {
        let id = self.name.trim_start_matches("dialtone-");
        format!("Dialtone {}", id.trim_end_matches(".local"))
    }

    /// SHA-256 of the root, as devices show it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.root);
        let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }

    /// A leaf for these addresses and our names. That a client would take it is looked after here: if
    /// not, the fault is with what was kept.
    pub fn certify(&self, addresses: &[IpAddr], now: Duration) -> Result<Leaf, Unusable> {
        let time = [
            now.saturating_sub(BACKDATED).max(self.time[0]),
            (now + LEAF_LIFETIME).min(self.time[1]),
        ];
        let certified = self
            .sign(addresses, time)
            .map_err(|_| Unusable::Altered("nothing can be signed with it"))?;
        self.take(&certified, now)?;
        let renew = time[1].saturating_sub(LEAF_LEFT);
        Ok(Leaf {
            certified: Arc::new(certified),
            fresh: [time[0], renew],
        })
    }

    fn sign(&self, addresses: &[IpAddr], time: [Duration; 2]) -> anyhow::Result<CertifiedKey> {
        let mut leaf = CertificateParams::new([LOCALHOST.to_owned(), self.name.clone()])?;
        let addresses = addresses.iter().copied();
        leaf.subject_alt_names
            .extend(addresses.map(SanType::IpAddress));
        leaf.distinguished_name = called(&self.name);
        limit(&mut leaf, time);
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &self.issuer)?;
        let chain = vec![certificate.der().clone(), self.issuer_certificate.clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Ok(CertifiedKey::from_der(chain, key.into(), &provider)?)
    }

    /// Does what a client does that trusts the root.
    fn take(&self, leaf: &CertifiedKey, now: Duration) -> Result<(), Unusable> {
        let mut roots = RootCertStore::empty();
        let untrue = Unusable::Altered("its parts do not belong together");
        let Ok(()) = roots.add(self.root.clone()) else {
            return Err(untrue);
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let name = ServerName::try_from(LOCALHOST);
        let (Ok(verifier), Ok(name)) = (verifier.build(), name) else {
            return Err(untrue);
        };
        let now = UnixTime::since_unix_epoch(now);
        let [leaf, above] = &leaf.cert[..] else {
            return Err(untrue);
        };
        let taken = verifier.verify_server_cert(leaf, std::slice::from_ref(above), &name, &[], now);
        taken.map(drop).map_err(|_| untrue)
    }
}

fn authority(id: &str, called_: &str, below: u8, time: [Duration; 2]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(&format!("{called_} {id}"));
    limit(&mut params, time);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted(&format!("dialtone-{id}.local")),
        excluded_subtrees: Vec::new(),
    });
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(
        DnType::OrganizationName,
        "Dialtone, for private addresses only",
    );
    names.push(DnType::CommonName, name);
    names
}

fn limit(params: &mut CertificateParams, [first, last]: [Duration; 2]) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(first.as_secs());
    params.not_after = epoch + Duration::from_secs(last.as_secs());
}

fn validity(der: &CertificateDer<'_>) -> Result<[Duration; 2], Unusable> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|_| Unusable::Altered("one of its certificates is broken"))?;
    let validity = certificate.validity();
    let unix = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Ok([&validity.not_before, &validity.not_after].map(|time| unix(time.timestamp())))
}

#[cfg(test)]
mod tests {
    use rcgen::{CidrSubnet, GeneralSubtree};

    use super::*;
    use crate::certificates::Names;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn made() -> String {
        Authority::make([0xa1, 2, 3, 4], NOW).unwrap()
    }

    fn blocks(pem: &str) -> Vec<String> {
        let ends = pem.split_inclusive("-----\n").collect::<Vec<_>>();
        ends.chunks(2).map(|block| block.concat()).collect()
    }

    fn refused(pem: &str, now: Duration) -> Unusable {
        Authority::read(pem.as_bytes(), now).unwrap_err()
    }

    #[test]
    fn it_is_read_as_it_was_made() {
        let authority = Authority::read(made().as_bytes(), NOW).unwrap();
        assert_eq!(authority.title(), "Dialtone a1020304");
        assert_eq!(authority.fingerprint().len(), 32 * 3 - 1);
        let leaf = authority
            .certify(&["192.168.1.5".parse().unwrap()], NOW)
            .unwrap();
        let names = Names::of(&leaf.certified.cert[0]);
        assert_eq!(names.hosts, ["localhost", "dialtone-a1020304.local"]);
        assert!(names.cover("192.168.1.5"));
    }

    #[test]
    fn a_leaf_is_short_lived_and_replaced_in_time() {
        let authority = Authority::read(made().as_bytes(), NOW).unwrap();
        let leaf = authority.certify(&[], NOW).unwrap();
        let [first, last] = validity(&leaf.certified.cert[0]).unwrap();
        assert!(last - first <= DAY * 397);
        assert!(leaf.fresh[0] <= NOW && leaf.fresh[1] < last);
        // The last leaf does not outlive those above it.
        let end = NOW + AUTHORITY_LIFETIME;
        let leaf = authority.certify(&[], end - DAY).unwrap();
        assert_eq!(validity(&leaf.certified.cert[0]).unwrap()[1], end);
    }

    #[test]
    fn an_authority_out_of_its_time_is_refused() {
        assert_eq!(
            refused(&made(), NOW + AUTHORITY_LIFETIME),
            Unusable::Expired
        );
        assert_eq!(refused(&made(), NOW - DAY * 2), Unusable::NotYet);
    }

    #[test]
    fn an_authority_that_was_tampered_with_is_refused() {
        let (ours, other) = (made(), made());
        let [root, issuer, key] = <[String; 3]>::try_from(blocks(&ours)).unwrap();
        let [other_root, other_issuer, other_key] =
            <[String; 3]>::try_from(blocks(&other)).unwrap();
        for altered in [
            String::new(),
            "text".to_owned(),
            key.clone(),
            format!("{root}{key}"),
            format!("{root}{issuer}"),
            format!("{root}{issuer}{other_key}"),
            format!("{root}{other_issuer}{other_key}"),
            format!("{other_root}{issuer}{key}"),
            format!("{issuer}{root}{key}"),
            format!("{root}{issuer}{issuer}{key}"),
            ours.replacen("MII", "MIJ", 1),
        ] {
            let refused = refused(&altered, NOW);
            assert!(matches!(refused, Unusable::Altered(_)), "{altered}");
        }
    }

    #[test]
    fn an_authority_that_may_vouch_for_more_is_refused() {
        let free = |change: fn(&mut CertificateParams)| {
            let time = [NOW - DAY, NOW + DAY * 100];
            let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
            let mut root = authority("a1020304", "Dialtone", 1, time);
            let mut issuer = authority("a1020304", "Dialtone issuer", 0, time);
            change(&mut root);
            change(&mut issuer);
            let root_certificate = root.self_signed(&root_key).unwrap();
            let above = Issuer::new(root, root_key);
            let certificate = issuer.signed_by(&key, &above).unwrap();
            root_certificate.pem() + &certificate.pem() + &key.serialize_pem()
        };
        assert!(Authority::read(free(|_| {}).as_bytes(), NOW).is_ok());
        for change in [
            |params: &mut CertificateParams| params.name_constraints = None,
            |params: &mut CertificateParams| {
                let network = CidrSubnet::from_addr_prefix([0, 0, 0, 0].into(), 0);
                let constraints = params.name_constraints.as_mut().unwrap();
                constraints.permitted_subtrees[2] = GeneralSubtree::IpAddress(network);
            },
            |params: &mut CertificateParams| {
                let constraints = params.name_constraints.as_mut().unwrap();
                let more = GeneralSubtree::DnsName("example.com".to_owned());
                constraints.permitted_subtrees.push(more);
            },
            |params: &mut CertificateParams| {
                let constraints = params.name_constraints.as_mut().unwrap();
                constraints.permitted_subtrees[1] = GeneralSubtree::DnsName("local".to_owned());
            },
        ] {
            let refused = refused(&free(change), NOW);
            assert!(matches!(refused, Unusable::Altered(_)), "{refused:?}");
        }
    }
}
