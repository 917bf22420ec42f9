//! The configuration file: TOML, with every key under `[turn]`.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use clap::ArgAction;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Given, Place, Problem, unknown};
use super::keys;

/// The only section.
const SECTION: &str = "turn";

/// Bytes a file of the configuration may have. Ten thousand users fit in.
const MAX_BYTES: u64 = 1 << 20;

/// What the file gives; what is wrong in it is added to the problems.
pub fn read(path: &Path, problems: &mut Vec<Problem>) -> Vec<Given> {
    match read_text(path) {
        Ok(text) => parse(path, &text, problems),
        Err(error) => {
            problems.push(Problem {
                place: None,
                key: None,
                text: error,
            });
            Vec::new()
        }
    }
}

/// What the text of such a file gives.
pub fn parse(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Vec<Given> {
    let reader = Reader {
        path,
        text,
        given: Vec::new(),
        problems,
    };
    reader.read()
}

/// The text of a file that is not absurdly large, or a sentence.
pub fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(len) if len as u64 > MAX_BYTES => Err(format!(
            "{} is larger than {MAX_BYTES} bytes; is it the right file?",
            path.display()
        )),
        Ok(_) => Ok(text),
        Err(error) => Err(format!(
            "{} cannot be read ({error}); check its name, and that this user may read it",
            path.display()
        )),
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    given: Vec<Given>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Vec<Given> {
        match DeTable::parse(self.text) {
            Ok(document) => self.sections(document.get_ref()),
            Err(error) => {
                let place = self.place(error.span().unwrap_or_default());
                let text = error.message().to_owned();
                self.refuse(place, None, text);
            }
        }
        self.given
    }

    fn sections(&mut self, document: &DeTable<'_>) {
        for (name, value) in document {
            let place = self.place(name.span());
            match value.get_ref() {
                DeValue::Table(table) if name.get_ref() == SECTION => self.keys(table),
                DeValue::Table(_) => {
                    let text =
                        format!("{:?} is no section; the only one is [turn]", name.get_ref());
                    self.refuse(place, None, text);
                }
                _ if keys::find(name.get_ref()).is_some() => {
                    let text = "it stands outside of its section; put the line [turn] above it";
                    self.refuse(place, Some(name.get_ref()), text.to_owned());
                }
                _ => self.problems.push(unknown(name.get_ref(), place)),
            }
        }
    }

    fn keys(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match keys::find(key.get_ref()) {
                Some(argument) => self.values(key.get_ref(), &argument, value),
                None => self
                    .problems
                    .push(unknown(key.get_ref(), self.place(key.span()))),
            }
        }
    }

    fn values(&mut self, key: &str, argument: &clap::Arg, value: &Spanned<DeValue<'_>>) {
        match (value.get_ref(), argument.get_action()) {
            (DeValue::Array(list), ArgAction::Append) => {
                for value in list {
                    self.value(key, value);
                }
            }
            (DeValue::Array(_), _) => {
                let place = self.place(value.span());
                self.refuse(
                    place,
                    Some(key),
                    "it takes one value, not a list".to_owned(),
                );
            }
            _ => self.value(key, value),
        }
    }

    fn value(&mut self, key: &str, value: &Spanned<DeValue<'_>>) {
        let place = self.place(value.span());
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
            other => {
                let text = format!(
                    "a value is a string in quotes, a whole number, true or false, not of the kind {}",
                    other.type_str()
                );
                return self.refuse(place, Some(key), text);
            }
        };
        self.given.push(Given {
            key: key.to_owned(),
            value: text,
            place,
        });
    }

    fn refuse(&mut self, place: Place, key: Option<&str>, text: String) {
        self.problems.push(Problem {
            place: Some(place),
            key: key.map(str::to_owned),
            text,
        });
    }

    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Place::Line(self.path.to_owned(), before.matches('\n').count() + 1)
    }
}
