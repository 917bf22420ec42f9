//! `dialtone backup` and `dialtone restore`.

use std::future::Future;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::state::StateArguments;
use crate::store::backup;

/// Write everything that is kept into one file, also while the server runs
///
/// The file holds what the server keeps secret. It is made for you alone to read.
///
/// Example: dialtone backup /var/backups/dialtone.backup --data /var/lib/dialtone
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file to write
    file: PathBuf,

    /// Write it also where a file of this name is
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    state: StateArguments,
}

/// Put what a backup holds into a new server, of either database
///
/// Example: dialtone restore dialtone.backup --data /var/lib/dialtone --store postgres://dialtone@db/dialtone
#[derive(Debug, clap::Args)]
pub struct RestoreArguments {
    /// What `dialtone backup` has written
    file: PathBuf,

    /// Delete what is in the store
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    state: StateArguments,
}

/// Writes a backup.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { file, state, .. } = arguments;
    if file.try_exists().unwrap_or(true) && !arguments.overwrite {
        bail!(
            "{} is there already. Name another file, or add --overwrite.",
            file.display()
        );
    }
    block_on(async {
        let (data, store) = state.open_as_it_is().await?;
        let rows = backup::back_up(&data, &store, &file).await?;
        store.close().await;
        println!("{} holds {rows} entries.", file.display());
        Ok(())
    })
}

/// Restores a backup.
pub fn restore(arguments: RestoreArguments) -> anyhow::Result<()> {
    let RestoreArguments {
        file,
        replace,
        state,
    } = arguments;
    block_on(async {
        let (data, store, _alone) = state.open_to_serve().await?;
        let rows = backup::restore(&file, &data, &store, replace).await?;
        store.close().await;
        println!("{rows} entries are restored.");
        Ok(())
    })
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("The system gives no event loop")?
        .block_on(work)
}
