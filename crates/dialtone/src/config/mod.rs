//! The configuration of `dialtone turn`: as typed, in three places, and as resolved, in one.
//!
//! [`Keys`] is the only list of keys. What stands in the file, in the environment and on the
//! command line becomes the same kind of thing, a [`Given`] with the place it came from, and is
//! read by the same parser; a flag counts before the environment, and that before the file.

mod file;
mod given;
mod keys;
mod resolve;
mod show;
mod values;

#[cfg(test)]
mod tests;

pub use file::read_text;
pub use given::{Flags, Place, Problem, Problems};
pub use keys::Keys;
pub use resolve::{MIN_TOKEN, Resolved};
pub use show::quote;
pub use values::{RelayIp, Secret, User};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args as _, FromArgMatches as _};
use given::Given;

/// Where the configuration comes from. Reading it a second time is what a reload does.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What stands on the command line.
    pub flags: Flags,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
}

/// The configuration, read and found good key by key.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The values; defaults where nothing was given.
    pub keys: Keys,
    matches: clap::ArgMatches,
    places: BTreeMap<String, Vec<Place>>,
}

impl Sources {
    /// Reads all of it. A failure names every key that is wrong, and where it stands.
    pub fn read(&self) -> Result<Settings, Problems> {
        let mut problems = Vec::new();
        let in_environment = given::environment(std::env::vars_os(), &mut problems);
        let in_file = match &self.file {
            Some(path) => file::read(path, &mut problems),
            None => Vec::new(),
        };
        for given in in_environment.iter().chain(&in_file) {
            problems.extend(given.problem());
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let winners = strongest(&[&self.flags.0, &in_environment, &in_file]);
        Settings::parse(&winners)
    }
}

/// For each key what the first place says that says something.
fn strongest<'a>(places: &[&'a [Given]]) -> Vec<&'a Given> {
    let mut winners: Vec<&Given> = Vec::new();
    for place in places {
        let new = |given: &&Given| winners.iter().all(|winner| winner.key != given.key);
        let of_place: Vec<_> = place.iter().filter(new).collect();
        winners.extend(of_place);
    }
    winners
}

impl Settings {
    fn parse(winners: &[&Given]) -> Result<Settings, Problems> {
        let arguments = winners.iter().map(|given| given.as_argument());
        let matches = keys::command()
            .try_get_matches_from(std::iter::once("turn".to_owned()).chain(arguments))
            .map_err(Problems::of_clap)?;
        let keys = Keys::from_arg_matches(&matches).map_err(Problems::of_clap)?;
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for given in winners {
            let of_key = places.entry(given.key.clone()).or_default();
            of_key.push(given.place.clone());
        }
        Ok(Settings {
            keys,
            matches,
            places,
        })
    }

    /// The values of a key as written.
    fn written(&self, key: &str) -> Vec<String> {
        let raw = self.matches.get_raw(key).into_iter().flatten();
        raw.map(|value| value.to_string_lossy().into_owned())
            .collect()
    }

    /// What a running relay cannot take over from `new`: keys and where they stand now.
    pub fn beyond_reload(&self, new: &Settings) -> Vec<Problem> {
        let keys = all_keys().into_iter().map(|it| it.get_id().to_string());
        // A certificate can be replaced, but TLS not begun or ended.
        let has_tls = |settings: &Settings| settings.keys.cert.is_some();
        let is_tls_other = has_tls(self) != has_tls(new);
        let is_live = |key: &str| keys::LIVE.contains(&key) && !(key == "cert" && is_tls_other);
        keys.filter(|key| !is_live(key))
            .filter(|key| self.written(key) != new.written(key))
            .map(|key| new.problem(&key, 0, "it is another one now, which needs a restart"))
            .collect()
    }

    /// The files that have something in them that nobody else should see.
    pub fn secret_files(&self) -> BTreeSet<PathBuf> {
        let places = keys::SECRET.iter().filter_map(|key| self.places.get(*key));
        let written = places.flatten().filter_map(|place| match place {
            Place::Line(file, _) => Some(file.clone()),
            _ => None,
        });
        let keys = &self.keys;
        let named = [
            ("user_file", &keys.user_file[..]),
            ("secret_file", &keys.secret_file[..]),
            ("key", keys.key.as_slice()),
            ("admin_token_file", keys.admin_token_file.as_slice()),
        ];
        let named = named.into_iter().flat_map(|(key, files)| {
            let files = files.iter().enumerate();
            files.map(move |(at, file)| self.beside(key, at, file))
        });
        written.chain(named).collect()
    }

    /// Where the value at `index` of a key was given.
    fn place(&self, key: &str, index: usize) -> Option<&Place> {
        self.places.get(key)?.get(index)
    }

    /// What is wrong with the value at `index` of a key.
    pub fn problem(&self, key: &str, index: usize, text: impl Into<String>) -> Problem {
        Problem {
            place: self.place(key, index).cloned(),
            key: Some(key.to_owned()),
            text: text.into(),
        }
    }
}

/// The names of all keys.
#[cfg(test)]
pub fn key_names() -> Vec<String> {
    let ids = all_keys().into_iter();
    ids.map(|argument| argument.get_id().to_string()).collect()
}

/// What a file of this text would give, with nothing else around it.
#[cfg(test)]
pub fn from_text(text: &str) -> Result<Settings, Problems> {
    let mut problems = Vec::new();
    let given = file::parse(std::path::Path::new("relay.toml"), text, &mut problems);
    problems.extend(given.iter().filter_map(Given::problem));
    match problems.is_empty() {
        true => Settings::parse(&given.iter().collect::<Vec<_>>()),
        false => Err(Problems(problems)),
    }
}

/// What clap knows of the keys, for what has to go through all of them.
fn all_keys() -> Vec<clap::Arg> {
    let command = Keys::augment_args(clap::Command::new("turn"));
    command.get_arguments().cloned().collect()
}
