//! Revisions: `epoch.rev`, larger for newer.

use std::{fmt, str::FromStr};

/// A state of a key. A history that begins anew has a larger epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Which history.
    pub epoch: u64,
    /// Which state of it, counted from one.
    pub rev: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.rev)
    }
}

impl FromStr for Revision {
    type Err = String;

    /// Reads what [`Revision`]'s `Display` writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no revision, such as 7.48213");
        let (epoch, rev) = text.split_once('.').ok_or_else(refused)?;
        let number = |part: &str| {
            let digits = part.bytes().all(|it| it.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        match (number(epoch), number(rev)) {
            (Some(epoch), Some(rev)) => Ok(Self { epoch, rev }),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_reads_back_and_other_texts_are_refused() {
        let revision = Revision { epoch: 7, rev: 12 };
        assert_eq!(revision.to_string().parse(), Ok(revision));
        for text in [
            "",
            "7",
            "7.",
            ".1",
            "7.-1",
            "+7.1",
            "7.1.2",
            "7.x",
            "99999999999999999999.1",
        ] {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
        assert!(Revision { epoch: 8, rev: 1 } > revision);
    }
}
