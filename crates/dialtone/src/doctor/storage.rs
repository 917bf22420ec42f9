//! The data folder, the store, and who may read what is secret.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Finding, Plan, State};
use crate::store::SCHEMA_VERSION;

pub async fn examine(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(state) = &plan.state {
        findings.push(folder(&state.folder));
        findings.push(store(state).await);
    }
    let own = plan.state.iter().flat_map(|it| files_in(&it.folder));
    let secrets: Vec<PathBuf> = plan.secrets.iter().cloned().chain(own).collect();
    findings.extend(privacy(&secrets));
    findings
}

fn folder(folder: &Path) -> Finding {
    let shown = folder.display();
    let remedy = "give it to the user the server runs as, make room on the disk, or name another one \
                  with --data DIR";
    if !folder.exists() {
        return Finding::good(
            "data_folder",
            format!("The data folder {shown} is not there; the first start makes it"),
        );
    }
    match write_and_remove(folder) {
        Ok(()) => Finding::good(
            "data_folder",
            format!("The data folder {shown} can be written"),
        ),
        Err(error) => Finding::problem(
            "data_folder",
            format!(
                "The data folder {shown} cannot be written ({error}): the server does not start"
            ),
            remedy,
        ),
    }
}

fn write_and_remove(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("doctor.{}", std::process::id()));
    let mut file = fs::OpenOptions::new();
    let file = file.write(true).create_new(true).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

async fn store(state: &State) -> Finding {
    let store = &state.store;
    match store.schema().await {
        Ok(None) => Finding::good(
            "store",
            format!("{store} is not there; the first start makes it"),
        ),
        Ok(Some(SCHEMA_VERSION)) => Finding::good(
            "store",
            format!("{store} opens, and its schema is ours (version {SCHEMA_VERSION})"),
        ),
        Ok(Some(older)) if older < SCHEMA_VERSION => Finding::warning(
            "store",
            format!(
                "{store} has schema version {older}: the next start brings it to {SCHEMA_VERSION}, \
                 and an older Dialtone cannot use it then"
            ),
            "make a backup before: `dialtone backup FILE`, with the Dialtone that used it last",
        ),
        Ok(Some(newer)) => Finding::problem(
            "store",
            format!(
                "{store} has schema version {newer}, and this Dialtone knows up to \
                 {SCHEMA_VERSION}: it does not start with it"
            ),
            "start the newer Dialtone, or restore a backup of before",
        ),
        Err(error) => Finding::problem(
            "store",
            format!("{error:#}"),
            "without its store the server does not start",
        ),
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.map(|file| file.path());
    files.filter(|path| path.is_file()).collect()
}

/// What everybody on this machine could read, and what we cannot.
fn privacy(secrets: &[PathBuf]) -> Vec<Finding> {
    const OTHERS: u32 = 0o004;
    let mut findings = Vec::new();
    for path in secrets {
        let shown = path.display();
        let mode = fs::metadata(path).map(|it| it.mode());
        if mode.is_ok_and(|mode| mode & OTHERS != 0) && is_reached_by_others(path) {
            findings.push(Finding::problem(
                "secrets",
                format!("{shown} has secrets in it, and everybody on this machine can read it"),
                &format!("`chmod o-r {shown}`; what is in it may be known already"),
            ));
        }
        if let Err(error) = fs::File::open(path) {
            findings.push(Finding::problem(
                "secrets",
                format!("{shown} cannot be read by this user ({error})"),
                "run the doctor as the user the server runs as; if you do, give it the file",
            ));
        }
    }
    if findings.is_empty() && !secrets.is_empty() {
        let count = secrets.len();
        findings.push(Finding::good(
            "secrets",
            format!("Files with secrets: {count}, and nobody else on this machine can read them"),
        ));
    }
    findings
}

/// Whether strangers may go into all folders above a file.
fn is_reached_by_others(path: &Path) -> bool {
    const ENTER: u32 = 0o001;
    let Ok(path) = path.canonicalize() else {
        return true;
    };
    path.ancestors().skip(1).all(|folder| {
        let mode = fs::metadata(folder).map(|it| it.mode());
        mode.is_ok_and(|mode| mode & ENTER != 0)
    })
}
