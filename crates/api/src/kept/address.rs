//! Kept answers by their address: the path and query of the request, to the letter.

use axum::http::HeaderValue;
use engine::caching::{Glimpse, Key, Mark};
use jiff::Timestamp;

use super::{ADDRESS_BYTES_MAX, KeptReads, answer::Coding};

/// What an address stands for in the cache.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its read, by its number among all.
    read: usize,
    pub(crate) key: Key,
}

impl KeptReads {
    /// Where the answer to an address is kept.
    ///
    /// # Errors
    /// Says why it is kept nowhere.
    pub(crate) fn place(&self, address: &str) -> Result<Place, String> {
        if address.len() > ADDRESS_BYTES_MAX {
            return Err(format!(
                "an address of more than {ADDRESS_BYTES_MAX} bytes is not kept"
            ));
        }
        let path = address.split_once('?').map_or(address, |(path, _)| path);
        let read = self.reads.iter().position(|it| it.is_of(path));
        let read = read.ok_or_else(|| {
            format!("{address:?} is no address whose answer is kept, such as /v1/board?limit=20")
        })?;
        let key = self.reads[read].key(address);
        Ok(Place { read, key })
    }

    /// The kind of what is kept at a place.
    pub(crate) fn kind_at(&self, place: &Place) -> String {
        self.reads[place.read].read.kind_name()
    }

    /// Whether the answer to an address is at hand, holds at `now` and is the one `etag` names, so
    /// that asking for it would say so.
    pub(crate) fn still_has(&self, place: &Place, now: Timestamp, etag: &HeaderValue) -> bool {
        let has = self.reads[place.read].kind.read(&place.key, |it| {
            it.holds(now) && it.variant(Coding::Identity).etag == etag
        });
        has.unwrap_or(false)
    }

    /// What the answer to an address hangs on, where it is at hand and the one `etag` names.
    pub(crate) fn marks(&self, place: &Place, etag: &HeaderValue) -> Option<Vec<Mark>> {
        let kind = &self.reads[place.read].kind;
        kind.marks(&place.key, |it| it.variant(Coding::Identity).etag == etag)
    }
}

/// The address whose answer an entry is.
pub(crate) fn address_of(glimpse: &Glimpse) -> Option<&str> {
    match glimpse.public_texts()?[..] {
        [address] => Some(address),
        _ => None,
    }
}

/// Whether a path is one of a route's.
pub(super) fn fits(route: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = route.split('/').all(|wanted| match parts.next() {
        Some(part) if wanted.starts_with('{') => !part.is_empty(),
        part => part == Some(wanted),
    });
    all && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_path_fits_a_route_part_by_part() {
        for (route, path, wanted) in [
            ("/v1/board", "/v1/board", true),
            ("/v1/board", "/v1/board/", false),
            ("/v1/fixtures/{id}", "/v1/fixtures/8", true),
            ("/v1/fixtures/{id}", "/v1/fixtures/", false),
            ("/v1/fixtures/{id}", "/v1/fixtures/8/quotes", false),
            ("/v1/fixtures/{id}/quotes", "/v1/fixtures/8/quotes", true),
            ("/v1/fixtures/{id}/quotes", "/v1/fixtures/8", false),
            ("/v1/board", "", false),
        ] {
            assert_eq!(fits(route, path), wanted, "{route} {path}");
        }
    }
}
