//! A certificate authority of the lab's own, and browsers that trust it.

use std::{
    fmt::Display,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::process::run;

/// An authority that has certified one name or address.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Makes the authority, and a certificate of it for this name or address.
    pub fn certify(host: impl Display) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let root_key = KeyPair::generate()?;
        let mut root = CertificateParams::default();
        root.distinguished_name = called("Dialtone lab");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new([host.to_string()])?;
        leaf.distinguished_name = called("Server of the lab");
        let self_signed = root.self_signed(&root_key)?;
        let signed = leaf.signed_by(&key, &Issuer::new(root, root_key))?;
        let authority = Self { folder };
        fs::write(authority.root(), self_signed.pem())?;
        fs::write(authority.certificate(), signed.pem())?;
        fs::write(authority.key(), key.serialize_pem())?;
        Ok(authority)
    }

    /// A certificate for this address out of stolen keys: a root, an issuer below it, and the
    /// issuer's key (PEM).
    pub fn forge(stolen: &str, address: Ipv4Addr) -> Result<Self> {
        let issuer = blocks(stolen).nth(1).context("no issuer")?;
        let issuer_key = KeyPair::from_pem(&blocks(stolen).nth(2).context("no key")?)?;
        let folder = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new([address.to_string()])?;
        leaf.distinguished_name = called("Server of a thief");
        let signed = leaf.signed_by(&key, &Issuer::from_ca_cert_pem(&issuer, issuer_key)?)?;
        let authority = Self { folder };
        fs::write(authority.root(), stolen)?;
        fs::write(authority.certificate(), signed.pem() + issuer.as_str())?;
        fs::write(authority.key(), key.serialize_pem())?;
        Ok(authority)
    }

    /// The authority's own certificate (PEM).
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The address's certificate (PEM).
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The key of the address's certificate (PEM).
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

/// The parts of a PEM file.
fn blocks(pem: &str) -> impl Iterator<Item = String> {
    let mut lines = pem.lines();
    std::iter::from_fn(move || {
        let mut block = String::new();
        for line in lines.by_ref() {
            block += line;
            block.push('\n');
            if line.starts_with("-----END ") {
                return Some(block);
            }
        }
        None
    })
}

fn called(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Makes the browser that has its certificates in this folder trust the authority, as a person who
/// installs its certificate does.
pub(crate) fn trust(root: &Path, store: &Path) -> Result<()> {
    fs::create_dir_all(store)?;
    let certutil = || {
        let mut command = Command::new("certutil");
        command.arg("-d").arg(format!("sql:{}", store.display()));
        command
    };
    run(certutil().args(["-N", "--empty-password"]))?;
    run(certutil()
        .args(["-A", "-n", "lab", "-t", "C,,", "-i"])
        .arg(root))
    .map(drop)
}
