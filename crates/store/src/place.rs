//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use crate::{StoreError, postgres::redacted};

/// Where a database is. What it prints as never holds a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// The URL of a PostgreSQL database.
    Server(String),
}

impl Place {
    /// Reads `postgres://…`, `postgresql://…`, `sqlite:PATH` or a path; any other `…://` is refused,
    /// by its scheme alone, as what follows may hold a password.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':') else {
            return Ok(Self::File(text.into()));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (is_url, after) = match rest.strip_prefix("//") {
            Some(after) => (true, after),
            None => (false, rest),
        };
        match scheme.as_str() {
            "postgres" | "postgresql" if is_url => Ok(Self::Server(format!("{scheme}://{after}"))),
            "sqlite" => Ok(Self::File(after.into())),
            "postgres" | "postgresql" => Err(StoreError::Url(format!("{scheme}:…"))),
            other if is_url && !other.contains('/') => Err(StoreError::Url(format!("{other}://…"))),
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => f.write_str(&redacted(url)),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let place = Place::parse(text);
        let shown = match &place {
            Ok(Place::File(path)) => Ok(format!("file {}", path.display())),
            Ok(Place::Server(url)) => Ok(format!("server {url}")),
            Err(error) => Err(error.to_string()),
        };
        match (shown, expected) {
            (Ok(shown), Ok(expected)) => assert_eq!(shown, expected, "{text:?}"),
            (Err(shown), Err(scheme)) => {
                assert!(shown.starts_with(&format!("{scheme} is no URL")), "{shown}");
                assert!(!shown.contains("secret"), "{shown}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_place_is_a_server_a_file_or_a_mistake_that_shows_no_password() {
        check(
            " postgres://a:b@host/name\n",
            Ok("server postgres://a:b@host/name"),
        );
        check(
            "PostgreSQL://host/Name",
            Ok("server postgresql://host/Name"),
        );
        check("data.db", Ok("file data.db"));
        check(" /var/lib/data.db ", Ok("file /var/lib/data.db"));
        check("sqlite:data.db", Ok("file data.db"));
        check("SQLite:///data.db", Ok("file /data.db"));
        check("odd:name.db", Ok("file odd:name.db"));
        check("./a://b", Ok("file ./a://b"));
        for (text, scheme) in [
            ("mysql://me:secret@host/name", "mysql://…"),
            ("postgress://me:secret@host/name", "postgress://…"),
            ("postgres:/me:secret@host/name", "postgres:…"),
            ("Postgres:me:secret@host/name", "postgres:…"),
            ("file:///data.db", "file://…"),
            ("://me:secret@host", "://…"),
        ] {
            check(text, Err(scheme));
        }
    }
}
