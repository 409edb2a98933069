//! Files of the program, built by Vite and put into the binary, each beside its compressed forms.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, Response, StatusCode, header},
};
use rust_embed::RustEmbed;
use serde::Deserialize;

/// What Vite built; nothing where it has not been run, and the pages do without.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// Where Vite writes which file became which.
const MANIFEST: &str = ".vite/manifest.json";
/// The source of the entry in the manifest.
const ENTRY: &str = "src/main.ts";

/// One entry of Vite's manifest.
#[derive(Deserialize)]
struct Built {
    file: String,
}

/// Which files a page names.
pub(super) struct Assets {
    entry: Option<String>,
}

impl Assets {
    /// Reads the manifest, where there is one.
    pub(super) fn load() -> Self {
        let manifest = Dist::get(MANIFEST);
        Self {
            entry: manifest.and_then(|it| entry(&it.data)),
        }
    }

    /// The path of the program, if it was built.
    pub(super) fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }
}

fn entry(manifest: &[u8]) -> Option<String> {
    let files: HashMap<String, Built> = serde_json::from_slice(manifest).ok()?;
    files.get(ENTRY).map(|it| format!("/{}", it.file))
}

/// `GET /assets/…`: names carry a hash of their content, so a copy is good forever.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    let path = format!("assets/{path}");
    let hidden = path.ends_with(".br") || path.ends_with(".gz");
    let Some(plain) = Dist::get(&path).filter(|_| !hidden) else {
        return answer(
            Response::builder().status(StatusCode::NOT_FOUND),
            Body::empty(),
        );
    };
    let builder = Response::builder()
        .header(header::CONTENT_TYPE, plain.metadata.mimetype())
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::VARY, "accept-encoding");
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|it| it.to_str().ok());
    for (coding, suffix) in accepted_codings(accepted.unwrap_or_default()) {
        if let Some(small) = Dist::get(&format!("{path}.{suffix}")) {
            let builder = builder.header(header::CONTENT_ENCODING, coding);
            return answer(builder, Body::from(small.data.into_owned()));
        }
    }
    answer(builder, Body::from(plain.data.into_owned()))
}

/// `GET /favicon.svg`.
pub(super) async fn icon() -> Response<Body> {
    let builder = Response::builder()
        .header(header::CONTENT_TYPE, "image/svg+xml")
        .header(header::CACHE_CONTROL, "public, max-age=86400");
    answer(
        builder,
        Body::from(include_str!("../../templates/favicon.svg")),
    )
}

fn answer(builder: axum::http::response::Builder, body: Body) -> Response<Body> {
    builder
        .body(body)
        .expect("every header is a constant or a known media type")
}

/// The codings we keep that the client takes, smallest first, each with its file suffix.
fn accepted_codings(accept: &str) -> Vec<(&'static str, &'static str)> {
    let takes = |coding: &str| {
        let named = accept.split(',').map(str::trim).find_map(|it| {
            let (name, weight) = it.split_once(';').unwrap_or((it, "q=1"));
            name.trim().eq_ignore_ascii_case(coding).then_some(weight)
        });
        let weight = named.and_then(|it| it.trim().strip_prefix("q="));
        weight.is_some_and(|it| it.parse::<f32>().is_ok_and(|it| it > 0.0))
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_coding_the_client_takes_is_sent() {
        let codings = |accept| -> Vec<&str> {
            accepted_codings(accept)
                .into_iter()
                .map(|(coding, _)| coding)
                .collect()
        };
        assert_eq!(codings("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(codings("GZIP;q=0.5, br;q=0"), ["gzip"]);
        assert_eq!(codings("br; q=0.2"), ["br"]);
        assert!(codings("").is_empty() && codings("identity, br;q=none").is_empty());
    }

    #[test]
    fn the_manifest_names_the_entry() {
        let manifest = br#"{"src/main.ts":{"file":"assets/main-1a2b.js","isEntry":true}}"#;
        assert_eq!(entry(manifest).unwrap(), "/assets/main-1a2b.js");
        assert!(entry(b"{}").is_none() && entry(b"not json").is_none());
    }
}
