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
    pub(crate) fn new(content_type: HeaderValue, body: Bytes, until: Option<Timestamp>) -> Self {
        let etag = etag(&body, Coding::Identity);
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
            etag: etag(plain, coding),
            body: body.into(),
            coding,
        })
    }
}

/// A strong tag: the content's, and the coding, whose bytes are others.
fn etag(body: &[u8], coding: Coding) -> HeaderValue {
    let content = guard::tag(body);
    let text = match coding {
        Coding::Identity => format!("\"{content}\""),
        coded => format!("\"{content}-{}\"", coded.name()),
    };
    HeaderValue::from_str(&text).expect("hex is visible ASCII")
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
