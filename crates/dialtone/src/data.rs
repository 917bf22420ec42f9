//! The data folder: what outlives a restart.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

const SECRET_BYTES: usize = 32;

/// A folder that belongs to this server and that nobody else can read.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Opens the folder, and makes it if it is not there.
    pub fn open(path: &Path) -> anyhow::Result<DataFolder> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| {
                anyhow!(
                    "The data folder {} cannot be made ({error}). Name another one with \
                     --data DIR.",
                    path.display()
                )
            })?;
        Ok(DataFolder {
            path: path.to_owned(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other servers out of the folder as long as what it gives is held: two would each take
    /// the other's calls for their own.
    pub fn lock(&self) -> anyhow::Result<fs::File> {
        let path = self.path.join("server.lock");
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| self.not_writable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => bail!(
                "Another server uses the data folder {}. End it first, or name another folder \
                 with --data DIR.",
                self.path.display()
            ),
            Err(fs::TryLockError::Error(error)) => Err(self.not_writable(&path, &error)),
        }
    }

    /// The secret that relay credentials are made from. It is drawn once and kept, so that
    /// credentials handed out before a restart stay good.
    pub fn relay_secret(&self) -> anyhow::Result<Vec<u8>> {
        let path = self.path.join("relay.secret");
        match fs::read(&path) {
            Ok(secret) if secret.len() == SECRET_BYTES => Ok(secret),
            Ok(secret) => bail!(
                "{} should hold {SECRET_BYTES} bytes and holds {}. Delete it: a new one is made \
                 at the next start, and running calls lose their relay.",
                path.display(),
                secret.len()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secret = draw_secret()?;
                self.keep_relay_secret(&secret)?;
                Ok(secret)
            }
            Err(error) => bail!(
                "{} cannot be read ({error}). Check who owns the data folder, or name another one \
                 with --data DIR.",
                path.display()
            ),
        }
    }

    /// Puts the relay's secret there, whether there is one or not.
    pub fn keep_relay_secret(&self, secret: &[u8]) -> anyhow::Result<()> {
        self.keep("relay.secret", secret)
    }

    /// Puts a file there, whether there is one of that name or not, that only its owner can read.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path.join(name);
        // Written aside and moved into place: a crash half-way leaves no short file behind.
        let aside = path.with_extension("new");
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&aside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&aside, &path)
        };
        write().map_err(|error| self.not_writable(&path, &error))
    }

    fn not_writable(&self, path: &Path, error: &std::io::Error) -> anyhow::Error {
        anyhow!(
            "{} cannot be written ({error}). Check who owns the data folder, or name another one \
             with --data DIR.",
            path.display()
        )
    }
}

fn draw_secret() -> anyhow::Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).context("The system has no randomness to give")?;
    Ok(secret)
}
