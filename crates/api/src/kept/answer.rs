//! An answer kept ready to send: its body as it is and as clients can unpack it, each with its tag.

use std::{io::Write, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

use crate::guard;

/// Shorter bodies are sent as they are: they fit a packet anyway.
pub(crate) const COMPRESSED_FROM_BYTES: u64 = 860;
/// Brotli's effort (of 11) and window: four times less work than 9 for a twentieth more bytes.
const BROTLI: (u32, u32) = (5, 19);
/// Spent on finding repetition, not on more than one small body.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// A form in which a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// A body in one coding.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    pub(crate) coding: Coding,
}

/// An answer as the cache holds it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content_type: HeaderValue,
    /// When time alone makes it another one.
    until: Option<Timestamp>,
    plain: Variant,
    gzip: OnceLock<Option<Variant>>,
    brotli: OnceLock<Option<Variant>>,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// The best of those a client takes.
    pub(crate) fn accepted(asked: &HeaderMap) -> Self {
        let takes = |coding: Self| {
            asked
                .get_all(header::ACCEPT_ENCODING)
                .iter()
                .filter_map(|it| it.to_str().ok())
                .flat_map(|it| it.split(','))
                .any(|it| is_wanted(it, coding.name()))
        };
        let better = [Self::Brotli, Self::Gzip];
        better
            .into_iter()
            .find(|it| takes(*it))
            .unwrap_or(Self::Identity)
    }

    /// What to say of it in the answer.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        (self != Self::Identity).then(|| HeaderValue::from_static(self.name()))
    }
}

/// Whether an entry of `Accept-Encoding` asks for this coding.
fn is_wanted(entry: &str, name: &str) -> bool {
    let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
    let refused = weight.trim().strip_prefix("q=");
    let refused = refused.and_then(|it| it.parse::<f32>().ok());
    coding.trim().eq_ignore_ascii_case(name) && refused != Some(0.0)
}

impl Answer {
    #[cfg(test)]
    pub(crate) fn new(content_type: HeaderValue, body: Bytes, until: Option<Timestamp>) -> Self {
        Self::tagged(content_type, body, None, until)
    }

    /// An answer whose body has this tag; where it has none it is worked out.
    pub(crate) fn tagged(
        content_type: HeaderValue,
        body: Bytes,
        etag: Option<HeaderValue>,
        until: Option<Timestamp>,
    ) -> Self {
        let etag = etag.filter(is_strong);
        let etag = etag.unwrap_or_else(|| named(&guard::tag(&body), Coding::Identity));
        Self {
            content_type,
            until,
            plain: Variant {
                body,
                etag,
                coding: Coding::Identity,
            },
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        }
    }

    /// Appends everything that another server needs to send it: until when it holds, its type, its
    /// tag, its body as it is.
    pub(crate) fn pack(&self, to: &mut Vec<u8>) {
        let until = self.until.map_or(i128::MAX, Timestamp::as_nanosecond);
        to.extend_from_slice(&until.to_be_bytes());
        for text in [&self.content_type, &self.plain.etag] {
            let length = u16::try_from(text.len()).expect("headers of ours are short");
            to.extend_from_slice(&length.to_be_bytes());
            to.extend_from_slice(text.as_bytes());
        }
        to.extend_from_slice(&self.plain.body);
    }

    /// Reads what [`Self::pack`] wrote; `None` where it is something else.
    pub(crate) fn unpack(mut bytes: Bytes) -> Option<Self> {
        let until = take(&mut bytes, size_of::<i128>())?;
        let until = i128::from_be_bytes(until[..].try_into().ok()?);
        let until = match until {
            i128::MAX => None,
            nanoseconds => Some(Timestamp::from_nanosecond(nanoseconds).ok()?),
        };
        let mut texts = [HeaderValue::from_static(""), HeaderValue::from_static("")];
        for text in &mut texts {
            let length = take(&mut bytes, size_of::<u16>())?;
            let length = u16::from_be_bytes(length[..].try_into().ok()?);
            *text = HeaderValue::from_maybe_shared(take(&mut bytes, length.into())?).ok()?;
            text.to_str().ok()?;
        }
        let [content_type, etag] = texts;
        Some(Self {
            content_type,
            until,
            plain: Variant {
                body: bytes,
                etag,
                coding: Coding::Identity,
            },
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        })
    }

    /// The body in a coding; as it is where compressing gains nothing. Compresses when first asked.
    pub(crate) fn variant(&self, coding: Coding) -> &Variant {
        let place = match coding {
            Coding::Identity => return &self.plain,
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
        };
        let made = place.get_or_init(|| self.compressed(coding));
        made.as_ref().unwrap_or(&self.plain)
    }

    /// Whether the body is at hand in a coding; making it so may take some milliseconds.
    pub(crate) fn is_ready(&self, coding: Coding) -> bool {
        let is_short = self.plain.body.len() as u64 <= COMPRESSED_FROM_BYTES;
        match coding {
            Coding::Identity => true,
            Coding::Gzip => is_short || self.gzip.get().is_some(),
            Coding::Brotli => is_short || self.brotli.get().is_some(),
        }
    }

    /// Whether time has not made it another one.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|it| now < it)
    }

    /// Bytes it holds, or will hold once every coding has been asked for.
    pub(crate) fn weight(&self) -> usize {
        let body = self.plain.body.len();
        size_of::<Self>() + self.content_type.len() + body + body / 2
    }

    fn compressed(&self, coding: Coding) -> Option<Variant> {
        let plain = &self.plain.body;
        if plain.len() as u64 <= COMPRESSED_FROM_BYTES {
            return None;
        }
        let body = match coding {
            Coding::Identity => return None,
            Coding::Gzip => gzip(plain),
            Coding::Brotli => brotli(plain),
        };
        (body.len() < plain.len()).then(|| Variant {
            etag: named(bare(&self.plain.etag), coding),
            body: body.into(),
            coding,
        })
    }
}

/// The first bytes, which are taken away.
fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (bytes.len() >= length).then(|| bytes.split_to(length))
}

/// A strong tag: the content's, and the coding, whose bytes are others.
fn named(content: &str, coding: Coding) -> HeaderValue {
    let text = match coding {
        Coding::Identity => format!("\"{content}\""),
        coded => format!("\"{content}-{}\"", coded.name()),
    };
    HeaderValue::from_str(&text).expect("both parts are visible ASCII")
}

/// Whether a tag stands for these very bytes, in quotes.
fn is_strong(tag: &HeaderValue) -> bool {
    let text = tag.to_str().unwrap_or_default();
    text.len() > 2 && text.starts_with('"') && text.ends_with('"')
}

/// A tag without its quotes.
pub(super) fn bare(tag: &HeaderValue) -> &str {
    let text = tag.to_str().expect("a tag of ours is ASCII");
    text.trim_matches('"')
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::new(6));
    writer
        .write_all(plain)
        .expect("memory takes what it is given");
    writer.finish().expect("memory takes what it is given")
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let (quality, window) = BROTLI;
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, BROTLI_BUFFER_BYTES, quality, window);
    writer
        .write_all(plain)
        .expect("memory takes what it is given");
    drop(writer);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(answer: &Answer) -> Bytes {
        let mut bytes = Vec::new();
        answer.pack(&mut bytes);
        bytes.into()
    }

    #[test]
    fn an_answer_is_the_same_on_another_server() {
        for until in [None, Some(Timestamp::from_second(1_790_000_000).unwrap())] {
            let kind = HeaderValue::from_static("application/json");
            let answer = Answer::new(kind.clone(), "{}".repeat(900).into(), until);
            let there = Answer::unpack(packed(&answer)).unwrap();
            assert_eq!((there.content_type.clone(), there.until), (kind, until));
            for coding in [Coding::Identity, Coding::Gzip, Coding::Brotli] {
                let (ours, theirs) = (answer.variant(coding), there.variant(coding));
                assert_eq!((&ours.body, &ours.etag), (&theirs.body, &theirs.etag));
            }
        }
    }

    #[test]
    fn what_is_cut_short_or_no_header_is_no_answer() {
        let kind = HeaderValue::from_static("text/plain");
        let whole = packed(&Answer::new(kind, Bytes::from_static(b"body"), None));
        for length in 0..whole.len() - 4 {
            assert!(Answer::unpack(whole.slice(..length)).is_none(), "{length}");
        }
        let mut odd = whole.to_vec();
        odd[18] = 0x01;
        assert!(Answer::unpack(odd.into()).is_none());
    }
}
