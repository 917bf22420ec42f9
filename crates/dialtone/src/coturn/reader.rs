//! The syntax of a turnserver.conf: a key on every line, and after white space or `=` its value.

/// A line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1.
    pub line: usize,
    /// The key, as written.
    pub key: String,
    /// What follows it; empty for a flag.
    pub value: String,
}

/// What separates a key from its value, in any number.
const SEPARATORS: &[char] = &[' ', '\t', '='];

/// All lines that are neither blank nor comments.
pub fn read(text: &str) -> Vec<Entry> {
    // A byte-order mark is nobody's key.
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| entry(index + 1, line.trim()))
        .collect()
}

fn entry(line: usize, text: &str) -> Option<Entry> {
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let (key, rest) = text.split_at(text.find(SEPARATORS).unwrap_or(text.len()));
    Some(Entry {
        line,
        // Some write options as on the command line.
        key: key.trim_start_matches('-').to_owned(),
        value: unquoted(rest.trim_start_matches(SEPARATORS)).to_owned(),
    })
}

/// A quote at the beginning is taken off, and one at the end with it.
fn unquoted(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or(rest),
        None => value,
    }
}

impl Entry {
    /// Whether a flag is set: by standing there, unless it says no.
    pub fn is_on(&self) -> bool {
        !["0", "off", "no", "false", "f"].contains(&self.word().to_ascii_lowercase().as_str())
    }

    /// The value without what stands behind it. coturn knows no comments behind values, but reads
    /// numbers and addresses as if it did.
    pub fn word(&self) -> &str {
        self.value.split_whitespace().next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_values_flags_quotes_and_comments() {
        let text = "\u{feff}# comment\n\n  listening-port = 3478\r\nrealm\t\"a b\"\nfingerprint\n\
                    static-auth-secret=a=b#c\n--user=a:b\nmobility=NO\nmin-port=5 # five\n=x";
        let read: Vec<_> = read(text)
            .into_iter()
            .map(|entry| (entry.line, entry.key, entry.value))
            .collect();
        let expected = [
            (3, "listening-port", "3478"),
            (4, "realm", "a b"),
            (5, "fingerprint", ""),
            (6, "static-auth-secret", "a=b#c"),
            (7, "user", "a:b"),
            (8, "mobility", "NO"),
            (9, "min-port", "5 # five"),
            (10, "", "x"),
        ];
        let expected = expected.map(|(line, key, value)| (line, key.to_owned(), value.to_owned()));
        assert_eq!(read, expected);
    }

    #[test]
    fn a_flag_is_on_unless_it_says_no() {
        for (text, on) in [
            ("x", true),
            ("x=1", true),
            ("x yes", true),
            ("x=off", false),
            ("x F", false),
        ] {
            assert_eq!(read(text)[0].is_on(), on, "{text}");
        }
    }
}
