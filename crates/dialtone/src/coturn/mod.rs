//! `dialtone turn --import-coturn`: a turnserver.conf of coturn becomes a configuration of ours.

mod addresses;
mod ranges;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod translate;

use std::fmt;

/// A configuration of ours that does what coturn's did, as far as it can.
#[derive(Debug)]
pub struct Imported {
    /// In TOML, with the notes as comments.
    pub toml: String,
    /// What was not carried over.
    pub notes: Vec<Note>,
}

/// Something that was not carried over, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line, counted from 1; none if the file lacks something.
    pub line: Option<usize>,
    /// The key of coturn.
    pub key: String,
    /// The sentence.
    pub text: String,
}

/// Translates the text of a turnserver.conf. Nothing in it is an error; what makes no sense becomes
/// a note.
pub fn import(text: &str) -> Imported {
    translate::translate(&reader::read(text))
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "{}: {}", self.key.escape_debug(), self.text)
    }
}
