//! Backups.
//!
//! A backup is a file of SQLite, whatever the store is: the tables of the store as `migrations/`
//! has them for SQLite, and the table `backup` with what is not in the store. It can be restored
//! into either database, also by a newer Dialtone.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use super::copy::copy;
use super::{Error, Place, Store, args};
use crate::data::DataFolder;

/// What a backup has beside the tables of the store.
pub(super) const TABLE: &str = "backup";

const MAKE_TABLE: &str =
    "CREATE TABLE backup (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)";
const SECRET: &str = "relay.secret";

/// Writes a backup of what there is at this moment, while others may write on. Gives the number of
/// rows.
pub async fn back_up(data: &DataFolder, store: &Store, file: &Path) -> anyhow::Result<u64> {
    let secret = data.relay_secret()?;
    // It gets its name when it is whole.
    let unfinished = Unfinished::beside(file)?;
    let backup = unfinished.place().open().await?;
    let rows = fill(store, &backup, &secret).await;
    backup.close().await;
    let rows = rows?;
    unfinished
        .finish(file)
        .map_err(|error| anyhow!("{} cannot be written ({error}).", file.display()))?;
    Ok(rows)
}

async fn fill(store: &Store, backup: &Store, secret: &[u8]) -> anyhow::Result<u64> {
    let mut from = store.begin_snapshot().await?;
    let mut to = backup.begin().await?;
    to.script(MAKE_TABLE).await?;
    let sql = "INSERT INTO backup (name, value) VALUES ($1, $2)";
    to.execute(sql, args![SECRET, secret]).await?;
    let rows = copy(&mut from, &mut to).await?;
    to.commit().await?;
    backup.make_single_file().await?;
    Ok(rows)
}

/// Puts a backup into a store that is empty, or is to be `replace`d. Gives the number of rows.
pub async fn restore(
    file: &Path,
    data: &DataFolder,
    store: &Store,
    replace: bool,
) -> anyhow::Result<u64> {
    // Opening it brings it up to date: that is done to a copy.
    let aside = Unfinished::beside(&data.path().join("restored.db"))?;
    fs::copy(file, aside.path())
        .map_err(|error| anyhow!("{} cannot be read ({error}).", file.display()))?;
    let opened = aside.place().open().await;
    let backup = opened.with_context(|| format!("{} is no backup", file.display()))?;
    let rows = pour(&backup, store, replace).await;
    backup.close().await;
    let (rows, secret) = rows?;
    data.keep_relay_secret(&secret)?;
    Ok(rows)
}

async fn pour(backup: &Store, store: &Store, replace: bool) -> anyhow::Result<(u64, Vec<u8>)> {
    let mut from = backup.begin_snapshot().await?;
    let sql = "SELECT value FROM backup WHERE name = $1";
    let row = from.row(sql, args![SECRET]).await;
    let row = row.context("It is a database of Dialtone, but not one that backup has written")?;
    let secret = row.context("The backup is not whole")?.get("value")?;
    let mut to = store.begin().await?;
    to.without_limit().await?;
    if replace {
        to.clear().await?;
    } else if !to.is_empty().await? {
        bail!(
            "There are people or calls in the store already. --replace deletes all of that, and \
             puts the backup in its place."
        );
    }
    let rows = copy(&mut from, &mut to).await?;
    to.commit().await?;
    Ok((rows, secret))
}

impl Store {
    /// Leaves no file beside the database when it is closed, nor when it is opened to be read.
    async fn make_single_file(&self) -> Result<(), Error> {
        if let super::Backend::Sqlite { writer, readers } = &self.0 {
            readers.close().await;
            sqlx::raw_sql("PRAGMA journal_mode = DELETE")
                .execute(writer)
                .await?;
        }
        Ok(())
    }
}

/// A database that is removed unless it is finished.
struct Unfinished(PathBuf);

impl Unfinished {
    /// With another name in the same folder, for its owner alone.
    fn beside(file: &Path) -> anyhow::Result<Unfinished> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".unfinished");
        let unfinished = Unfinished(file.with_file_name(name));
        unfinished.remove(); // One of an earlier attempt.
        let path = unfinished.path();
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| anyhow!("{} cannot be made ({error}).", path.display()))?;
        Ok(unfinished)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn place(&self) -> Place {
        Place::Sqlite(self.0.clone())
    }

    /// Gives it its name, durably.
    fn finish(&self, name: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        fs::rename(&self.0, name)?;
        let folder = name.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.remove();
    }
}
