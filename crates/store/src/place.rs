//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use crate::StoreError;
use crate::postgres::{redacted, url};

/// Some of which stand in every connection string of libpq.
const WORDS: [&str; 5] = ["host", "hostaddr", "dbname", "user", "password"];

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
    /// by its scheme alone, as what follows may hold a password, and so is a path that looks like the
    /// address of a server.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':') else {
            return file(text);
        };
        let scheme = scheme.to_ascii_lowercase();
        let (is_url, after) = match rest.strip_prefix("//") {
            Some(after) => (true, after),
            None => (false, rest),
        };
        match scheme.as_str() {
            "postgres" | "postgresql" if is_url => {
                let url = format!("{scheme}://{after}");
                url::check(&url)?;
                Ok(Self::Server(url))
            }
            "sqlite" => Ok(Self::File(after.into())),
            "postgres" | "postgresql" => Err(StoreError::Url(format!("{scheme}:…"))),
            other if is_url && !other.contains('/') => Err(StoreError::Url(format!("{other}://…"))),
            _ => file(text),
        }
    }
}

/// A path, unless it is written as libpq takes the words of a connection, or looks like an address: one
/// that begins with a host and a port, names a user with a password, or begins like a URL.
fn file(text: &str) -> Result<Place, StoreError> {
    let mut words = text.split_whitespace().filter_map(|it| it.split_once('='));
    let is_said_in_words = words.any(|(name, _)| WORDS.contains(&name));
    let first = text.split('/').next().unwrap_or_default();
    let is_address = first.rsplit_once(':').is_some_and(|(_, port)| {
        let is_port = !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
        is_port || text.contains('@')
    });
    let has_user = text
        .rsplit_once('@')
        .is_some_and(|(before, _)| before.contains(':'));
    if is_said_in_words || is_address || has_user || begins_like_a_url(text) {
        return Err(StoreError::NoFile);
    }
    Ok(Place::File(text.into()))
}

/// Whether it begins with the scheme of a URL and no name of a file goes on from there, as where the
/// colon was forgotten.
fn begins_like_a_url(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some(rest) = text.strip_prefix("postgres") else {
        return false;
    };
    let rest = rest.strip_prefix("ql").unwrap_or(rest);
    let goes_on = |it: char| it.is_alphanumeric() || "._-".contains(it);
    !rest.starts_with(goes_on)
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

    #[test]
    fn an_address_without_its_scheme_is_no_file_and_a_url_is_looked_at() {
        for text in [
            "host=db.example password=secret dbname=sports",
            "dbname=sports",
            "127.0.0.1:18210/sports",
            "db.example:5432",
            "[::1]:5432/sports",
            "me:secret@db.example/sports",
            "me:se/cret@db.example/sports",
            "postgres//me:secret@db.example/sports",
            "PostgreSQL//db.example/sports",
            "postgres;//db.example/sports",
            "postgres",
            "./postgres/me:secret@db.example",
            "postgress//me:secret@db.example/sports",
        ] {
            let error = Place::parse(text).unwrap_err();
            assert!(matches!(error, StoreError::NoFile), "{text}: {error:?}");
        }
        let error = Place::parse("postgres://me:a?secret@host/name").unwrap_err();
        assert!(matches!(error, StoreError::UrlPart(_)), "{error:?}");
        check("sqlite:db.example:5432", Ok("file db.example:5432"));
        check("./db.example:5432", Ok("file ./db.example:5432"));
        check("a=b.db", Ok("file a=b.db"));
        check("postgres.db", Ok("file postgres.db"));
        check("postgresql-2026.db", Ok("file postgresql-2026.db"));
        check("sqlite:postgres/a:b@c.db", Ok("file postgres/a:b@c.db"));
    }
}
