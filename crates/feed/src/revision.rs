//! Revisions: `moment.digest`, which state it is and what is in it.

use std::{cmp::Ordering, fmt, str::FromStr};

/// Hexadecimal digits of a digest.
const DIGITS: usize = 12;

/// A state of a key.
///
/// Whoever made it, on whichever server, newer ones have later moments; equal states have equal
/// digests everywhere, so that a server knows a state again that another one sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// When it came to be, in milliseconds since 1970; never twice the same from one feed.
    pub moment: u64,
    /// Of what it says, 48 bits.
    pub digest: u64,
}

impl Revision {
    /// A revision that no feed gives: what is held is of no use, and newer than what may come.
    pub const NOWHERE: Self = Self {
        moment: 0,
        digest: 0,
    };

    /// Whether a reader that holds `held` takes this for newer.
    pub(crate) fn follows(self, held: Self) -> bool {
        self.moment.cmp(&held.moment) == Ordering::Greater
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:0DIGITS$x}", self.moment, self.digest)
    }
}

impl FromStr for Revision {
    type Err = String;

    /// Reads what [`Revision`]'s `Display` writes, leading zeros of the digest or not.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no revision, such as 1716131402000.9f3c2ab1d04e");
        let (moment, digest) = text.split_once('.').ok_or_else(refused)?;
        let is_number = moment.bytes().all(|it| it.is_ascii_digit());
        let is_hex = digest.len() <= DIGITS && digest.bytes().all(|it| it.is_ascii_hexdigit());
        let moment = moment.parse().ok().filter(|_| is_number);
        let digest = u64::from_str_radix(digest, 16).ok().filter(|_| is_hex);
        match (moment, digest) {
            (Some(moment), Some(digest)) => Ok(Self { moment, digest }),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_reads_back_and_other_texts_are_refused() {
        let revision = Revision {
            moment: 7,
            digest: 0xab,
        };
        assert_eq!(revision.to_string(), "7.0000000000ab");
        assert_eq!(revision.to_string().parse(), Ok(revision));
        assert_eq!("7.AB".parse(), Ok(revision));
        for text in [
            "",
            "7",
            "7.",
            ".1",
            "7.-1",
            "+7.1",
            "7.1.2",
            "7.x",
            "7.0123456789abc",
            "99999999999999999999.1",
        ] {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
        let later = Revision {
            moment: 8,
            digest: 1,
        };
        assert!(later.follows(revision) && !later.follows(later) && later > revision);
    }
}
