//! The token of the admin listener.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use subtle::ConstantTimeEq as _;

use crate::config::{MIN_TOKEN, Problems, Settings};

/// What counts at the moment. Cloning gives another handle to the same one.
#[derive(Clone, Default)]
pub struct Token(Arc<RwLock<String>>);

impl Token {
    /// The token of these settings, from their file if they name one; the file is made if there is
    /// none.
    pub fn read(settings: &Settings) -> Result<String, Problems> {
        if let Some(token) = &settings.keys.admin_token {
            return Ok(token.0.clone());
        }
        let Some(file) = &settings.keys.admin_token_file else {
            return Ok(String::new());
        };
        let path = settings.beside("admin_token_file", 0, file);
        let token = read_or_make(&path).map_err(|error| {
            let text = format!("{} cannot be used ({error})", path.display());
            Problems::one(settings.problem("admin_token_file", 0, text))
        })?;
        if token.len() < MIN_TOKEN {
            let text = format!(
                "{} has to hold at least {MIN_TOKEN} characters; delete it, and a good one is made",
                path.display()
            );
            return Err(Problems::one(settings.problem("admin_token_file", 0, text)));
        }
        Ok(token)
    }

    /// Replaces it.
    pub fn set(&self, token: String) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Whether a value of Authorization has it. Takes as long for a good beginning as for a bad one.
    pub fn fits(&self, authorization: &[u8]) -> bool {
        let expected = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some((scheme, given)) = authorization.split_at_checked(7) else {
            return false;
        };
        let fits: bool = expected.as_bytes().ct_eq(given).into();
        fits && scheme.eq_ignore_ascii_case(b"bearer ") && !expected.is_empty()
    }
}

fn read_or_make(path: &Path) -> std::io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => make(path),
        read => Ok(read?.trim().to_owned()),
    }
}

/// A new one, which nobody else could read at any moment.
fn make(path: &Path) -> std::io::Result<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    tracing::info!(
        "A token for the admin listener was made in {}",
        path.display()
    );
    Ok(token)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_behind_bearer_fits() {
        let token = Token::default();
        assert!(!token.fits(b"Bearer "));
        token.set("0123456789abcdef".to_owned());
        assert!(token.fits(b"Bearer 0123456789abcdef"));
        assert!(token.fits(b"bearer 0123456789abcdef"));
        for wrong in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer 0123456789abcde",
            b"Bearer 0123456789abcdef0",
            b"Basic  0123456789abcdef",
            b"\xff\xff",
        ] {
            assert!(!token.fits(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let made = read_or_make(&path).unwrap();
        assert_eq!(made.len(), 48);
        assert_eq!(read_or_make(&path).unwrap(), made);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
