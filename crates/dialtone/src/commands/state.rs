//! Where a server keeps its state: the same flags for every command that needs it.

use std::fs::File;
use std::path::PathBuf;

use crate::data::DataFolder;
use crate::store::{Claim, Place, Store};

/// The data folder and the store.
#[derive(Debug, clap::Args)]
pub struct StateArguments {
    /// Where state is kept
    #[arg(long, value_name = "DIR", default_value = "dialtone-data")]
    pub data: PathBuf,

    /// Keep people, calls and history in this database of PostgreSQL instead of the data folder:
    /// postgres://USER:PASSWORD@HOST:5432/DATABASE
    #[arg(
        long,
        value_name = "URL",
        env = "DIALTONE_STORE",
        hide_env_values = true
    )]
    pub store: Option<String>,
}

impl StateArguments {
    /// Where the store is.
    pub fn place(&self) -> anyhow::Result<Place> {
        Place::new(self.store.as_deref(), &self.data)
    }

    /// Opens both beside a server that may be running, and makes what is not there.
    pub async fn open(&self) -> anyhow::Result<(DataFolder, Store)> {
        let place = self.place()?;
        let data = DataFolder::open(&self.data)?;
        let store = place.open().await?;
        Ok((data, store))
    }

    /// Opens both only to read, also beside a server; nothing is made or brought up to date.
    pub async fn open_as_it_is(&self) -> anyhow::Result<(DataFolder, Store)> {
        let store = self.place()?.open_as_it_is().await?;
        Ok((DataFolder::open(&self.data)?, store))
    }

    /// Opens both for a server. There can be one at a time, until [`Alone`] is dropped.
    pub async fn open_to_serve(&self) -> anyhow::Result<(DataFolder, Store, Alone)> {
        // First of all: a newer server is not to change the tables under an older one.
        let folder = DataFolder::open(&self.data)?.lock()?;
        let database = self.place()?.claim().await?;
        let (data, store) = self.open().await?;
        let alone = Alone {
            _folder: folder,
            _database: database,
        };
        Ok((data, store, alone))
    }
}

/// Keeps other servers away from the data folder and the store.
#[derive(Debug)]
pub struct Alone {
    _folder: File,
    _database: Option<Claim>,
}

impl std::fmt::Display for StateArguments {
    /// For people; without the password that the URL may hold.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.data.display())?;
        match self.place() {
            Ok(Place::Postgres(_)) => write!(f, " and in PostgreSQL"),
            _ => Ok(()),
        }
    }
}
