//! What somebody gave for a key, and where.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, FromArgMatches};

use super::{Keys, all_keys, keys};

/// Every key is also a variable with this in front.
pub const PREFIX: &str = "DIALTONE_TURN_";

/// One value of one key. A list is several of them.
#[derive(Clone)]
pub struct Given {
    pub key: String,
    pub value: String,
    pub place: Place,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    Flag,
    /// In the environment, under this name.
    Variable(String),
    /// In a file, on this line.
    Line(PathBuf, usize),
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place, if it is one.
    pub place: Option<Place>,
    /// The key it is about.
    pub key: Option<String>,
    /// What it is, and what helps.
    pub text: String,
}

/// All that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// The keys given on the command line, as typed; found good by clap.
#[derive(Clone, Default)]
pub struct Flags(pub Vec<Given>);

impl Given {
    pub fn as_argument(&self) -> String {
        format!("--{}={}", self.key.replace('_', "-"), self.value)
    }

    /// What is wrong with this value taken alone.
    pub fn problem(&self) -> Option<Problem> {
        let arguments = ["turn".to_owned(), self.as_argument()];
        let error = keys::command().try_get_matches_from(arguments).err()?;
        Some(Problem {
            place: Some(self.place.clone()),
            key: Some(self.key.clone()),
            text: reason(&error),
        })
    }
}

/// The sentence of a value's own parser, without clap's talk of flags.
fn reason(error: &clap::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    }
}

/// The variables that name a key; lists are separated by white space.
pub fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> Vec<Given> {
    let mut given = Vec::new();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        let place = Place::Variable(name.clone());
        let Some(argument) = keys::find(&key) else {
            if !is_of_kubernetes(&name) {
                problems.push(unknown(&key, place));
            }
            continue;
        };
        let Ok(value) = value.into_string() else {
            problems.push(Problem {
                place: Some(place),
                key: Some(key),
                text: "its value is not UTF-8".to_owned(),
            });
            continue;
        };
        let values: Vec<&str> = match argument.get_action() {
            ArgAction::Append => value.split_whitespace().collect(),
            _ => Some(value.trim())
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect(),
        };
        given.extend(values.into_iter().map(|value| Given {
            key: key.clone(),
            value: value.to_owned(),
            place: place.clone(),
        }));
    }
    given
}

/// Kubernetes puts the addresses of every service into the environment of its containers, and a
/// service may well be called `dialtone-turn`.
fn is_of_kubernetes(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    rest == "PORT"
        || rest == "SERVICE_HOST"
        || rest.starts_with("SERVICE_PORT")
        || rest
            .strip_prefix("PORT_")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// That a key does not exist, and which one was probably meant.
pub fn unknown(key: &str, place: Place) -> Problem {
    let spelled = key.replace('-', "_").to_ascii_lowercase();
    let nearest = all_keys()
        .iter()
        .map(|argument| argument.get_id().to_string())
        .min_by_key(|known| strsim::damerau_levenshtein(known, &spelled))
        .unwrap_or_default();
    let nearest = match place {
        Place::Variable(_) => format!("{PREFIX}{}", nearest.to_ascii_uppercase()),
        _ => nearest,
    };
    Problem {
        place: Some(place),
        key: None,
        text: format!(
            "{key:?} is no key; the nearest one is `{nearest}` (`dialtone turn --help` lists them all)"
        ),
    }
}

impl Problems {
    /// A single one.
    pub fn one(problem: Problem) -> Problems {
        Problems(vec![problem])
    }

    /// What clap says where no single value is at fault.
    pub fn of_clap(error: clap::Error) -> Problems {
        Problems::one(Problem {
            place: None,
            key: None,
            text: reason(&error),
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.key) {
            (Some(Place::Line(path, line)), key) => {
                write!(f, "{}, line {line}: ", path.display())?;
                key.iter().try_for_each(|key| write!(f, "`{key}`: "))?;
            }
            (Some(Place::Variable(name)), _) => write!(f, "{name} in the environment: ")?,
            (Some(Place::Flag), Some(key)) => write!(f, "--{}: ", key.replace('_', "-"))?,
            (None, Some(key)) => write!(f, "`{key}`: ")?,
            (Some(Place::Flag) | None, None) => {}
        }
        // Values are quoted as they stand, and a line of the log has to stay one.
        let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        self.text
            .chars()
            .map(visible)
            .try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Flag => f.write_str("a flag"),
            Place::Variable(name) => f.write_str(name),
            Place::Line(path, line) => write!(f, "{}, line {line}", path.display()),
        }
    }
}

impl Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        Keys::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Keys::augment_args_for_update(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let mut flags = Flags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for argument in all_keys() {
            let key = argument.get_id().as_str();
            if matches.value_source(key) != Some(ValueSource::CommandLine) {
                continue;
            }
            for value in matches.get_raw(key).into_iter().flatten() {
                self.0.push(Given {
                    key: key.to_owned(),
                    value: value.to_string_lossy().into_owned(),
                    place: Place::Flag,
                });
            }
        }
        Ok(())
    }
}

/// Values may be secrets, which stay out of logs.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("key", &self.key)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}
