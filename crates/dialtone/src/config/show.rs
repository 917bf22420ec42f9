//! The configuration as it counts: what `--check` prints.

use std::any::TypeId;
use std::fmt::Write as _;

use turn::RelayAddress;

use super::keys::SECRET;
use super::{Settings, all_keys};

impl Settings {
    /// A file that would do the same, secrets masked, and where each value comes from.
    pub fn show(&self) -> String {
        let mut text = "[turn]\n".to_owned();
        for argument in all_keys() {
            let _ = writeln!(text, "{}", self.show_key(&argument));
        }
        text
    }

    fn show_key(&self, argument: &clap::Arg) -> String {
        let key = argument.get_id().as_str();
        let values = self.written(key).into_iter();
        let values: Vec<String> = values
            .map(|value| match SECRET.contains(&key) {
                true => quote("***"),
                false if is_bare(argument) => value,
                false => quote(&value),
            })
            .collect();
        match &values[..] {
            [] if key == "relay_ip" => {
                let found: Vec<_> = self.relay_addresses().iter().map(written).collect();
                format!("relay_ip = [{}] # found on this machine", found.join(", "))
            }
            [] => format!("# {key} is not given"),
            [value] if !matches!(argument.get_action(), clap::ArgAction::Append) => {
                format!("{key} = {value} # {}", self.origin(key))
            }
            values => format!("{key} = [{}] # {}", values.join(", "), self.origin(key)),
        }
    }

    fn origin(&self, key: &str) -> String {
        match self.place(key, 0) {
            Some(place) => place.to_string(),
            None => "default".to_owned(),
        }
    }
}

fn written(relay: &RelayAddress) -> String {
    match relay.bind == relay.announced {
        true => quote(&relay.bind.to_string()),
        false => quote(&format!("{}={}", relay.bind, relay.announced)),
    }
}

/// Numbers and truth values need no quotes.
fn is_bare(argument: &clap::Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    [
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<bool>(),
    ]
    .iter()
    .any(|bare| kind == *bare)
}

/// A string of TOML.
pub fn quote(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
